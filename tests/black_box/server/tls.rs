//! HTTPS by the server itself: the certificate, its renewal, and what is wrong with one that will not do.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use tempfile::TempDir;
use tintype_tests::server::{Setup, run};
use tintype_tests::{Connection, Identity, Server, TlsConnection, pictures};

use crate::steps::resize;

/// A server with this certificate, and the folder of its files.
fn server_as(identity: &Identity) -> (Server, TempDir) {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = identity.write(folder.path());
    let server = Setup::default()
        .with("tls-cert", certificate.display())
        .with("tls-key", key.display())
        .with("header-timeout", "1s")
        .start();
    (server, folder)
}

fn open(server: &Server, identity: &Identity) -> TlsConnection {
    TlsConnection::open(server.address(), identity).expect("the server shows this certificate")
}

#[test]
fn with_a_certificate_a_picture_goes_both_ways_encrypted_and_all_addresses_are_https() {
    let identity = Identity::new();
    let (server, _folder) = server_as(&identity);
    server.wait_for_log(&format!("ready: listening on https://{}", server.address()));
    let mut connection = open(&server, &identity);
    let headers = [("Content-Type", "image/png"), ("Prefer", "wait=30")];
    // Larger than what is sent at once in either direction.
    let picture = pictures::png(900, 700);
    let path = "/images/tasks?operation=resize&width=890&output=image/bmp";
    let answer = connection.send("POST", path, &headers, &picture);
    assert_eq!(answer.code, 303, "{answer:?}");
    let result = answer.header("location").unwrap().to_owned();
    let result = result.strip_prefix("https://localhost").expect(&result);
    let answer = connection.send("GET", result, &[], &[]);
    assert_eq!(pictures::decode(&answer.body).width(), 890);
}

#[test]
fn a_client_that_does_not_encrypt_gets_nothing() {
    let (server, _folder) = server_as(&Identity::new());
    let mut plain = Connection::open(server.address());
    plain.send("GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(!plain.rest().starts_with(b"HTTP"), "at most an alert of TLS");
}

#[test]
fn a_client_that_begins_no_handshake_is_cut_off_as_one_that_sends_no_head() {
    let (server, _folder) = server_as(&Identity::new());
    assert!(Connection::open(server.address()).is_closed());
}

#[test]
fn a_renewed_certificate_is_shown_to_who_comes_and_who_is_there_stays() {
    let (old, new) = (Identity::new(), Identity::new());
    let (server, folder) = server_as(&old);
    let mut open_before = open(&server, &old);
    assert_eq!(open_before.send("GET", "/health/ready", &[], &[]).code, 200);

    // As tools do that renew: other files take the place of these.
    let renewed = folder.path().join("renewed");
    fs::create_dir(&renewed).unwrap();
    new.write(&renewed);
    for file in ["cert.pem", "key.pem"] {
        fs::rename(renewed.join(file), folder.path().join(file)).unwrap();
    }
    server.signal(Signal::HUP);
    server.wait_for_log("the certificate was read again");

    assert_eq!(open_before.send("GET", "/health/ready", &[], &[]).code, 200);
    assert_eq!(open(&server, &new).send("GET", "/health/ready", &[], &[]).code, 200);
    assert!(TlsConnection::open(server.address(), &old).is_none());
}

#[test]
fn a_renewal_that_will_not_do_is_reported_and_the_old_certificate_stays() {
    let identity = Identity::new();
    let (server, folder) = server_as(&identity);
    fs::write(folder.path().join("cert.pem"), "").unwrap();
    server.signal(Signal::HUP);
    let line = server.wait_for_log("the certificate stays as it was");
    assert!(line.contains("has no certificate in it"), "{line}");
    assert_eq!(open(&server, &identity).send("GET", "/health/ready", &[], &[]).code, 200);
}

/// What a server says that does not start with these files.
fn complaint(certificate: &Path, key: &Path) -> String {
    let folder = TempDir::new().unwrap();
    let [certificate, key] = [certificate, key].map(|path| path.display().to_string());
    let flags = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key];
    let ended = run(&flags, &[], folder.path());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(!folder.path().join("data").exists(), "nothing was touched");
    ended.errors
}

#[test]
fn files_that_are_no_certificate_and_its_key_are_refused_with_what_they_should_be() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = Identity::new().write(folder.path());
    let other = TempDir::new().unwrap();
    let (_, other_key) = Identity::new().write(other.path());
    let missing = folder.path().join("missing.pem");
    assert!(complaint(&missing, &key).contains("missing.pem: No such file"));
    assert!(complaint(&key, &key).contains("has no certificate in it: it must be a PEM file"));
    assert!(complaint(&certificate, &certificate).contains("has no private key in it"));
    assert!(complaint(&certificate, &other_key).contains("is not the key of the first certificate"));
    fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA").unwrap();
    assert!(complaint(&certificate, &key).contains("is not a PEM file"));
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    let folder = TempDir::new().unwrap();
    let ended = run(&["config", "--tls-cert", "cert.pem"], &[], folder.path());
    assert!(ended.errors.contains("must be set together with tls_key"), "{ended:?}");
}

#[test]
fn a_server_with_a_certificate_stops_in_time_though_handshakes_are_open() {
    let identity = Identity::new();
    let (mut server, _folder) = server_as(&identity);
    let mut connection = open(&server, &identity);
    let (content_type, body) = resize();
    assert_eq!(connection.send("POST", "/images/tasks", &[("Content-Type", &content_type)], &body).code, 202);
    let _silent = Connection::open(server.address());
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), Some(0));
    assert!(!server.log().iter().any(|line| line.contains("not every request was answered in time")));
}
