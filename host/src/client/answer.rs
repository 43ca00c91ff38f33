//! What comes back for a request: its head, and its body read under a limit and never waited for
//! without one.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value as Json;
use tokio::task::JoinSet;

use super::address::ServerAddress;
use super::error::{ClientError, Refusal};

/// Longest silence inside a body. A server's own patience with us is 30 s.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of a document: the longest are the plugins with all their schemas, some hundreds of KiB.
const LARGEST_DOCUMENT: usize = 16 << 20;
/// Bytes of a refusal.
const LARGEST_REFUSAL: usize = 64 << 10;

/// An answer, whose body is still to come.
pub struct Answer {
    pub(super) server: ServerAddress,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Incoming,
    /// Drives the connection; in a set, because that ends it when the answer is dropped.
    pub(super) _driver: JoinSet<()>,
}

impl Answer {
    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// The connection broke, or nothing comes.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = match tokio::time::timeout(SILENCE, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(self.lost(&format!("the answer broke off ({error})"))),
                Err(_) => return Err(self.lost("the answer came to a halt")),
            };
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    async fn bytes(&mut self, limit: usize) -> Result<Vec<u8>, ClientError> {
        let mut bytes = vec![];
        while let Some(piece) = self.piece().await? {
            if bytes.len() + piece.len() > limit {
                return Err(self.not_understood(format!("its answer has more than {limit} bytes")));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none, or doesn't come.
    pub async fn json(mut self) -> Result<Json, ClientError> {
        let bytes = self.bytes(LARGEST_DOCUMENT).await?;
        serde_json::from_slice(&bytes).map_err(|_| {
            let said = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            self.not_understood(format!("its answer is {} and no JSON", said.unwrap_or("of no type")))
        })
    }

    /// What an answer with a status that isn't a success means.
    pub(super) async fn refused(mut self) -> ClientError {
        let status = self.status.as_u16();
        let whole = format!("{} ({status})", self.status.canonical_reason().unwrap_or("an unknown status"));
        if self.status.is_redirection() {
            let to = self.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            return self
                .not_understood(format!("it sends us to {to}, and its address is what was asked for"));
        }
        let retry_after = retry_after(&self.headers);
        let problem = match self.bytes(LARGEST_REFUSAL).await {
            Ok(bytes) => serde_json::from_slice::<Json>(&bytes).ok().filter(|json| json["title"].is_string()),
            Err(_) => None,
        };
        if problem.is_none() && matches!(status, 502 | 504) {
            // A proxy's word for the same.
            return self.lost(&whole);
        }
        let reason = format!("{} says {}, and not why", self.server, whole);
        ClientError::Refused(Box::new(Refusal { status, problem, reason, retry_after }))
    }

    fn lost(&self, cause: &str) -> ClientError {
        ClientError::Unreachable {
            server: self.server.to_string(),
            cause: cause.to_owned(),
            was_connected: true,
        }
    }

    fn not_understood(&self, what: String) -> ClientError {
        ClientError::NotUnderstood { server: self.server.to_string(), what }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }
}

/// RFC 9110 section 10.2.3: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok(),
    }
}
