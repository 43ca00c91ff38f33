//! Deliveries to receivers that behave, and to some that don't, over real sockets.

#![allow(clippy::unwrap_used)]
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::*;
use crate::callback::HostRule;
use crate::config::SettingValue as _;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A name server of one's own: every name leads to these addresses.
struct Names(Vec<IpAddr>);

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

/// Leads to each of its addresses in turn.
struct Rebinding(Vec<IpAddr>, AtomicUsize);

#[async_trait]
impl Resolve for Rebinding {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        Ok(vec![*self.0.get(turn % self.0.len()).unwrap()])
    }
}

fn sender(rules: &str, resolver: impl Resolve + 'static) -> Sender {
    let guard = Guard::new(<Vec<HostRule>>::parse(rules).unwrap());
    Sender::new(guard, Signer::new([SECRET]).unwrap(), None, Arc::new(resolver))
}

fn delivery(url: &str) -> Delivery {
    Delivery {
        url: url.to_owned(),
        webhook_id: "0190163d-8694-739b-aea5-966c26f8ad90".to_owned(),
        timestamp: Timestamp::now(),
        body: Bytes::from_static(b"{\"state\":\"OK\"}"),
        trace: None,
    }
}

/// Reads one request as far as its body, which has 14 bytes in all tests.
async fn read_request(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        request.extend_from_slice(chunk.get(..read).unwrap());
        let text = String::from_utf8_lossy(&request);
        if read == 0 || text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= 14) {
            return text.into_owned();
        }
    }
}

/// A receiver that reads one request, and then does `answer`.
async fn receiver<F: Future<Output = ()> + Send>(
    answer: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        answer(stream).await;
        request
    });
    (address, served)
}

async fn says(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    receiver(async move |mut stream: TcpStream| stream.write_all(answer.as_bytes()).await.unwrap()).await
}

/// Sends to `address` by its address, which is listed.
async fn send_to(address: SocketAddr) -> Outcome {
    let url = format!("http://{address}/hook?task=1");
    sender(&format!("http://{address}"), Names(vec![])).send(&delivery(&url)).await
}

fn is_retry(outcome: &Outcome, says: &str) -> bool {
    matches!(outcome, Outcome::Retry { reason, .. } if reason.to_string().contains(says))
}

fn is_forbidden(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(DeliveryError::Forbidden(_)))
}

#[tokio::test]
async fn a_callback_is_one_signed_post() {
    let (address, served) = says("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(matches!(send_to(address).await, Outcome::Delivered));

    let request = served.await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{head}")).to_owned()
    };
    assert!(head.starts_with("POST /hook?task=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!(header("host"), address.to_string());
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("content-length"), "14");
    let sent = Timestamp::from_second(header("webhook-timestamp").parse().unwrap()).unwrap();
    let believed = Signer::new([SECRET]).unwrap().verify(
        &header("webhook-id"),
        sent,
        body.as_bytes(),
        &header("webhook-signature"),
        Timestamp::now(),
        Duration::from_secs(60),
    );
    assert_eq!(believed, Ok(()));
}

#[tokio::test]
async fn a_status_decides() {
    let (address, _served) = says("HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno").await;
    assert!(is_retry(&send_to(address).await, "500"));
    let (address, _served) = says("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(send_to(address).await, Outcome::Refused(DeliveryError::Status(StatusCode::GONE))));
    let (address, _served) = says("HTTP/1.1 429 Slow\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(
        send_to(address).await,
        Outcome::Retry { asked: Some(asked), .. } if asked == Duration::from_secs(120)
    ));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = elsewhere.local_addr().unwrap();
    let (address, served) = receiver(async move |mut stream: TcpStream| {
        let answer = format!("HTTP/1.1 307 There\r\nlocation: http://{other}/\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let rules = format!("http://{address}, http://{other}");
    let outcome = sender(&rules, Names(vec![])).send(&delivery(&format!("http://{address}/"))).await;
    assert!(is_retry(&outcome, "307"), "{outcome:?}");
    served.await.unwrap();
    let called = tokio::time::timeout(Duration::from_millis(50), elsewhere.accept()).await;
    assert!(called.is_err(), "the place that the redirect names was called");
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_left_when_the_time_is_over() {
    let (address, served) = receiver(async |mut stream: TcpStream| {
        // A head that never ends, a byte at a time, is no answer either.
        while stream.write_all(b"H").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if stream.try_read(&mut [0; 1]).is_ok() {
                break;
            }
        }
    })
    .await;
    let mut sender = sender(&format!("http://{address}"), Names(vec![]));
    sender.timeout = Duration::from_millis(200);
    let outcome = sender.send(&delivery(&format!("http://{address}/"))).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    served.await.unwrap();
}

#[tokio::test]
async fn a_silent_receiver_is_left_when_the_time_is_over() {
    let (address, served) = receiver(async |mut stream: TcpStream| {
        // Until the other side goes.
        let _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    let mut sender = sender(&format!("http://{address}"), Names(vec![]));
    sender.timeout = Duration::from_millis(100);
    let outcome = sender.send(&delivery(&format!("http://{address}/"))).await;
    assert!(matches!(outcome, Outcome::Retry { reason: DeliveryError::Timeout, .. }), "{outcome:?}");
    served.await.unwrap();
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let (address, served) = receiver(async |mut stream: TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        // Writes until nobody reads any more.
        while stream.write_all(&[b'x'; 64 << 10]).await.is_ok() {}
    })
    .await;
    assert!(matches!(send_to(address).await, Outcome::Delivered));
    served.await.unwrap();
}

#[tokio::test]
async fn an_answer_whose_body_never_comes_holds_nobody_up() {
    let (address, served) = receiver(async |mut stream: TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await.unwrap();
        let _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    let began = Instant::now();
    assert!(matches!(send_to(address).await, Outcome::Delivered));
    assert!(began.elapsed() < TIMEOUT / 2);
    served.await.unwrap();
}

#[tokio::test]
async fn a_huge_head_and_what_is_not_http_are_no_answer() {
    let (address, _served) = receiver(async |mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
        let _ = stream.write_all(&[b'x'; 4 * MAX_HEAD]).await;
    })
    .await;
    assert!(matches!(send_to(address).await, Outcome::Retry { reason: DeliveryError::Http(_), .. }));
    let (address, _served) = says("SSH-2.0-OpenSSH_9.2\r\n").await;
    assert!(matches!(send_to(address).await, Outcome::Retry { reason: DeliveryError::Http(_), .. }));
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused_and_nobody_called() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for address in ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::1"] {
        let sender =
            sender(&format!("http://hooks.example.org:{port}"), Names(vec![address.parse().unwrap()]));
        let outcome = sender.send(&delivery(&format!("http://hooks.example.org:{port}/"))).await;
        assert!(is_forbidden(&outcome), "{address}: {outcome:?}");
    }
    assert!(tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.is_err());
}

#[tokio::test]
async fn a_name_may_lead_to_an_address_that_is_listed_beside_it() {
    let (address, _served) = says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = address.port();
    let rules = format!("http://hooks:{port}, http://127.0.0.1:{port}");
    // An address that is not listed stands before it, and is passed over.
    let names = Names(vec!["10.0.0.1".parse().unwrap(), "127.0.0.1".parse().unwrap()]);
    let outcome = sender(&rules, names).send(&delivery(&format!("http://hooks:{port}/"))).await;
    assert!(matches!(outcome, Outcome::Delivered), "{outcome:?}");
}

#[tokio::test]
async fn a_name_is_resolved_once_and_each_time_anew_checked() {
    let (address, _served) = says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = address.port();
    let rules = format!("http://hooks:{port}, http://127.0.0.1:{port}");
    let names =
        Rebinding(vec!["127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap()], AtomicUsize::new(0));
    let sender = sender(&rules, names);
    let url = format!("http://hooks:{port}/");
    assert!(matches!(sender.send(&delivery(&url)).await, Outcome::Delivered));
    assert!(is_forbidden(&sender.send(&delivery(&url)).await));
}

#[tokio::test]
async fn what_cannot_be_reached_may_be_later() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(is_retry(&send_to(free).await, "cannot connect"));
    let outcome = sender("http://hooks", Names(vec![])).send(&delivery("http://hooks/")).await;
    assert!(is_retry(&outcome, "has no address"), "{outcome:?}");
}

#[tokio::test]
async fn what_is_not_listed_any_more_is_refused() {
    let outcome = sender("http://hooks", Names(vec![])).send(&delivery("http://others/")).await;
    assert!(is_forbidden(&outcome), "{outcome:?}");
    let mut unsignable = delivery("http://hooks/");
    for id in ["", "a.b", "a\r\nb", "ä"] {
        unsignable.webhook_id = id.to_owned();
        let outcome = sender("http://hooks", Names(vec![])).send(&unsignable).await;
        assert!(matches!(outcome, Outcome::Refused(DeliveryError::BadId)), "{id:?}: {outcome:?}");
    }
}

/// A certificate for `hooks.example.org` that signs itself, until 2126, and its key, both in DER. Made
/// for these tests (openssl ecparam -name prime256v1; openssl req -x509 -addext
/// basicConstraints=critical,CA:FALSE), and believed by nothing else.
const CERTIFICATE: &str = "\
     MIIBqjCCAVCgAwIBAgIUAgIP1Fuxz/T6XULcWuQVleDI6WYwCgYIKoZIzj0EAwIwHDEaMBgGA1UEAwwRaG9va3MuZX\
     hhbXBsZS5vcmcwIBcNMjYxMTIyMTc1MTE5WhgPMjEyNjEwMjkxNzUxMTlaMBwxGjAYBgNVBAMMEWhvb2tzLmV4YW1w\
     bGUub3JnMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEm4M6I81ACs1fzcVgKg6vOICGKYWBUMYpmQwwvMEZpgpkQc\
     cayBlpx32yFifaBy7Rl1n58EThPWBLgXEd+4gnz6NuMGwwHQYDVR0OBBYEFHCN7Wbv0CzzV5Tzxc4v0It0wY9yMB8G\
     A1UdIwQYMBaAFHCN7Wbv0CzzV5Tzxc4v0It0wY9yMBwGA1UdEQQVMBOCEWhvb2tzLmV4YW1wbGUub3JnMAwGA1UdEw\
     EB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIhAKQqpS14OxN3h4whW8eBgUMVXKgsE1pf/iq2ukJnnF2fAiAqneMswRyb\
     ACRuEeN+ZbELTBGaQk/6TcjsGYrYCZyHmA==\
     ";
const KEY: &str = "\
     MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjlfftvyH/fvwpU2fkHucpUiQgqeBjA66/xLgC5k9KE\
     yhRANCAASbgzojzUAKzV/NxWAqDq84gIYphYFQximZDDC8wRmmCmRBxxrIGWnHfbIWJ9oHLtGXWfnwROE9YEuBcR37\
     iCfP\
     ";

/// A receiver with a certificate for `hooks.example.org` that speaks TLS, and a sender that believes
/// it or doesn't.
async fn over_tls(name: &str, believes: bool) -> Outcome {
    let certificate = CertificateDer::from(STANDARD.decode(CERTIFICATE).unwrap());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(STANDARD.decode(KEY).unwrap()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    });
    let mut roots = RootCertStore::empty();
    if believes {
        roots.add(certificate).unwrap();
    }
    let rules = format!("*.example.org:{port}, 127.0.0.1:{port}");
    let mut sender = sender(&rules, Names(vec!["127.0.0.1".parse().unwrap()]));
    sender.tls = Some(Tls::trusting(roots));
    let outcome = sender.send(&delivery(&format!("https://{name}:{port}/"))).await;
    served.await.unwrap();
    outcome
}

#[tokio::test]
async fn an_https_receiver_is_known_by_its_certificate_and_name() {
    let outcome = over_tls("hooks.example.org", true).await;
    assert!(matches!(outcome, Outcome::Delivered), "{outcome:?}");
    for (name, believes) in [("hooks.example.org", false), ("other.example.org", true), ("127.0.0.1", true)] {
        let outcome = over_tls(name, believes).await;
        assert!(is_retry(&outcome, "TLS"), "{name}: {outcome:?}");
    }
}

#[test]
fn a_secret_comes_from_a_setting_or_a_file_and_must_come_from_somewhere() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    let settings = |secret: &str, file: Option<&std::path::Path>| Callback {
        callback_hosts: <Vec<HostRule>>::parse("http://hooks").unwrap(),
        callback_secret: <Vec<Secret>>::parse(secret).unwrap(),
        callback_secret_file: file.map(Into::into),
    };
    let made = |settings: Callback| match Sender::from_settings(&settings) {
        Ok(sender) => Ok(sender.is_some()),
        Err(error) => Err(error.to_string()),
    };
    std::fs::write(&file, format!("{SECRET}\n\n{SECRET}\n")).unwrap();
    assert_eq!(made(settings(SECRET, None)), Ok(true));
    assert_eq!(made(settings("", Some(&file))), Ok(true));
    assert!(made(settings("", None)).unwrap_err().contains("neither callback_secret nor"));
    assert!(
        made(settings("hush", Some(&file))).unwrap_err().starts_with("callback_secret: a callback secret is")
    );
    std::fs::write(&file, "hush").unwrap();
    let error = made(settings(SECRET, Some(&file))).unwrap_err();
    assert!(error.starts_with("callback_secret_file: ") && !error.contains("hush"), "{error}");
    assert!(made(settings("", Some(dir.path()))).unwrap_err().contains(&dir.path().display().to_string()));
    assert_eq!(made(Callback { callback_hosts: vec![], ..settings("", None) }), Ok(false));
}
