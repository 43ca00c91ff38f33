//! A connection to the server: resolve its name, try its addresses in turn, and speak TLS where the
//! address says https. One for each request: a picture takes longer than a handshake, and a connection
//! that was kept for later is one that may have ended meanwhile.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address::ServerAddress;
use crate::callback::Tls;

/// What bytes go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One address that doesn't answer (IPv6 without a route is the usual one) must leave time for the
/// next. Two lost SYNs are sent again after 1 and 3 seconds.
const PER_ADDRESS: Duration = Duration::from_secs(5);
/// For the handshake: two round trips, and a server that is busy.
const HANDSHAKE: Duration = Duration::from_secs(20);

/// Connects.
///
/// # Errors
/// In words that can follow "cannot be reached:".
pub(super) async fn connect(address: &ServerAddress, tls: Option<&Tls>) -> Result<Box<dyn Stream>, String> {
    let found = tokio::net::lookup_host((address.host(), address.port())).await;
    let found: Vec<SocketAddr> =
        found.map_err(|error| format!("its name has no address ({error})"))?.collect();
    let stream = first_that_answers(&found).await.map_err(|error| words(&error))?;
    // Requests are written whole; waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(address.host().to_owned()).map_err(|error| error.to_string())?;
    let shaken = tokio::time::timeout(HANDSHAKE, tls.over(name, stream)).await;
    let shaken = shaken.map_err(|_| "it does not answer in TLS".to_owned())?;
    Ok(Box::new(shaken.map_err(|error| format!("no TLS connection ({error})"))?))
}

async fn first_that_answers(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in addresses {
        match tokio::time::timeout(PER_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        io::ErrorKind::TimedOut => "it does not answer".to_owned(),
        _ => error.to_string(),
    }
}
