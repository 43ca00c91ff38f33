//! Where spans go: one POST to an OpenTelemetry collector. What the operator names here is believed, other
//! than what a client names for a callback; so nothing of `callback/guard.rs` stands in between.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::callback::{RootsError, Stream, Tls};
use crate::config::Secret;

/// For the whole of an export, name to answer: what the OpenTelemetry SDKs take, too.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Where traces go below the collector's address (OTLP/HTTP, "Request").
const PATH: &str = "/v1/traces";
const AGENT: &str = concat!("tintype/", env!("CARGO_PKG_VERSION"));

/// A setting about the collector that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadEndpoint {
    /// Not a URL that could be called.
    #[error(
        "otlp_endpoint: {0:?} will not do: it must be an http or https URL such as http://127.0.0.1:4318"
    )]
    Url(String),
    /// A header without a name, a value, or the sign between them. The value is a secret.
    #[error("otlp_headers: each must be NAME=VALUE, such as authorization=Bearer abc")]
    Header,
    /// Nobody's certificate could be believed.
    #[error("otlp_endpoint: {0}")]
    Roots(#[from] RootsError),
}

/// Why spans did not get there.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    /// Nobody answers there.
    #[error("cannot connect: {0}")]
    Connect(#[from] io::Error),
    /// The connection broke, or what came isn't HTTP.
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    /// Something that cannot stand in a request.
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
    /// Not 2xx.
    #[error("answered with {0}")]
    Status(StatusCode),
    /// Not within [`TIMEOUT`].
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl ExportError {
    /// Whether the same may be sent again (OTLP/HTTP, "Retryable Response Codes").
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Http(_) | Self::Timeout => true,
            Self::Request(_) => false,
            Self::Status(code) => matches!(code.as_u16(), 429 | 502 | 503 | 504),
        }
    }
}

/// A collector.
pub(super) struct Collector {
    authority: Authority,
    port: u16,
    target: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    tls: Option<Tls>,
}

impl Collector {
    pub(super) fn new(endpoint: &str, headers: &[Secret]) -> Result<Self, BadEndpoint> {
        let bad = || BadEndpoint::Url(without_user(endpoint).to_owned());
        let uri: Uri = endpoint.parse().map_err(|_| bad())?;
        let authority = uri.authority().cloned().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.ok_or_else(bad)?;
        let (tls, port) = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => (None, 80),
            Some(scheme) if *scheme == Scheme::HTTPS => (Some(Tls::of_this_machine()?), 443),
            _ => return Err(bad()),
        };
        if uri.query().is_some() {
            return Err(bad());
        }
        let port = authority.port_u16().unwrap_or(port);
        let target = format!("{}{PATH}", uri.path().trim_end_matches('/'));
        let headers = headers.iter().map(header).collect::<Option<Vec<_>>>().ok_or(BadEndpoint::Header)?;
        Ok(Self { authority, port, target, headers, tls })
    }

    /// Sends a request's body.
    pub(super) async fn send(&self, body: Bytes) -> Result<(), ExportError> {
        tokio::time::timeout(TIMEOUT, self.exchange(body)).await.map_err(|_| ExportError::Timeout)?
    }

    async fn exchange(&self, body: Bytes) -> Result<(), ExportError> {
        // Brackets belong to an address in a URL, and not to the address.
        let host = self.authority.host().trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.port)).await?;
        let stream: Box<dyn Stream> = match &self.tls {
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                Box::new(tls.over(name, stream).await?)
            }
            None => Box::new(stream),
        };
        let (mut sending, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // In a set, because that ends it when dropped.
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            let _ = connection.await;
        });
        let mut request = Request::post(&self.target)
            .header(HOST, self.authority.as_str())
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = sending.send_request(request.body(Full::new(body))?).await?;
        if answer.status().is_success() { Ok(()) } else { Err(ExportError::Status(answer.status())) }
    }
}

/// What comes after a name and a password, which an error must not repeat.
fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

fn header(text: &Secret) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = text.expose().split_once('=')?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::SettingValue as _;

    fn collector(endpoint: &str, headers: &str) -> Result<Collector, String> {
        Collector::new(endpoint, &Vec::<Secret>::parse(headers).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn traces_go_below_the_address_that_is_named() {
        let plain = collector("http://[::1]:4318", "").unwrap();
        assert_eq!((plain.target.as_str(), plain.port), ("/v1/traces", 4318));
        let below = collector("http://collector/otlp/", "x-key = one, authorization=Basic YTpi").unwrap();
        assert_eq!((below.target.as_str(), below.port, below.headers.len()), ("/otlp/v1/traces", 80, 2));
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_repeating_a_secret() {
        for wrong in
            ["collector:4318", "grpc://collector", "http://", "http://a/?key=hush", "http://me:hush@a"]
        {
            assert!(collector(wrong, "").is_err(), "{wrong}");
        }
        assert!(!collector("http://me:hush@a", "").err().unwrap().contains("hush"));
        assert!(!collector("http://a", "hush").err().unwrap().contains("hush"));
    }
}
