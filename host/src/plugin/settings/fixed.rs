//! Parameters that an operator has fixed: `[fixed.OPERATION]`, a value for each.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::descriptor::Descriptor;
use crate::config::ConfigError;
use crate::config::located::{Located, Place};
use crate::config::nearest::hint;

const RULE: &str = "a table for each operation, such as [fixed.resize] with fit = \"cover\"";

/// What is fixed, by operation.
#[derive(Clone, Debug, Default)]
pub(in crate::plugin) struct Fixed(BTreeMap<String, FixedOperation>);

#[derive(Clone, Debug)]
struct FixedOperation {
    place: Place,
    params: BTreeMap<String, (Place, Json)>,
}

/// What is fixed, and the plugin doesn't take.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct FixedError {
    place: Place,
    problem: String,
}

impl Fixed {
    pub(super) fn read(item: &Located) -> Result<Self, ConfigError> {
        let param =
            |(name, item): (&String, &Located)| Ok((name.clone(), (item.place.clone(), item.json()?)));
        let operation = |(name, item): (&String, &Located)| {
            let params = item.table(RULE)?.iter().map(param).collect::<Result<_, ConfigError>>()?;
            Ok((name.clone(), FixedOperation { place: item.place.clone(), params }))
        };
        Ok(Self(item.table(RULE)?.iter().map(operation).collect::<Result<_, ConfigError>>()?))
    }

    pub(super) fn shown(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().flat_map(|(operation, FixedOperation { params, .. })| {
            params
                .iter()
                .map(move |(name, (_, value))| (format!("fixed.{operation}.{name}"), value.to_string()))
        })
    }

    /// Fixes the parameters of a plugin's operations.
    ///
    /// # Errors
    /// There is no such operation or parameter, or its schema refuses the value.
    pub(in crate::plugin) fn apply(&self, descriptor: &mut Descriptor) -> Result<(), FixedError> {
        for (name, FixedOperation { place, params }) in &self.0 {
            let known: Vec<String> =
                descriptor.operations.iter().map(|operation| operation.name.clone()).collect();
            let Some(operation) = descriptor.operations.iter_mut().find(|known| known.name == *name) else {
                let hint = hint(name, known.iter().map(String::as_str));
                let problem = format!("the plugin has {}, but no operation {name:?}{hint}", known.join(", "));
                return Err(FixedError { place: place.clone(), problem });
            };
            let values = params.iter().map(|(name, (_, value))| (name.clone(), value.clone())).collect();
            operation.schema.fix(values).map_err(|problem| {
                let at = problem.param.as_ref().and_then(|param| params.get(param));
                let place = at.map_or(place, |(place, _)| place).clone();
                FixedError { place, problem: problem.rule.trim_end_matches('.').to_owned() }
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::read;
    use super::*;
    use crate::plugin::descriptor::Operation;
    use crate::plugin::schema::Schema;

    fn apply(text: &str) -> Result<Descriptor, String> {
        let schema = r#"{"type": "object", "properties": {"fit": {"enum": ["cover", "fill"]}}}"#;
        let mut descriptor = Descriptor {
            name: "p".to_owned(),
            version: semver::Version::new(1, 0, 0),
            summary: String::new(),
            accepts: vec![],
            produces: vec![],
            operations: vec![Operation {
                name: "resize".to_owned(),
                summary: String::new(),
                schema: Schema::compile(schema).unwrap(),
            }],
        };
        read(text).unwrap().fixed.apply(&mut descriptor).map_err(|error| error.to_string())?;
        Ok(descriptor)
    }

    #[test]
    fn what_the_plugin_does_not_take_is_refused_with_its_line() {
        assert_eq!(
            apply("[fixed.resise]\nfit = 'fill'").unwrap_err(),
            "a.toml:1: fixed.resise: the plugin has resize, but no operation \"resise\" (did you mean \"resize\"?)"
        );
        assert_eq!(
            apply("[fixed.resize]\n\nfat = 'fill'").unwrap_err(),
            "a.toml:3: fixed.resize.fat: There is no such parameter. It takes fit"
        );
        let error = apply("fixed.resize.fit = 'stretch'").unwrap_err();
        assert!(error.starts_with("a.toml:1: fixed.resize.fit: \"stretch\" is not one of"), "{error}");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for text in ["fixed = 1", "fixed.resize = 'cover'"] {
            assert!(read(text).unwrap_err().contains("it must be a table for each operation"), "{text}");
        }
    }

    #[test]
    fn a_value_that_is_taken_is_fixed() {
        let descriptor = apply("fixed.resize.fit = 'fill'").unwrap();
        let told = descriptor.operation("resize").unwrap().schema.json();
        assert_eq!(told["properties"], serde_json::json!({}));
    }
}
