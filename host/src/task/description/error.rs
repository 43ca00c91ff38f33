//! Why a description was refused, and where.
//!
//! The words are for the client who wrote it: they say what to change. What they repeat of the
//! client's text is cut short.

use super::{MAX_DEPTH, MAX_DESCRIPTION_BYTES, MAX_OPERATIONS};

/// Longest piece of a client's text in a message, in characters.
const MAX_QUOTED_CHARACTERS: usize = 40;

/// Longest explanation that a parser made, in characters; some of them repeat the client's text.
const MAX_REASON_CHARACTERS: usize = 160;

/// The first thing wrong with a description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct DescriptionError {
    /// From 1; lines end in LF, CR LF or CR.
    pub line: usize,
    /// From 1, in characters (Unicode scalar values), not bytes. A byte order mark counts as none.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Over [`MAX_DESCRIPTION_BYTES`].
    #[error("the description is longer than {MAX_DESCRIPTION_BYTES} bytes")]
    TooLong,
    /// Over [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Bytes that are not UTF-8.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// Another encoding, declared or apparent.
    #[error("the encoding {} is not read here; write the description in UTF-8", quoted(.0))]
    Encoding(String),
    /// XML 1.1, or a version that doesn't exist.
    #[error("XML version {} is not read here; declare version=\"1.0\"", quoted(.0))]
    XmlVersion(String),
    /// A character outside XML 1.0's `Char`.
    #[error("the character U+{:04X} is not allowed in XML", u32::from(*.0))]
    IllegalCharacter(char),
    /// A document type declaration.
    #[error("a DOCTYPE is not allowed here; take it away")]
    Dtd,
    /// An entity that would need a DTD.
    #[error("the entity {} is unknown; there are only &lt; &gt; &amp; &apos; and &quot;", quoted(.0))]
    UnknownEntity(String),
    /// `&#…;` of no character.
    #[error("{} refers to no character that XML allows", quoted(.0))]
    CharacterReference(String),
    /// `&` that begins nothing.
    #[error("an `&` that begins no reference is written `&amp;`")]
    LoneAmpersand,
    /// Any other breach of XML's grammar.
    #[error("not well-formed XML: {}", shortened(.0, MAX_REASON_CHARACTERS))]
    NotWellFormed(String),
    /// `xmlns`, or a prefix.
    #[error("{} is about namespaces; the elements of a description have none", quoted(.0))]
    Namespace(String),
    /// A root element other than `task`.
    #[error("the root element is {}; it must be `task`", quoted(.0))]
    Root(String),
    /// An element that has no place there.
    #[error("{} doesn't belong in `{inside}`; allowed: {allowed}", quoted(.name))]
    UnknownElement {
        /// As written.
        name: String,
        /// Its parent.
        inside: &'static str,
        /// What the parent may have.
        allowed: &'static str,
    },
    /// An attribute that the element doesn't have.
    #[error("`{element}` has no attribute {}; allowed: {allowed}", quoted(.name))]
    UnknownAttribute {
        /// As written.
        name: String,
        /// Its element.
        element: &'static str,
        /// What the element may have.
        allowed: &'static str,
    },
    /// The same attribute twice.
    #[error("a second attribute {}", quoted(.0))]
    DuplicateAttribute(String),
    /// An attribute or key that must be there.
    #[error("`{owner}` needs `{name}`")]
    Missing {
        /// The element or object.
        owner: &'static str,
        /// The attribute or key.
        name: &'static str,
    },
    /// Text between elements.
    #[error("text has no place in `{0}`; values stand in a `param`")]
    Text(&'static str),
    /// None at all.
    #[error("a description needs at least one operation")]
    NoOperations,
    /// Over [`MAX_OPERATIONS`].
    #[error("more than {MAX_OPERATIONS} operations")]
    TooManyOperations,
    /// `output` and `callback` stand last.
    #[error("an `operation` after `output` or `callback`; these must come last")]
    OperationAfterOutput,
    /// A second `output`.
    #[error("a second `output`; a task has one at most")]
    SecondOutput,
    /// A second `callback`.
    #[error("a second `callback`; a task has one at most")]
    SecondCallback,
    /// Not an operation's name.
    #[error("{} cannot be an operation's name: 1 to 64 of a-z, 0-9 and -, a letter first", quoted(.0))]
    OperationName(String),
    /// Not a plugin's name.
    #[error("{} cannot be a plugin's name: 1 to 64 of a-z, 0-9 and -, a letter first", quoted(.0))]
    PluginName(String),
    /// Not a parameter's name.
    #[error("{} cannot be a parameter's name: 1 to 64 of letters, digits and _ . -, a letter or _ first", quoted(.0))]
    ParamName(String),
    /// One parameter twice.
    #[error("the parameter `{0}` is given a second time")]
    DuplicateParam(String),
    /// Not a semver requirement.
    #[error("the version {} is no semver requirement such as `1` or `>=1.2, <2`: {}", quoted(.text), shortened(.reason, MAX_REASON_CHARACTERS))]
    Version {
        /// As written.
        text: String,
        /// What the semver parser says.
        reason: String,
    },
    /// A reference to anything but a part of the message.
    #[error("{} cannot be used: `href` must be `cid:` and the Content-ID of another part of this message; nothing outside the message is fetched", quoted(.0))]
    Href(String),
    /// No Content-ID.
    #[error("{} cannot be a Content-ID", quoted(.0))]
    ContentId(String),
    /// Both in one `param`.
    #[error("a `param` has either text or `href`, not both")]
    TextAndHref,
    /// Not one media type.
    #[error("{} cannot be an output type: {}", quoted(.text), shortened(.reason, MAX_REASON_CHARACTERS))]
    OutputType {
        /// As written.
        text: String,
        /// Why not.
        reason: String,
    },
    /// A breach of JSON's grammar.
    #[error("not well-formed JSON: {}", shortened(.0, MAX_REASON_CHARACTERS))]
    NotJson(String),
    /// A key that the object doesn't have.
    #[error("{} doesn't belong in {inside}; allowed: {allowed}", quoted(.key))]
    UnknownKey {
        /// As written.
        key: String,
        /// Which object.
        inside: &'static str,
        /// What it may have.
        allowed: &'static str,
    },
    /// One key twice in one object.
    #[error("a second key {} in one object", quoted(.0))]
    DuplicateKey(String),
    /// A JSON value of the wrong type.
    #[error("{what} must be {expected}")]
    WrongType {
        /// What the value stands for.
        what: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A number that JSON can write and no computer number can hold.
    #[error("the number {} is out of range", quoted(.0))]
    Number(String),
}

impl Problem {
    /// Puts the problem at a byte offset of `text`.
    pub(super) fn at(self, text: &str, offset: usize) -> DescriptionError {
        let (line, column) = line_and_column(text, offset);
        DescriptionError { line, column, problem: self }
    }

    /// For problems of a document as a whole.
    pub(super) fn at_start(self) -> DescriptionError {
        DescriptionError { line: 1, column: 1, problem: self }
    }
}

fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text, MAX_QUOTED_CHARACTERS))
}

/// Fit for one line of a message or a log.
fn shortened(text: &str, characters: usize) -> String {
    let mut short: String = text.chars().take(characters).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.replace(char::is_control, "\u{fffd}")
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    // A CR LF that `offset` stands in the middle of is one line end as well.
    let ends = before.matches('\n').count() + before.matches('\r').count() - before.matches("\r\n").count();
    let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (ends + 1, column)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn positions_count_characters_and_every_kind_of_line_end() {
        let text = "ab\nü€x\r\ny\rz";
        let at = |needle| line_and_column(text, text.find(needle).unwrap());
        assert_eq!(at("a"), (1, 1));
        assert_eq!(at("\n"), (1, 3));
        assert_eq!(at("x"), (2, 3));
        assert_eq!(at("y"), (3, 1));
        assert_eq!(at("z"), (4, 1));
        assert_eq!(line_and_column(text, 1000), (4, 2));
    }

    #[test]
    fn a_client_s_text_is_cut_short() {
        let problem = Problem::OperationName("x".repeat(100) + "\n");
        let message = problem.at_start().to_string();
        assert!(message.starts_with("line 1, column 1: `xxx"), "{message}");
        assert!(message.contains("x…` cannot be"), "{message}");
        assert!(message.len() < 200);
        let problem = Problem::NotWellFormed("y\n".repeat(1000));
        let message = problem.at_start().to_string();
        assert!(message.len() < 400 && !message.contains('\n'), "{message}");
    }
}
