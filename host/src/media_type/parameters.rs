//! `; name=value` lists (RFC 9110 section 5.6.6), shared by every header field that has them:
//! `Content-Type`, `Content-Disposition`, `Accept`.
//!
//! Knows tokens and quoted strings, and no parameter by name.

use std::fmt;

use super::{MediaTypeError, SyntaxProblem};

/// Parameters with lower-case names, each at most once, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Parameters {
    sorted: Vec<(String, String)>,
}

impl Parameters {
    /// An empty list.
    pub const fn none() -> Self {
        Self { sorted: Vec::new() }
    }

    /// Reads `*( OWS ";" OWS [ name "=" value ] ) OWS` from byte `from` to the end of `text`.
    ///
    /// # Errors
    /// With the offset in `text`, for anything else, and for a name given twice.
    pub fn parse(text: &str, from: usize) -> Result<Self, MediaTypeError> {
        let bytes = text.as_bytes();
        let mut parameters = Self::none();
        let mut at = skip_ows(bytes, from);
        while at < bytes.len() {
            if bytes.get(at) != Some(&b';') {
                return Err(unexpected(text, at));
            }
            at = skip_ows(bytes, at + 1);
            if matches!(bytes.get(at), None | Some(b';')) {
                continue;
            }
            at = parameters.parse_one(text, at)?;
            at = skip_ows(bytes, at);
        }
        Ok(parameters)
    }

    /// Reads `name=value` at `at` and returns where it ends.
    fn parse_one(&mut self, text: &str, at: usize) -> Result<usize, MediaTypeError> {
        let bytes = text.as_bytes();
        let name_end = token_end(bytes, at);
        let name = match text.get(at..name_end) {
            Some(name) if !name.is_empty() => name.to_ascii_lowercase(),
            _ => return Err(unexpected(text, at)),
        };
        if bytes.get(name_end) != Some(&b'=') {
            return Err(SyntaxProblem::NoEqualsSign.at(name_end));
        }
        let value_at = name_end + 1;
        let (value, end) = if bytes.get(value_at) == Some(&b'"') {
            quoted_string(text, value_at)?
        } else {
            let end = token_end(bytes, value_at);
            match text.get(value_at..end) {
                Some(value) if !value.is_empty() => (value.to_owned(), end),
                _ => return Err(SyntaxProblem::NoValue.at(value_at)),
            }
        };
        match self.sorted.binary_search_by(|(known, _)| known.as_str().cmp(&name)) {
            Ok(_) => Err(SyntaxProblem::DuplicateParameter(name).at(at)),
            Err(place) => {
                self.sorted.insert(place, (name, value));
                Ok(end)
            }
        }
    }

    /// The value of a parameter; `name` in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sorted.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.iter() {
            if !value.is_empty() && token_end(value.as_bytes(), 0) == value.len() {
                write!(f, "; {name}={value}")?;
            } else {
                let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "; {name}=\"{escaped}\"")?;
            }
        }
        Ok(())
    }
}

/// Reads the quoted string whose opening mark is at `open`; returns it unescaped, and its end.
fn quoted_string(text: &str, open: usize) -> Result<(String, usize), MediaTypeError> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip_while(|(at, _)| *at <= open);
    while let Some((at, char)) = chars.next() {
        let (at, char) = match char {
            '"' => return Ok((value, at + 1)),
            '\\' => match chars.next() {
                Some(escaped) => escaped,
                None => break,
            },
            _ => (at, char),
        };
        // A tab is the one control character that qdtext and quoted-pair allow.
        if char.is_control() && char != '\t' {
            return Err(unexpected(text, at));
        }
        value.push(char);
    }
    Err(SyntaxProblem::Unterminated.at(open))
}

fn unexpected(text: &str, at: usize) -> MediaTypeError {
    let char = text.get(at..).and_then(|rest| rest.chars().next());
    SyntaxProblem::UnexpectedCharacter(char.unwrap_or(char::REPLACEMENT_CHARACTER)).at(at)
}

/// Where optional white space (RFC 9110 section 5.6.3) from `at` on ends.
pub(crate) fn skip_ows(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// Where the token (RFC 9110 section 5.6.2) that begins at `at` ends; `at` itself where none does.
pub(crate) const fn token_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && is_tchar(bytes[at]) {
        at += 1;
    }
    at
}

pub(super) const fn token_with_capital(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_uppercase() {
            return true;
        }
        at += 1;
    }
    false
}

const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}
