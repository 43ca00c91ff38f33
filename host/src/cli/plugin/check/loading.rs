//! Whether a server can load the file: one check for each reason for which it would not.

use std::path::Path;
use std::sync::Arc;

use super::report::{Report, Verdict};
use crate::config::Config;
use crate::plugin::{CompiledCode, Kind, LoadError, Plugin, Sandbox};
use crate::shown;

/// The checks, in the order in which a server makes them.
const CHECKS: [&str; 7] = ["settings", "size", "component", "imports", "exports", "contract", "describe"];

/// Loads the plugin, and notes how far that went.
pub(super) fn check(
    config: &Config,
    sandbox: &Arc<Sandbox>,
    compiled: &CompiledCode,
    file: &Path,
    report: &mut Report,
) -> Option<Plugin> {
    let max_size = config.plugins.max_plugin_size.0;
    match Plugin::load(sandbox, compiled, file, max_size, &config.plugin_tables) {
        Ok(plugin) => {
            settings(&plugin, report);
            let size = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
            let size = format!("{} of at most {}", shown::bytes(size), shown::bytes(max_size));
            report.note("size", Verdict::Passed, size);
            report.note("component", Verdict::Passed, "it is a WebAssembly component");
            imports(&plugin.imports, report);
            let words = format!("it exports tintype:plugin/{}@0.1", plugin.kind());
            report.note("exports", Verdict::Passed, words);
            report.note("contract", Verdict::Passed, "its types are those of tintype:plugin@0.1");
            let entries = offered(&plugin);
            let words = format!("it has a name, a version, and {entries} with valid schemas");
            report.note("describe", Verdict::Passed, words);
            Some(plugin)
        }
        Err(error) => {
            refused(&error, report);
            None
        }
    }
}

/// What the operator says of it: it is checked as it would run there.
fn settings(plugin: &Plugin, report: &mut Report) {
    let shown = plugin.settings.shown();
    let shown: Vec<String> = shown.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
    if !shown.is_empty() {
        report.note("settings", Verdict::Passed, format!("obeyed: {}", shown.join(", ")));
    }
}

/// How much there is to ask it for.
fn offered(plugin: &Plugin) -> String {
    let (operations, formats) = (plugin.descriptor.operations.len(), plugin.descriptor.produces.len());
    match (plugin.kind(), operations, formats) {
        (Kind::Codec, _, 1) => "1 format that it writes".to_owned(),
        (Kind::Codec, _, formats) => format!("{formats} formats that it writes"),
        (_, 1, _) => "1 operation".to_owned(),
        (_, operations, _) => format!("{operations} operations"),
    }
}

fn imports(names: &[String], report: &mut Report) {
    let wasi: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with("wasi:")).collect();
    if names.is_empty() {
        report.note("imports", Verdict::Passed, "nothing");
    } else if wasi.is_empty() {
        report.note("imports", Verdict::Passed, names.join(", "));
    } else {
        let words = format!(
            "it imports {}: an operator can refuse WASI (allow_wasi = false). To be of use there too, build it \
             without WASI, for instance for wasm32-unknown-unknown",
            wasi.join(", ")
        );
        report.note("imports", Verdict::Warning, words);
    }
}

/// What stopped it has failed; what comes before has passed, and what comes after was not reached.
fn refused(error: &LoadError, report: &mut Report) {
    let culprit = match error {
        LoadError::Settings(_) | LoadError::Pinned { .. } | LoadError::Fixed(_) => "settings",
        LoadError::Unreadable(_) | LoadError::Outside { .. } | LoadError::TooLarge { .. } => "size",
        LoadError::CoreModule | LoadError::Invalid(_) => "component",
        LoadError::Imports { .. } => "imports",
        LoadError::Exports(_) | LoadError::Worlds(_) => "exports",
        LoadError::Contract(_) | LoadError::Newer { .. } => "contract",
        LoadError::Describe(_) | LoadError::Descriptor(_) => "describe",
    };
    let advice = error.advice();
    let whole = error.to_string();
    let what = whole.strip_suffix(&advice.to_string()).unwrap_or(&whole);
    // Settings are no author's; whoever checks them is their operator.
    let words = match advice.author.or(advice.operator) {
        Some(advice) => format!("{what}. What to do: {advice}"),
        None => what.to_owned(),
    };
    let mut reached = true;
    for check in CHECKS {
        if check == culprit {
            report.note(check, Verdict::Failed, words.as_str());
            reached = false;
        } else if reached {
            report.note(check, Verdict::Passed, "it will do");
        } else {
            report.note(check, Verdict::Skipped, format!("not before {culprit} is mended"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_check_and_tells_the_author_alone() {
        let mut report = Report::new(Path::new("p.wasm"));
        let names = vec!["evil:files/everything@1.0.0".to_owned()];
        refused(&LoadError::Imports { names, wasi_refused: false }, &mut report);
        let verdicts: Vec<Verdict> = report.findings.iter().map(|finding| finding.verdict).collect();
        use Verdict::{Failed, Passed, Skipped};
        assert_eq!(verdicts, [Passed, Passed, Passed, Failed, Skipped, Skipped, Skipped]);
        let words = report.findings.get(3).map_or("", |finding| finding.words.as_str());
        assert!(words.contains("evil:files/everything@1.0.0. What to do: take out"), "{words}");
        assert!(!words.contains("perator:"), "{words}");
    }

    #[test]
    fn wasi_is_a_warning_and_our_own_interface_is_none() {
        let mut report = Report::new(Path::new("p.wasm"));
        imports(&["tintype:plugin/host@0.1.0".to_owned()], &mut report);
        imports(&["wasi:io/poll@0.2.6".to_owned()], &mut report);
        let verdicts: Vec<Verdict> = report.findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [Verdict::Passed, Verdict::Warning]);
    }
}
