//! The event stream of a task (HTML Standard, section 9.2): how far it is, for whoever watches. Nothing
//! depends on it: where it breaks or isn't let through, the wait goes on without.

use std::convert::Infallible;
use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderName, HeaderValue};

use super::api::{Api, Asked};
use super::error::ClientError;
use super::progress::Line;
use super::status::Status;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Pause before a stream that ended is asked for again.
const PAUSE: Duration = Duration::from_secs(2);
/// Bytes of one event; a status has some hundreds.
const LARGEST_EVENT: usize = 1 << 20;

/// Shows what the stream tells, for as long as somebody asks for it.
pub(super) async fn follow(api: &Api, id: &str, line: &Line) -> Infallible {
    let mut seen = None;
    loop {
        // Whatever went wrong, the wait beside this finds out what it means.
        let _ = follow_once(api, id, line, &mut seen).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow_once(api: &Api, id: &str, line: &Line, seen: &mut Option<String>) -> Result<(), ClientError> {
    let mut asked = Asked::get(format!("/images/task/{id}/events"))
        .with(ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(value) = seen.as_deref().and_then(|seen| HeaderValue::from_str(seen).ok()) {
        asked = asked.with(LAST_EVENT_ID, value);
    }
    let mut answer = api.successful(asked).await?;
    let mut events = Events::default();
    while let Some(piece) = answer.piece().await? {
        for event in events.push(&piece) {
            if let Ok(json) = serde_json::from_str(&event.data)
                && let Ok(status) = Status::of(json, api.address())
            {
                line.at(&status);
            }
            *seen = event.id.or(seen.take());
        }
    }
    Ok(())
}

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
struct Event {
    id: Option<String>,
    data: String,
}

/// Takes a stream apart, however it was cut into pieces.
#[derive(Default)]
struct Events {
    rest: Vec<u8>,
    event: Event,
}

impl Events {
    fn push(&mut self, piece: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(piece);
        let mut whole = vec![];
        while let Some(at) = memchr::memchr(b'\n', &self.rest) {
            let line: Vec<u8> = self.rest.drain(..=at).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if !event.data.is_empty() {
                    whole.push(event);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => self.event.data.push_str(value),
                "id" => self.event.id = Some(value.to_owned()),
                _ => {}
            }
        }
        if self.rest.len() + self.event.data.len() > LARGEST_EVENT {
            *self = Self::default();
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_however_the_stream_is_cut() {
        let stream = b": comment\n\nevent: status\nid: running-1-50\ndata: {\"a\":\"\xc3\xbc\"}\r\n\r\ndata:2\n\ndata: half";
        let expected = [
            Event { id: Some("running-1-50".to_owned()), data: "{\"a\":\"ü\"}".to_owned() },
            Event { id: None, data: "2".to_owned() },
        ];
        for size in [1, 2, 7, 1000] {
            let mut events = Events::default();
            let found: Vec<Event> = stream.chunks(size).flat_map(|piece| events.push(piece)).collect();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }
}
