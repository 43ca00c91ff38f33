//! How requests reach an engine: over connections that are kept for the next request, by the TLS that the
//! rest of the server speaks. The client that comes with the crate would bring another one.
//!
//! Every wait has its end here: an engine that is gone without a word must not hold a worker, or a client,
//! for longer than the seconds below.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, timeout};
use tokio_rustls::rustls::pki_types::ServerName;

use crate::callback::{Stream, Tls};

/// For a connection, name to TLS. Two lost SYNs are sent again after 1 and 3 seconds.
const CONNECT: Duration = Duration::from_secs(5);
/// For a request, up to the head of its answer: eight megabytes at a few megabits, and a slow engine.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest pause between two pieces of an answer.
const PAUSE: Duration = Duration::from_secs(15);
/// Requests at once. A server that is asked for more keeps them waiting here, and its file descriptors for
/// its clients.
const REQUESTS: usize = 256;
/// How long an idle connection is kept: less than the 20 seconds after which S3 closes it.
const IDLE: Duration = Duration::from_secs(15);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("tintype/", env!("CARGO_PKG_VERSION")));

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    client: Client<Connector, HttpRequestBody>,
    requests: Arc<Semaphore>,
}

impl Transport {
    /// Believes the certificate authorities of this machine, which it reads now.
    pub(super) fn of_this_machine() -> Self {
        let tls = Tls::of_this_machine().map_err(|error| error.to_string());
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(Connector { tls: Arc::new(tls) });
        Self { client, requests: Arc::new(Semaphore::new(REQUESTS)) }
    }

    async fn answer(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let permit = Arc::clone(&self.requests).acquire_owned().await;
        let permit = permit.map_err(|closed| HttpError::new(HttpErrorKind::Unknown, closed))?;
        request.headers_mut().entry(USER_AGENT).or_insert(AGENT);
        let answer = self.client.request(request).await.map_err(failed)?;
        let (head, body) = answer.into_parts();
        let body = Answer { body, pause: Box::pin(tokio::time::sleep(PAUSE)), permit: Some(permit) };
        Ok(Response::from_parts(head, HttpResponseBody::new(body)))
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answered = timeout(ANSWER, self.answer(request)).await;
        answered.unwrap_or_else(|_| Err(too_slow("no answer", ANSWER)))
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

fn too_slow(what: &str, limit: Duration) -> HttpError {
    let error = io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {} s", limit.as_secs()));
    HttpError::new(HttpErrorKind::Timeout, error)
}

/// The kind tells the crate what may be tried again.
fn failed(error: legacy::Error) -> HttpError {
    let kind = if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        // A connection that breaks, as it does when a server is stopped. Every request of ours may be sent
        // twice.
        HttpErrorKind::Request
    };
    HttpError::new(kind, Chain::of(&error))
}

/// An error in the words of all its causes: hyper's first is only "client error (Connect)".
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Chain(String);

impl Chain {
    fn of(error: &dyn std::error::Error) -> Self {
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            words = format!("{words}: {error}");
            cause = error.source();
        }
        Self(words)
    }
}

/// The body of an answer, which must go on.
struct Answer {
    body: Incoming,
    pause: Pin<Box<Sleep>>,
    /// Given back as soon as there is nothing more to come.
    permit: Option<OwnedSemaphorePermit>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let frame = match polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.pause.as_mut().reset(tokio::time::Instant::now() + PAUSE);
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Some(Err(error))) => {
                Some(Err(HttpError::new(HttpErrorKind::Interrupted, Chain::of(&error))))
            }
            Poll::Ready(None) => None,
            Poll::Pending => {
                ready!(self.pause.as_mut().poll(context));
                Some(Err(too_slow("nothing more of the answer", PAUSE)))
            }
        };
        self.permit = None;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Makes connections.
#[derive(Clone, Debug)]
struct Connector {
    /// Or why there is none: who speaks http needs no certificate authorities.
    tls: Arc<Result<Tls, String>>,
}

impl tower_service::Service<Uri> for Connector {
    type Response = Line;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Line>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tls = Arc::clone(&self.tls);
        Box::pin(async move {
            let connected = timeout(CONNECT, connect(&uri, &tls)).await;
            connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        })
    }
}

async fn connect(uri: &Uri, tls: &Result<Tls, String>) -> io::Result<Line> {
    // Brackets belong to an address in a URL, and not to the address.
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_https = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    // A request is written in several pieces, and none shall wait for another's arrival.
    stream.set_nodelay(true)?;
    let stream: Box<dyn Stream> = if is_https {
        let tls = tls.as_ref().map_err(|error| io::Error::other(error.clone()))?;
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Box::new(tls.over(name, stream).await?)
    } else {
        Box::new(stream)
    };
    Ok(Line(TokioIo::new(stream)))
}

/// A connection as hyper's pool wants it.
struct Line(TokioIo<Box<dyn Stream>>);

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
