//! A connection to a callback's receiver: resolve its name, ask the guard about each address, connect
//! to one that may be spoken to, and to that one. Between the check and the connection nothing is
//! resolved again, so that a name cannot change its mind (DNS rebinding). Knows nothing of HTTP.
//!
//! No HTTP client stands here on purpose. What a client would have to be forbidden (redirects,
//! proxies from the environment, a pool that reuses yesterday's connection, a second look at DNS)
//! doesn't exist in the few lines between a socket and `hyper::client::conn`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::guard::{CallbackUrl, Guard, Host};
use super::host_rule::Scheme;
use super::sender::DeliveryError;

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of `name`.
    ///
    /// # Errors
    /// There is none, or nobody can say.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the operating system, as everything else on this machine does.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Why nobody's certificate could be believed.
#[derive(Debug, thiserror::Error)]
#[error(
    "no certificate authorities: install the system's (often the package ca-certificates) or name a file in SSL_CERT_FILE{0}"
)]
pub struct RootsError(String);

/// How https receivers are known: by the certificate authorities that this machine trusts.
#[derive(Clone)]
pub struct Tls(TlsConnector);

impl Tls {
    /// The operating system's certificate authorities, so that an operator's own are among them and
    /// a withdrawn one goes with the system's updates instead of ours. `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name others, as for every program that uses OpenSSL.
    ///
    /// # Errors
    /// There are none.
    pub fn of_this_machine() -> Result<Self, RootsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (taken, _) = roots.add_parsable_certificates(found.certs);
        if taken == 0 {
            return Err(RootsError(
                found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default(),
            ));
        }
        Ok(Self::trusting(roots))
    }

    /// Speaks TLS over a connection to the host of this name.
    ///
    /// # Errors
    /// It speaks no TLS, or its certificate isn't believed.
    pub async fn over(
        &self,
        name: ServerName<'static>,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        self.0.connect(name, stream).await
    }

    pub(super) fn trusting(roots: RootCertStore) -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Said aloud (RFC 7301), so that a server that speaks something else on this port hangs up.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(TlsConnector::from(Arc::new(config)))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// What bytes go over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One address that doesn't answer (IPv6 without a route is the usual one) must leave time for the
/// next. Two lost SYNs are sent again after 1 and 3 seconds.
const PER_ADDRESS: Duration = Duration::from_secs(4);
/// Names with more addresses than a delivery has time for.
const MAX_ADDRESSES: usize = 4;

/// Connects to the host of `url`.
pub(super) async fn connect(
    url: &CallbackUrl,
    guard: &Guard,
    resolver: &dyn Resolve,
    tls: Option<&Tls>,
) -> Result<Box<dyn Stream>, DeliveryError> {
    let addresses = match &url.host {
        Host::Ip(address) => vec![*address],
        Host::Name(name) => resolver.resolve(name).await.map_err(DeliveryError::Resolve)?,
    };
    let mut refusal = None;
    let mut permitted = Vec::new();
    for address in addresses {
        match guard.permits(url, address) {
            Ok(()) => permitted.push(SocketAddr::new(address.to_canonical(), url.port)),
            Err(error) => refusal = Some(error),
        }
    }
    if let (true, Some(refusal)) = (permitted.is_empty(), refusal) {
        return Err(DeliveryError::Forbidden(refusal));
    }
    let stream = first_that_answers(&permitted).await?;
    match (url.scheme, tls) {
        (Scheme::Http, _) => Ok(Box::new(stream)),
        (Scheme::Https, None) => Err(DeliveryError::NoTls),
        (Scheme::Https, Some(tls)) => {
            let name = match &url.host {
                Host::Ip(address) => ServerName::from(*address),
                Host::Name(name) => ServerName::try_from(name.clone())
                    .map_err(|error| DeliveryError::Tls(io::Error::other(error)))?,
            };
            Ok(Box::new(tls.over(name, stream).await.map_err(DeliveryError::Tls)?))
        }
    }
}

async fn first_that_answers(addresses: &[SocketAddr]) -> Result<TcpStream, DeliveryError> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses.iter().take(MAX_ADDRESSES) {
        match tokio::time::timeout(PER_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(DeliveryError::Connect(last))
}
