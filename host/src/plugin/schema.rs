//! A plugin's JSON Schema for parameters, and how a client's values are read by it.
//!
//! XML has only text: a text becomes a number or a boolean where the schema's `type` says so. What
//! is a parameter of a plugin's is checked here, before a task is accepted. What an operator has fixed, and
//! what clients are then told, is in `schema/fixed.rs`.

mod fixed;

mod extent;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::interface::{Param, Value};

/// Longest schema, in bytes.
const LONGEST_SCHEMA: usize = 64 << 10;

/// Most bytes of a pattern's compiled form: some thousand states. To match takes as many steps for each
/// character, a few milliseconds for the longest text that a description has room for.
const LARGEST_PATTERN: usize = 128 << 10;

/// A value as the client gave it.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Text whose type is not known yet.
    Text(String),
    /// JSON, typed.
    Json(Json),
    /// A picture of the task, by its index.
    Attachment(u32),
}

/// A schema, compiled.
#[derive(Debug)]
pub struct Schema {
    /// As the plugin wrote it.
    json: Json,
    validator: jsonschema::Validator,
    /// Values that no client can change.
    fixed: Map<String, Json>,
    /// The schema of what is left to clients, where something is fixed.
    told: Option<Json>,
}

/// The validator follows from the text, and what is fixed is not the plugin's.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

/// What is wrong with a schema.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// What is wrong with a client's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamProblem {
    /// The parameter, where it is one.
    pub param: Option<String>,
    /// The rule it breaks, in a sentence.
    pub rule: String,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// It is no JSON Schema of an object, is too long, refers to other documents, or takes too long to
    /// check a value against.
    pub fn compile(text: &str) -> Result<Self, SchemaError> {
        if text.len() > LONGEST_SCHEMA {
            return Err(SchemaError(format!("it is longer than {LONGEST_SCHEMA} bytes")));
        }
        let json: Json =
            serde_json::from_str(text).map_err(|error| SchemaError(format!("it is not JSON: {error}")))?;
        if json.get("type").and_then(Json::as_str) != Some("object") {
            return Err(SchemaError("it must have \"type\": \"object\"".to_owned()));
        }
        extent::check(&json)?;
        let validator = jsonschema::options()
            // This engine's patterns take linear time, whatever the value.
            .with_pattern_options(jsonschema::PatternOptions::regex().size_limit(LARGEST_PATTERN))
            .with_draft(jsonschema::Draft::Draft202012)
            .offline()
            .build(&json)
            .map_err(|error| SchemaError(error.to_string()))?;
        Ok(Self { json, validator, fixed: Map::new(), told: None })
    }

    /// The schema of what a client can give.
    #[must_use]
    pub fn json(&self) -> &Json {
        self.told.as_ref().unwrap_or(&self.json)
    }

    /// Reads a client's parameters: types them, and checks them against the schema.
    ///
    /// # Errors
    /// The first one that is wrong, unknown or missing.
    pub fn read(&self, given: &[(String, Given)]) -> Result<Vec<Param>, ParamProblem> {
        let mut object = Map::new();
        let mut attachments = BTreeMap::new();
        for (name, value) in given {
            if self.fixed.contains_key(name) {
                return Err(problem(name, fixed::RULE.to_owned()));
            }
            let property = self.property(name);
            if property.is_none() && !self.takes_any() {
                return Err(self.no_such(name));
            }
            let wants_attachment = wants_attachment(property);
            let json = match value {
                Given::Attachment(index) if wants_attachment => {
                    attachments.insert(name.as_str(), *index);
                    Json::String(String::new())
                }
                Given::Attachment(_) => {
                    return Err(problem(name, "It takes a value, not a picture.".to_owned()));
                }
                _ if wants_attachment => {
                    return Err(problem(
                        name,
                        "It takes a picture: refer to a part of the message by cid.".to_owned(),
                    ));
                }
                Given::Text(text) => typed(text, property),
                Given::Json(json) => json.clone(),
            };
            object.insert(name.clone(), json);
        }
        object.extend(self.fixed.clone());
        let object = Json::Object(object);
        if let Err(error) = self.validator.validate(&object) {
            return Err(explain(&error));
        }
        let Json::Object(object) = object else { return Ok(vec![]) };
        Ok(object
            .into_iter()
            .map(|(name, json)| {
                let value = match attachments.get(name.as_str()) {
                    Some(index) => Value::Attachment(*index),
                    None => to_value(json, self.property(&name)),
                };
                Param { name, value }
            })
            .collect())
    }

    /// The `format` of a parameter.
    pub(super) fn format_of(&self, name: &str) -> Option<&str> {
        self.property(name)?.get("format")?.as_str()
    }

    fn properties(&self) -> Option<&Map<String, Json>> {
        self.json.get("properties")?.as_object()
    }

    fn property(&self, name: &str) -> Option<&Json> {
        self.properties()?.get(name)
    }

    fn no_such(&self, name: &str) -> ParamProblem {
        let names = self.properties().into_iter().flat_map(Map::keys);
        let known: Vec<&str> =
            names.filter(|name| !self.fixed.contains_key(*name)).map(String::as_str).collect();
        let rule = if known.is_empty() {
            "It takes no parameters.".to_owned()
        } else {
            format!("It takes {}.", known.join(", "))
        };
        problem(name, format!("There is no such parameter. {rule}"))
    }

    /// Unknown parameters are refused unless the schema asks for them: a typing error in an optional
    /// one would go unnoticed.
    fn takes_any(&self) -> bool {
        self.json.get("patternProperties").is_some()
            || self.json.get("additionalProperties").is_some_and(|allowed| *allowed != Json::Bool(false))
    }
}

fn problem(name: &str, rule: String) -> ParamProblem {
    ParamProblem { param: Some(name.to_owned()), rule }
}

fn wants_attachment(property: Option<&Json>) -> bool {
    property.and_then(|property| property.get("format")).and_then(Json::as_str) == Some("attachment")
}

fn types(property: Option<&Json>) -> Vec<&str> {
    match property.and_then(|property| property.get("type")) {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => vec![],
    }
}

/// Text as the narrowest of the types that the schema allows; text that is none of them stays text,
/// and the schema refuses it in its own words.
fn typed(text: &str, property: Option<&Json>) -> Json {
    let types = types(property);
    let trimmed = text.trim();
    if types.contains(&"integer")
        && let Ok(number) = trimmed.parse::<i64>()
    {
        return number.into();
    }
    if types.contains(&"number")
        && let Some(number) = trimmed.parse::<f64>().ok().filter(|number| number.is_finite())
    {
        return number.into();
    }
    if types.contains(&"boolean")
        && let Ok(flag) = trimmed.parse::<bool>()
    {
        return flag.into();
    }
    let structured = ["array", "object", "null"].into_iter().any(|name| types.contains(&name));
    if structured
        && let Ok(json) = serde_json::from_str::<Json>(trimmed)
        && matches!(json, Json::Array(_) | Json::Object(_) | Json::Null)
    {
        return json;
    }
    text.into()
}

fn to_value(json: Json, property: Option<&Json>) -> Value {
    match json {
        Json::String(text) => Value::Text(text),
        Json::Bool(flag) => Value::Boolean(flag),
        Json::Number(number) => {
            let wants_number = types(property).contains(&"number") && !types(property).contains(&"integer");
            let float = number.as_f64().unwrap_or_default();
            // 320.0 is an integer to JSON Schema.
            #[allow(clippy::cast_possible_truncation)]
            let whole = number
                .as_i64()
                .or_else(|| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64));
            match whole {
                Some(whole) if !wants_number => Value::Integer(whole),
                _ => Value::Number(float),
            }
        }
        json @ (Json::Null | Json::Array(_) | Json::Object(_)) => Value::Json(json.to_string()),
    }
}

fn explain(error: &jsonschema::ValidationError<'_>) -> ParamProblem {
    use jsonschema::error::ValidationErrorKind as Kind;
    let path = error.instance_path().to_string();
    let param = match error.kind() {
        Kind::Required { property } => property.as_str().map(str::to_owned),
        _ => path.split('/').nth(1).map(str::to_owned).filter(|name| !name.is_empty()),
    };
    let rule = match error.kind() {
        Kind::Required { .. } => "It is required.".to_owned(),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } if param.is_none() => alternatives(error),
        _ => format!("{error}."),
    };
    ParamProblem { param, rule }
}

/// `anyOf` at the top says which parameters are needed together; the validator's words repeat the
/// whole object instead.
fn alternatives(error: &jsonschema::ValidationError<'_>) -> String {
    let missing = |branch: &Vec<jsonschema::ValidationError<'_>>| -> Option<String> {
        branch.iter().find_map(|error| match error.kind() {
            jsonschema::error::ValidationErrorKind::Required { property } => {
                property.as_str().map(str::to_owned)
            }
            _ => None,
        })
    };
    use jsonschema::error::ValidationErrorKind as Kind;
    let names: Vec<String> = match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            context.iter().filter_map(missing).collect()
        }
        _ => vec![],
    };
    if names.is_empty() {
        format!("{error}.")
    } else {
        format!("At least one of these is required: {}.", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::compile(
            &json!({
                "type": "object",
                "properties": {
                    "width": {"type": "integer", "minimum": 1, "maximum": 100},
                    "sigma": {"type": "number"},
                    "enlarge": {"type": "boolean"},
                    "fit": {"enum": ["cover", "fill"]},
                    "sizes": {"type": "array", "items": {"type": "integer"}},
                    "overlay": {"type": "string", "format": "attachment"},
                },
                "anyOf": [{"required": ["width"]}, {"required": ["sizes"]}],
            })
            .to_string(),
        )
        .unwrap()
    }

    fn text(pairs: &[(&str, &str)]) -> Result<Vec<Param>, ParamProblem> {
        let given: Vec<(String, Given)> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Given::Text((*value).to_owned())))
            .collect();
        schema().read(&given)
    }

    fn values(params: Vec<Param>) -> Vec<Value> {
        params.into_iter().map(|param| param.value).collect()
    }

    #[test]
    fn text_becomes_what_the_schema_asks_for() {
        let params = text(&[
            ("width", "32"),
            ("sigma", "2"),
            ("enlarge", "true"),
            ("fit", "fill"),
            ("sizes", "[1, 2]"),
        ]);
        assert_eq!(
            values(params.unwrap()),
            [
                Value::Integer(32),
                Value::Number(2.0),
                Value::Boolean(true),
                Value::Text("fill".to_owned()),
                Value::Json("[1,2]".to_owned())
            ]
        );
    }

    #[test]
    fn json_keeps_its_types() {
        let given =
            [("width".to_owned(), Given::Json(json!(32.0))), ("sigma".to_owned(), Given::Json(json!(3)))];
        assert_eq!(values(schema().read(&given).unwrap()), [Value::Integer(32), Value::Number(3.0)]);
        let given = [("width".to_owned(), Given::Json(json!("32")))];
        assert_eq!(
            schema().read(&given).unwrap_err().param.as_deref(),
            Some("width"),
            "JSON text is no number"
        );
    }

    #[test]
    fn what_is_wrong_unknown_or_missing_is_named_with_the_rule() {
        let rule = |pairs: &[(&str, &str)]| {
            let problem = text(pairs).unwrap_err();
            (problem.param.unwrap_or_default(), problem.rule)
        };
        assert_eq!(rule(&[("width", "wide")]).0, "width");
        assert!(rule(&[("width", "wide")]).1.contains("integer"));
        assert!(rule(&[("width", "101")]).1.contains("maximum of 100"));
        assert!(rule(&[("width", "1"), ("fit", "stretch")]).1.contains("\"cover\""));
        assert_eq!(rule(&[("widht", "1")]).0, "widht");
        assert!(rule(&[("widht", "1")]).1.contains("width"));
        assert_eq!(rule(&[]).1, "At least one of these is required: width, sizes.");
    }

    #[test]
    fn a_picture_goes_where_a_picture_is_wanted_and_nowhere_else() {
        let given = |name: &str, value: Given| {
            schema().read(&[("width".to_owned(), Given::Text("1".to_owned())), (name.to_owned(), value)])
        };
        assert_eq!(values(given("overlay", Given::Attachment(3)).unwrap())[1], Value::Attachment(3));
        assert!(given("overlay", Given::Text("logo".to_owned())).unwrap_err().rule.contains("cid"));
        assert!(given("fit", Given::Attachment(0)).unwrap_err().rule.contains("not a picture"));
    }

    #[test]
    fn a_schema_that_cannot_be_used_is_refused() {
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"type":"object","properties":{"a":{"$ref":"https://example.org/a.json"}}}"#,
            r#"{"type":"object","required":3}"#,
            r#"{"type":"object","properties":{"a":{"pattern":"^[ab]*a[ab]{9999}$"}}}"#,
        ] {
            assert!(Schema::compile(wrong).is_err(), "{wrong}");
        }
    }
}
