//! One request to the server and the head of its answer. Doesn't try again, and follows nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONNECTION, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::task::JoinSet;

use super::address::ServerAddress;
use super::answer::Answer;
use super::connect::connect;
use super::error::ClientError;
use super::message::Body;
use crate::callback::Tls;

const AGENT: &str = concat!("tintype/", env!("CARGO_PKG_VERSION"));
/// For an answer to begin, to a request that the server answers at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and the key with which it is asked.
pub struct Api {
    address: ServerAddress,
    key: Option<HeaderValue>,
    tls: Option<Tls>,
    /// It has answered before: what it was once, it may be again.
    was_reached: AtomicBool,
}

/// A request.
pub(super) struct Asked {
    pub(super) method: Method,
    /// With its query.
    pub(super) path: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Body,
    /// For the answer to begin, the sending of the request included.
    pub(super) patience: Duration,
}

impl Asked {
    /// A request without a body, which is answered at once.
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        Self { method, path: path.into(), headers: vec![], body, patience: PATIENCE }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Api {
    /// A server that is asked with this value of `Authorization`.
    ///
    /// # Errors
    /// It is asked by https, and this machine trusts no certificate authority.
    pub fn new(address: ServerAddress, key: Option<HeaderValue>) -> Result<Self, ClientError> {
        let tls = address.is_https().then(Tls::of_this_machine).transpose();
        let tls = tls.map_err(|error| ClientError::Misuse(error.to_string()))?;
        Ok(Self { address, key, tls, was_reached: AtomicBool::new(false) })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Whether it has answered since this program began.
    pub(super) fn was_reached(&self) -> bool {
        self.was_reached.load(Ordering::Relaxed)
    }

    /// A document.
    ///
    /// # Errors
    /// There is no such document, or no server.
    pub async fn document(&self, path: &str) -> Result<Json, ClientError> {
        self.successful(Asked::get(path)).await?.json().await
    }

    /// DELETE; the document that it is answered with, if there is one.
    ///
    /// # Errors
    /// There is no such resource, or no server.
    pub async fn delete(&self, path: &str) -> Result<Option<Json>, ClientError> {
        let answer = self.successful(Asked::new(Method::DELETE, path)).await?;
        if answer.status == http::StatusCode::NO_CONTENT { Ok(None) } else { answer.json().await.map(Some) }
    }

    /// As [`ask`](Self::ask), with every answer that isn't a success for an error.
    pub(super) async fn successful(&self, asked: Asked) -> Result<Answer, ClientError> {
        let answer = self.ask(asked).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(answer.refused().await) }
    }

    /// Asks once.
    pub(super) async fn ask(&self, asked: Asked) -> Result<Answer, ClientError> {
        let patience = asked.patience;
        let answered = tokio::time::timeout(patience, self.exchange(asked)).await;
        let answer = answered
            .unwrap_or_else(|_| Err((format!("no answer within {} s", patience.as_secs()), true)))
            .map_err(|(cause, was_connected)| ClientError::Unreachable {
                server: self.address.to_string(),
                cause,
                was_connected,
            })?;
        if !matches!(answer.status.as_u16(), 502 | 504) {
            self.was_reached.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// The answer, or why there is none and whether there was a connection.
    async fn exchange(&self, asked: Asked) -> Result<Answer, (String, bool)> {
        let mut request = Request::builder()
            .method(asked.method)
            .uri(self.address.target(&asked.path))
            .header(HOST, self.address.authority())
            .header(USER_AGENT, AGENT)
            .header(CONNECTION, "close");
        if !asked.headers.iter().any(|(name, _)| *name == ACCEPT) {
            request = request.header(ACCEPT, "application/json");
        }
        for (name, value) in asked.headers {
            request = request.header(name, value);
        }
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key);
        }
        let request = request.body(asked.body).map_err(|error| (error.to_string(), false))?;
        let stream = connect(&self.address, self.tls.as_ref()).await.map_err(|cause| (cause, false))?;
        let broke = |error: hyper::Error| (format!("the connection broke ({})", with_cause(&error)), true);
        let (mut sending, connection) =
            hyper::client::conn::http1::handshake::<_, Body>(TokioIo::new(stream)).await.map_err(broke)?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What it ends with is said where the answer is read.
            let _ = connection.await;
        });
        let (head, body) = sending.send_request(request).await.map_err(broke)?.into_parts();
        let server = self.address.clone();
        Ok(Answer { server, status: head.status, headers: head.headers, body, _driver: driver })
    }
}

/// What a file that is being sent, or the system, has to say.
fn with_cause(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
