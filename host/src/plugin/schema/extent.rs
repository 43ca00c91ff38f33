//! How much there is to a schema once every reference is followed.
//!
//! To check a value takes about as long as that, on the host's own time, where no deadline ends it. Two
//! references to what has two references, and so on for forty steps, are 3 KB of schema and a million
//! million places: a plugin could stop the server by what it says of itself.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::SchemaError;

/// Most places that a value is checked against, each an object or a boolean. A parameter is one or two of them; the bundled plugin's largest schema has
/// some forty.
const MOST_PLACES: usize = 1000;

/// Most references that lead from one to the next. The validator calls itself at each.
const LONGEST_CHAIN: usize = 32;

/// What would make `#/…` mean something else than a place in the whole document, or refer by other means.
const OTHER_WAYS: [&str; 5] = ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef"];

/// Checks that a schema has an end, and not too far off.
pub(super) fn check(schema: &Json) -> Result<(), SchemaError> {
    let mut extent = Extent { root: schema, known: HashMap::new(), open: vec![] };
    extent.of(schema).map(drop)
}

struct Extent<'a> {
    root: &'a Json,
    /// Places behind each reference that has been followed to its end.
    known: HashMap<&'a str, usize>,
    /// References that are being followed.
    open: Vec<&'a str>,
}

impl<'a> Extent<'a> {
    /// Places of a part of the schema. What is no schema, such as a default, is counted like one.
    fn of(&mut self, part: &'a Json) -> Result<usize, SchemaError> {
        let mut places = 0;
        match part {
            Json::Object(fields) => {
                places += 1;
                let is_whole = std::ptr::eq(part, self.root);
                for (name, value) in fields {
                    // Definitions count where they are referred to, and a name for the whole changes nothing.
                    if is_whole && matches!(name.as_str(), "$defs" | "definitions" | "$id") {
                        continue;
                    }
                    places += match value {
                        Json::String(to) if name == "$ref" => self.behind(to)?,
                        Json::String(_) if OTHER_WAYS.contains(&name.as_str()) => {
                            return Err(SchemaError(format!("it must do without {name}")));
                        }
                        value => self.of(value)?,
                    };
                }
            }
            Json::Array(values) => {
                for value in values {
                    places += self.of(value)?;
                }
            }
            // A schema too, where one is wanted.
            Json::Bool(_) => places += 1,
            Json::Null | Json::Number(_) | Json::String(_) => {}
        }
        if places > MOST_PLACES {
            return Err(SchemaError(format!(
                "it has more than {MOST_PLACES} subschemas, those behind references counted at each of them"
            )));
        }
        Ok(places)
    }

    fn behind(&mut self, to: &'a str) -> Result<usize, SchemaError> {
        if let Some(places) = self.known.get(to) {
            return Ok(*places);
        }
        if self.open.contains(&to) {
            return Err(SchemaError(format!("{to:?} leads back to itself")));
        }
        if self.open.len() >= LONGEST_CHAIN {
            return Err(SchemaError(format!(
                "more than {LONGEST_CHAIN} references lead from one to the next"
            )));
        }
        // What a percent sign stands for might be read otherwise by the validator.
        let pointer = to.strip_prefix('#').filter(|pointer| !pointer.contains('%'));
        let target = pointer.and_then(|pointer| self.root.pointer(pointer));
        let target = target.ok_or_else(|| {
            SchemaError(format!("{to:?} refers to no place in it: write #/ and the names on the way there"))
        })?;
        self.open.push(to);
        let places = self.of(target)?;
        self.open.pop();
        self.known.insert(to, places);
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: &Json) -> String {
        check(schema).err().map(|error| error.to_string()).unwrap_or_default()
    }

    /// A chain of definitions, each with so many references to the next.
    fn doubling(steps: usize, references: usize) -> Json {
        let mut definitions = serde_json::Map::new();
        for step in 0..steps {
            let next = json!({"$ref": format!("#/$defs/d{}", step + 1)});
            definitions.insert(format!("d{step}"), json!({"allOf": vec![next; references]}));
        }
        definitions.insert(format!("d{steps}"), json!({"type": "integer"}));
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
    }

    #[test]
    fn an_ordinary_schema_with_references_is_taken() {
        assert_eq!(refused(&doubling(3, 2)), "");
        assert_eq!(refused(&doubling(30, 1)), "");
    }

    #[test]
    fn a_parameter_called_as_definitions_are_is_no_definition() {
        let mut schema = doubling(30, 2);
        let hidden = schema["properties"]["a"].take();
        schema["properties"] = json!({"definitions": hidden});
        assert!(refused(&schema).contains("more than 1000 subschemas"));
    }

    #[test]
    fn references_that_double_again_and_again_are_refused() {
        for steps in [8, 30] {
            assert!(refused(&doubling(steps, 2)).contains("more than 1000 subschemas"), "{steps}");
        }
        assert!(refused(&doubling(40, 1)).contains("more than 32 references"));
    }

    #[test]
    fn what_leads_back_to_itself_is_refused() {
        let own = json!({"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}});
        assert!(refused(&own).contains("\"#/properties/a\" leads back to itself"));
        let whole = json!({"type": "object", "properties": {"a": {"items": {"$ref": "#"}}}});
        assert!(refused(&whole).contains("\"#\" leads back to itself"));
    }

    #[test]
    fn references_of_other_kinds_are_refused() {
        for (name, value) in
            [("$ref", "#here"), ("$ref", "other.json"), ("$ref", "#/no/where"), ("$ref", "#/%61")]
        {
            assert!(
                refused(&json!({"a": {name: value}, "%61": {}})).contains("refers to no place"),
                "{value}"
            );
        }
        for name in OTHER_WAYS {
            assert!(refused(&json!({"a": {name: "x"}})).contains(name));
        }
        let named = json!({"$id": "https://e.org/s", "properties": {"$id": {"type": "string"}}});
        assert_eq!(refused(&named), "", "of the whole, and of a parameter");
    }
}
