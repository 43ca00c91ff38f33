//! What is to be done with a picture: written by its author, or made of a command line's words. What an
//! operation means and takes, the server knows; here is only the language.

use std::fmt::Write as _;

use bytes::Bytes;
use quick_xml::escape::escape;

use super::error::ClientError;
use crate::xml_text::is_char;

/// Before the name of an attachment, in a parameter's value (RFC 2392).
const CID: &str = "cid:";

/// A whole description in one of its two notations.
#[derive(Clone, Debug)]
pub struct Description {
    pub(super) media_type: &'static str,
    pub(super) text: Bytes,
}

/// An operation or an output, with its parameters in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The operation's name, or the output's media type.
    pub name: String,
    /// Names and values.
    pub params: Vec<(String, String)>,
}

/// What a command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// In their order.
    pub operations: Vec<Step>,
    /// The result's media type.
    pub output: Option<Step>,
    /// Where the end is to be announced.
    pub callback: Option<String>,
}

impl Description {
    /// One that somebody wrote: XML if it begins with `<`, else JSON. Whether it is right, the server says.
    #[must_use]
    pub fn written(text: Vec<u8>) -> Self {
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
        let media_type = if first == Some(&b'<') { "application/xml" } else { "application/json" };
        Self { media_type, text: text.into() }
    }

    /// What a command line asks for. In XML, where every value is text: its type is the operation's to say.
    ///
    /// # Errors
    /// A value holds a character that XML cannot carry.
    pub fn of(steps: &Steps) -> Result<Self, ClientError> {
        let mut xml = String::from("<task>");
        for operation in &steps.operations {
            write_step(&mut xml, "operation", "name", operation)?;
        }
        if let Some(output) = &steps.output {
            write_step(&mut xml, "output", "type", output)?;
        }
        if let Some(href) = &steps.callback {
            write(&mut xml, format_args!("<callback href=\"{}\"/>", carried(href)?));
        }
        xml.push_str("</task>");
        Ok(Self { media_type: "application/xml;charset=UTF-8", text: xml.into() })
    }
}

fn write_step(xml: &mut String, element: &str, attribute: &str, step: &Step) -> Result<(), ClientError> {
    write(xml, format_args!("<{element} {attribute}=\"{}\">", carried(&step.name)?));
    for (name, value) in &step.params {
        let (name, text) = (carried(name)?, carried(value)?);
        match text.strip_prefix(CID) {
            Some(_) => write(xml, format_args!("<param name=\"{name}\" href=\"{text}\"/>")),
            None => write(xml, format_args!("<param name=\"{name}\">{text}</param>")),
        }
    }
    write(xml, format_args!("</{element}>"));
    Ok(())
}

fn write(xml: &mut String, piece: std::fmt::Arguments<'_>) {
    xml.write_fmt(piece).expect("writing to memory cannot fail");
}

/// The text as XML gives it back.
fn carried(text: &str) -> Result<String, ClientError> {
    match text.chars().find(|c| !is_char(*c) || *c == '\r') {
        Some(c) => Err(ClientError::Misuse(format!("{text:?} cannot be sent: it holds the character {c:?}"))),
        None => Ok(escape(text).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::task::description::{ParamValue, parse_xml};

    fn step(name: &str, params: &[(&str, &str)]) -> Step {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Step { name: name.to_owned(), params: params.collect() }
    }

    #[test]
    fn the_server_reads_what_the_command_line_says() {
        let steps = Steps {
            operations: vec![
                step("resize", &[("width", "320"), ("note", "<a> & \"b\"\n'c'")]),
                step("watermark", &[("image", "cid:logo")]),
            ],
            output: Some(step("image/webp", &[("quality", "80")])),
            callback: Some("https://a.example/?x=1&y=2".to_owned()),
        };
        let read = parse_xml(&Description::of(&steps).unwrap().text).unwrap();
        let names: Vec<&str> = read.operations.iter().map(|operation| operation.name.as_str()).collect();
        assert_eq!(names, ["resize", "watermark"]);
        let note = &read.operations[0].params[1].value;
        assert_eq!(*note, ParamValue::Text("<a> & \"b\"\n'c'".to_owned()));
        assert_eq!(read.operations[1].params[0].value, ParamValue::Attachment("logo".to_owned()));
        assert_eq!(read.output.unwrap().media_type.essence(), "image/webp");
        assert_eq!(read.callback.as_deref(), Some("https://a.example/?x=1&y=2"));
    }

    #[test]
    fn what_xml_cannot_carry_is_refused_rather_than_changed() {
        let steps = Steps { operations: vec![step("a", &[("b", "\u{7}")])], ..Steps::default() };
        assert!(Description::of(&steps).unwrap_err().to_string().contains("'\\u{7}'"));
    }

    #[test]
    fn a_written_description_is_known_by_its_first_character() {
        assert_eq!(Description::written(b" \n<task/>".to_vec()).media_type, "application/xml");
        assert_eq!(Description::written("\u{feff}<task/>".into()).media_type, "application/xml");
        assert_eq!(Description::written(b"{}".to_vec()).media_type, "application/json");
    }
}
