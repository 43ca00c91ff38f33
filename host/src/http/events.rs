//! `GET /images/task/{id}/events`: server-sent events (HTML Standard, section 9.2) until a task is over.
//!
//! Each event is the JSON status as it is at that moment. Its id says how far the task was, so that a
//! client that comes back with `Last-Event-ID` is told nothing twice and misses nothing that counts.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};

use super::App;
use super::caller::Caller;
use super::openapi::{answers, params};
use super::path::Path;
use super::problem::Problem;
use super::public_url::PublicUrl;
use super::{status, task};
use crate::task::{Found, State as TaskState, Status, Subscription, TaskId, Tasks};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Shortest time between two events: a plugin may report progress thousands of times a second.
const PACE: Duration = Duration::from_millis(100);

/// Pause after which a comment is sent, so that proxies don't take the silence for an end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Where a task stands, told while it changes.
#[utoipa::path(
    get,
    path = "/images/task/{id}/events",
    operation_id = "followTask",
    tag = "tasks",
    params(params::TaskPath, params::LastEventId),
    responses(
        answers::Events,
        answers::NoMoreEvents,
        answers::BadRequest,
        answers::Unauthorized,
        answers::NotFound,
        answers::Gone,
        answers::Internal,
        answers::Unavailable,
    )
)]
pub(super) async fn get(
    State(app): State<App>,
    url: PublicUrl,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let status = task::find(&app, &caller, &id).await?;
    let seen = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // The client has heard the last word: 204 tells it not to come back.
    if status.record.is_over() && seen.as_deref() == Some(marker(&status).as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follower = Follower {
        subscription: app.tasks.subscribe(status.record.id),
        id: status.record.id,
        owner: caller.owner(),
        tasks: Arc::clone(&app.tasks),
        url,
        seen,
        over: false,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(follower.events()).keep_alive(keep_alive).into_response())
}

/// Somebody who follows a task.
struct Follower {
    subscription: Subscription,
    id: TaskId,
    owner: Option<String>,
    tasks: Arc<Tasks>,
    url: PublicUrl,
    /// The marker of the last event.
    seen: Option<String>,
    over: bool,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let event = follower.next().await?;
            Some((Ok(event), follower))
        })
    }

    /// The next event; none when the task is over, or gone, or the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.over {
                return None;
            }
            let Ok(Found::Task(status)) = self.tasks.find(self.id, self.owner.as_deref()).await else {
                return None;
            };
            let marker = marker(&status);
            self.over = status.record.is_over();
            if self.seen.as_ref() != Some(&marker) {
                let data = status::json(&status, &self.url).to_string();
                self.seen = Some(marker.clone());
                return Some(Event::default().event("status").id(marker).data(data));
            }
            tokio::select! {
                () = self.subscription.news() => {}
                // Who comes back finds the server that comes after.
                () = self.tasks.draining() => return None,
            }
            tokio::time::sleep(PACE).await;
        }
    }
}

/// How far a task is, in whole percent while it runs.
fn marker(status: &Status) -> String {
    match &status.record.state {
        TaskState::Queued => format!("queued-{}", status.record.attempts),
        TaskState::Running => {
            let percent = (status.progress.unwrap_or_default() * 100.0).floor();
            format!("running-{}-{percent}", status.record.attempts)
        }
        TaskState::Finished { .. } => "over".to_owned(),
    }
}
