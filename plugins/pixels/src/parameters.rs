//! The parameters of an operation or a format, and reading them by type.
//!
//! The host has checked them against the JSON Schema already; the checks here
//! are the same bounds once more, because a library must not trust its caller
//! with an allocation. Must never know which operation asks.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::Error;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Several values, in their order.
    List(Vec<Value>),
    /// Parameters within a parameter.
    Object(Parameters),
    /// A file that came along with the picture.
    Attachment(Attachment),
}

/// A file that came along with the picture: untrusted bytes, cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment(Arc<Vec<u8>>);

impl Attachment {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Attachment {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

/// A whole file would fill every message about the parameter that it belongs to.
impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({} bytes)", self.0.len())
    }
}

/// Named values, each name once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters(Vec<(String, Value)>);

impl<N: Into<String>> FromIterator<(N, Value)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(values: I) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl Parameters {
    pub(crate) fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(crate) fn integer(
        &self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Error> {
        let value = match self.find(name) {
            None => return Ok(None),
            Some(Value::Integer(value)) => *value,
            // JSON has one kind of number, and 90.0 is an integer there.
            Some(Value::Number(value)) if value.fract() == 0.0 => *value as i64,
            Some(_) => return Err(Error::parameter(name, "must be a whole number")),
        };
        if !range.contains(&value) {
            let (first, last) = range.into_inner();
            return Err(Error::parameter(name, format!("{value} is not between {first} and {last}")));
        }
        Ok(Some(value))
    }

    /// An integer within the range of `u32` values given.
    pub(crate) fn size(&self, name: &'static str, range: RangeInclusive<u32>) -> Result<Option<u32>, Error> {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        Ok(self.integer(name, range)?.and_then(|value| u32::try_from(value).ok()))
    }

    /// Any number within the range.
    pub(crate) fn number(
        &self,
        name: &'static str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, Error> {
        let value = match self.find(name) {
            None => return Ok(None),
            Some(Value::Number(value)) => *value,
            Some(Value::Integer(value)) => *value as f64,
            Some(_) => return Err(Error::parameter(name, "must be a number")),
        };
        if !range.contains(&value) {
            let (first, last) = range.into_inner();
            return Err(Error::parameter(name, format!("{value} is not between {first} and {last}")));
        }
        Ok(Some(value))
    }

    pub(crate) fn attachment(&self, name: &'static str) -> Result<Option<&Attachment>, Error> {
        match self.find(name) {
            None => Ok(None),
            Some(Value::Attachment(attachment)) => Ok(Some(attachment)),
            Some(_) => Err(Error::parameter(name, "must be a picture that comes along")),
        }
    }

    pub(crate) fn boolean(&self, name: &'static str) -> Result<Option<bool>, Error> {
        match self.find(name) {
            None => Ok(None),
            Some(Value::Boolean(value)) => Ok(Some(*value)),
            Some(_) => Err(Error::parameter(name, "must be true or false")),
        }
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        match self.find(name) {
            None => Ok(None),
            Some(Value::Text(value)) => Ok(Some(value)),
            Some(_) => Err(Error::parameter(name, "must be text")),
        }
    }

    /// One of several words, each standing for something.
    pub(crate) fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, Error> {
        let Some(word) = self.text(name)? else {
            return Ok(None);
        };
        let found = choices.iter().find(|(known, _)| *known == word);
        found.map(|&(_, meaning)| Some(meaning)).ok_or_else(|| {
            let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
            Error::parameter(name, format!("{word:?} is none of {}", known.join(", ")))
        })
    }

    /// A colour as `#rrggbb` or `#rrggbbaa`.
    pub(crate) fn color(&self, name: &'static str) -> Result<Option<[u8; 4]>, Error> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        parse_color(text).map(Some).ok_or_else(|| {
            Error::parameter(name, format!("{text:?} is not of the form #rrggbb or #rrggbbaa"))
        })
    }
}

fn parse_color(text: &str) -> Option<[u8; 4]> {
    let digits = text.strip_prefix('#')?;
    // from_str_radix would accept a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        6 => Some((value << 8 | 0xFF).to_be_bytes()),
        8 => Some(value.to_be_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_with_and_without_alpha_and_nothing_else_is() {
        assert_eq!(parse_color("#ff8000"), Some([255, 128, 0, 255]));
        assert_eq!(parse_color("#FF800080"), Some([255, 128, 0, 128]));
        for wrong in ["", "#", "ff8000", "#ff80", "#ff80001", "#+f8000", "#ff80000000", "#gg8000"] {
            assert_eq!(parse_color(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_what_it_must_be() {
        let parameters = Parameters::from_iter([("width", Value::Text("wide".into()))]);
        let error = parameters.integer("width", 1..=10).unwrap_err();
        assert_eq!(error.to_string(), "width: must be a whole number.");
    }

    #[test]
    fn a_number_out_of_range_is_named_with_the_range() {
        let parameters = Parameters::from_iter([("width", Value::Integer(0))]);
        let error = parameters.integer("width", 1..=10).unwrap_err();
        assert_eq!(error.to_string(), "width: 0 is not between 1 and 10.");
    }
}
