//! A certificate of a test's own, and a client that believes it and no other.

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Answer;
use crate::raw::answer;
use crate::server::PATIENCE;

/// A certificate for `localhost`, signed by itself, and its key.
pub struct Identity(CertifiedKey<KeyPair>);

impl Identity {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self(rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap())
    }

    /// Writes `cert.pem` and `key.pem` into `folder`, and gives their paths.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        fs::write(&certificate, self.0.cert.pem()).unwrap();
        fs::write(&key, self.0.signing_key.serialize_pem()).unwrap();
        (certificate, key)
    }

    fn trusted(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

/// A connection to a server that shows a certificate.
pub struct TlsConnection(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl TlsConnection {
    /// Connects to host and port; none if the server is somebody else.
    #[must_use]
    pub fn open(address: &str, expected: &Identity) -> Option<Self> {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = StreamOwned::new(ClientConnection::new(expected.trusted(), name).unwrap(), tcp);
        stream.conn.complete_io(&mut stream.sock).ok()?;
        Some(Self(BufReader::new(stream)))
    }

    /// Sends a request and waits for its answer.
    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut message = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        message.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let stream = self.0.get_mut();
        stream.write_all(message.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream.flush().unwrap();
        answer(&mut self.0).expect("the connection was closed without an answer")
    }
}
