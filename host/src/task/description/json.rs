//! The JSON notation, as strict as the XML one: no unknown and no second key, nothing too deep.
//!
//! serde_json checks the grammar; what it takes apart stays pieces of the source text, so that
//! every problem has its line and column. Knows no XML, but the two share `rules`.

use std::collections::BTreeSet;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::xml::utf8;
use super::{
    Description, DescriptionError, MAX_DEPTH, MAX_DESCRIPTION_BYTES, Operation, Output, Param, ParamValue,
    Problem, rules,
};

/// Reads a description written in JSON.
///
/// As a parameter's value, an object with the one key `cid` refers to another part of the message;
/// every other value, and such an object deeper inside one, is for the operation as it is.
///
/// # Errors
/// With line and column, for the first thing that is wrong.
pub fn parse_json(bytes: &[u8]) -> Result<Description, DescriptionError> {
    if bytes.len() > MAX_DESCRIPTION_BYTES {
        return Err(Problem::TooLong.at_start());
    }
    let text = utf8(bytes)?;
    check_depth(text)?;
    let document = Document { text };
    let root =
        serde_json::from_str::<&RawValue>(text).map_err(|error| document.grammar_error(text, &error))?;
    document.description(root)
}

/// Stops before anything recursive sees the text; what is not JSON is left for serde_json to tell.
fn check_depth(text: &str) -> Result<(), DescriptionError> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Problem::TooDeep.at(text, at));
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The source, of which every [`RawValue`] is a piece.
struct Document<'a> {
    text: &'a str,
}

/// A key of an object with its value.
struct Entry<'a> {
    key: String,
    key_source: &'a RawValue,
    value: &'a RawValue,
}

impl<'a> Document<'a> {
    fn description(&self, root: &'a RawValue) -> Result<Description, DescriptionError> {
        let entries = self.object(root, "the description")?;
        self.check_keys(
            &entries,
            "the description",
            &["operations", "output", "callback"],
            "`operations`, `output`, `callback`",
        )?;
        let list = self.required(root, &entries, "the description", "operations")?;
        let items = self.array(list, "`operations`")?;
        let count = rules::operation_count(items.len());
        count.map_err(|problem| self.error(problem, list))?;
        let operations = items.into_iter().map(|item| self.operation(item)).collect::<Result<_, _>>()?;
        let output = find(&entries, "output").map(|output| self.output(output)).transpose()?;
        let callback = find(&entries, "callback").map(|url| self.string(url, "`callback`")).transpose()?;
        Ok(Description { operations, output, callback })
    }

    fn operation(&self, source: &'a RawValue) -> Result<Operation, DescriptionError> {
        let entries = self.object(source, "an operation")?;
        let keys = ["name", "plugin", "version", "params"];
        self.check_keys(&entries, "an operation", &keys, "`name`, `plugin`, `version`, `params`")?;
        let name_source = self.required(source, &entries, "operation", "name")?;
        let name = self.string(name_source, "`name`")?;
        rules::operation_name(&name).map_err(|problem| self.error(problem, name_source))?;
        let plugin = find(&entries, "plugin").map(|source| {
            let plugin = self.string(source, "`plugin`")?;
            rules::plugin_name(&plugin).map_err(|problem| self.error(problem, source))?;
            Ok(plugin)
        });
        let version = find(&entries, "version").map(|source| {
            let version = self.string(source, "`version`")?;
            rules::version(&version).map_err(|problem| self.error(problem, source))
        });
        Ok(Operation {
            name,
            plugin: plugin.transpose()?,
            version: version.transpose()?,
            params: self.params(&entries)?,
        })
    }

    fn output(&self, source: &'a RawValue) -> Result<Output, DescriptionError> {
        let entries = self.object(source, "`output`")?;
        self.check_keys(&entries, "`output`", &["type", "params"], "`type`, `params`")?;
        let type_source = self.required(source, &entries, "output", "type")?;
        let type_ = self.string(type_source, "`type`")?;
        let media_type = rules::output_type(&type_).map_err(|problem| self.error(problem, type_source))?;
        Ok(Output { media_type, params: self.params(&entries)? })
    }

    fn params(&self, entries: &[Entry<'a>]) -> Result<Vec<Param>, DescriptionError> {
        let Some(source) = find(entries, "params") else {
            return Ok(Vec::new());
        };
        let mut params = Vec::new();
        for entry in self.object(source, "`params`")? {
            // `object` has refused second keys already.
            rules::param_name(&entry.key, &[]).map_err(|problem| self.error(problem, entry.key_source))?;
            let value = self.param_value(entry.value)?;
            params.push(Param { name: entry.key, value });
        }
        Ok(params)
    }

    fn param_value(&self, source: &'a RawValue) -> Result<ParamValue, DescriptionError> {
        if source.get().starts_with('{')
            && let [Entry { key, value, .. }] = self.object(source, "")?.as_slice()
            && key == "cid"
        {
            let id = self.string(value, "`cid`")?;
            let id = rules::content_id(&id).map_err(|problem| self.error(problem, value))?;
            return Ok(ParamValue::Attachment(id));
        }
        Ok(ParamValue::Json(self.value(source)?))
    }

    /// Any value, without second keys. It calls itself, at most `MAX_DEPTH` deep.
    fn value(&self, source: &'a RawValue) -> Result<Value, DescriptionError> {
        match source.get().as_bytes().first() {
            Some(b'{') => {
                let entries = self.object(source, "")?;
                let entries = entries.into_iter().map(|entry| Ok((entry.key, self.value(entry.value)?)));
                entries.collect::<Result<_, _>>().map(Value::Object)
            }
            Some(b'[') => {
                let items = self.array(source, "")?;
                items.into_iter().map(|item| self.value(item)).collect::<Result<_, _>>().map(Value::Array)
            }
            Some(b'"') => self.string(source, "").map(Value::String),
            _ => match serde_json::from_str(source.get()) {
                // The number's type depends on features that another crate may have turned on.
                Ok(Value::Number(number)) if number.as_f64().is_some_and(f64::is_finite) => {
                    Ok(Value::Number(number))
                }
                Ok(Value::Number(_)) | Err(_) => {
                    Err(self.error(Problem::Number(source.get().to_owned()), source))
                }
                Ok(value) => Ok(value),
            },
        }
    }

    fn object(&self, source: &'a RawValue, what: &'static str) -> Result<Vec<Entry<'a>>, DescriptionError> {
        if !source.get().starts_with('{') {
            return Err(self.error(Problem::WrongType { what, expected: "an object" }, source));
        }
        let pairs = serde_json::Deserializer::from_str(source.get())
            .deserialize_map(Pairs)
            .map_err(|error| self.grammar_error(source.get(), &error))?;
        let mut entries = Vec::with_capacity(pairs.len());
        // A set, because a hostile object has thousands of keys.
        let mut keys = BTreeSet::new();
        for (key_source, value) in pairs {
            let key = self.string(key_source, "a key")?;
            if !keys.insert(key.clone()) {
                return Err(self.error(Problem::DuplicateKey(key), key_source));
            }
            entries.push(Entry { key, key_source, value });
        }
        Ok(entries)
    }

    fn array(&self, source: &'a RawValue, what: &'static str) -> Result<Vec<&'a RawValue>, DescriptionError> {
        if !source.get().starts_with('[') {
            return Err(self.error(Problem::WrongType { what, expected: "an array" }, source));
        }
        serde_json::Deserializer::from_str(source.get())
            .deserialize_seq(Items)
            .map_err(|error| self.grammar_error(source.get(), &error))
    }

    fn string(&self, source: &'a RawValue, what: &'static str) -> Result<String, DescriptionError> {
        if !source.get().starts_with('"') {
            return Err(self.error(Problem::WrongType { what, expected: "a string" }, source));
        }
        // Lone surrogates show only now.
        serde_json::from_str(source.get()).map_err(|error| self.grammar_error(source.get(), &error))
    }

    fn check_keys(
        &self,
        entries: &[Entry<'a>],
        inside: &'static str,
        known: &[&str],
        allowed: &'static str,
    ) -> Result<(), DescriptionError> {
        match entries.iter().find(|entry| !known.contains(&entry.key.as_str())) {
            Some(Entry { key, key_source, .. }) => {
                let problem = Problem::UnknownKey { key: key.clone(), inside, allowed };
                Err(self.error(problem, key_source))
            }
            None => Ok(()),
        }
    }

    fn required(
        &self,
        source: &'a RawValue,
        entries: &[Entry<'a>],
        owner: &'static str,
        name: &'static str,
    ) -> Result<&'a RawValue, DescriptionError> {
        find(entries, name).ok_or_else(|| self.error(Problem::Missing { owner, name }, source))
    }

    fn error(&self, problem: Problem, source: &RawValue) -> DescriptionError {
        problem.at(self.text, self.offset(source.get()))
    }

    /// serde_json's own words, at its place: lines from 1, columns in bytes up to the byte read last,
    /// which is the wrong one or the one before it.
    fn grammar_error(&self, piece: &str, error: &serde_json::Error) -> DescriptionError {
        let lines = piece.split_inclusive('\n').take(error.line().saturating_sub(1));
        let line_start: usize = lines.map(str::len).sum();
        let within = (line_start + error.column().saturating_sub(1)).min(piece.len());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        // It may point into a character.
        let mut at = self.offset(piece) + within;
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        Problem::NotJson(message).at(self.text, at)
    }

    /// Where a piece of the text stands in it.
    fn offset(&self, piece: &str) -> usize {
        let offset = piece.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        offset.min(self.text.len())
    }
}

fn find<'a>(entries: &[Entry<'a>], key: &str) -> Option<&'a RawValue> {
    entries.iter().find(|entry| entry.key == key).map(|entry| entry.value)
}

/// An object's keys and values as pieces of the source.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// An array's items as pieces of the source.
struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}
