//! The boundary: the text that separates parts, agreed on in the message's `Content-Type`.

use super::error::BoundaryError;
use crate::media_type::MediaType;

/// RFC 2046 section 5.1.1: "no more than 70 characters".
const MAX_BOUNDARY_CHARACTERS: usize = 70;

/// A boundary as RFC 2046 section 5.1.1 has it: 1 to 70 of its `bchars`, the last no space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    text: String,
}

impl Boundary {
    /// Takes the boundary from a `multipart/…` media type's parameter.
    ///
    /// # Errors
    /// When it is missing or none by RFC 2046.
    pub fn of(media_type: &MediaType) -> Result<Self, BoundaryError> {
        Self::new(media_type.param("boundary").ok_or(BoundaryError::Missing)?)
    }

    /// Checks a boundary, without the two hyphens that delimiters put before it.
    ///
    /// # Errors
    /// When it is none by RFC 2046.
    pub fn new(text: &str) -> Result<Self, BoundaryError> {
        if let Some(char) = text.chars().find(|char| !is_bchar(*char)) {
            return Err(BoundaryError::Character(char));
        }
        if text.is_empty() || text.len() > MAX_BOUNDARY_CHARACTERS {
            return Err(BoundaryError::Length(text.len()));
        }
        if text.ends_with(' ') {
            return Err(BoundaryError::TrailingSpace);
        }
        Ok(Self { text: text.to_owned() })
    }

    /// As in the header, unquoted.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn is_bchar(char: char) -> bool {
    char.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(char)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_to_seventy_of_the_allowed_characters() {
        let longest = "b".repeat(70);
        for text in ["x", "gc0pJq0M:08jU534c0p", "'()+_,-./:=?", "a b", "----", &longest] {
            assert_eq!(Boundary::new(text).map(|boundary| boundary.text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        assert_eq!(Boundary::new(""), Err(BoundaryError::Length(0)));
        assert_eq!(Boundary::new(&"b".repeat(71)), Err(BoundaryError::Length(71)));
        assert_eq!(Boundary::new("b "), Err(BoundaryError::TrailingSpace));
        for char in ['"', '\\', '\r', '\n', '\0', '@', '*', 'ü', '\t', ';'] {
            assert_eq!(Boundary::new(&format!("a{char}b")), Err(BoundaryError::Character(char)));
        }
    }

    #[test]
    fn it_comes_from_the_content_type_quoted_or_not() {
        let of = |text| Boundary::of(&MediaType::parse(text).unwrap());
        assert_eq!(of("multipart/related; Boundary=xyz").unwrap().as_str(), "xyz");
        assert_eq!(of(r#"multipart/related; boundary="a \:b""#).unwrap().as_str(), "a :b");
        assert_eq!(of("multipart/related; start=a"), Err(BoundaryError::Missing));
        assert_eq!(of(r#"multipart/related; boundary="""#), Err(BoundaryError::Length(0)));
    }
}
