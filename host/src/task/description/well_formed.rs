//! XML 1.0, strictly: a document as tokens, each with its place.
//!
//! Knows nothing of tasks. quick-xml finds where each piece of markup begins and ends; it was made
//! to be lenient and fast, so all that XML 1.0 forbids and it lets pass is checked here: characters,
//! attributes, references, declarations, what stands outside the root.
//!
//! Comments and processing instructions are checked and skipped: an editor's `<?xml-model …?>` is
//! none of a client's wishes, and it makes nothing be fetched. A document type declaration is an
//! error, so there are no entities but the five, and nothing can grow by being read.

use std::borrow::Cow;
use std::collections::BTreeSet;

use quick_xml::errors::SyntaxError;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::{DescriptionError, MAX_DEPTH, Problem};
use crate::xml_text;

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// A piece of a document, with the byte offset at which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A start tag, or an empty element's first half.
    Open { name: &'a str, attributes: Vec<Attribute<'a>>, at: usize },
    /// An end tag, or an empty element's second half.
    Close,
    /// Characters, with references resolved and line ends made LF. `ink` is where the first of them
    /// stands that does more than lay the document out: not plain white space, though a reference
    /// or CDATA section that makes white space is there on purpose.
    Text { text: Cow<'a, str>, ink: Option<usize> },
    /// After the root element.
    End,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// With references resolved and white space made spaces (XML 1.0 section 3.3.3).
    pub(super) value: String,
    pub(super) at: usize,
    pub(super) value_at: usize,
}

pub(super) struct Tokens<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// Names and places of the elements that are open.
    open: Vec<(&'a str, usize)>,
    root_seen: bool,
}

impl<'a> Tokens<'a> {
    /// Begins at the first character after a byte order mark.
    pub(super) fn new(text: &'a str) -> Result<Self, DescriptionError> {
        if let Some((at, char)) = text.char_indices().find(|(_, char)| !xml_text::is_char(*char)) {
            return Err(Problem::IllegalCharacter(char).at(text, at));
        }
        // quick-xml would swallow it and count it as nothing.
        if text.starts_with('\u{feff}') {
            return Err(malformed("a second byte order mark").at(text, 0));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Ok(Self { text, reader, open: Vec::new(), root_seen: false })
    }

    /// A problem at a place that a token has told.
    pub(super) fn error(&self, problem: Problem, at: usize) -> DescriptionError {
        problem.at(self.text, at)
    }

    /// The next token; after `End`, `End` again.
    pub(super) fn next(&mut self) -> Result<Token<'a>, DescriptionError> {
        loop {
            let start = self.offset();
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.tokenizer_error(error)),
            };
            let end = self.offset();
            let raw = self.text.get(start..end).unwrap_or_default();
            match event {
                Event::Start(_) | Event::Empty(_) => return self.open_tag(raw, start),
                Event::End(_) => {
                    self.open.pop();
                    return Ok(Token::Close);
                }
                Event::Text(_) => {
                    if let Some(token) = self.characters(raw, start)? {
                        return Ok(token);
                    }
                }
                Event::GeneralRef(_) => {
                    self.inside_root(start)?;
                    let name = raw.get(1..raw.len() - 1).unwrap_or_default();
                    let char = resolve(name).map_err(|problem| self.error(problem, start))?;
                    let text = Cow::Owned(char.to_string());
                    return Ok(Token::Text { text, ink: Some(start) });
                }
                Event::CData(_) => {
                    self.inside_root(start)?;
                    let content = raw.get(9..raw.len() - 3).unwrap_or_default();
                    return Ok(Token::Text { text: line_ends(content), ink: Some(start) });
                }
                Event::Comment(_) => self.comment(raw, start)?,
                Event::PI(_) => self.instruction(raw, start)?,
                Event::Decl(_) => self.declaration(raw, start)?,
                Event::DocType(_) => return Err(self.error(Problem::Dtd, start)),
                Event::Eof => return self.end(),
            }
        }
    }

    fn offset(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(self.text.len())
    }

    fn tokenizer_error(&self, error: quick_xml::Error) -> DescriptionError {
        use quick_xml::errors::IllFormedError;
        let at = usize::try_from(self.reader.error_position()).unwrap_or(self.text.len());
        let problem = match error {
            quick_xml::Error::Syntax(SyntaxError::UnclosedDoctype) => Problem::Dtd,
            quick_xml::Error::Syntax(error) => malformed(&error.to_string()),
            quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => Problem::LoneAmpersand,
            quick_xml::Error::IllFormed(IllFormedError::MissingDoctypeName) => Problem::Dtd,
            quick_xml::Error::IllFormed(error) => malformed(&error.to_string()),
            error => malformed(&error.to_string()),
        };
        self.error(problem, at)
    }

    fn open_tag(&mut self, raw: &'a str, start: usize) -> Result<Token<'a>, DescriptionError> {
        if self.open.is_empty() && self.root_seen {
            return Err(self.error(malformed("a second root element"), start));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(self.error(Problem::TooDeep, start));
        }
        let inner = raw.strip_prefix('<').unwrap_or(raw);
        let inner = inner.strip_suffix("/>").or(inner.strip_suffix('>')).unwrap_or(inner);
        let name = inner.split(SPACE).next().unwrap_or_default();
        if !is_name(name) {
            let problem = malformed("a `<` that begins no tag is written `&lt;`");
            return Err(self.error(problem, start));
        }
        let attributes_at = start + 1 + name.len();
        let attributes = inner.get(name.len()..).unwrap_or_default();
        let attributes = self.attributes(attributes, attributes_at)?;
        self.root_seen = true;
        self.open.push((name, start));
        Ok(Token::Open { name, attributes, at: start })
    }

    /// Reads `(S name S? = S? "value")* S?`.
    fn attributes(&self, source: &'a str, source_at: usize) -> Result<Vec<Attribute<'a>>, DescriptionError> {
        let mut attributes = Vec::new();
        // A set, because a hostile tag has thousands.
        let mut names = BTreeSet::new();
        let mut rest = source;
        loop {
            let trimmed = rest.trim_start_matches(SPACE);
            if trimmed.is_empty() {
                return Ok(attributes);
            }
            let at = source_at + source.len() - trimmed.len();
            if trimmed.len() == rest.len() {
                return Err(self.error(malformed("white space is missing before an attribute"), at));
            }
            let name_end = trimmed.find(|char| char == '=' || SPACE.contains(&char));
            let (name, after) =
                trimmed.split_at_checked(name_end.unwrap_or(trimmed.len())).unwrap_or_default();
            if !is_name(name) {
                return Err(self.error(malformed("this cannot be an attribute's name"), at));
            }
            if !names.insert(name) {
                return Err(self.error(Problem::DuplicateAttribute(name.to_owned()), at));
            }
            let Some(after) = after.trim_start_matches(SPACE).strip_prefix('=') else {
                return Err(self.error(malformed("an attribute without `=` and a value"), at));
            };
            let after = after.trim_start_matches(SPACE);
            let value_at = source_at + source.len() - after.len();
            let quoted = after.strip_prefix('"').and_then(|after| after.split_once('"'));
            let quoted = quoted.or_else(|| after.strip_prefix('\'').and_then(|after| after.split_once('\'')));
            let Some((raw, after)) = quoted else {
                let problem = malformed("an attribute's value must stand in quotation marks");
                return Err(self.error(problem, value_at));
            };
            let value = self.attribute_value(raw, value_at + 1)?;
            attributes.push(Attribute { name, value, at, value_at: value_at + 1 });
            rest = after;
        }
    }

    fn attribute_value(&self, raw: &str, at: usize) -> Result<String, DescriptionError> {
        if let Some(offset) = raw.find('<') {
            let problem = malformed("`<` in an attribute is written `&lt;`");
            return Err(self.error(problem, at + offset));
        }
        let normalized = |text: &str| text.replace("\r\n", " ").replace(SPACE, " ");
        let mut value = String::new();
        let mut rest = raw;
        while let Some((before, after)) = rest.split_once('&') {
            let reference_at = at + raw.len() - after.len() - 1;
            value.push_str(&normalized(before));
            let Some((name, after)) = after.split_once(';') else {
                return Err(self.error(Problem::LoneAmpersand, reference_at));
            };
            value.push(resolve(name).map_err(|problem| self.error(problem, reference_at))?);
            rest = after;
        }
        value.push_str(&normalized(rest));
        Ok(value)
    }

    /// Characters between markup; `None` for the white space around the root element.
    fn characters(&self, raw: &'a str, start: usize) -> Result<Option<Token<'a>>, DescriptionError> {
        let ink = raw.find(|char| !SPACE.contains(&char)).map(|offset| start + offset);
        if self.open.is_empty() {
            return ink.map_or(Ok(None), |at| self.inside_root(at).map(|()| None));
        }
        if let Some(offset) = raw.find("]]>") {
            return Err(self.error(malformed("`]]>` in text is written `]]&gt;`"), start + offset));
        }
        Ok(Some(Token::Text { text: line_ends(raw), ink }))
    }

    fn inside_root(&self, at: usize) -> Result<(), DescriptionError> {
        match self.open.is_empty() {
            true => Err(self.error(malformed("text outside the root element"), at)),
            false => Ok(()),
        }
    }

    fn comment(&self, raw: &str, start: usize) -> Result<(), DescriptionError> {
        let content = raw.get(4..raw.len().saturating_sub(3));
        let wrong = match content {
            None => Some(0),
            Some(content) if content.ends_with('-') => Some(3 + content.len()),
            Some(content) => content.find("--").map(|offset| 4 + offset),
        };
        match wrong {
            Some(offset) => Err(self.error(malformed("`--` within a comment"), start + offset)),
            None => Ok(()),
        }
    }

    fn instruction(&self, raw: &str, start: usize) -> Result<(), DescriptionError> {
        let content = raw.get(2..raw.len() - 2).unwrap_or_default();
        let target = content.split(SPACE).next().unwrap_or_default();
        if !is_name(target) || target.eq_ignore_ascii_case("xml") {
            let problem = malformed("this cannot be a processing instruction's name");
            return Err(self.error(problem, start));
        }
        Ok(())
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` (XML 1.0 section 2.8).
    fn declaration(&self, raw: &'a str, start: usize) -> Result<(), DescriptionError> {
        if start != 0 {
            let problem = malformed("an XML declaration must be the very first thing");
            return Err(self.error(problem, start));
        }
        let source = raw.get(5..raw.len() - 2).unwrap_or_default();
        let mut attributes = self.attributes(source, start + 5)?.into_iter().peekable();
        match attributes.next() {
            Some(version) if version.name == "version" => {
                if version.value != "1.0" {
                    return Err(self.error(Problem::XmlVersion(version.value), version.value_at));
                }
            }
            _ => {
                return Err(self.error(malformed("an XML declaration begins with `version`"), start));
            }
        }
        if let Some(encoding) = attributes.next_if(|attribute| attribute.name == "encoding") {
            // US-ASCII is a subset of UTF-8; no other encoding is, whatever the bytes look like.
            let known = ["UTF-8", "US-ASCII"].map(|name| encoding.value.eq_ignore_ascii_case(name));
            if !known.contains(&true) {
                return Err(self.error(Problem::Encoding(encoding.value), encoding.value_at));
            }
        }
        if let Some(standalone) = attributes.next_if(|attribute| attribute.name == "standalone")
            && !matches!(standalone.value.as_str(), "yes" | "no")
        {
            let problem = malformed("`standalone` is `yes` or `no`");
            return Err(self.error(problem, standalone.value_at));
        }
        match attributes.next() {
            Some(other) => {
                let problem = malformed("an XML declaration has `version`, `encoding`, `standalone`");
                Err(self.error(problem, other.at))
            }
            None => Ok(()),
        }
    }

    fn end(&self) -> Result<Token<'a>, DescriptionError> {
        if let Some((name, at)) = self.open.last() {
            return Err(self.error(malformed(&format!("`<{name}>` is never closed")), *at));
        }
        match self.root_seen {
            true => Ok(Token::End),
            false => Err(self.error(malformed("there is no element"), self.text.len())),
        }
    }
}

fn malformed(what: &str) -> Problem {
    Problem::NotWellFormed(what.to_owned())
}

/// The character that `&name;` stands for (XML 1.0 sections 4.1 and 4.6).
fn resolve(name: &str) -> Result<char, Problem> {
    let number = match name.strip_prefix('#') {
        None => {
            return match name {
                "lt" => Ok('<'),
                "gt" => Ok('>'),
                "amp" => Ok('&'),
                "apos" => Ok('\''),
                "quot" => Ok('"'),
                _ if is_name(name) => Err(Problem::UnknownEntity(format!("&{name};"))),
                _ => Err(Problem::LoneAmpersand),
            };
        }
        Some(number) => number,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    // `from_str_radix` alone would take a sign.
    let only_digits = digits.chars().all(|digit| digit.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| only_digits);
    code.and_then(char::from_u32)
        .filter(|char| xml_text::is_char(*char))
        .ok_or_else(|| Problem::CharacterReference(format!("&{name};")))
}

/// Line ends as XML 1.0 section 2.11 has them: LF, however they were written.
fn line_ends(raw: &str) -> Cow<'_, str> {
    if raw.contains('\r') {
        Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(raw)
    }
}

/// `Name` of XML 1.0 section 2.3, roughly: letters in the sense of Unicode stand for its tables.
/// Every name that matters here is ASCII, and any other is refused a moment later, as unknown.
fn is_name(name: &str) -> bool {
    name.starts_with(|char: char| char.is_alphabetic() || matches!(char, '_' | ':'))
        && name.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | ':' | '-' | '.'))
}
