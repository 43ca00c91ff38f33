//! The two formats of answers: XML, which the note knows, and JSON.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;

use super::media_range;
use super::problem::Problem;

/// The format that a client wants its answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Xml,
    Json,
}

/// What is offered, in the server's order, and which format each is.
const OFFERS: [(&str, Format); 5] = [
    ("application/xml", Format::Xml),
    ("application/json", Format::Json),
    ("text/xml", Format::Xml),
    ("application/problem+xml", Format::Xml),
    ("application/problem+json", Format::Json),
];

impl Format {
    /// What `Accept` asks for, none where nothing fits.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        // Several fields of one name are one list (RFC 9110 section 5.3).
        let values: Vec<&str> =
            headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let accept = (!values.is_empty()).then(|| values.join(","));
        let offered = OFFERS.map(|(media_type, _)| media_type);
        let chosen = media_range::negotiate(accept.as_deref(), &offered)?;
        OFFERS.get(chosen).map(|(_, format)| *format)
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "application/xml;charset=UTF-8",
            Self::Json => "application/json",
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Format {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::accepted(&parts.headers).ok_or_else(|| {
            Problem::not_acceptable("Answers are application/xml or application/json. Accept one of them.")
        })
    }
}
