//! Presets: chains of operations that the operator has given a name, and that clients call as one. Here they
//! are spelt out, before anything is planned; what a task keeps is what its client wrote.

use std::borrow::Cow;

use super::description::{Description, MAX_OPERATIONS, Operation, Output, Param, ParamValue};
use super::plan::{PlanError, plan};
use crate::plugin::{PresetOperation, PresetOutput, Registry, RegistryError};

/// The description with every preset's operations in its place. The output of one that is last holds if the
/// client asks for none.
///
/// # Errors
/// A client says more of a preset than its name, or the task becomes too long.
pub(super) fn spell_out<'a>(
    registry: &Registry,
    description: &'a Description,
) -> Result<Cow<'a, Description>, PlanError> {
    if !description.operations.iter().any(|operation| registry.preset(&operation.name).is_some()) {
        return Ok(Cow::Borrowed(description));
    }
    let mut operations: Vec<Operation> = vec![];
    let mut output = description.output.clone();
    let last = description.operations.len().saturating_sub(1);
    for (index, operation) in description.operations.iter().enumerate() {
        let Some(preset) = registry.preset(&operation.name) else {
            operations.push(operation.clone());
            continue;
        };
        check_call(operation)?;
        operations.extend(preset.operations.iter().map(spelt_operation));
        if index == last && output.is_none() {
            output = preset.output.as_ref().map(spelt_output);
        }
    }
    // What bounds how long one task can keep a worker bounds it also when written in few words.
    if operations.len() > MAX_OPERATIONS {
        return Err(PlanError::TooManyOperations(operations.len()));
    }
    Ok(Cow::Owned(Description { operations, output, callback: description.callback.clone() }))
}

/// Takes away the presets of which nobody could carry out what they say.
pub fn check_presets(registry: &mut Registry) {
    registry.check_presets(|registry, preset| {
        let call = Operation { name: preset.name.clone(), plugin: None, version: None, params: vec![] };
        let description = Description { operations: vec![call], output: None, callback: None };
        plan(registry, &description, &[]).map(drop).map_err(|error| match error {
            PlanError::Plugin(RegistryError::UnknownOperation { name, .. }) if is_preset(registry, &name) => {
                format!("{name:?} is a preset; a preset is made of operations alone.")
            }
            error => error.to_string(),
        })
    });
}

fn is_preset(registry: &Registry, name: &str) -> bool {
    registry.presets().iter().any(|offer| offer.preset.name == name)
}

/// Tells the operator of presets that cannot be called and of which this wasn't said before.
pub(super) fn report_presets(registry: &Registry, before: &Registry) {
    for offer in registry.presets() {
        let Some(problem) = &offer.problem else { continue };
        let said = before
            .presets()
            .iter()
            .any(|other| other.preset == offer.preset && other.problem.as_ref() == Some(problem));
        if !said {
            tracing::error!(preset = offer.preset.name, "{}: not offered: {problem}", offer.preset.place);
        }
    }
}

fn check_call(operation: &Operation) -> Result<(), PlanError> {
    if operation.plugin.is_some() || operation.version.is_some() {
        return Err(PlanError::Preset(operation.name.clone()));
    }
    match operation.params.first() {
        Some(param) => Err(PlanError::Param {
            of: format!("the preset {:?}", operation.name),
            param: param.name.clone(),
            rule: "A preset takes no parameters.".to_owned(),
        }),
        None => Ok(()),
    }
}

fn spelt_operation(operation: &PresetOperation) -> Operation {
    Operation {
        name: operation.name.clone(),
        plugin: operation.plugin.clone(),
        version: operation.version.clone(),
        params: spelt_params(&operation.params),
    }
}

fn spelt_output(output: &PresetOutput) -> Output {
    Output { media_type: output.media_type.clone(), params: spelt_params(&output.params) }
}

fn spelt_params(params: &[(String, serde_json::Value)]) -> Vec<Param> {
    let param = |(name, value): &(String, serde_json::Value)| Param {
        name: name.clone(),
        value: ParamValue::Json(value.clone()),
    };
    params.iter().map(param).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::description::parse_json;
    use super::*;
    use crate::config::Sources;
    use crate::plugin::PluginTables;

    const PRESETS: &str = "[presets.avatar]
operations = [{ name = 'resize', width = 128 }, 'grayscale']
output = { type = 'image/webp', quality = 80 }
[presets.long]
operations = ['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a']";

    fn spelt(task: &str) -> Result<Description, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tintype.toml");
        std::fs::write(&path, PRESETS).unwrap();
        let mut registry = Registry::default();
        let sources = Sources::gather([], [], Some(&path)).unwrap();
        registry.offer_presets(&PluginTables::read(&sources).unwrap());
        let description = parse_json(task.as_bytes()).unwrap();
        spell_out(&registry, &description).map(Cow::into_owned).map_err(|error| error.to_string())
    }

    fn names(description: &Description) -> Vec<&str> {
        description.operations.iter().map(|operation| operation.name.as_str()).collect()
    }

    fn output(description: &Description) -> Option<&str> {
        description.output.as_ref().map(|output| output.media_type.essence())
    }

    #[test]
    fn a_presets_operations_stand_in_its_place_with_their_parameters() {
        let description = spelt(r#"{"operations": [{"name": "flip"}, {"name": "avatar"}]}"#).unwrap();
        assert_eq!(names(&description), ["flip", "resize", "grayscale"]);
        let width = Param { name: "width".to_owned(), value: ParamValue::Json(128.into()) };
        assert_eq!(description.operations[1].params, [width]);
    }

    #[test]
    fn its_output_holds_where_it_is_last_and_the_client_asks_for_none() {
        let avatar = spelt(r#"{"operations": [{"name": "avatar"}]}"#).unwrap();
        assert_eq!(output(&avatar), Some("image/webp"));
        assert_eq!(avatar.output.unwrap().params.len(), 1);
        let asked =
            spelt(r#"{"operations": [{"name": "avatar"}], "output": {"type": "image/png"}}"#).unwrap();
        assert_eq!(output(&asked), Some("image/png"));
        assert!(asked.output.unwrap().params.is_empty());
        let before = spelt(r#"{"operations": [{"name": "avatar"}, {"name": "flip"}]}"#).unwrap();
        assert_eq!(output(&before), None);
    }

    #[test]
    fn a_client_can_say_nothing_of_a_preset_but_its_name() {
        assert_eq!(
            spelt(r#"{"operations": [{"name": "avatar", "params": {"width": 3}}]}"#).unwrap_err(),
            "The parameter \"width\" of the preset \"avatar\" will not do. A preset takes no parameters."
        );
        for more in [r#""plugin": "standard""#, r#""version": "1""#] {
            let error = spelt(&format!(r#"{{"operations": [{{"name": "avatar", {more}}}]}}"#)).unwrap_err();
            assert!(error.contains("called by its name alone"), "{error}");
        }
    }

    #[test]
    fn many_operations_in_few_words_are_still_many() {
        assert_eq!(spelt(r#"{"operations": [{"name": "long"}]}"#).unwrap().operations.len(), 9);
        let error = spelt(r#"{"operations": [{"name": "long"}, {"name": "long"}]}"#).unwrap_err();
        assert!(error.contains("18 operations; it may have at most 16"), "{error}");
    }

    #[test]
    fn what_names_no_preset_stays_as_it_is() {
        let description = spelt(r#"{"operations": [{"name": "resize", "plugin": "p"}]}"#).unwrap();
        assert_eq!(description.operations[0].plugin.as_deref(), Some("p"));
    }
}
