//! Whether what a plugin says of itself is of use to clients: a server loads it as it is.

use super::parameters;
use super::report::{Report, Verdict};
use crate::plugin::{Descriptor, Given, Kind, Plugin, Schema};
use crate::task::description::is_param_name;

pub(super) fn check(plugin: &Plugin, report: &mut Report) {
    same_again(plugin, report);
    let descriptor = &plugin.descriptor;
    summaries(descriptor, report);
    media_types(descriptor, plugin.kind(), report);
    let operations = descriptor.operations.iter().map(|operation| (&operation.name, &operation.schema));
    let formats = descriptor.produces.iter().map(|format| (&format.media_type, &format.schema));
    let faults: Vec<String> =
        operations.chain(formats).flat_map(|(of, schema)| schema_faults(of, schema)).collect();
    if faults.is_empty() {
        report.note("schemas", Verdict::Passed, "every parameter can be sent, and every default is taken");
    }
    for fault in faults {
        report.note("schemas", Verdict::Failed, fault);
    }
}

fn same_again(plugin: &Plugin, report: &mut Report) {
    const CHECK: &str = "describe twice";
    match plugin.describe_again() {
        Ok(again) if again == plugin.descriptor => {
            report.note(CHECK, Verdict::Passed, "it gives the same answer");
        }
        Ok(_) => report.note(
            CHECK,
            Verdict::Failed,
            "describe() gave another answer when it was called in another instance: make its answer a constant",
        ),
        Err(error) => report.note(CHECK, Verdict::Failed, format!("the second time, {error}")),
    }
}

fn summaries(descriptor: &Descriptor, report: &mut Report) {
    let own = descriptor.summary.trim().is_empty().then_some("the plugin");
    let operations = descriptor.operations.iter().filter(|operation| operation.summary.trim().is_empty());
    let without: Vec<&str> =
        own.into_iter().chain(operations.map(|operation| operation.name.as_str())).collect();
    if without.is_empty() {
        report.note("summaries", Verdict::Passed, "everything has one");
    } else {
        let words = format!("there is none of {}: say in one sentence what it does", without.join(", "));
        report.note("summaries", Verdict::Warning, words);
    }
}

/// What clients are told of formats; a filter has none.
fn media_types(descriptor: &Descriptor, kind: Kind, report: &mut Report) {
    const CHECK: &str = "media types";
    if kind == Kind::Filter {
        return;
    }
    if kind == Kind::Processor && descriptor.produces.is_empty() {
        let words =
            "it declares nothing in `produces`, so that every result fails its task: declare what it writes";
        report.note(CHECK, Verdict::Failed, words);
    } else if kind == Kind::Processor && descriptor.accepts.is_empty() {
        let words = "it declares nothing in `accepts`: say which pictures it reads, so that clients know";
        report.note(CHECK, Verdict::Warning, words);
    } else if kind == Kind::Codec && descriptor.accepts.iter().any(|media_type| media_type == ANY) {
        let words = format!(
            "it says that it reads {ANY}, which is any file, and takes all of them from the other codecs: name the \
             format, image/x-… if nobody has named it yet"
        );
        report.note(CHECK, Verdict::Failed, words);
    } else {
        let list = |types: Vec<&str>| if types.is_empty() { "nothing".to_owned() } else { types.join(", ") };
        let reads = list(descriptor.accepts.iter().map(String::as_str).collect());
        let writes = list(descriptor.produces.iter().map(|format| format.media_type.as_str()).collect());
        report.note(CHECK, Verdict::Passed, format!("reads {reads}; writes {writes}"));
    }
}

/// The type of which any file is.
const ANY: &str = "application/octet-stream";

/// Parameters that nobody can send, and defaults that the schema itself refuses.
fn schema_faults(of: &str, schema: &Schema) -> Vec<String> {
    let properties = schema.json().get("properties").and_then(serde_json::Value::as_object);
    let mut faults = vec![];
    for (name, property) in properties.into_iter().flatten() {
        if !is_param_name(name) {
            faults.push(format!(
                "{of} has a parameter {name:?} that no client can name: a name is 1 to 64 ASCII letters, digits, \
                 _, . and -, beginning with a letter or _"
            ));
        }
        // Beside the other parameters, as far as they can be found: only what is said of this one counts.
        let Some(default) = property.get("default") else { continue };
        let mut given = parameters::fill(schema).map(|filled| filled.given).unwrap_or_default();
        given.retain(|(other, _)| other != name);
        given.push((name.clone(), Given::Json(default.clone())));
        if let Err(problem) = schema.read(&given)
            && problem.param.as_deref() == Some(name)
        {
            faults.push(format!(
                "{of} refuses the default {default} of its own parameter {name:?}: {} Change one of them",
                problem.rule
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn faults(properties: serde_json::Value) -> Vec<String> {
        let schema = json!({"type": "object", "properties": properties, "required": ["width"]});
        schema_faults("resize", &Schema::compile(&schema.to_string()).unwrap())
    }

    #[test]
    fn a_default_that_its_own_schema_refuses_is_a_fault() {
        let width = json!({"type": "integer", "minimum": 1});
        assert!(faults(json!({"width": width, "fit": {"enum": ["a", "b"], "default": "b"}})).is_empty());
        let found = faults(json!({"width": width, "fit": {"enum": ["a", "b"], "default": "c"}}));
        assert!(found.len() == 1 && found[0].contains("default \"c\""), "{found:?}");
    }

    #[test]
    fn a_parameter_that_no_client_can_name_is_a_fault() {
        let found = faults(json!({"width": {}, "with space": {}}));
        assert!(found.len() == 1 && found[0].contains("\"with space\""), "{found:?}");
    }

    #[test]
    fn what_a_client_would_miss_is_said() {
        let mut descriptor = Descriptor {
            name: "p".to_owned(),
            version: semver::Version::new(1, 0, 0),
            summary: " ".to_owned(),
            accepts: vec![],
            produces: vec![],
            operations: vec![],
        };
        let mut report = Report::new(std::path::Path::new("p.wasm"));
        summaries(&descriptor, &mut report);
        media_types(&descriptor, Kind::Processor, &mut report);
        media_types(&descriptor, Kind::Filter, &mut report);
        descriptor.accepts = vec!["image/x-dots".to_owned()];
        media_types(&descriptor, Kind::Codec, &mut report);
        descriptor.accepts.push(ANY.to_owned());
        media_types(&descriptor, Kind::Codec, &mut report);
        let verdicts: Vec<Verdict> = report.findings.iter().map(|finding| finding.verdict).collect();
        use Verdict::{Failed, Passed, Warning};
        assert_eq!(verdicts, [Warning, Failed, Passed, Failed]);
    }
}
