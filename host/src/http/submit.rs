//! `POST /images/tasks`: from a request to a 202, or to a refusal that says what to change.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use super::App;
use super::body::IncomingBody;
use super::negotiate::Format;
use super::problem::Problem;
use super::public_url::PublicUrl;
use super::status::{self, Occasion};
use super::upload;
use crate::media_type::MediaType;
use crate::task::{Refusal, SubmitError};

/// What can be posted (RFC 9110 has no such header; it is the LDP's, and widely understood).
const ACCEPT_POST: &str = "multipart/related, multipart/form-data";

/// Seconds after which a full queue may have room again.
const QUEUE_PAUSE: u64 = 5;
/// Seconds after which a server that restarts is probably back.
const RESTART_PAUSE: u64 = 10;
/// Seconds after which an operator may have made room or mended the storage.
const OPERATOR_PAUSE: u64 = 60;

pub(super) async fn post(
    State(app): State<App>,
    url: PublicUrl,
    format: Format,
    request: Request,
) -> Result<Response, Problem> {
    // Before the body is read: who is refused anyway should not have to send it.
    app.tasks.admit().map_err(|refusal| refused(&refusal))?;
    let media_type = content_type(request.headers())?;
    check_length(request.headers(), app.config.tasks.max_request_size.0)?;

    let body = IncomingBody::new(request.into_body(), &app.config);
    let submission = match media_type.essence() {
        "multipart/related" => upload::related(&app, &media_type, body).await?,
        "multipart/form-data" => upload::form_data(&app, &media_type, body).await?,
        other => {
            return Err(unsupported(format!(
                "A task cannot be sent as {other}. Send one of: {ACCEPT_POST}."
            )));
        }
    };
    let status = app.tasks.submit(submission).await.map_err(|error| match error {
        SubmitError::Refused(refusal) => refused(&refusal),
        SubmitError::Impossible(why) => Problem::impossible(why.to_string()),
    })?;
    Ok(status::answer(&status, &url, format, Occasion::Accepted))
}

fn content_type(headers: &HeaderMap) -> Result<MediaType, Problem> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => MediaType::parse_bytes(value.as_bytes())
            .map_err(|error| Problem::bad_request(format!("The Content-Type cannot be read: {error}."))),
        (Some(_), Some(_)) => Err(Problem::bad_request("There are several Content-Type headers. Send one.")),
        (None, _) => Err(unsupported(format!("There is no Content-Type. Send one of: {ACCEPT_POST}."))),
    }
}

fn unsupported(detail: String) -> Problem {
    Problem::unsupported_media_type(detail)
        .with(HeaderName::from_static("accept-post"), HeaderValue::from_static(ACCEPT_POST))
}

fn check_length(headers: &HeaderMap, limit: u64) -> Result<(), Problem> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match declared {
        Some(length) if length > limit => {
            Err(Problem::too_large(format!("The request has {length} bytes; it may have at most {limit}.")))
        }
        _ => Ok(()),
    }
}

/// What the service's refusals are on the wire.
pub(super) fn refused(refusal: &Refusal) -> Problem {
    let detail = refusal.to_string();
    match refusal {
        Refusal::Draining => Problem::draining(detail).retry_after(RESTART_PAUSE),
        Refusal::QueueFull(_) => {
            Problem::queue_full(format!("{detail} Try again later.")).retry_after(QUEUE_PAUSE)
        }
        Refusal::NoSpace => {
            Problem::disk_full(format!("{detail} Try again later.")).retry_after(OPERATOR_PAUSE)
        }
        Refusal::StorageFailed => {
            Problem::storage_failed(format!("{detail} Nothing was accepted; try again later."))
                .retry_after(OPERATOR_PAUSE)
        }
    }
}
