//! Parameters to try an operation with: as few as its schema lets, with the values that it suggests.

use serde_json::{Map, Value as Json};

use super::report::{Report, Verdict};
use crate::plugin::{Given, OutputFormat, Param, ParamProblem, Schema};

/// Deepest nesting of values that is filled: more than a description may have.
const DEEPEST: usize = 8;

/// Most elements or characters that are made because a schema wants so many.
const MOST: u64 = 1000;

/// Parameters that the schema takes.
#[derive(Debug)]
pub(super) struct Filled {
    /// As a client would give them.
    pub(super) given: Vec<(String, Given)>,
    /// As a plugin gets them.
    pub(super) params: Vec<Param>,
}

impl Filled {
    /// As JSON, for people; nothing if there are none.
    pub(super) fn shown(&self) -> Option<String> {
        (!self.given.is_empty()).then(|| self.show())
    }

    fn show(&self) -> String {
        let shown = |given: &Given| match given {
            Given::Json(json) => json.clone(),
            Given::Text(text) => text.as_str().into(),
            Given::Attachment(_) => "a picture".into(),
        };
        let object: Map<String, Json> =
            self.given.iter().map(|(name, given)| (name.clone(), shown(given))).collect();
        Json::Object(object).to_string()
    }
}

/// Parameters for an operation, and a note of it: with which it is tried, or that none were found.
pub(super) fn note(operation: &str, schema: &Schema, report: &mut Report) -> Option<Filled> {
    const CHECK: &str = "parameters";
    match fill(schema) {
        Ok(filled) => {
            let shown = filled.shown();
            let words = shown.map_or("none are required".to_owned(), |shown| format!("tried with {shown}"));
            report.note_of(operation, CHECK, Verdict::Passed, words);
            Some(filled)
        }
        Err(problem) => {
            let of = problem.param.map(|param| format!(" of {param:?}")).unwrap_or_default();
            let words = format!(
                "no values{of} were found that the schema takes ({}), so that the operation was not tried. What to \
                 do: give required parameters a default or examples",
                problem.rule
            );
            report.note_of(operation, CHECK, Verdict::Warning, words);
            None
        }
    }
}

/// Parameters for writing a format; a note only if none were found.
pub(super) fn of_format(format: &OutputFormat, report: &mut Report) -> Option<Filled> {
    let filled = fill(&format.schema);
    if filled.is_err() {
        let words = format!(
            "{}: no parameters were found that its schema takes, so that it was not tried. What to do: give required \
             ones a default or examples",
            format.media_type
        );
        report.note("writes", Verdict::Warning, words);
    }
    filled.ok()
}

/// Finds parameters that `schema` takes.
///
/// # Errors
/// None was found; what is wrong with the first that were tried.
pub(super) fn fill(schema: &Schema) -> Result<Filled, ParamProblem> {
    let root = schema.json();
    let required = names(root.get("required"));
    // First what is required, then with each of the alternatives, then everything there is.
    let mut attempts = vec![(root, required.clone())];
    for branch in ["anyOf", "oneOf"].into_iter().filter_map(|key| root.get(key)?.as_array()).flatten() {
        attempts.push((branch, [required.clone(), names(branch.get("required"))].concat()));
    }
    let all = root.get("properties").and_then(Json::as_object);
    attempts.push((root, all.map(|all| all.keys().map(String::as_str).collect()).unwrap_or_default()));
    let mut first = None;
    for (branch, mut names) in attempts {
        names.sort_unstable();
        names.dedup();
        let given: Vec<(String, Given)> =
            names.into_iter().map(|name| (name.to_owned(), value_of(root, branch, name))).collect();
        match schema.read(&given) {
            Ok(params) => return Ok(Filled { given, params }),
            Err(problem) => {
                first.get_or_insert(problem);
            }
        }
    }
    Err(first.unwrap_or(ParamProblem { param: None, rule: String::new() }))
}

fn names(list: Option<&Json>) -> Vec<&str> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
}

fn value_of(root: &Json, branch: &Json, name: &str) -> Given {
    let property = |of: &'_ Json| of.get("properties").and_then(|properties| properties.get(name)).cloned();
    let property = property(branch).or_else(|| property(root)).unwrap_or(Json::Bool(true));
    if property.get("format").and_then(Json::as_str) == Some("attachment") {
        Given::Attachment(0)
    } else {
        Given::Json(value(root, &property, DEEPEST))
    }
}

/// A value for a schema: the one that it names, or the smallest of its type.
fn value(root: &Json, schema: &Json, deep: usize) -> Json {
    let Some(deep) = deep.checked_sub(1) else { return Json::Null };
    let first = |key: &str| schema.get(key)?.as_array()?.first();
    let named = schema.get("default").or_else(|| schema.get("const"));
    if let Some(named) = named.or_else(|| first("enum")).or_else(|| first("examples")) {
        return named.clone();
    }
    if let Some(pointer) = schema.get("$ref").and_then(Json::as_str).and_then(|to| to.strip_prefix('#')) {
        return root.pointer(pointer).map_or(Json::Null, |referred| value(root, referred, deep));
    }
    if let Some(branch) = first("anyOf").or_else(|| first("oneOf")).or_else(|| first("allOf")) {
        return value(root, branch, deep);
    }
    let kind = match schema.get("type") {
        Some(Json::String(kind)) => kind.as_str(),
        Some(Json::Array(kinds)) => kinds.first().and_then(Json::as_str).unwrap_or("string"),
        _ => "string",
    };
    match kind {
        "integer" => {
            #[allow(clippy::cast_possible_truncation)] // schemas of parameters count pixels
            let whole = number(schema, 1.0).ceil() as i64;
            whole.into()
        }
        "number" => number(schema, 0.5).into(),
        "boolean" => false.into(),
        "null" => Json::Null,
        "array" => {
            let item = schema.get("items").map_or(Json::Null, |items| value(root, items, deep));
            Json::Array((0..count(schema, "minItems")).map(|_| item.clone()).collect())
        }
        "object" => {
            let property = |name: &str| {
                let property = schema.get("properties")?.get(name)?;
                Some((name.to_owned(), value(root, property, deep)))
            };
            Json::Object(names(schema.get("required")).into_iter().filter_map(property).collect())
        }
        _ => (0..count(schema, "minLength").max(1)).map(|_| 'a').collect::<String>().into(),
    }
}

fn count(schema: &Json, key: &str) -> u64 {
    schema.get(key).and_then(Json::as_u64).unwrap_or(0).min(MOST)
}

/// The least number that is allowed and not below one, or the one nearest to that; `above` an exclusive
/// bound by this much.
fn number(schema: &Json, above: f64) -> f64 {
    let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|least| least + above));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|most| most - above));
    let number = least.map_or(1.0, |least| least.max(1.0));
    // Nothing from one upwards may be allowed.
    let number = most.map_or(number, |most| number.min(most));
    let number = least.map_or(number, |least| number.max(least));
    match bound("multipleOf") {
        Some(step) if step > 0.0 => (number / step).ceil() * step,
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn filled(schema: &Json) -> Result<Json, ParamProblem> {
        let schema = Schema::compile(&schema.to_string()).unwrap();
        fill(&schema).map(|filled| serde_json::from_str(&filled.show()).unwrap())
    }

    fn object(properties: &Json, required: &[&str]) -> Json {
        json!({"type": "object", "properties": properties, "required": required})
    }

    #[test]
    fn what_is_required_is_filled_with_what_the_schema_suggests() {
        let properties = json!({
            "by-default": {"type": "integer", "default": 7, "minimum": 3},
            "by-enum": {"enum": ["cover", "fill"]},
            "by-example": {"type": "string", "pattern": "^#[0-9a-f]{6}$", "examples": ["#ff0000"]},
            "by-minimum": {"type": "integer", "minimum": 10},
            "below-one": {"type": "number", "minimum": -1, "maximum": 0.25},
            "even": {"type": "integer", "multipleOf": 2},
            "sizes": {"type": "array", "items": {"$ref": "#/$defs/size"}, "minItems": 2},
            "picture": {"type": "string", "format": "attachment"},
            "optional": {"type": "integer"},
        });
        let required: Vec<&str> = properties
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .filter(|name| *name != "optional")
            .collect();
        let mut schema = object(&properties, &required);
        schema["$defs"] = json!({"size": {"type": "integer", "exclusiveMinimum": 4}});
        let expected = json!({
            "by-default": 7, "by-enum": "cover", "by-example": "#ff0000", "by-minimum": 10,
            "below-one": 0.25, "even": 2, "sizes": [5, 5], "picture": "a picture",
        });
        assert_eq!(filled(&schema).unwrap(), expected);
    }

    #[test]
    fn alternatives_are_tried_one_after_another() {
        let mut schema = object(&json!({"a": {"type": "integer"}, "b": {"type": "boolean"}}), &[]);
        assert_eq!(filled(&schema).unwrap(), json!({}));
        schema["anyOf"] = json!([{"required": ["a"]}, {"required": ["b"]}]);
        assert_eq!(filled(&schema).unwrap(), json!({"a": 1}));
    }

    #[test]
    fn what_cannot_be_guessed_is_said() {
        let schema = object(&json!({"color": {"type": "string", "pattern": "^#[0-9]+$"}}), &["color"]);
        assert_eq!(filled(&schema).unwrap_err().param.as_deref(), Some("color"));
    }
}
