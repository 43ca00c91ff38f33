//! Parameters with values that no client can change: checked when the plugin is loaded, added to what a
//! client gives, and taken out of the schema that clients are told.

use serde_json::{Map, Value as Json};

use super::{ParamProblem, Schema, explain, problem, wants_attachment};

/// What a client is told that gives one all the same.
pub(super) const RULE: &str = "It is fixed on this server: leave it out.";

/// Keywords whose schemas speak of the same object as the one that they stand in (JSON Schema 2020-12 Core,
/// section 10.2).
const OF_THE_SAME: [&str; 7] = ["allOf", "anyOf", "oneOf", "if", "then", "else", "not"];

impl Schema {
    /// Fixes parameters.
    ///
    /// # Errors
    /// There is no such parameter, it takes a picture, or the schema refuses its value.
    pub(in crate::plugin) fn fix(&mut self, fixed: Map<String, Json>) -> Result<(), ParamProblem> {
        for name in fixed.keys() {
            let property = self.property(name);
            if property.is_none() && !self.takes_any() {
                return Err(self.no_such(name));
            }
            if wants_attachment(property) {
                return Err(problem(
                    name,
                    "It takes a picture of the client's, and cannot be fixed.".to_owned(),
                ));
            }
        }
        let values = Json::Object(fixed.clone());
        // Other parameters are missing here, and what is said of them all together waits for a client's.
        let of_a_value = self
            .validator
            .iter_errors(&values)
            .map(|error| explain(&error))
            .find(|problem| problem.param.as_ref().is_some_and(|param| fixed.contains_key(param)));
        if let Some(problem) = of_a_value {
            return Err(problem);
        }
        if !fixed.is_empty() {
            let mut told = self.json.clone();
            leave_out(&mut told, &fixed, self.takes_any());
            self.told = Some(told);
        }
        self.fixed = fixed;
        Ok(())
    }
}

/// Takes parameters out of a schema. Where others than those that it lists are taken, it is said that these
/// are not.
fn leave_out(schema: &mut Json, fixed: &Map<String, Json>, takes_any: bool) {
    if let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) {
        properties.retain(|name, _| !fixed.contains_key(name));
        if takes_any {
            properties.extend(fixed.keys().map(|name| (name.clone(), Json::Bool(false))));
        }
    }
    are_there(schema, fixed);
}

/// What is fixed is always there: no client has to give what requires it.
fn are_there(schema: &mut Json, fixed: &Map<String, Json>) {
    let is_given = |name: &Json| !name.as_str().is_some_and(|name| fixed.contains_key(name));
    if let Some(required) = schema.get_mut("required").and_then(Json::as_array_mut) {
        required.retain(is_given);
    }
    for keyword in OF_THE_SAME {
        match schema.get_mut(keyword) {
            Some(Json::Array(branches)) => branches.iter_mut().for_each(|branch| are_there(branch, fixed)),
            Some(branch) => are_there(branch, fixed),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::{Given, Param};
    use super::*;
    use crate::plugin::Value;

    fn schema(fixed: &Json) -> Result<Schema, ParamProblem> {
        let json = json!({
            "type": "object",
            "properties": {
                "width": {"type": "integer", "maximum": 100},
                "height": {"type": "integer"},
                "fit": {"enum": ["cover", "fill"]},
                "logo": {"type": "string", "format": "attachment"},
            },
            "required": ["fit"],
            "anyOf": [{"required": ["width"]}, {"required": ["height"]}],
        });
        let mut schema = Schema::compile(&json.to_string()).unwrap();
        schema.fix(fixed.as_object().unwrap().clone()).map(|()| schema)
    }

    fn read(schema: &Schema, given: &[(&str, &str)]) -> Result<Vec<Param>, ParamProblem> {
        let given: Vec<(String, Given)> =
            given.iter().map(|(name, text)| ((*name).to_owned(), Given::Text((*text).to_owned()))).collect();
        schema.read(&given)
    }

    #[test]
    fn what_is_fixed_is_added_to_what_a_client_gives() {
        let schema = schema(&json!({"fit": "cover", "width": 10.0})).unwrap();
        let params = read(&schema, &[("height", "3")]).unwrap();
        let value = |name: &str| params.iter().find(|param| param.name == name).map(|param| &param.value);
        assert_eq!(value("fit"), Some(&Value::Text("cover".to_owned())));
        assert_eq!(value("width"), Some(&Value::Integer(10)), "typed as the schema has it");
        assert_eq!(value("height"), Some(&Value::Integer(3)));
    }

    #[test]
    fn a_client_that_gives_it_is_refused_also_with_the_same_value() {
        let schema = schema(&json!({"fit": "cover"})).unwrap();
        for value in ["cover", "fill"] {
            let problem = read(&schema, &[("width", "1"), ("fit", value)]).unwrap_err();
            assert_eq!((problem.param.as_deref(), problem.rule.as_str()), (Some("fit"), RULE));
        }
        let problem = read(&schema, &[("widht", "1")]).unwrap_err();
        assert!(problem.rule.ends_with("It takes width, height, logo."), "{}", problem.rule);
    }

    #[test]
    fn clients_are_told_of_what_is_left_to_them() {
        let told = schema(&json!({"fit": "cover", "width": 1})).unwrap().json().clone();
        let names: Vec<&String> = told["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["height", "logo"]);
        assert_eq!(told["required"], json!([]));
        assert_eq!(told["anyOf"], json!([{"required": []}, {"required": ["height"]}]));
        let open = json!({"type": "object", "properties": {"a": {}}, "additionalProperties": true});
        let mut open = Schema::compile(&open.to_string()).unwrap();
        open.fix(json!({"b": 3}).as_object().unwrap().clone()).unwrap();
        assert_eq!(open.json()["properties"], json!({"a": {}, "b": false}));
        assert!(read(&open, &[("b", "3")]).is_err());
    }

    #[test]
    fn what_cannot_be_fixed_is_refused_and_what_only_a_client_can_complete_is_not() {
        let refused = |fixed: Json| {
            let problem = schema(&fixed).unwrap_err();
            (problem.param.unwrap_or_default(), problem.rule)
        };
        assert_eq!(refused(json!({"fat": 1})).0, "fat");
        assert!(refused(json!({"width": 101})).1.contains("maximum of 100"));
        assert!(refused(json!({"width": "10"})).1.contains("integer"));
        assert!(refused(json!({"logo": "logo"})).1.contains("cannot be fixed"));
        assert!(schema(&json!({"fit": "fill"})).is_ok(), "a width or height is still to come");
    }
}
