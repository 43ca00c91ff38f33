//! One delivery of a callback: the signed POST, and what its answer means. Neither repeats nor
//! remembers; when to try again is `schedule.rs`, where it may go `guard.rs`.
//!
//! The receiver is not trusted. Its answer's head is bounded, of its body a few KiB are read and
//! thrown away, redirects are answers like any other that is not 2xx, and everything has one time
//! limit. What it says never reaches a client: a caller who could read answers, or tell one refusal
//! from another, could look around in the server's network.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::connect::{Resolve, RootsError, SystemResolver, Tls, connect};
use super::guard::{CallbackUrl, Guard, GuardError};
use super::host_rule::Scheme;
use super::signature::{SecretError, Signer};
use crate::config::{Callback, Secret};
use crate::trace::TraceContext;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where to, as the client wrote it. It is checked again: the list may have changed since.
    pub url: String,
    /// The same for every attempt to say the same thing, so that the receiver can tell a repetition;
    /// without a full stop, which the signature puts after it.
    pub webhook_id: String,
    /// When this attempt is made.
    pub timestamp: Timestamp,
    /// JSON.
    pub body: Bytes,
    /// The trace that the task belongs to, by the span of this attempt.
    pub trace: Option<TraceContext>,
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// The receiver has it: 2xx.
    Delivered,
    /// It may work later.
    Retry {
        /// Why it didn't now. For the log, never for a client.
        reason: DeliveryError,
        /// How long the receiver asks to be left alone.
        asked: Option<Duration>,
    },
    /// It will not work later either. For the log, never for a client.
    Refused(DeliveryError),
}

/// Why a delivery failed.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The URL, or every address that its host leads to, is not one to call.
    #[error("{0}")]
    Forbidden(#[from] GuardError),
    /// The id cannot stand in a header or in a signature.
    #[error("the webhook id is not made of visible characters without a full stop")]
    BadId,
    /// Nothing was listed that needs TLS when the server started.
    #[error("no certificate authorities were loaded")]
    NoTls,
    /// The name has no address.
    #[error("the name cannot be resolved: {0}")]
    Resolve(io::Error),
    /// No address answers.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// No TLS, or a certificate that isn't believed.
    #[error("no TLS connection: {0}")]
    Tls(io::Error),
    /// The connection broke, or what came isn't HTTP.
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    /// Not 2xx.
    #[error("answered with {0}")]
    Status(StatusCode),
    /// Not within [`TIMEOUT`].
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

/// A `callback…` setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// Callbacks are allowed and there is nothing to sign them with.
    #[error("callback_hosts is set, but neither callback_secret nor callback_secret_file")]
    NoSecret,
    /// A secret that will not do.
    #[error("{place}: {source}")]
    Secret {
        /// The setting.
        place: String,
        /// What a secret is.
        source: SecretError,
    },
    /// The file cannot be read.
    #[error("callback_secret_file {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A host is listed that is called by https.
    #[error("callback_hosts: {0}")]
    Roots(#[from] RootsError),
}

/// For the whole of a delivery, name to answer: within the 15 to 30 s that Standard Webhooks
/// recommends ("Request timeouts").
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// The part of it in which a connection must stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most of an answer's body that is read: an error page in full, so that an ordinary receiver sees
/// its connection end in order.
const MAX_ANSWER: usize = 4 << 10;
/// The outcome is known by then; nobody waits long for pleasantries.
const ANSWER_BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// Of an answer's head; hyper's least.
const MAX_HEAD: usize = 8 << 10;
const AGENT: &str = concat!("tintype/", env!("CARGO_PKG_VERSION"));

/// Sends callbacks.
pub struct Sender {
    guard: Guard,
    signer: Signer,
    tls: Option<Tls>,
    resolver: Arc<dyn Resolve>,
    timeout: Duration,
}

impl Sender {
    /// A sender as the operator has set it up; `None` where no host is listed.
    ///
    /// # Errors
    /// A secret is missing or wrong, or https receivers could not be recognised.
    pub fn from_settings(settings: &Callback) -> Result<Option<Self>, SenderError> {
        if settings.callback_hosts.is_empty() {
            return Ok(None);
        }
        let https = settings.callback_hosts.iter().any(|rule| rule.scheme == Scheme::Https);
        let tls = https.then(Tls::of_this_machine).transpose()?;
        let guard = Guard::new(settings.callback_hosts.clone());
        Ok(Some(Self::new(guard, signer(settings)?, tls, Arc::new(SystemResolver))))
    }

    /// A sender made of its parts. Without `tls` https cannot be spoken.
    #[must_use]
    pub fn new(guard: Guard, signer: Signer, tls: Option<Tls>, resolver: Arc<dyn Resolve>) -> Self {
        Self { guard, signer, tls, resolver, timeout: TIMEOUT }
    }

    /// What decides, for a task that asks for a callback.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Sends once. Takes at most [`TIMEOUT`] and a second.
    pub async fn send(&self, delivery: &Delivery) -> Outcome {
        let url = match self.guard.check(&delivery.url) {
            Ok(url) => url,
            Err(error) => return Outcome::Refused(error.into()),
        };
        let Some(request) = self.request(&url, delivery) else {
            return Outcome::Refused(DeliveryError::BadId);
        };
        let answer = tokio::time::timeout(self.timeout, self.exchange(&url, request)).await;
        match answer.unwrap_or(Err(DeliveryError::Timeout)) {
            Ok(answer) => {
                let outcome = outcome(answer.status, &answer.headers);
                answer.finish().await;
                outcome
            }
            // The name leads where nobody may go: the operator's list, or the name, has to change.
            Err(error @ DeliveryError::Forbidden(_)) => Outcome::Refused(error),
            Err(reason) => Outcome::Retry { reason, asked: None },
        }
    }

    fn request(&self, url: &CallbackUrl, delivery: &Delivery) -> Option<Request<Full<Bytes>>> {
        let Delivery { webhook_id, timestamp, body, trace, .. } = delivery;
        if webhook_id.is_empty() || !webhook_id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.') {
            return None;
        }
        let request = Request::post(url.target.as_str())
            .header(HOST, url.authority())
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .header("webhook-id", webhook_id)
            .header("webhook-timestamp", timestamp.as_second())
            .header("webhook-signature", self.signer.sign(webhook_id, *timestamp, body));
        let request = match trace {
            Some(trace) => request.header("traceparent", trace.to_string()),
            None => request,
        };
        request.body(Full::new(body.clone())).ok()
    }

    async fn exchange(
        &self,
        url: &CallbackUrl,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, DeliveryError> {
        let connecting = connect(url, &self.guard, self.resolver.as_ref(), self.tls.as_ref());
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
        let stream = connected.map_err(|_| DeliveryError::Connect(io::ErrorKind::TimedOut.into()))??;
        let (mut sending, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await?;
        // In a set, because that ends it when dropped: a delivery that is given up leaves nothing behind.
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            let _ = connection.await;
        });
        let (head, body) = sending.send_request(request).await?.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body, _driver: driver })
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("guard", &self.guard)
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Incoming,
    _driver: JoinSet<()>,
}

impl Answer {
    /// Reads what an ordinary receiver says after its status, and no more.
    async fn finish(mut self) {
        let _ = tokio::time::timeout(ANSWER_BODY_TIMEOUT, async {
            let mut read = 0;
            while let Some(Ok(frame)) = self.body.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len);
                if read >= MAX_ANSWER {
                    break;
                }
            }
        })
        .await;
    }
}

/// Standard Webhooks 1.0.0, "Delivery success and failure".
fn outcome(status: StatusCode, headers: &HeaderMap) -> Outcome {
    let reason = DeliveryError::Status(status);
    match status {
        status if status.is_success() => Outcome::Delivered,
        StatusCode::GONE => Outcome::Refused(reason),
        _ => Outcome::Retry { reason, asked: retry_after(headers) },
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

fn signer(settings: &Callback) -> Result<Signer, SenderError> {
    let path = settings.callback_secret_file.as_deref();
    let file = path.map(|path| {
        std::fs::read_to_string(path)
            .map_err(|source| SenderError::Unreadable { path: path.display().to_string(), source })
    });
    let file = file.transpose()?.unwrap_or_default();
    let set: Vec<&str> = settings.callback_secret.iter().map(Secret::expose).collect();
    let lines: Vec<&str> = file.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for (place, secrets) in [("callback_secret", &set), ("callback_secret_file", &lines)] {
        if !secrets.is_empty() {
            Signer::new(secrets.iter().copied())
                .map_err(|source| SenderError::Secret { place: place.to_owned(), source })?;
        }
    }
    Signer::new(set.into_iter().chain(lines)).map_err(|_| SenderError::NoSecret)
}

#[cfg(test)]
mod tests;
