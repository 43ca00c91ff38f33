//! Sending a picture until the server has accepted it, and never making two tasks of it: every attempt
//! carries the same `Idempotency-Key`.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};

use super::api::{Api, Asked, PATIENCE};
use super::error::ClientError;
use super::halt::Halt;
use super::message::Message;
use super::persistence::persistently;
use super::progress::Line;
use super::status::Status;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Bytes a second below which a line is taken for broken: a modem's.
const SLOWEST_LINE: u64 = 4 << 10;

/// Sends the message, and gives the task's first status.
///
/// # Errors
/// The server refuses it or cannot be reached, or the time is up. Ctrl-C is heard only between attempts.
pub(super) async fn submit(
    api: &Api,
    message: &Message<'_>,
    key: &HeaderValue,
    halt: &Halt,
    line: &Line,
) -> Result<Status, ClientError> {
    persistently(api, halt, line, async || {
        if halt.is_interrupted() {
            return Err(ClientError::Interrupted);
        }
        halt.in_time(attempt(api, message, key)).await
    })
    .await
}

async fn attempt(api: &Api, message: &Message<'_>, key: &HeaderValue) -> Result<Status, ClientError> {
    let opened = message.open().await?;
    let content_type = HeaderValue::from_str(&opened.content_type).expect("it is made of visible characters");
    let mut asked = Asked::new(Method::POST, "/images/tasks")
        .with(CONTENT_TYPE, content_type)
        .with(CONTENT_LENGTH, opened.length.into())
        .with(IDEMPOTENCY_KEY, key.clone());
    asked.body = opened.body;
    asked.patience = PATIENCE + Duration::from_secs(opened.length / SLOWEST_LINE);
    let answer = api.ask(asked).await?;
    // A repetition may find its task over, and is then answered as a poll would be.
    if !answer.status.is_success() && answer.status != http::StatusCode::SEE_OTHER {
        return Err(answer.refused().await);
    }
    Status::of(answer.json().await?, api.address())
}
