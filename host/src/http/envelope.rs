//! What every exchange gets: a request id, a line in the log, and a problem document where one is due.

use std::time::Instant;

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::header::{CONNECTION, TRANSFER_ENCODING};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::connection::Unread;
use super::negotiate::Format;
use super::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn wrap(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = uuid::Uuid::now_v7().to_string();
    // Problems must be said in some format even to who accepts none.
    let format = Format::accepted(request.headers()).unwrap_or(Format::Xml);
    let has_body = !request.body().is_end_stream();
    // Such a request may have had a Content-Length too: hyper drops it, as it must, and tells nobody. Then
    // what follows may be no request but what somebody smuggles past a proxy, and the connection has
    // to end (RFC 9112 section 6.1).
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let unread = request.extensions().get::<Unread>().cloned().unwrap_or_default();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());

    let mut response = next.run(request).await;

    let problem = response.extensions_mut().remove::<Problem>();
    let why = problem.as_ref().map(Problem::summary);
    if let Some(problem) = problem {
        response = problem.render(format, &id);
        if has_body {
            // Of the body something may be unread: the connection ends with this answer, and a client
            // that isn't told would send its next request into the void.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            unread.set();
        }
    }
    if is_chunked {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match why {
        Some(why) if status >= 500 => {
            tracing::warn!(target: "tintype::request", request = id, %method, path, status, ms, "{why}");
        }
        Some(why) => {
            tracing::info!(target: "tintype::request", request = id, %method, path, status, ms, "{why}")
        }
        // A poll is no news.
        None => {
            tracing::debug!(target: "tintype::request", request = id, %method, path, status, ms, "answered")
        }
    }
    response
}
