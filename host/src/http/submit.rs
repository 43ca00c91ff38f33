//! `POST /images/tasks`: from a request to a 202, or to a refusal that says what to change.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use super::App;
use super::body::IncomingBody;
use super::caller::Caller;
use super::client_address;
use super::exchange::Exchange;
use super::negotiate::Format;
use super::openapi::{answers, bodies, params};
use super::prefer::Wait;
use super::problem::Problem;
use super::public_url::PublicUrl;
use super::status::{self, Occasion};
use super::upload;
use crate::callback::GuardError;
use crate::digest::Digest;
use crate::media_type::MediaType;
use crate::task::description::Description;
use crate::task::{Callback, Found, Refusal, Status, Submission, SubmitError};

/// What can be posted (RFC 9110 has no such header; it is the LDP's, and widely understood).
const ACCEPT_POST: &str = "multipart/related, multipart/form-data, image/*, application/octet-stream";

/// Characters of an idempotency key: any UUID, and any digest that people write down.
const LONGEST_KEY: usize = 255;

/// Seconds after which a full queue may have room again.
const QUEUE_PAUSE: u64 = 5;
/// Seconds after which another upload with the same key may be over.
const CONFLICT_PAUSE: u64 = 2;
/// Seconds after which a server that restarts is probably back.
const RESTART_PAUSE: u64 = 10;
/// Seconds after which an operator may have made room or mended the storage.
const OPERATOR_PAUSE: u64 = 60;
/// A database that is started again, or whose standby takes over, is back within some seconds.
const STORE_PAUSE: u64 = 5;
/// When one of a caller's tasks ends nobody knows: the same as where this process counts them.
const OPEN_PAUSE: u64 = 10;

/// Submits a task.
///
/// Either a message of a description and an image, or only an image with one operation in the query.
#[utoipa::path(
    post, path = "/images/tasks", operation_id = "submitTask", tag = "tasks",
    params(params::OneOperation, params::Accept, params::Prefer, params::IdempotencyKey, params::TraceParent),
    request_body(content(
        (bodies::TaskMessage = "multipart/form-data"),
        (bodies::TaskMessage = "multipart/related"),
        (bodies::ImageBytes = "image/*"),
        (bodies::ImageBytes = "application/octet-stream"),
    )),
    responses(
        answers::Accepted, answers::Over, answers::Redirect, answers::BadRequest, answers::Unauthorized,
        answers::NotAcceptable, answers::TooSlow, answers::Conflict, answers::TooLarge, answers::Unsupported,
        answers::Impossible, answers::OverQuota, answers::Internal, answers::Unavailable, answers::DiskFull,
    )
)]
pub(super) async fn post(
    State(app): State<App>,
    url: PublicUrl,
    format: Format,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency_key(request.headers())?;
    let is_repetition = match idempotency_key {
        Some(key) => app.tasks.was_accepted(caller.owner().as_deref(), key).await,
        None => false,
    };
    // Before the body is read: who is refused anyway should not have to send it.
    match app.tasks.admit() {
        Ok(()) => {}
        Err(Refusal::QueueFull(_) | Refusal::NoSpace) if is_repetition => {}
        Err(refusal) => return Err(refused(&refusal)),
    }
    let admission = match app.quota.take(&caller.0) {
        Ok(admission) => Some(admission),
        Err(_) if is_repetition => None,
        Err(error) => {
            let detail = format!("{error} Try again later.");
            return Err(Problem::over_quota(detail).retry_after(error.retry_after()));
        }
    };
    let media_type = content_type(request.headers())?;
    check_length(request.headers(), app.config.tasks.max_request_size.0)?;
    let wait = Wait::of(request.headers(), app.config.http.max_wait);
    // Held until the end: of two uploads with one key only the first can know what the key means.
    let _uploading = match idempotency_key {
        Some(key) => Some(app.tasks.begin_upload(caller.owner(), key).ok_or_else(|| {
            Problem::conflict(
                "A request with this Idempotency-Key is still being received. Try again when it is over.",
            )
            .retry_after(CONFLICT_PAUSE)
        })?),
        None => None,
    };

    let address = client_address::of(request.headers(), request.extensions(), &app);
    let query = request.uri().query().unwrap_or_default().to_owned();
    let exchange = Exchange::of(request.extensions());
    let body = IncomingBody::new(request.into_body(), &app, exchange.clone());
    let message = match media_type.essence() {
        "multipart/related" => upload::related(&app, &media_type, body).await?,
        "multipart/form-data" => upload::form_data(&app, &media_type, body).await?,
        "application/octet-stream" => upload::raw(&app, &media_type, &query, body).await?,
        _ if media_type.is_image() => upload::raw(&app, &media_type, &query, body).await?,
        other => {
            return Err(unsupported(format!(
                "A task cannot be sent as {other}. Send one of: {ACCEPT_POST}."
            )));
        }
    };
    let callback = callback(&app, &message.description, &url)?;
    let submission = Submission {
        description: message.description,
        image: message.image,
        attachments: message.attachments,
        owner: caller.owner(),
        address,
        callback,
        idempotency_key,
        trace: exchange.trace(),
        // What only repeats a request opens nothing.
        most_open: app.quota.most_open(&caller.0),
    };
    let accepted = app.tasks.submit(submission).await.map_err(|error| match error {
        SubmitError::Refused(refusal) => refused(&refusal),
        SubmitError::Impossible(why) => Problem::impossible(why.to_string()),
        SubmitError::OverQuota(_) => {
            Problem::over_quota(format!("{error} Try again later.")).retry_after(OPEN_PAUSE)
        }
        SubmitError::KeyReused => Problem::key_reused(error.to_string()),
    })?;
    exchange.is_about(accepted.status.record.id);
    if let (true, Some(admission)) = (accepted.is_new, admission) {
        admission.accepted();
    }
    let Some(wait) = wait else {
        return Ok(status::answer(&accepted.status, &url, format, Occasion::Accepted));
    };
    let mut response = waited(&app, &caller, &url, format, accepted.status, wait).await;
    wait.mark(&mut response);
    Ok(response)
}

/// Who waited gets what a poll would give; a task that still isn't over was accepted, no more.
async fn waited(
    app: &App,
    caller: &Caller,
    url: &PublicUrl,
    format: Format,
    status: Status,
    wait: Wait,
) -> Response {
    let found = app.tasks.find_over(status.record.id, caller.owner().as_deref(), wait.duration()).await;
    match found {
        Ok(Found::Task(status)) if status.record.is_over() => {
            status::answer(&status, url, format, Occasion::Poll)
        }
        // Whatever the look showed: the task was accepted, and that has to be said.
        _ => status::answer(&status, url, format, Occasion::Accepted),
    }
}

/// Where the end is to be announced, if it may be announced there.
fn callback(app: &App, description: &Description, url: &PublicUrl) -> Result<Option<Callback>, Problem> {
    let Some(target) = &description.callback else { return Ok(None) };
    let allowed = match &app.sender {
        Some(sender) => sender.guard().check(target).map(drop),
        None => Err(GuardError::Disabled),
    };
    allowed.map_err(|error| Problem::impossible(error.to_string()))?;
    Ok(Some(Callback { url: target.clone(), public_url: url.as_str().to_owned() }))
}

/// The digest of `Idempotency-Key`: a key is kept only as that.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<Digest>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    let legal = second.is_none() && (1..=LONGEST_KEY).contains(&value.len());
    if !legal {
        return Err(Problem::bad_request(format!(
            "An Idempotency-Key has from 1 to {LONGEST_KEY} characters, once."
        )));
    }
    Ok(Some(Digest::of(value.as_bytes())))
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
        Refusal::StoreUnreachable => {
            let detail = format!(
                "{detail} Send the request again, best with an Idempotency-Key: it may have been accepted."
            );
            Problem::storage_failed(detail).retry_after(STORE_PAUSE)
        }
        Refusal::BlobsUnreachable => {
            Problem::storage_failed(format!("{detail} Try again later.")).retry_after(STORE_PAUSE)
        }
        Refusal::StorageFailed | Refusal::DiskFailed => {
            Problem::storage_failed(format!("{detail} Nothing was recorded; try again later."))
                .retry_after(OPERATOR_PAUSE)
        }
    }
}
