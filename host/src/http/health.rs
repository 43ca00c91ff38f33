//! Whether the server lives, and whether it should be sent work.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};

use super::App;
use super::openapi::answers;
use super::problem::Problem;
use super::submit;

/// The process answers: nothing else is said.
#[utoipa::path(
    get, path = "/health/live", operation_id = "live", tag = "health", security(()),
    responses(answers::Well)
)]
pub(super) async fn live() -> Response {
    ([(CACHE_CONTROL, "no-store")], "live\n").into_response()
}

/// Whether a task would be taken now. A full queue does not count: it is work, not a fault, and
/// taking every busy server out of a balancer would leave none.
#[utoipa::path(
    get, path = "/health/ready", operation_id = "ready", tag = "health", security(()),
    responses(answers::Well, answers::Unavailable, answers::DiskFull)
)]
pub(super) async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    match app.tasks.admit() {
        Ok(()) | Err(crate::task::Refusal::QueueFull(_)) => {
            Ok(([(CACHE_CONTROL, "no-store")], "ready\n").into_response())
        }
        Err(refusal) => Err(submit::refused(&refusal)),
    }
}
