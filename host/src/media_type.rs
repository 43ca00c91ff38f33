//! Media types: what a `Content-Type` or an `output type` says, parsed once and compared by meaning.
//!
//! Knows RFC 9110 and nothing of HTTP messages, of the formats that Tintype supports, or of what the
//! bytes so labelled really are.

pub mod file_names;
pub mod parameters;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use parameters::{Parameters, token_end, token_with_capital};

/// Longest text accepted as a media type, in bytes. The longest honest ones carry a 70 character
/// boundary, a Content-ID as `start` and a media type as `type`: a few hundred bytes.
pub const MAX_MEDIA_TYPE_BYTES: usize = 1024;

/// `type/subtype` with parameters (RFC 9110 section 8.3.1).
///
/// Names are lower-case and parameters sorted by name, so two spellings of one media type are equal
/// and have the same hash. Parameter values are kept as they are: only the one who knows a
/// parameter knows whether its case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MediaType {
    essence: Cow<'static, str>,
    params: Parameters,
}

/// Why a text is no media type. `at` counts bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at} of the media type")]
pub struct MediaTypeError {
    /// What is wrong there.
    pub problem: SyntaxProblem,
    /// Where, in bytes from the start of the text.
    pub at: usize,
}

/// What can be wrong with the syntax of a media type or of a list of parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxProblem {
    /// Longer than the cap, which is given in bytes.
    #[error("more than {0} bytes: too long")]
    TooLong(usize),
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// No type before the slash.
    #[error("a type such as `image` is missing")]
    NoType,
    /// No slash after the type.
    #[error("a `/` and a subtype are missing")]
    NoSubtype,
    /// Two parameters of one name; RFC 9110 doesn't say which of them would count.
    #[error("the parameter `{0}` is given a second time")]
    DuplicateParameter(String),
    /// A character that has no place there.
    #[error("the character {0:?} doesn't belong")]
    UnexpectedCharacter(char),
    /// Space around the `=`, or no `=` at all (RFC 9110 section 5.6.6 allows neither).
    #[error("a parameter's name must be followed by `=` directly, without spaces")]
    NoEqualsSign,
    /// `name=` and nothing.
    #[error("a parameter has no value; an empty one is written `\"\"`")]
    NoValue,
    /// A quoted string that never ends.
    #[error("the closing quotation mark is missing")]
    Unterminated,
}

impl SyntaxProblem {
    pub(crate) fn at(self, at: usize) -> MediaTypeError {
        MediaTypeError { problem: self, at }
    }
}

impl MediaType {
    /// A media type known when the program is written, without parameters.
    ///
    /// # Panics
    /// When `essence` is not a lower-case `type/subtype`; in a `const`, that is a compile error.
    pub const fn of(essence: &'static str) -> Self {
        let bytes = essence.as_bytes();
        let slash = token_end(bytes, 0);
        assert!(slash > 0 && slash < bytes.len() && bytes[slash] == b'/');
        assert!(slash + 1 < bytes.len() && token_end(bytes, slash + 1) == bytes.len());
        assert!(!token_with_capital(bytes), "an essence is lower-case");
        Self { essence: Cow::Borrowed(essence), params: Parameters::none() }
    }

    /// Reads a header's value, or any text of the same form.
    ///
    /// # Errors
    /// For anything that RFC 9110 section 8.3.1 doesn't allow, a parameter given twice, and texts
    /// longer than [`MAX_MEDIA_TYPE_BYTES`].
    pub fn parse(text: &str) -> Result<Self, MediaTypeError> {
        if text.len() > MAX_MEDIA_TYPE_BYTES {
            return Err(SyntaxProblem::TooLong(MAX_MEDIA_TYPE_BYTES).at(MAX_MEDIA_TYPE_BYTES));
        }
        let bytes = text.as_bytes();
        let start = parameters::skip_ows(bytes, 0);
        let slash = token_end(bytes, start);
        if slash == start {
            return Err(SyntaxProblem::NoType.at(start));
        }
        if bytes.get(slash) != Some(&b'/') {
            return Err(SyntaxProblem::NoSubtype.at(slash));
        }
        let end = token_end(bytes, slash + 1);
        let (Some(essence), true) = (text.get(start..end), end > slash + 1) else {
            return Err(SyntaxProblem::NoSubtype.at(slash + 1));
        };
        let params = Parameters::parse(text, end)?;
        Ok(Self { essence: Cow::Owned(essence.to_ascii_lowercase()), params })
    }

    /// As [`MediaType::parse`], for a header's raw value.
    ///
    /// # Errors
    /// As `parse`, and for bytes that are not UTF-8.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, MediaTypeError> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| SyntaxProblem::NotUtf8.at(error.valid_up_to()))?;
        Self::parse(text)
    }

    /// `type/subtype` in lower case, without parameters.
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The part before the slash, in lower case.
    pub fn type_(&self) -> &str {
        self.essence.split_once('/').map_or("", |(type_, _)| type_)
    }

    /// The part after the slash, in lower case.
    pub fn subtype(&self) -> &str {
        self.essence.split_once('/').map_or("", |(_, subtype)| subtype)
    }

    /// A parameter's value with quotation marks and quoted-pairs undone; `name` in any case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name)
    }

    /// Whether there is any parameter at all.
    pub fn has_params(&self) -> bool {
        !self.params.is_empty()
    }

    /// `image/` and anything.
    pub fn is_image(&self) -> bool {
        self.type_() == "image"
    }

    /// One of XML's two names (RFC 7303 makes them synonyms).
    pub fn is_xml(&self) -> bool {
        matches!(self.essence(), "application/xml" | "text/xml")
    }

    /// `application/json`.
    pub fn is_json(&self) -> bool {
        self.essence() == "application/json"
    }
}

impl fmt::Display for MediaType {
    /// The form for a header: values are quoted where they have to be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.essence, self.params)
    }
}

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> MediaType {
        MediaType::parse(text).unwrap()
    }

    fn refused(text: &str) -> (SyntaxProblem, usize) {
        let error = MediaType::parse(text).unwrap_err();
        (error.problem, error.at)
    }

    #[test]
    fn names_are_case_insensitive_and_values_are_not() {
        let media_type = parsed("Application/XML;CharSet=UTF-8");
        assert_eq!(media_type.essence(), "application/xml");
        assert_eq!((media_type.type_(), media_type.subtype()), ("application", "xml"));
        assert_eq!(media_type.param("CHARSET"), Some("UTF-8"));
        assert_eq!(media_type.param("boundary"), None);
        assert!(media_type.is_xml() && !media_type.is_json() && !media_type.is_image());
    }

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        assert_eq!(parsed("a/b; x=1; y=2"), parsed("A/B;Y=2;X=1"));
        assert_ne!(parsed("a/b; x=a"), parsed("a/b; x=A"));
    }

    #[test]
    fn optional_space_and_empty_parameters_are_tolerated() {
        for text in ["a/b;c=d", " a/b ; c=d ", "a/b;;c=d;", "a/b\t;\t; c=d ; ", "a/b;c=\"d\""] {
            assert_eq!(parsed(text), parsed("a/b;c=d"), "{text:?}");
        }
    }

    #[test]
    fn quoted_pairs_are_undone() {
        let media_type = parsed(r#"multipart/related; boundary="a\"b\\c;d"; type="text/xml""#);
        assert_eq!(media_type.param("boundary"), Some(r#"a"b\c;d"#));
        assert_eq!(media_type.param("type"), Some("text/xml"));
        assert_eq!(parsed(r#"a/b;c="""#).param("c"), Some(""));
        assert_eq!(parsed("a/b;c=\"grün\t\"").param("c"), Some("grün\t"));
    }

    #[test]
    fn a_refusal_says_what_and_where() {
        use SyntaxProblem::*;
        let table = [
            ("", NoType, 0),
            ("/png", NoType, 0),
            ("image", NoSubtype, 5),
            ("image/", NoSubtype, 6),
            ("image /png", NoSubtype, 5),
            ("image/png,image/gif", UnexpectedCharacter(','), 9),
            ("image/png x=1", UnexpectedCharacter('x'), 10),
            ("a/b;x", NoEqualsSign, 5),
            ("a/b;x =1", NoEqualsSign, 5),
            ("a/b;=1", UnexpectedCharacter('='), 4),
            ("a/b;x=", NoValue, 6),
            ("a/b;x= 1", NoValue, 6),
            ("a/b;x=1 2", UnexpectedCharacter('2'), 8),
            ("a/b;x=\"1\"2", UnexpectedCharacter('2'), 9),
            ("a/b;x=\"1", Unterminated, 6),
            ("a/b;x=\"1\\", Unterminated, 6),
            ("a/b;x=1;X=1", DuplicateParameter("x".into()), 8),
            ("a/b;x=\"\u{1}\"", UnexpectedCharacter('\u{1}'), 7),
            ("a/b;x=\"\\\n\"", UnexpectedCharacter('\n'), 8),
            ("a/b\r\n", UnexpectedCharacter('\r'), 3),
            ("a/b;ü=1", UnexpectedCharacter('ü'), 4),
            ("a/b;x=ü", NoValue, 6),
        ];
        for (text, problem, at) in table {
            assert_eq!(refused(text), (problem, at), "{text:?}");
        }
        assert_eq!(refused(&format!("a/{}", "b".repeat(1023))), (TooLong(1024), 1024));
        let error = MediaType::parse_bytes(b"a/b;x=\"\xff\"").unwrap_err();
        assert_eq!((error.problem, error.at), (NotUtf8, 7));
        let error = MediaType::parse("image/png,x").unwrap_err();
        assert_eq!(error.to_string(), "the character ',' doesn't belong at byte 9 of the media type");
    }

    #[test]
    fn a_constant_is_equal_to_what_is_parsed() {
        const PNG: MediaType = MediaType::of("image/png");
        assert_eq!(PNG, parsed("IMAGE/PNG"));
        assert!(PNG.is_image() && !PNG.has_params());
    }

    #[test]
    fn display_quotes_only_where_needed() {
        assert_eq!(parsed("a/b; y=\"c d\"; x=\"e\"").to_string(), "a/b; x=e; y=\"c d\"");
        assert_eq!(parsed(r#"a/b; x="\\\"""#).to_string(), r#"a/b; x="\\\"""#);
    }

    proptest! {
        #[test]
        fn what_display_writes_reads_back(
            essence in "[a-zA-Z0-9.+-]{1,10}/[a-zA-Z0-9.+-]{1,10}",
            params in proptest::collection::btree_map("[a-z]{1,5}", "[\t -~à-ÿ]{0,12}", 0..4),
        ) {
            let mut text = essence.clone();
            for (name, value) in &params {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                text.push_str(&format!(" ;\t{name}=\"{value}\""));
            }
            let media_type = parsed(&text);
            for (name, value) in &params {
                prop_assert_eq!(media_type.param(name), Some(value.as_str()));
            }
            prop_assert_eq!(parsed(&media_type.to_string()), media_type);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = MediaType::parse_bytes(&bytes);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a/;=\"\\\\ ,ü\u{1}]{0,24}") {
            if let Err(error) = MediaType::parse(&text) {
                prop_assert!(text.is_char_boundary(error.at));
            }
        }
    }
}
