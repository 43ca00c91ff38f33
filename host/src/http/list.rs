//! `GET /images/tasks`: the caller's tasks, newest first, page by page.

use axum::extract::{RawQuery, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, LINK, VARY};
use axum::response::{IntoResponse, Response};

use super::App;
use super::caller::Caller;
use super::negotiate::Format;
use super::openapi::{answers, params};
use super::problem::Problem;
use super::public_url::PublicUrl;
use super::status;
use super::task::unreadable;
use crate::task::{Query, StateFilter, TaskId};

/// Tasks of a page for which nothing is said.
const PAGE: usize = 20;
/// Tasks of the longest page.
const LONGEST_PAGE: usize = 100;

/// The caller's tasks, newest first.
#[utoipa::path(
    get,
    path = "/images/tasks",
    operation_id = "listTasks",
    tag = "tasks",
    params(params::ListFilters, params::Accept),
    responses(
        answers::Page,
        answers::BadRequest,
        answers::Unauthorized,
        answers::NotAcceptable,
        answers::Internal,
        answers::Unavailable
    )
)]
pub(super) async fn get(
    State(app): State<App>,
    url: PublicUrl,
    format: Format,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let raw = raw.unwrap_or_default();
    let query = parse(&raw, caller.owner())?;
    let (tasks, next) = app.tasks.list(query).await.map_err(|error| unreadable(&error))?;
    let next = next.map(|after| url.page(&raw, after));
    let body = match format {
        Format::Xml => status::xml_list(&tasks, &url, next.as_deref()),
        Format::Json => status::json_list(&tasks, &url, next.as_deref()).to_string(),
    };
    let mut response = ([(CONTENT_TYPE, format.content_type()), (VARY, "Accept")], body).into_response();
    if let Some(link) = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok()) {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

fn parse(raw: &str, owner: Option<String>) -> Result<Query, Problem> {
    let mut query = Query { owner, limit: PAGE, ..Query::default() };
    for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
        let wrong = |rule: &str| Problem::bad_request(format!("{name}={value} will not do: {rule}."));
        match name.as_ref() {
            "state" => {
                query.state = Some(match value.as_ref() {
                    "pending" => StateFilter::Pending,
                    "queued" => StateFilter::Queued,
                    "running" => StateFilter::Running,
                    "OK" => StateFilter::Ok,
                    "FAILED" => StateFilter::Failed,
                    "cancelled" => StateFilter::Cancelled,
                    _ => return Err(wrong("state is pending, OK, FAILED, queued, running or cancelled")),
                });
            }
            "operation" => query.operation = Some(value.into_owned()),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=LONGEST_PAGE).contains(limit));
                query.limit = limit.ok_or_else(|| wrong("limit is a whole number from 1 to 100"))?;
            }
            "after" => {
                let after = TaskId::parse(&value);
                query.after = Some(after.ok_or_else(|| {
                    wrong("after is the id of a task, as the link to the next page has it")
                })?);
            }
            _ => {
                return Err(Problem::bad_request(format!(
                    "The query parameter {name:?} means nothing here. There are state, operation, limit and after."
                )));
            }
        }
    }
    Ok(query)
}
