//! A TOML file as a tree in which every value knows its line and its key, so that whoever finds it wrong
//! can say where. Knows no setting by name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};

use super::nearest::hint;
use super::{ConfigError, SettingValue};

/// Where something stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// From 1.
    pub line: usize,
    /// From the file's root, such as `presets.avatar.summary`.
    pub key: String,
}

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// Where.
    pub place: Place,
    /// What.
    pub value: Value,
}

/// What can stand in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i64),
    /// Perhaps infinite or not a number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A date or a time; no setting is one.
    Date(toml::value::Datetime),
    /// An array.
    List(Vec<Located>),
    /// A table, written as `[section]`, `{ inline = true }` or `a.b = c`.
    Table(Table),
}

/// Values by key.
pub type Table = BTreeMap<String, Located>;

/// Reads a file.
///
/// # Errors
/// It cannot be read, or is not TOML.
pub fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(path, &text)
}

/// Reads the text of a file.
///
/// # Errors
/// It is not TOML.
pub fn parse(path: &Path, text: &str) -> Result<Table, ConfigError> {
    let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    let reader = Reader { file: path.into(), line_of: &line_of };
    let malformed = |at: Option<usize>, problem: String| ConfigError::Malformed {
        path: path.to_owned(),
        line: at.map_or(1, line_of),
        problem,
    };
    let root = DeTable::parse(text)
        .map_err(|error| malformed(error.span().map(|span| span.start), error.message().to_owned()))?;
    reader
        .table(root.get_ref(), "")
        .map_err(|at| malformed(Some(at), "a number has to fit into 64 bits".to_owned()))
}

struct Reader<'a> {
    file: Arc<Path>,
    line_of: &'a dyn Fn(usize) -> usize,
}

impl Reader<'_> {
    /// The error is where a number stands that is none.
    fn table(&self, table: &DeTable<'_>, above: &str) -> Result<Table, usize> {
        let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = key.get_ref();
            let path = if above.is_empty() { name.to_string() } else { format!("{above}.{name}") };
            // The key's line: a list may go over many.
            Ok((name.to_string(), self.located(value, key.span().start, path)?))
        };
        table.iter().map(entry).collect()
    }

    fn located(&self, value: &toml::Spanned<DeValue<'_>>, at: usize, key: String) -> Result<Located, usize> {
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| at)?)
            }
            DeValue::Float(number) => Value::Number(number.as_str().parse().map_err(|_| at)?),
            DeValue::Boolean(flag) => Value::Boolean(*flag),
            DeValue::Datetime(date) => Value::Date(*date),
            DeValue::Array(items) => {
                let item = |(index, item): (usize, &toml::Spanned<DeValue<'_>>)| {
                    self.located(item, item.span().start, format!("{key}[{index}]"))
                };
                Value::List(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => Value::Table(self.table(table, &key)?),
        };
        let place = Place { file: Arc::clone(&self.file), line: (self.line_of)(at), key };
        Ok(Located { place, value })
    }
}

impl Located {
    /// The text of a single value, as a flag would have it.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Boolean(flag) => Some(flag.to_string()),
            Value::Date(_) | Value::List(_) | Value::Table(_) => None,
        }
    }

    /// The value of a setting of this type.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn setting<T: SettingValue>(&self) -> Result<T, ConfigError> {
        let text = self.as_text().ok_or_else(|| self.wrong("a string, a number, true or false"))?;
        T::parse(&text).map_err(|rule| self.wrong(&rule))
    }

    /// What must be a table.
    ///
    /// # Errors
    /// It is something else.
    pub fn table(&self, rule: &str) -> Result<&Table, ConfigError> {
        match &self.value {
            Value::Table(table) => Ok(table),
            _ => Err(self.wrong(rule)),
        }
    }

    /// The value in JSON, with its type.
    ///
    /// # Errors
    /// A date, an infinity or NaN: JSON has none.
    pub fn json(&self) -> Result<Json, ConfigError> {
        Ok(match &self.value {
            Value::Text(text) => text.clone().into(),
            Value::Integer(number) => (*number).into(),
            Value::Boolean(flag) => (*flag).into(),
            Value::Number(number) if number.is_finite() => (*number).into(),
            Value::Number(_) => return Err(self.wrong("a finite number")),
            Value::Date(_) => return Err(self.wrong("a value that JSON has: a date is written as a string")),
            Value::List(items) => Json::Array(items.iter().map(Self::json).collect::<Result<_, _>>()?),
            Value::Table(table) => {
                let entry = |(key, item): (&String, &Self)| Ok((key.clone(), item.json()?));
                Json::Object(table.iter().map(entry).collect::<Result<_, ConfigError>>()?)
            }
        })
    }

    /// The value in TOML.
    #[must_use]
    pub fn toml(&self) -> toml::Value {
        match &self.value {
            Value::Text(text) => text.as_str().into(),
            Value::Integer(number) => (*number).into(),
            Value::Number(number) => (*number).into(),
            Value::Boolean(flag) => (*flag).into(),
            Value::Date(date) => (*date).into(),
            Value::List(items) => toml::Value::Array(items.iter().map(Self::toml).collect()),
            Value::Table(table) => {
                toml::Value::Table(table.iter().map(|(key, item)| (key.clone(), item.toml())).collect())
            }
        }
    }

    /// The error for a value that breaks `rule`, which can follow "it must be".
    #[must_use]
    pub fn wrong(&self, rule: &str) -> ConfigError {
        let value = self.as_text().unwrap_or_else(|| self.toml().to_string());
        ConfigError::Wrong { place: self.place.to_string(), value, rule: rule.to_owned() }
    }

    /// The error for a key, this value's `name`, that has no meaning here.
    #[must_use]
    pub fn unknown(&self, name: &str, known: &[&str]) -> ConfigError {
        let above = self.place.key.strip_suffix(name).unwrap_or_default().trim_end_matches('.');
        let at = self.place.line_of_file();
        let place = if above.is_empty() { at } else { format!("{at}: {above}") };
        ConfigError::Unknown { place, name: name.to_owned(), hint: hint(name, known.iter().copied()) }
    }

    /// What two files say of one thing: tables add up.
    ///
    /// # Errors
    /// Both have a value for the same key.
    pub fn and(self, other: Self) -> Result<Self, ConfigError> {
        match (self.value, other.value) {
            (Value::Table(one), Value::Table(two)) => {
                Ok(Self { place: self.place, value: Value::Table(add_up(one, two)?) })
            }
            _ => Err(ConfigError::Twice { place: self.place.to_string(), other: other.place.line_of_file() }),
        }
    }
}

/// What two tables say together.
///
/// # Errors
/// Both have a value for the same key.
pub fn add_up(mut one: Table, two: Table) -> Result<Table, ConfigError> {
    for (key, item) in two {
        let item = match one.remove(&key) {
            Some(known) => known.and(item)?,
            None => item,
        };
        one.insert(key, item);
    }
    Ok(one)
}

impl Place {
    /// The place without its key.
    #[must_use]
    pub fn line_of_file(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.key)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn table(text: &str) -> Table {
        parse(Path::new("a.toml"), text).unwrap()
    }

    fn at<'a>(table: &'a Table, key: &str) -> &'a Located {
        let (first, rest) = key.split_once('.').unwrap_or((key, ""));
        let found = &table[first];
        if rest.is_empty() { found } else { at(found.table("").unwrap(), rest) }
    }

    #[test]
    fn every_value_knows_its_line_and_its_key_however_it_is_written() {
        let text = "a = 1\n\n[b.c]\nd = [\n  'x',\n  { e = true },\n]\nf.g = 1.5\n";
        let table = table(text);
        for (key, place) in [
            ("a", "a.toml:1: a"),
            ("b.c", "a.toml:3: b.c"),
            ("b.c.d", "a.toml:4: b.c.d"),
            ("b.c.f.g", "a.toml:8: b.c.f.g"),
        ] {
            assert_eq!(at(&table, key).place.to_string(), place);
        }
        let Value::List(items) = &at(&table, "b.c.d").value else { panic!() };
        assert_eq!(items[0].place.to_string(), "a.toml:5: b.c.d[0]");
        assert_eq!(at(items[1].table("").unwrap(), "e").place.to_string(), "a.toml:6: b.c.d[1].e");
    }

    #[test]
    fn a_value_keeps_its_type_in_json_and_what_json_lacks_is_refused() {
        let table = table("a = { b = [1, 1.5, 'x', false, 0x10] }\nc = 2026-01-01\nd = nan");
        assert_eq!(table["a"].json().unwrap(), serde_json::json!({"b": [1, 1.5, "x", false, 16]}));
        assert!(table["c"].json().unwrap_err().to_string().starts_with("a.toml:2: c: \"2026-01-01\""));
        assert!(table["d"].json().unwrap_err().to_string().ends_with("it must be a finite number"));
    }

    #[test]
    fn two_files_add_up_and_no_key_may_stand_in_both() {
        let one = table("a = 1\n[t]\nb = 2\n");
        let two = parse(Path::new("b.toml"), "[t]\nc = 3\n").unwrap();
        let both = add_up(one.clone(), two).unwrap();
        assert_eq!(at(&both, "t.b").place.to_string(), "a.toml:3: t.b");
        assert_eq!(at(&both, "t.c").place.to_string(), "b.toml:2: t.c");
        let twice = parse(Path::new("b.toml"), "\n[t]\nb = 2\n").unwrap();
        assert_eq!(
            add_up(one, twice).unwrap_err().to_string(),
            "a.toml:3: t.b: b.toml:3 says it too; take one of them out"
        );
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_line() {
        for (text, line) in [("a = b", 1), ("\na = 99999999999999999999", 2), ("\n\n[a]\n[a]\n", 4)] {
            let error = parse(Path::new("a.toml"), text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("a.toml:{line}: not valid TOML: ")), "{error}");
        }
    }
}
