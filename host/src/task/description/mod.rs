//! The task description: what a client asks to have done, in XML or in JSON, as one model.
//!
//! Knows the language (its schema is `task.xsd`) and its limits. It never knows which
//! plugins exist, what their parameters mean, or how a description came: whether an operation can be
//! done is decided elsewhere, and nothing that a description names is ever fetched.
//!
//! `xml` and `json` read the two notations, `rules` has what both must obey, `well_formed` is the
//! part of XML that has nothing to do with tasks.

mod error;
mod json;
mod rules;
mod well_formed;
mod xml;

#[cfg(test)]
mod tests;

use semver::VersionReq;
use serde::{Deserialize, Serialize};

use crate::media_type::MediaType;

pub use error::{DescriptionError, Problem};
pub use json::parse_json;
pub use rules::is_param_name;
pub use xml::parse_xml;

/// Longest description read. 64 KiB: sixteen operations with every parameter spelt out take two or
/// three; the rest is room for JSON values. It bounds the memory of parsing, too.
pub const MAX_DESCRIPTION_BYTES: usize = 64 * 1024;

/// Most operations of one task. Each may be a plugin of its own with a deadline of its own, so this
/// bounds how long one task can keep a worker.
pub const MAX_OPERATIONS: usize = 16;

/// Deepest nesting of elements, or of arrays and objects. The language itself needs 3 in XML and 4
/// in JSON; the rest is for JSON values.
pub const MAX_DEPTH: usize = 8;

/// What is to be done with one image.
///
/// It serializes to a form of its own for storage: a parameter is a pair, and no field is ever left
/// out, so that formats which write a struct as a sequence (MessagePack) read it back. That form is
/// not the JSON that clients write, because it keeps whether a value came typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// 1 to [`MAX_OPERATIONS`], in the order in which they are done.
    pub operations: Vec<Operation>,
    /// The result's format; without it, that of the input.
    #[serde(default)]
    pub output: Option<Output>,
    /// Where its end is to be announced: a URL, not checked yet.
    #[serde(default)]
    pub callback: Option<String>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// By which a plugin is found; see [`is_name`](crate::name::is_name).
    pub name: String,
    /// The plugin that the client insists on; see [`is_name`](crate::name::is_name).
    #[serde(default)]
    pub plugin: Option<String>,
    /// The plugin versions that the client accepts; `1` means `^1`.
    #[serde(default)]
    pub version: Option<VersionReq>,
    /// In the client's order, each name once.
    #[serde(default)]
    pub params: Vec<Param>,
}

/// The format of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Without parameters or wildcards.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// In the client's order, each name once.
    #[serde(default)]
    pub params: Vec<Param>,
}

/// A parameter of an operation or of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, ParamValue)", into = "(String, ParamValue)")]
pub struct Param {
    /// See [`is_param_name`].
    pub name: String,
    /// Not yet checked against the operation's JSON Schema.
    pub value: ParamValue,
}

/// A parameter's value as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamValue {
    /// Text of an XML description, exactly, with its white space: the operation's JSON Schema
    /// decides what type it is to have.
    Text(String),
    /// A value of a JSON description, with the type that JSON gave it.
    Json(serde_json::Value),
    /// The Content-ID, without brackets, of another part of the message. In a form it is the
    /// field's name.
    #[serde(rename = "cid")]
    Attachment(String),
}

impl From<(String, ParamValue)> for Param {
    fn from((name, value): (String, ParamValue)) -> Self {
        Self { name, value }
    }
}

impl From<Param> for (String, ParamValue) {
    fn from(param: Param) -> Self {
        (param.name, param.value)
    }
}

impl Description {
    /// The Content-IDs of all parts that it refers to, in order, with repetitions.
    pub fn attachments(&self) -> impl Iterator<Item = &str> {
        let params = self.operations.iter().flat_map(|operation| &operation.params);
        params.chain(self.output.iter().flat_map(|output| &output.params)).filter_map(|param| {
            match &param.value {
                ParamValue::Attachment(id) => Some(id.as_str()),
                ParamValue::Text(_) | ParamValue::Json(_) => None,
            }
        })
    }

    /// Checks a description that was made otherwise than by [`parse_xml`] or [`parse_json`].
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), Problem> {
        rules::operation_count(self.operations.len())?;
        for operation in &self.operations {
            rules::operation_name(&operation.name)?;
            operation.plugin.as_deref().map_or(Ok(()), rules::plugin_name)?;
            rules::param_names(&operation.params)?;
        }
        if let Some(output) = &self.output {
            rules::output_type(&output.media_type.to_string())?;
            rules::param_names(&output.params)?;
        }
        Ok(())
    }
}
