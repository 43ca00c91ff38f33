//! The certificate that the server shows, read from two files, and read again when it is told to: a
//! connection that is open keeps the one that it began with.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::{Accept, TlsAcceptor};

use crate::config::Http;

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{setting} {}: {source}; let the user that runs the server read it", path.display())]
    Unreadable {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no PEM file, or is damaged.
    #[error("{setting} {} is not a PEM file: {source}", path.display())]
    Pem {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Where it stops being one.
        source: pem::Error,
    },
    /// There is none.
    #[error(
        "tls_cert {} has no certificate in it: it must be a PEM file with the server's certificate first, and \
         then those of its issuers", .0.display()
    )]
    NoCertificate(PathBuf),
    /// There is none that can be read without a password.
    #[error(
        "tls_key {} has no private key in it: it must be a PEM file with a key that has no password \
         (BEGIN PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY)", .0.display()
    )]
    NoKey(PathBuf),
    /// Each is good, and they are not a pair.
    #[error(
        "tls_key {} is not the key of the first certificate in tls_cert {}: name the two files that were made \
         together; the server's own certificate comes before those of its issuers",
        key.display(), certificate.display()
    )]
    NoPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// One of them is of a kind that rustls doesn't know.
    #[error("tls_cert {} and tls_key {} cannot be used: {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// A certificate and its key, as new as when they were last read.
pub struct Certificate {
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

/// Where they are from, and what rustls asks for at every handshake.
struct Shown {
    certificate: PathBuf,
    key: PathBuf,
    pair: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// The one that the settings name, if they do.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn from_settings(config: &Http) -> Result<Option<Self>, CertificateError> {
        let (Some(certificate), Some(key)) = (&config.tls_cert, &config.tls_key) else { return Ok(None) };
        let pair = RwLock::new(read(certificate, key)?);
        let shown = Arc::new(Shown { certificate: certificate.clone(), key: key.clone(), pair });
        let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        // Said aloud (RFC 7301), so that a client that wants only HTTP/2 is told at once.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(Self { shown, acceptor: TlsAcceptor::from(Arc::new(tls)) }))
    }

    /// Reads both files again. New connections get what is there now.
    ///
    /// # Errors
    /// It cannot be used; what was read before stays.
    pub fn read_again(&self) -> Result<(), CertificateError> {
        let pair = read(&self.shown.certificate, &self.shown.key)?;
        *self.shown.pair.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    /// Begins a handshake with a client.
    pub(super) fn accept(&self, stream: TcpStream) -> Accept<TcpStream> {
        self.acceptor.accept(stream)
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.pair.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.certificate.display())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, CertificateError> {
    let broken = |setting, path: &Path| {
        let path = path.to_owned();
        move |source| CertificateError::Pem { setting, path, source }
    };
    let chain = content("tls_cert", certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(broken("tls_cert", certificate))?;
    if chain.is_empty() {
        return Err(CertificateError::NoCertificate(certificate.to_owned()));
    }
    let private = match PrivateKeyDer::from_pem_slice(&content("tls_key", key)?) {
        Ok(private) => private,
        Err(pem::Error::NoItemsFound) => return Err(CertificateError::NoKey(key.to_owned())),
        Err(error) => return Err(broken("tls_key", key)(error)),
    };
    let (certificate, key) = (certificate.to_owned(), key.to_owned());
    match CertifiedKey::from_der(chain, private, &ring::default_provider()) {
        Ok(pair) => Ok(Arc::new(pair)),
        Err(rustls::Error::InconsistentKeys(_)) => Err(CertificateError::NoPair { certificate, key }),
        Err(source) => Err(CertificateError::Unusable { certificate, key, source }),
    }
}

fn content(setting: &'static str, path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|source| CertificateError::Unreadable { setting, path: path.to_owned(), source })
}
