//! Connections: accepted up to a limit, cut when they idle or dawdle, and drained when the server
//! stops. `axum::serve` sets no timer, so that no timeout of its would ever fire.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::connection::Connection;
use super::public_url::Peer;
use super::tls::Certificate;
use super::transport::Transport;
use crate::config::Http;

/// Bytes of a request's head, all headers together.
const LARGEST_HEAD: usize = 64 << 10;
/// Headers of a request.
const MOST_HEADERS: usize = 100;
/// Pause after the system refused a connection, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ServerError {
    address: SocketAddr,
    source: io::Error,
}

/// Connections that the system keeps for a server that is busy; what tokio asks for, too.
const BACKLOG: i32 = 1024;

/// An address that this process listens on, of which nothing is accepted yet.
#[derive(Debug)]
pub struct Listening {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Begins to listen. Needs no other thread.
    ///
    /// # Errors
    /// The address is taken, or not this machine's.
    pub fn on(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source| ServerError { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        // The standard library asks for 128, which a burst of clients fills.
        rustix::net::listen(&listener, BACKLOG).map_err(|errno| failed(errno.into()))?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }
}

/// A listening server.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    /// What it shows to clients, where it speaks TLS.
    certificate: Option<Arc<Certificate>>,
    connections: Arc<Semaphore>,
    header_timeout: Duration,
    write_timeout: Duration,
}

impl Server {
    /// A server on this address. Needs a runtime.
    ///
    /// # Errors
    /// The runtime cannot watch it.
    pub fn new(
        listening: Listening,
        certificate: Option<Arc<Certificate>>,
        config: &Http,
    ) -> Result<Self, ServerError> {
        let Listening { listener, address } = listening;
        let listener = TcpListener::from_std(listener).map_err(|source| ServerError { address, source })?;
        Ok(Self {
            listener,
            address,
            certificate,
            connections: Arc::new(Semaphore::new(config.max_connections.get())),
            header_timeout: config.header_timeout,
            write_timeout: config.write_timeout,
        })
    }

    /// Where it is reached from this machine, with the real port where 0 was asked for.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends; then lets open requests finish. The caller bounds how long.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            // Also the time in which a kept connection must send its next head; the handshake is in the first.
            .header_read_timeout(self.header_timeout)
            .max_headers(MOST_HEADERS)
            .max_buf_size(LARGEST_HEAD)
            // A client that has sent its request may close its half and wait for the answer.
            .half_close(true);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = &mut stop => break,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            let router = router.clone();
            let stream = match &self.certificate {
                Some(certificate) => Transport::Handshake(Box::new(certificate.accept(stream))),
                None => Transport::Plain(stream),
            };
            let stream = Connection::new(stream, self.write_timeout);
            let unread = stream.unread();
            let service = service_fn(move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(Peer(peer.ip()));
                request.extensions_mut().insert(unread.clone());
                router.clone().oneshot(request)
            });
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%peer, %error, "a connection ended");
                }
                drop(permit);
            });
        }
        drop(self.listener);
        graceful.shutdown().await;
    }

    async fn accept(&self) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        // Waiting for a place before accepting leaves the rest in the kernel's backlog.
        let permit = Arc::clone(&self.connections).acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole; waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                Some((stream, peer, permit))
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }
}
