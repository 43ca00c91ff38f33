//! `GET /images/{id}` and `/images/{id}/{n}`: what a task made.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    LAST_MODIFIED, LINK, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::App;
use super::caller::Caller;
use super::openapi::{answers, params};
use super::path::Path;
use super::problem::Problem;
use super::public_url::PublicUrl;
use super::range::{Conditions, Selection};
use super::{submit, task};
use crate::blob::BlobError;
use crate::task::{BlobInfo, Record, Refusal, State as TaskState, Tasks};

/// The image that a task made, or the first of several.
#[utoipa::path(
    get,
    path = "/images/{id}",
    operation_id = "getImage",
    tag = "images",
    params(params::ResultPath, params::Conditions),
    responses(answers::AnyOfImage)
)]
pub(super) async fn get_first(
    State(app): State<App>,
    url: PublicUrl,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    get(&app, &url, &caller, &id, 1, &headers).await
}

/// One of several images that a task made.
#[utoipa::path(
    get,
    path = "/images/{id}/{number}",
    operation_id = "getNumberedImage",
    tag = "images",
    params(params::ResultPath, params::NumberPath, params::Conditions),
    responses(answers::AnyOfImage)
)]
pub(super) async fn get_numbered(
    State(app): State<App>,
    url: PublicUrl,
    caller: Caller,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    let number = number.parse().ok().filter(|_| plain).ok_or_else(|| no_such_result(&id))?;
    get(&app, &url, &caller, &id, number, &headers).await
}

fn no_such_result(id: &str) -> Problem {
    Problem::not_found(format!(
        "There is no such result of a task {id:?}. A task's status lists its results."
    ))
}

async fn get(
    app: &App,
    url: &PublicUrl,
    caller: &Caller,
    id: &str,
    number: u32,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let record = task::find(app, caller, id).await?.record;
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let info =
        index.and_then(|index| Tasks::results(&record).get(index)).ok_or_else(|| no_such_result(id))?;
    let TaskState::Finished { completed, .. } = record.state else { return Err(no_such_result(id)) };

    let etag = format!("\"{}\"", info.digest);
    let selection = Conditions::new(&etag, completed, info.size).select(headers)?;
    let range = match &selection {
        Selection::NotModified => {
            return described(StatusCode::NOT_MODIFIED, &record, info, completed, url, &etag, Body::empty());
        }
        Selection::Whole => 0..info.size,
        Selection::Part(range) => range.clone(),
    };
    let stream = app.tasks.result(&record, number, info, range.clone()).await.map_err(|error| {
        tracing::error!(%error, task = %record.id, "a result could not be read");
        Problem::internal(match error {
            // That passes.
            BlobError::Unavailable { .. } => return submit::refused(&Refusal::BlobsUnreachable),
            // Asking again would not help, and the picture must not be taken for the result.
            BlobError::Damaged(_) | BlobError::NotFound(_) => {
                "The stored result is damaged and is not given out. Submit the task again."
            }
            BlobError::NoSpace | BlobError::Io { .. } => {
                "The result could not be read. Ask the operator, naming the request id."
            }
        })
    })?;
    let code = if selection == Selection::Whole { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    let mut response = described(code, &record, info, completed, url, &etag, Body::from_stream(stream))?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
    if let Selection::Part(range) = &selection {
        set(headers, CONTENT_RANGE, &format!("bytes {}-{}/{}", range.start, range.end - 1, info.size))?;
    }
    Ok(response)
}

fn described(
    code: StatusCode,
    record: &Record,
    info: &BlobInfo,
    completed: Timestamp,
    url: &PublicUrl,
    etag: &str,
    body: Body,
) -> Result<Response, Problem> {
    let mut response = (code, body).into_response();
    let headers = response.headers_mut();
    set(headers, CONTENT_TYPE, &info.media_type)?;
    set(headers, ETAG, etag)?;
    set(headers, LAST_MODIFIED, &httpdate::fmt_http_date(completed.into()))?;
    set(headers, LINK, &format!("<{}>; rel=\"related\"", url.task(record.id)))?;
    // A result never changes; it is one client's, so no shared cache may keep it.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, immutable"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // A plugin said what the type is: no browser shall believe it to be a page of this site.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    Ok(response)
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(value).map_err(|error| {
        tracing::error!(%error, value, "a header cannot be written");
        Problem::internal("The answer could not be written. Ask the operator, naming the request id.")
    })?;
    headers.insert(name, value);
    Ok(())
}
