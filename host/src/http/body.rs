//! A request's body, read with patience that has an end.

use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::App;
use super::exchange::Exchange;
use super::figures::Upload;
use super::problem::Problem;

/// A body being read.
pub(super) struct IncomingBody {
    stream: BodyDataStream,
    pause: Duration,
    deadline: Instant,
    limit: u64,
    read: u64,
    upload: Upload,
    exchange: Exchange,
}

impl IncomingBody {
    pub(super) fn new(body: Body, app: &App, exchange: Exchange) -> Self {
        let config = &app.config;
        let now = Instant::now();
        Self {
            stream: body.into_data_stream(),
            pause: config.http.body_timeout,
            deadline: now.checked_add(config.http.upload_timeout).unwrap_or(now),
            limit: config.tasks.max_request_size.0,
            read: 0,
            upload: app.figures.upload(),
            exchange,
        }
    }

    /// The next piece, none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let piece = tokio::time::timeout(self.pause.min(left), self.stream.next()).await.map_err(|_| {
            Problem::too_slow(format!(
                "Send the next piece of the body within {} seconds, and all of it in time.",
                self.pause.as_secs_f64()
            ))
        })?;
        let Some(piece) = piece else { return Ok(None) };
        let piece =
            piece.map_err(|_| Problem::bad_request("The connection broke before the body was complete."))?;
        self.read += piece.len() as u64;
        self.upload.arrived(piece.len() as u64);
        self.exchange.has_received(self.read);
        if self.read > self.limit {
            return Err(Problem::too_large(format!("A request may have at most {} bytes.", self.limit)));
        }
        Ok(Some(piece))
    }
}
