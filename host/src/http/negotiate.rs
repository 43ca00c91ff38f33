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
        let mut fields = headers.get_all(ACCEPT).iter();
        if let (Some(only), None) = (fields.next(), fields.next())
            && let Some(format) = Self::named(only.as_bytes())
        {
            return Some(format);
        }
        // Several fields of one name are one list (RFC 9110 section 5.3).
        let values: Vec<&str> =
            headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let accept = (!values.is_empty()).then(|| values.join(","));
        let offered = OFFERS.map(|(media_type, _)| media_type);
        let chosen = media_range::negotiate(accept.as_deref(), &offered)?;
        OFFERS.get(chosen).map(|(_, format)| *format)
    }

    /// Of what nearly all programs send: one of the offers as it is written here, or anything. To take such
    /// a field apart would cost as much as to find the task.
    fn named(accept: &[u8]) -> Option<Self> {
        if accept == b"*/*" {
            return OFFERS.first().map(|(_, format)| *format);
        }
        OFFERS.iter().find(|(offer, _)| offer.as_bytes() == accept).map(|(_, format)| *format)
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_most_programs_send_is_understood_as_it_is_when_it_is_taken_apart() {
        let accepted = |value: &str| {
            let value = HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""));
            Format::accepted(&HeaderMap::from_iter([(ACCEPT, value)]))
        };
        for plain in OFFERS.map(|(offer, _)| offer).into_iter().chain(["*/*"]) {
            assert!(Format::named(plain.as_bytes()).is_some(), "{plain}");
            // A weight is the long way.
            assert_eq!(accepted(plain), accepted(&format!("{plain};q=0.9")), "{plain}");
        }
        assert_eq!(accepted("image/png"), None);
    }
}
