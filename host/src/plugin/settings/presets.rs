//! Presets: chains of operations, with all their parameters, that clients call as one operation.
//!
//! ```toml
//! [presets.avatar]
//! summary = "A square portrait."
//! operations = [{ name = "resize", width = 128, height = 128 }, "grayscale"]
//! output = { type = "image/png", compression = 9 }
//! ```
//!
//! What stands beside `name` is a parameter. One that is itself called `name`, `plugin`, `version`, `type` or
//! `params` goes into `params = { … }`. Whether there are such operations, and take such parameters, is not
//! known here.

use semver::VersionReq;
use serde_json::Value as Json;

use crate::config::ConfigError;
use crate::config::located::{Located, Place, Table, Value};
use crate::media_type::MediaType;
use crate::name::{NAME_RULE, is_name};

/// A chain of operations with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// As clients call it.
    pub name: String,
    /// One sentence, or nothing.
    pub summary: String,
    /// At least one, in their order.
    pub operations: Vec<PresetOperation>,
    /// The result's format, if it is the last of a task that asks for none.
    pub output: Option<PresetOutput>,
    /// Where it is said.
    pub place: Place,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct PresetOperation {
    /// As plugins call it.
    pub name: String,
    /// By which plugin, if that matters.
    pub plugin: Option<String>,
    /// Of which version, if that matters.
    pub version: Option<VersionReq>,
    /// By name.
    pub params: Vec<(String, Json)>,
}

/// A format.
#[derive(Clone, Debug, PartialEq)]
pub struct PresetOutput {
    /// Without parameters.
    pub media_type: MediaType,
    /// By name.
    pub params: Vec<(String, Json)>,
}

const TABLE_RULE: &str = "a table for each preset, such as [presets.avatar]";
const OPERATIONS_RULE: &str =
    "a list of operations, such as [{ name = \"resize\", width = 128 }, \"grayscale\"]";
const OPERATION_RULE: &str = "an operation, such as { name = \"resize\", width = 128 }, or its name alone";
const OUTPUT_RULE: &str =
    "a format, such as { type = \"image/webp\", quality = 80 }, or its media type alone";
const PARAMS_RULE: &str = "a table of parameters, such as { width = 128 }";
const TEXT_RULE: &str = "a string";
const VERSION_RULE: &str = "a semver requirement in a string, such as \"1\" or \">=1.2, <2\"";

impl Preset {
    /// The presets of a table `presets`.
    pub(super) fn read_all(item: &Located) -> Result<Vec<Self>, ConfigError> {
        item.table(TABLE_RULE)?.iter().map(|(name, item)| Self::read(name, item)).collect()
    }

    fn read(name: &str, item: &Located) -> Result<Self, ConfigError> {
        if !is_name(name) {
            return Err(ConfigError::Wrong {
                place: item.place.to_string(),
                value: name.to_owned(),
                rule: format!("the preset's name, and {NAME_RULE}"),
            });
        }
        let table = item.table(TABLE_RULE)?;
        let known = ["summary", "operations", "output"];
        if let Some((key, unknown)) = table.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            return Err(unknown.unknown(key, &known));
        }
        let operations = match table.get("operations") {
            Some(Located { value: Value::List(items), .. }) if !items.is_empty() => {
                items.iter().map(PresetOperation::read).collect::<Result<_, _>>()?
            }
            Some(other) => return Err(other.wrong(OPERATIONS_RULE)),
            None => return Err(missing(item, "operations", OPERATIONS_RULE)),
        };
        Ok(Self {
            name: name.to_owned(),
            summary: table
                .get("summary")
                .map(|text| string(text, TEXT_RULE))
                .transpose()?
                .unwrap_or_default(),
            operations,
            output: table.get("output").map(PresetOutput::read).transpose()?,
            place: item.place.clone(),
        })
    }
}

impl PresetOperation {
    fn read(item: &Located) -> Result<Self, ConfigError> {
        if let Value::Text(name) = &item.value {
            return Ok(Self { name: name.clone(), plugin: None, version: None, params: vec![] });
        }
        let table = item.table(OPERATION_RULE)?;
        let name = table.get("name").ok_or_else(|| missing(item, "name", OPERATION_RULE))?;
        let version = |item: &Located| {
            let text = string(item, VERSION_RULE)?;
            text.parse().map_err(|_| item.wrong(VERSION_RULE))
        };
        Ok(Self {
            name: string(name, TEXT_RULE)?,
            plugin: table.get("plugin").map(|name| string(name, TEXT_RULE)).transpose()?,
            version: table.get("version").map(version).transpose()?,
            params: params(table, &["name", "plugin", "version"])?,
        })
    }
}

impl PresetOutput {
    fn read(item: &Located) -> Result<Self, ConfigError> {
        let (text, params) = match &item.value {
            Value::Text(_) => (item, vec![]),
            _ => {
                let table = item.table(OUTPUT_RULE)?;
                let text = table.get("type").ok_or_else(|| missing(item, "type", OUTPUT_RULE))?;
                (text, params(table, &["type"])?)
            }
        };
        let media_type = MediaType::parse(&string(text, OUTPUT_RULE)?)
            .ok()
            .filter(|media_type| !media_type.has_params() && !media_type.essence().contains('*'))
            .ok_or_else(|| text.wrong("one media type without parameters, such as image/webp"))?;
        Ok(Self { media_type, params })
    }
}

/// Everything in `table` but what has a meaning of its own there.
fn params(table: &Table, reserved: &[&str]) -> Result<Vec<(String, Json)>, ConfigError> {
    let beside = table.iter().filter(|(name, _)| *name != "params" && !reserved.contains(&name.as_str()));
    let apart = match table.get("params") {
        Some(item) => item.table(PARAMS_RULE)?.iter().collect(),
        None => vec![],
    };
    let mut params: Vec<(String, Json)> = vec![];
    for (name, item) in beside.chain(apart) {
        if params.iter().any(|(known, _)| known == name) {
            return Err(item.wrong("given once: it also stands beside params"));
        }
        params.push((name.clone(), item.json()?));
    }
    Ok(params)
}

fn string(item: &Located, rule: &str) -> Result<String, ConfigError> {
    match &item.value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(item.wrong(rule)),
    }
}

fn missing(item: &Located, name: &'static str, rule: &'static str) -> ConfigError {
    ConfigError::Missing { place: item.place.to_string(), name, rule }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::tests::read;
    use super::*;

    fn preset(text: &str) -> Result<Preset, String> {
        read(&format!("[presets.avatar]\n{text}")).map(|settings| settings.presets[0].clone())
    }

    #[test]
    fn a_preset_is_read_as_it_is_pleasant_to_write() {
        let preset = preset(
            "summary = 'Square.'\n\
             operations = [{ name = 'resize', width = 128, fit = 'cover' }, 'grayscale']\n\
             output = { type = 'image/webp', quality = 80 }",
        )
        .unwrap();
        assert_eq!((preset.name.as_str(), preset.summary.as_str()), ("avatar", "Square."));
        assert_eq!(preset.place.to_string(), "a.toml:1: presets.avatar");
        let [resize, grayscale] = preset.operations.as_slice() else { panic!() };
        assert_eq!(
            resize.params,
            [("fit".to_owned(), json!("cover")), ("width".to_owned(), json!(128))],
            "typed as TOML has them"
        );
        assert_eq!((grayscale.name.as_str(), grayscale.params.len()), ("grayscale", 0));
        let output = preset.output.unwrap();
        assert_eq!(output.media_type.essence(), "image/webp");
        assert_eq!(output.params, [("quality".to_owned(), json!(80))]);
    }

    #[test]
    fn it_may_also_be_written_at_length() {
        let long = "[[presets.avatar.operations]]\nname = 'label'\nplugin = 'soot'\nversion = '^1'\n\
                    params = { name = 'Ada' }\n[presets.avatar.output]\ntype = 'image/png'";
        let preset = read(long).unwrap().presets[0].clone();
        let [label] = preset.operations.as_slice() else { panic!() };
        assert_eq!((label.plugin.as_deref(), label.version.is_some()), (Some("soot"), true));
        assert_eq!(label.params, [("name".to_owned(), json!("Ada"))], "whose name is taken");
        assert!(preset.output.unwrap().params.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_the_rule() {
        for (text, words) in [
            ("summary = ''", "a.toml:1: presets.avatar needs \"operations\": a list of operations"),
            ("operations = []", "a.toml:2: presets.avatar.operations: \"[]\" will not do"),
            ("operations = 'flip'", "a.toml:2: presets.avatar.operations: \"flip\" will not do"),
            ("operations = [\n3]", "a.toml:3: presets.avatar.operations[0]: \"3\" will not do"),
            ("operations = [{ width = 3 }]", "a.toml:2: presets.avatar.operations[0] needs \"name\""),
            ("operations = [{ name = 3 }]", "operations[0].name: \"3\" will not do: it must be a string"),
            ("operations = [{ name = 'a', version = 'new' }]", "operations[0].version: \"new\" will not do"),
            ("operations = [{ name = 'a', w = 2026-01-01 }]", "operations[0].w: \"2026-01-01\" will not do"),
            ("operations = [{ name = 'a', w = 1, params = { w = 2 } }]", "operations[0].params.w: \"2\""),
            ("operations = [{ name = 'a', params = 3 }]", "a table of parameters"),
            ("operations = ['a']\noutput = 'webp'", "a.toml:3: presets.avatar.output: \"webp\" will not do"),
            ("operations = ['a']\noutput = 'image/*'", "one media type"),
            ("operations = ['a']\noutput = { quality = 3 }", "presets.avatar.output needs \"type\""),
            ("operation = ['a']", "avatar: there is no setting \"operation\" (did you mean \"operations\"?)"),
        ] {
            let error = preset(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        let error = read("[presets.Avatar]\noperations = ['a']").unwrap_err();
        assert!(
            error.contains("presets.Avatar: \"Avatar\" will not do: it must be the preset's name"),
            "{error}"
        );
    }
}
