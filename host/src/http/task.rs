//! `GET /images/task/{id}`: where a task stands.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use super::App;
use super::negotiate::Format;
use super::problem::Problem;
use super::public_url::PublicUrl;
use super::status::{self, Occasion};
use crate::task::{Status, StoreError, TaskId};

pub(super) async fn get(
    State(app): State<App>,
    url: PublicUrl,
    format: Format,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let occasion = if redirects(query.as_deref())? { Occasion::Poll } else { Occasion::PollInPlace };
    let status = find(&app, &id).await?;
    Ok(status::answer(&status, &url, format, occasion))
}

/// The note posts to `/images/tasks` and finds tasks under `/images/task`: who mixes them up is led on.
pub(super) async fn redirect_from_plural(
    url: PublicUrl,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = TaskId::parse(&id).ok_or_else(|| no_such_task(&id))?;
    Ok((StatusCode::PERMANENT_REDIRECT, [(LOCATION, url.task(id))]).into_response())
}

/// The task of this id, if there is one.
pub(super) async fn find(app: &App, id: &str) -> Result<Status, Problem> {
    let parsed = TaskId::parse(id).ok_or_else(|| no_such_task(id))?;
    app.tasks.status(parsed).await.map_err(|error| unreadable(&error))?.ok_or_else(|| no_such_task(id))
}

fn no_such_task(id: &str) -> Problem {
    Problem::not_found(format!("There is no task {id:?}."))
}

fn unreadable(error: &StoreError) -> Problem {
    tracing::error!(%error, "a task could not be read");
    Problem::internal("The task could not be read. Ask the operator, naming the request id.")
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
