//! `/images/task/{id}`: where a task stands, and its end before its time.

use axum::extract::{RawQuery, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::App;
use super::caller::Caller;
use super::negotiate::Format;
use super::openapi::{answers, params};
use super::path::Path;
use super::prefer::Wait;
use super::problem::Problem;
use super::public_url::PublicUrl;
use super::status::{self, Occasion};
use super::submit;
use crate::task::{Found, Refusal, Removed, Status, StoreError, TaskId};

/// Where a task stands; the end of one that went well leads to its result.
#[utoipa::path(
    get,
    path = "/images/task/{id}",
    operation_id = "getTask",
    tag = "tasks",
    params(params::TaskPath, params::Redirect, params::Accept, params::Prefer),
    responses(
        answers::Status,
        answers::Redirect,
        answers::BadRequest,
        answers::Unauthorized,
        answers::NotFound,
        answers::NotAcceptable,
        answers::Gone,
        answers::Internal,
        answers::Unavailable,
    )
)]
pub(super) async fn get(
    State(app): State<App>,
    url: PublicUrl,
    format: Format,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let occasion = if redirects(query.as_deref())? { Occasion::Poll } else { Occasion::PollInPlace };
    let wait = Wait::of(&headers, app.config.http.max_wait);
    let status = match wait {
        Some(wait) => {
            let parsed = parse(&id)?;
            let found = app.tasks.find_over(parsed, caller.owner().as_deref(), wait.duration()).await;
            existing(&id, found)?
        }
        None => find(&app, &caller, &id).await?,
    };
    let mut response = status::answer(&status, &url, format, occasion);
    if let Some(wait) = wait {
        wait.mark(&mut response);
    }
    Ok(response)
}

/// Cancels a task, or deletes one that is over.
#[utoipa::path(
    delete,
    path = "/images/task/{id}",
    operation_id = "endTask",
    tag = "tasks",
    params(params::TaskPath, params::Accept),
    responses(
        answers::Cancelled,
        answers::Deleted,
        answers::BadRequest,
        answers::Unauthorized,
        answers::NotFound,
        answers::NotAcceptable,
        answers::Internal,
        answers::Unavailable,
        answers::DiskFull,
    )
)]
pub(super) async fn delete(
    State(app): State<App>,
    url: PublicUrl,
    format: Format,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let removed = app.tasks.remove(parse(&id)?, caller.owner().as_deref()).await;
    match removed.map_err(|error| unreadable(&error))? {
        Removed::Cancelled(status) => Ok(status::answer(&status, &url, format, Occasion::PollInPlace)),
        // Repeating it is harmless.
        Removed::Deleted | Removed::Gone => Ok(StatusCode::NO_CONTENT.into_response()),
        Removed::Nothing => Err(no_such_task(&id)),
    }
}

/// The note posts to `/images/tasks` and finds tasks under `/images/task`: who mixes them up is led on.
#[utoipa::path(
    get, path = "/images/tasks/{id}", operation_id = "findTask", tag = "tasks", security(()),
    params(params::TaskPath),
    responses(answers::Moved, answers::BadRequest, answers::NotFound, answers::Internal)
)]
pub(super) async fn redirect_from_plural(
    url: PublicUrl,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok((StatusCode::PERMANENT_REDIRECT, [(LOCATION, url.task(parse(&id)?))]).into_response())
}

/// The caller's task of this id, if there is one.
pub(super) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Status, Problem> {
    existing(id, app.tasks.find(parse(id)?, caller.owner().as_deref()).await)
}

fn parse(id: &str) -> Result<TaskId, Problem> {
    TaskId::parse(id).ok_or_else(|| no_such_task(id))
}

fn existing(id: &str, found: Result<Found, StoreError>) -> Result<Status, Problem> {
    match found.map_err(|error| unreadable(&error))? {
        Found::Task(status) => Ok(*status),
        Found::Gone => Err(Problem::gone(format!("The task {id:?} is gone, with its results."))),
        Found::Nothing => Err(no_such_task(id)),
    }
}

fn no_such_task(id: &str) -> Problem {
    Problem::not_found(format!("There is no task {id:?}."))
}

pub(super) fn unreadable(error: &StoreError) -> Problem {
    tracing::error!(%error, "the task store could not be used");
    match error {
        StoreError::NoSpace => {
            Problem::disk_full("The server has no room to record the change. Try again later.")
        }
        StoreError::Unavailable(_) => submit::refused(&Refusal::StoreUnreachable),
        StoreError::Failed(_) => {
            // The same as whoever submits is told.
            submit::refused(&Refusal::StorageFailed)
        }
        _ => Problem::internal("The task store could not be used. Ask the operator, naming the request id."),
    }
}

fn redirects(query: Option<&str>) -> Result<bool, Problem> {
    let mut redirect = true;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        redirect = match pair {
            "redirect=true" => true,
            "redirect=false" => false,
            _ => {
                return Err(Problem::bad_request(format!(
                    "The query {pair:?} means nothing here. The query may be redirect=false or redirect=true."
                )));
            }
        };
    }
    Ok(redirect)
}
