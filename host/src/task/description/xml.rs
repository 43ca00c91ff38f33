//! The XML notation: which element and attribute stands where.
//!
//! Reads by descent through the language's three levels, so the call depth is the grammar's and not
//! the input's.

use super::well_formed::{Attribute, Token, Tokens};
use super::{
    Description, DescriptionError, MAX_DESCRIPTION_BYTES, Operation, Output, Param, ParamValue, Problem,
    rules,
};

/// Reads a description written in XML.
///
/// # Errors
/// With line and column, for the first thing that is wrong.
pub fn parse_xml(bytes: &[u8]) -> Result<Description, DescriptionError> {
    if bytes.len() > MAX_DESCRIPTION_BYTES {
        return Err(Problem::TooLong.at_start());
    }
    let text = utf8(bytes)?;
    let mut document = Document { tokens: Tokens::new(text)? };
    let description = document.task()?;
    document.tokens.next()?;
    Ok(description)
}

/// Checks the encoding and takes a byte order mark away. Shared with JSON.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, DescriptionError> {
    // XML 1.0 appendix F: the byte order marks of UTF-16, and what `<` looks like in it.
    if let [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, b'<' | b'{', ..] | [b'<' | b'{', 0, ..] = bytes {
        return Err(Problem::Encoding("UTF-16".into()).at_start());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let valid = std::str::from_utf8(valid).unwrap_or_default();
        let valid = valid.strip_prefix('\u{feff}').unwrap_or(valid);
        Problem::NotUtf8.at(valid, valid.len())
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

struct Document<'a> {
    tokens: Tokens<'a>,
}

/// A start tag.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<Attribute<'a>>,
    at: usize,
}

/// An element of the language, as errors name it.
struct Element {
    name: &'static str,
    attributes: &'static [&'static str],
    /// The same for people.
    allowed_attributes: &'static str,
    allowed_children: &'static str,
}

const TASK: Element = Element {
    name: "task",
    attributes: &[],
    allowed_attributes: "none",
    allowed_children: "`operation`, `output`, `callback`",
};
const OPERATION: Element = Element {
    name: "operation",
    attributes: &["name", "plugin", "version"],
    allowed_attributes: "`name`, `plugin`, `version`",
    allowed_children: "`param`",
};
const OUTPUT: Element = Element {
    name: "output",
    attributes: &["type"],
    allowed_attributes: "`type`",
    allowed_children: "`param`",
};
const CALLBACK: Element = Element {
    name: "callback",
    attributes: &["href"],
    allowed_attributes: "`href`",
    allowed_children: "none",
};
const PARAM: Element = Element {
    name: "param",
    attributes: &["name", "href"],
    allowed_attributes: "`name`, `href`",
    allowed_children: "none",
};

impl<'a> Document<'a> {
    fn task(&mut self) -> Result<Description, DescriptionError> {
        let root = match self.tokens.next()? {
            Token::Open { name, attributes, at } => Tag { name, attributes, at },
            // The tokens of a document begin with its root.
            Token::Close | Token::Text { .. } | Token::End => {
                return Err(Problem::Root(String::new()).at_start());
            }
        };
        if root.name != TASK.name {
            let name = root.name.to_owned();
            let problem = if name.contains(':') { Problem::Namespace(name) } else { Problem::Root(name) };
            return Err(self.tokens.error(problem, root.at));
        }
        self.check_attributes(&root, &TASK)?;

        let mut operations = Vec::new();
        let (mut output, mut callback) = (None, None);
        while let Some(child) = self.child(&TASK)? {
            match child.name {
                "operation" => {
                    if output.is_some() || callback.is_some() {
                        return Err(self.tokens.error(Problem::OperationAfterOutput, child.at));
                    }
                    self.at(child.at, rules::operation_count(operations.len() + 1))?;
                    operations.push(self.operation(&child)?);
                }
                "output" => {
                    if output.is_some() {
                        return Err(self.tokens.error(Problem::SecondOutput, child.at));
                    }
                    output = Some(self.output(&child)?);
                }
                "callback" => {
                    if callback.is_some() {
                        return Err(self.tokens.error(Problem::SecondCallback, child.at));
                    }
                    callback = Some(self.callback(&child)?);
                }
                _ => return Err(self.unknown_element(&child, &TASK)),
            }
        }
        self.at(root.at, rules::operation_count(operations.len()))?;
        Ok(Description { operations, output, callback })
    }

    fn callback(&mut self, tag: &Tag<'a>) -> Result<String, DescriptionError> {
        self.check_attributes(tag, &CALLBACK)?;
        let href = self.required(tag, &CALLBACK, "href")?.value.clone();
        if let Some(child) = self.child(&CALLBACK)? {
            return Err(self.unknown_element(&child, &CALLBACK));
        }
        Ok(href)
    }

    fn operation(&mut self, tag: &Tag<'a>) -> Result<Operation, DescriptionError> {
        self.check_attributes(tag, &OPERATION)?;
        let name = self.required(tag, &OPERATION, "name")?;
        self.at(name.value_at, rules::operation_name(&name.value))?;
        let plugin = tag.attribute("plugin");
        if let Some(plugin) = plugin {
            self.at(plugin.value_at, rules::plugin_name(&plugin.value))?;
        }
        let version = match tag.attribute("version") {
            Some(version) => Some(self.at(version.value_at, rules::version(&version.value))?),
            None => None,
        };
        Ok(Operation {
            name: name.value.clone(),
            plugin: plugin.map(|plugin| plugin.value.clone()),
            version,
            params: self.params(&OPERATION)?,
        })
    }

    fn output(&mut self, tag: &Tag<'a>) -> Result<Output, DescriptionError> {
        self.check_attributes(tag, &OUTPUT)?;
        let type_ = self.required(tag, &OUTPUT, "type")?;
        let media_type = self.at(type_.value_at, rules::output_type(&type_.value))?;
        Ok(Output { media_type, params: self.params(&OUTPUT)? })
    }

    fn params(&mut self, parent: &Element) -> Result<Vec<Param>, DescriptionError> {
        let mut params = Vec::new();
        while let Some(child) = self.child(parent)? {
            if child.name != PARAM.name {
                return Err(self.unknown_element(&child, parent));
            }
            let param = self.param(&child, &params)?;
            params.push(param);
        }
        Ok(params)
    }

    fn param(&mut self, tag: &Tag<'a>, earlier: &[Param]) -> Result<Param, DescriptionError> {
        self.check_attributes(tag, &PARAM)?;
        let name = self.required(tag, &PARAM, "name")?;
        self.at(name.value_at, rules::param_name(&name.value, earlier))?;
        let value = match tag.attribute("href") {
            Some(href) => {
                let id = self.at(href.value_at, rules::cid_url(&href.value))?;
                self.param_text(true)?;
                ParamValue::Attachment(id)
            }
            None => ParamValue::Text(self.param_text(false)?),
        };
        Ok(Param { name: name.value.clone(), value })
    }

    /// Text up to the end of a `param`; with `href` there must be none but white space.
    fn param_text(&mut self, href: bool) -> Result<String, DescriptionError> {
        let mut value = String::new();
        loop {
            match self.tokens.next()? {
                Token::Text { ink: Some(at), .. } if href => {
                    return Err(self.tokens.error(Problem::TextAndHref, at));
                }
                Token::Text { text, .. } => value.push_str(&text),
                Token::Open { name, attributes, at } => {
                    return Err(self.unknown_element(&Tag { name, attributes, at }, &PARAM));
                }
                Token::Close | Token::End => return Ok(value),
            }
        }
    }

    /// The next element in `parent`; `None` at its end.
    fn child(&mut self, parent: &Element) -> Result<Option<Tag<'a>>, DescriptionError> {
        loop {
            match self.tokens.next()? {
                Token::Open { name, attributes, at } => {
                    return Ok(Some(Tag { name, attributes, at }));
                }
                Token::Close | Token::End => return Ok(None),
                Token::Text { ink: None, .. } => {}
                Token::Text { ink: Some(at), .. } => {
                    return Err(self.tokens.error(Problem::Text(parent.name), at));
                }
            }
        }
    }

    fn check_attributes(&self, tag: &Tag<'a>, element: &Element) -> Result<(), DescriptionError> {
        let unknown = |attribute: &&Attribute<'_>| !element.attributes.contains(&attribute.name);
        let Some(attribute) = tag.attributes.iter().find(unknown) else {
            return Ok(());
        };
        let name = attribute.name.to_owned();
        let problem = if name == "xmlns" || name.contains(':') {
            Problem::Namespace(name)
        } else {
            Problem::UnknownAttribute { name, element: element.name, allowed: element.allowed_attributes }
        };
        Err(self.tokens.error(problem, attribute.at))
    }

    fn required<'t>(
        &self,
        tag: &'t Tag<'a>,
        element: &Element,
        name: &'static str,
    ) -> Result<&'t Attribute<'a>, DescriptionError> {
        let missing = || self.tokens.error(Problem::Missing { owner: element.name, name }, tag.at);
        tag.attribute(name).ok_or_else(missing)
    }

    fn unknown_element(&self, tag: &Tag<'a>, parent: &Element) -> DescriptionError {
        let name = tag.name.to_owned();
        let problem = if name.contains(':') {
            Problem::Namespace(name)
        } else {
            Problem::UnknownElement { name, inside: parent.name, allowed: parent.allowed_children }
        };
        self.tokens.error(problem, tag.at)
    }

    fn at<T>(&self, at: usize, result: Result<T, Problem>) -> Result<T, DescriptionError> {
        result.map_err(|problem| self.tokens.error(problem, at))
    }
}

impl<'a> Tag<'a> {
    fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}
