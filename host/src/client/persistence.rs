//! Trying again: where a busy server asks for it, and where a connection is lost to a server that was
//! there before. What is done again must be harmless to do twice.

use std::time::Duration;

use tokio::time::Instant;

use super::api::Api;
use super::error::ClientError;
use super::halt::Halt;
use super::progress::Line;

/// How long a server that was there may be away: longer than a restart takes with a full queue.
const AWAY: Duration = Duration::from_secs(60);
/// The same for somebody who takes connections and has never given an answer: it may be no server at all.
const SPEECHLESS: Duration = Duration::from_secs(3);
/// First pause after a lost connection; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest of these pauses: a server that is back should not be kept waiting.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Does `attempt` until it succeeds, or fails in a way that another attempt would not change.
pub(super) async fn persistently<T>(
    api: &Api,
    halt: &Halt,
    line: &Line,
    mut attempt: impl AsyncFnMut() -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let mut lost_since = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if let Some(after) = error.refusal().and_then(|refusal| refusal.again_after()) {
            lost_since = None;
            line.note(&format!("{error}. Trying again in {} s", after.as_secs()));
            halt.sleep(after).await?;
            continue;
        }
        let away = match error {
            ClientError::Unreachable { .. } if api.was_reached() => AWAY,
            ClientError::Unreachable { was_connected: true, .. } => SPEECHLESS,
            _ => return Err(error),
        };
        let since = *lost_since.get_or_insert_with(Instant::now);
        if since.elapsed() > away {
            return Err(error);
        }
        if pause == FIRST_PAUSE {
            line.note(&format!("{error}. Trying again for {} s", away.as_secs()));
        }
        halt.sleep(pause).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
