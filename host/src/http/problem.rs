//! Refusals: problem documents (RFC 9457), from one value in XML and in JSON.

use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::negotiate::Format;
use super::xml;

/// A refusal on its way to the client. It can only be made with a status that refuses.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// The stable end of its type.
    slug: &'static str,
    title: &'static str,
    /// What to change.
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

macro_rules! problems {
    ($( $(#[doc = $doc:literal])* $name:ident = $status:ident, $slug:literal, $title:literal; )+) => {
        /// The stable ends of all types.
        pub(super) const SLUGS: &[&str] = &[$( $slug ),+];

        #[cfg(test)]
        const STATUSES: &[StatusCode] = &[$( StatusCode::$status ),+];

        impl Problem {
            $(
                $(#[doc = $doc])*
                pub(super) fn $name(detail: impl Into<String>) -> Self {
                    Self { status: StatusCode::$status, slug: $slug, title: $title, detail: detail.into(), headers: vec![] }
                }
            )+
        }
    };
}

problems! {
    bad_request = BAD_REQUEST, "bad-request", "The request is malformed";
    bad_description = BAD_REQUEST, "bad-description", "The task description is malformed";
    bad_multipart = BAD_REQUEST, "bad-multipart", "The multipart message is malformed";
    unauthorized = UNAUTHORIZED, "unauthorized", "An API key is needed";
    not_found = NOT_FOUND, "not-found", "There is no such resource";
    gone = GONE, "gone", "The resource is gone";
    conflict = CONFLICT, "conflict", "Another request is in the way";
    wrong_method = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    not_acceptable = NOT_ACCEPTABLE, "not-acceptable", "No acceptable format";
    too_slow = REQUEST_TIMEOUT, "too-slow", "The request came too slowly";
    too_large = PAYLOAD_TOO_LARGE, "too-large", "The request is too large";
    unsupported_media_type = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The media type is not supported";
    precondition_failed = PRECONDITION_FAILED, "precondition-failed", "A condition of the request does not hold";
    range_not_satisfiable = RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "The range is outside the image";
    impossible = UNPROCESSABLE_ENTITY, "impossible-task", "The task cannot be carried out";
    key_reused = UNPROCESSABLE_ENTITY, "key-reused", "The idempotency key is taken";
    over_quota = TOO_MANY_REQUESTS, "over-quota", "The quota is used up";
    internal = INTERNAL_SERVER_ERROR, "internal", "A fault of the server";
    draining = SERVICE_UNAVAILABLE, "draining", "The server is stopping";
    queue_full = SERVICE_UNAVAILABLE, "queue-full", "The queue is full";
    storage_failed = SERVICE_UNAVAILABLE, "storage-failed", "The server's storage has failed";
    disk_full = INSUFFICIENT_STORAGE, "disk-full", "The server's disk is full";
}

impl Problem {
    /// Adds a header to the answer.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says when to try again.
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        self.with(RETRY_AFTER, seconds.into())
    }

    /// The stable end of its type.
    pub(super) fn slug(&self) -> &'static str {
        self.slug
    }

    /// What to change.
    #[cfg(test)]
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// What the log may say of it beside its type. The words of a refusal quote what the client sent, and
    /// there may be a secret in that; those of a fault are the server's own.
    pub(super) fn for_the_log(&self) -> Option<&str> {
        self.status.is_server_error().then_some(self.detail.as_str())
    }

    /// The document, with the id under which the log knows the request.
    pub(super) fn render(self, format: Format, request_id: &str) -> Response {
        let kind = format!("urn:tintype:problem:{}", self.slug);
        let (content_type, body) = match format {
            Format::Json => (
                "application/problem+json",
                json!({
                    "type": kind,
                    "title": self.title,
                    "status": self.status.as_u16(),
                    "detail": self.detail,
                    "request_id": request_id,
                })
                .to_string(),
            ),
            // The namespace that RFC 9457 appendix B keeps from RFC 7807.
            Format::Xml => (
                "application/problem+xml;charset=UTF-8",
                xml::document("problem", &[("xmlns", "urn:ietf:rfc:7807")], |problem| {
                    problem.text("type", &kind);
                    problem.text("title", self.title);
                    problem.text("status", self.status.as_str());
                    problem.text("detail", &self.detail);
                    problem.text("request-id", request_id);
                }),
            ),
        };
        let mut response =
            (self.status, [(CONTENT_TYPE, content_type), (VARY, "Accept")], body).into_response();
        response.headers_mut().extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

/// The problem travels beside an empty answer; the envelope writes it, for it knows the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub(super) async fn no_such_resource(request: Request) -> Problem {
    Problem::not_found(format!("Nothing is at {}. Tasks are posted to /images/tasks.", request.uri().path()))
}

pub(super) async fn method_not_allowed(request: Request) -> Problem {
    let path = request.uri().path();
    let allowed = match path.trim_end_matches('/') {
        "/images/tasks" => "GET, HEAD, POST",
        path if path.starts_with("/images/task/") && !path.ends_with("/events") => "GET, HEAD, DELETE",
        _ => "GET, HEAD",
    };
    let method: &Method = request.method();
    Problem::wrong_method(format!("{path} does not take {method}, but {allowed}."))
        .with(ALLOW, HeaderValue::from_static(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_lists_every_type_with_its_status() {
        let document = include_str!("../../../docs/protocol.md");
        for (slug, status) in SLUGS.iter().zip(STATUSES) {
            let row = format!("| `{slug}` | {} |", status.as_str());
            assert!(document.contains(&row), "docs/protocol.md lacks: {row}");
        }
    }
}
