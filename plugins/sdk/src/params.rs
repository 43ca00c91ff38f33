//! Parameters by name and type.

use crate::bindings::tintype::plugin::types as wit;
use crate::{Attachment, Failure};

/// A parameter's value, typed as the operation's JSON Schema asks for it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Schema type `string`.
    Text(String),
    /// Schema type `integer`.
    Integer(i64),
    /// Schema type `number`; finite.
    Number(f64),
    /// Schema type `boolean`.
    Boolean(bool),
    /// Anything else the schema allows, as JSON text.
    Json(String),
    /// A picture that came with the task, for `"format": "attachment"`.
    Attachment(Attachment),
}

/// The parameters of a step or a target.
///
/// ```
/// # use tintype_plugin::{Failure, Params, Value};
/// # fn f(params: &Params) -> Result<(), Failure> {
/// let width: u32 = params.require("width")?;
/// let quality: u8 = params.get("quality")?.unwrap_or(80);
/// # Ok(()) }
/// # f(&Params::from_iter([("width", Value::from(3))])).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Params(Vec<(String, Value)>);

impl Params {
    /// The value of that name, if the client gave one. Defaults are up to the
    /// plugin.
    ///
    /// # Errors
    /// [`Failure::InvalidParameters`], if it isn't of this type. A schema that
    /// asks for the type rules that out.
    pub fn get<'p, T: FromValue<'p>>(&'p self, name: &str) -> Result<Option<T>, Failure> {
        let Some((_, value)) = self.0.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        T::from_value(value)
            .map(Some)
            .ok_or_else(|| Failure::InvalidParameters(format!("{name}: must be {}.", T::EXPECTED)))
    }

    /// The value of that name.
    ///
    /// # Errors
    /// [`Failure::InvalidParameters`], if it is missing or of another type.
    pub fn require<'p, T: FromValue<'p>>(&'p self, name: &str) -> Result<T, Failure> {
        self.get(name)?.ok_or_else(|| Failure::InvalidParameters(format!("{name}: is missing.")))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<N: Into<String>> FromIterator<(N, Value)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(values: I) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

/// A type that a parameter can be read as.
pub trait FromValue<'p>: Sized {
    /// What the parameter must be, for the message: "a whole number".
    const EXPECTED: &'static str;

    /// The value as this type, if it is one.
    fn from_value(value: &'p Value) -> Option<Self>;
}

macro_rules! whole_numbers {
    ($($type:ty => $expected:literal),* $(,)?) => {$(
        impl FromValue<'_> for $type {
            const EXPECTED: &'static str = $expected;

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Integer(value) => Self::try_from(*value).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

whole_numbers! {
    u8 => "a whole number from 0 to 255",
    u16 => "a whole number from 0 to 65535",
    u32 => "a whole number from 0 to 4294967295",
    i32 => "a whole number from -2147483648 to 2147483647",
    i64 => "a whole number",
}

impl FromValue<'_> for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(value) => Some(*value),
            Value::Integer(value) => Some(*value as Self),
            _ => None,
        }
    }
}

impl FromValue<'_> for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl<'p> FromValue<'p> for &'p str {
    const EXPECTED: &'static str = "text";

    fn from_value(value: &'p Value) -> Option<Self> {
        match value {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }
}

impl FromValue<'_> for Attachment {
    const EXPECTED: &'static str = "a picture sent along";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Attachment(attachment) => Some(*attachment),
            _ => None,
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Attachment> for Value {
    fn from(value: Attachment) -> Self {
        Self::Attachment(value)
    }
}

impl From<Vec<wit::Param>> for Params {
    fn from(params: Vec<wit::Param>) -> Self {
        params.into_iter().map(|param| (param.name, param.value.into())).collect()
    }
}

impl From<wit::Value> for Value {
    fn from(value: wit::Value) -> Self {
        match value {
            wit::Value::Text(value) => Self::Text(value),
            wit::Value::Integer(value) => Self::Integer(value),
            wit::Value::Number(value) => Self::Number(value),
            wit::Value::Boolean(value) => Self::Boolean(value),
            wit::Value::Json(value) => Self::Json(value),
            wit::Value::Attachment(index) => Self::Attachment(Attachment(index)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        Params::from_iter([
            ("width", Value::from(300)),
            ("factor", Value::from(0.5)),
            ("fit", Value::from("cover")),
            ("enlarge", Value::from(true)),
        ])
    }

    #[test]
    fn values_are_read_by_name_and_type() {
        let params = params();
        assert_eq!(params.require("width"), Ok(300u32));
        assert_eq!(params.require("factor"), Ok(0.5));
        assert_eq!(params.require("fit"), Ok("cover"));
        assert_eq!(params.get("enlarge"), Ok(Some(true)));
        assert_eq!(params.get::<u32>("height"), Ok(None));
    }

    #[test]
    fn a_missing_or_mistyped_value_is_named() {
        let params = params();
        let text = |failure: Failure| failure.text().to_owned();
        assert_eq!(params.require::<u32>("height").map_err(text), Err("height: is missing.".into()));
        assert_eq!(
            params.get::<u8>("width").map_err(text),
            Err("width: must be a whole number from 0 to 255.".into())
        );
        assert_eq!(params.get::<bool>("fit").map_err(text), Err("fit: must be true or false.".into()));
    }

    #[test]
    fn a_whole_number_serves_as_any_number() {
        assert_eq!(params().require("width"), Ok(300.0));
    }
}
