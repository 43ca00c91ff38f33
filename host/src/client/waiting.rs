//! Waiting for the end of a task: with `Prefer: wait` the server holds its answer back, and where one
//! doesn't, its `Retry-After` says when to ask again. A lost connection is made anew.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tokio::time::Instant;

use super::api::{Api, Asked, PATIENCE};
use super::error::ClientError;
use super::events::follow;
use super::halt::Halt;
use super::persistence::persistently;
use super::progress::Line;
use super::status::Status;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Seconds that the server is asked to hold its answer back: below the minute after which proxies
/// commonly take a silent connection for dead.
const WAIT: u64 = 30;
/// An answer that came sooner was not held back, whatever its headers say.
const HELD_BACK: Duration = Duration::from_secs(1);
/// Pause where the server names none, and the shortest where it does.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause: a server that stops answers at once, and its guess for a long queue is worth little.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Waits for the end of a task, and shows meanwhile how far it is.
///
/// # Errors
/// The task is not there, the server cannot be reached for a minute, or `halt` ends the wait.
pub async fn wait(api: &Api, id: &str, halt: &Halt, line: &Line) -> Result<Status, ClientError> {
    let ended = async {
        tokio::select! {
            status = poll(api, id, halt, line) => status,
            never = follow(api, id, line), if line.is_watched() => match never {},
        }
    };
    halt.unless(ended).await
}

async fn poll(api: &Api, id: &str, halt: &Halt, line: &Line) -> Result<Status, ClientError> {
    loop {
        let (status, pause) = persistently(api, halt, line, async || attempt(api, id).await).await?;
        if status.is_over() {
            return Ok(status);
        }
        line.at(&status);
        tokio::time::sleep(pause).await;
    }
}

/// The status, and how long to wait before asking again.
async fn attempt(api: &Api, id: &str) -> Result<(Status, Duration), ClientError> {
    let began = Instant::now();
    let mut asked = Asked::get(path(id))
        .with(PREFER, HeaderValue::from_str(&format!("wait={WAIT}")).expect("digits are visible"));
    asked.patience = PATIENCE + Duration::from_secs(WAIT);
    let answer = api.successful(asked).await?;
    let pause = if began.elapsed() >= HELD_BACK {
        Duration::ZERO
    } else {
        answer.retry_after().unwrap_or(PAUSE).clamp(PAUSE, LONGEST_PAUSE)
    };
    Ok((Status::of(answer.json().await?, api.address())?, pause))
}

/// Where a task's status is, without being led on to its result.
pub(super) fn path(id: &str) -> String {
    format!("/images/task/{id}?redirect=false")
}
