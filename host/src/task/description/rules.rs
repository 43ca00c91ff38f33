//! What both notations of a description must obey.
//!
//! Knows single values and counts, and neither XML nor JSON.

use percent_encoding::percent_decode_str;
use semver::VersionReq;

use super::{MAX_OPERATIONS, Param, Problem};
use crate::media_type::MediaType;
use crate::name::is_name;

/// Longest name of a parameter: that of an operation or a plugin.
const MAX_NAME_BYTES: usize = 64;

/// Whether this can name a parameter: 1 to 64 ASCII letters, digits, `_`, `.` and `-`, a letter or
/// `_` first. These need no escaping in XML, in a query string or in a JSON path.
pub fn is_param_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

pub(super) fn operation_count(count: usize) -> Result<(), Problem> {
    match count {
        0 => Err(Problem::NoOperations),
        1..=MAX_OPERATIONS => Ok(()),
        _ => Err(Problem::TooManyOperations),
    }
}

pub(super) fn operation_name(text: &str) -> Result<(), Problem> {
    is_name(text).then_some(()).ok_or_else(|| Problem::OperationName(text.to_owned()))
}

pub(super) fn plugin_name(text: &str) -> Result<(), Problem> {
    is_name(text).then_some(()).ok_or_else(|| Problem::PluginName(text.to_owned()))
}

/// Checks the name of a parameter that is to follow `earlier` ones.
pub(super) fn param_name(text: &str, earlier: &[Param]) -> Result<(), Problem> {
    if !is_param_name(text) {
        return Err(Problem::ParamName(text.to_owned()));
    }
    if earlier.iter().any(|param| param.name == text) {
        return Err(Problem::DuplicateParam(text.to_owned()));
    }
    Ok(())
}

pub(super) fn param_names(params: &[Param]) -> Result<(), Problem> {
    params
        .iter()
        .enumerate()
        .try_for_each(|(index, param)| param_name(&param.name, params.get(..index).unwrap_or_default()))
}

pub(super) fn version(text: &str) -> Result<VersionReq, Problem> {
    VersionReq::parse(text)
        .map_err(|error| Problem::Version { text: text.to_owned(), reason: error.to_string() })
}

/// A format must be one format: no parameters, no wildcard.
pub(super) fn output_type(text: &str) -> Result<MediaType, Problem> {
    let wrong = |reason: String| Problem::OutputType { text: text.to_owned(), reason };
    let media_type = MediaType::parse(text).map_err(|error| wrong(error.to_string()))?;
    if media_type.has_params() {
        return Err(wrong("parameters of a format are written as `param`".into()));
    }
    if media_type.essence().contains('*') {
        return Err(wrong("it must be one format".into()));
    }
    Ok(media_type)
}

/// The Content-ID that a `cid:` URL means: the rest of it, percent-decoded (RFC 2392 section 2).
pub(super) fn cid_url(href: &str) -> Result<String, Problem> {
    let refused = || Problem::Href(href.to_owned());
    let (scheme, rest) = href.split_once(':').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("cid") {
        return Err(refused());
    }
    let id = percent_decode_str(rest).decode_utf8().map_err(|_| refused())?;
    content_id(&id)
}

/// A Content-ID without its brackets.
pub(super) fn content_id(text: &str) -> Result<String, Problem> {
    let plain = |char: char| !(char.is_whitespace() || char.is_control() || "<>".contains(char));
    if text.is_empty() || !text.chars().all(plain) {
        return Err(Problem::ContentId(text.to_owned()));
    }
    Ok(text.to_owned())
}
