//! A database that is reached by TLS.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use tempfile::TempDir;
use tintype_tests::cluster::{Cluster, Database};
use tintype_tests::tls::Identity;
use tintype_tests::{Related, Setup, eventually, pictures, task_xml};

/// A database server that takes no connection from the network without TLS, and shows this certificate.
fn encrypted(identity: &Identity) -> Option<(Cluster, u16)> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cluster = Cluster::own_with(port, &["listen_addresses=127.0.0.1"])?;
    let data = cluster.folder().join("data");
    let of = fs::metadata(&data).unwrap();
    let (certificate, key) = identity.write(&data);
    for file in [&certificate, &key] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        chown(file, Some(of.uid()), Some(of.gid())).unwrap();
    }
    fs::write(data.join("pg_hba.conf"), "local all all trust\nhostssl all all 127.0.0.1/32 trust\n").unwrap();
    let itself = cluster.named("postgres");
    for setting in ["ssl_cert_file = 'cert.pem'", "ssl_key_file = 'key.pem'", "ssl = on"] {
        itself.run(&format!("ALTER SYSTEM SET {setting}"));
    }
    itself.run("SELECT pg_reload_conf()");
    Some((cluster, port))
}

fn at(database: &Database, host: &str, port: u16, root: &Path) -> String {
    let address = database.at(&format!("{host}:{port}"));
    format!("{address}?sslmode=verify-full&sslrootcert={}", root.display())
}

#[test]
fn a_database_is_believed_by_its_certificate_before_and_after_the_server_has_confined_itself() {
    let identity = Identity::new();
    let Some((mut cluster, port)) = encrypted(&identity) else { return };
    let database = cluster.database();
    let trusted = TempDir::new().unwrap();
    let (root, _) = identity.write(trusted.path());
    let setup = Setup::default().env("TINTYPE_STORE", &at(&database, "localhost", port, &root));
    let server = setup.start();
    let client = server.client();
    let resize =
        Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &pictures::png(16, 16));
    assert_eq!(client.process(&resize).state(), "OK");
    let mine = "FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL";
    assert_eq!(database.ask(&format!("SELECT bool_and(ssl) {mine}")), "t");

    // The certificate is read again for every new connection.
    cluster.crash();
    cluster.start();
    let is_ready = || (client.get("/health/ready").code == 200).then_some(());
    eventually(is_ready, || "it is never ready again".to_owned());
    assert_eq!(client.process(&resize).state(), "OK");
    assert_eq!(database.ask(&format!("SELECT bool_and(ssl) {mine}")), "t");
}

#[test]
fn a_database_that_is_somebody_else_or_does_not_encrypt_is_refused_in_words() {
    let identity = Identity::new();
    let Some((cluster, port)) = encrypted(&identity) else { return };
    let database = cluster.database();
    let (trusted, strange) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (root, _) = identity.write(trusted.path());
    let (other, _) = Identity::new().write(strange.path());
    let refused = |url: &str| {
        let setup = Setup::default().env("TINTYPE_STORE", url);
        setup.try_start_in(TempDir::new().unwrap()).err().unwrap().to_string()
    };
    let signed_by_another = refused(&at(&database, "localhost", port, &other));
    assert!(signed_by_another.contains("invalid peer certificate"), "{signed_by_another}");
    let named_otherwise = refused(&at(&database, "127.0.0.1", port, &root));
    assert!(named_otherwise.contains("certificate not valid for name \"127.0.0.1\""), "{named_otherwise}");
    let no_file = refused(&at(&database, "localhost", port, &trusted.path().join("missing.pem")));
    assert!(no_file.contains("missing.pem by sslrootcert, and it cannot be read"), "{no_file}");
    let plain = refused(&format!("{}?sslmode=disable", database.at(&format!("localhost:{port}"))));
    assert!(plain.contains("no encryption"), "{plain}");

    // Who asks for TLS is not answered without.
    cluster.named("postgres").run("ALTER SYSTEM SET ssl = off");
    cluster.named("postgres").run("SELECT pg_reload_conf()");
    let without = refused(&at(&database, "localhost", port, &root));
    assert!(without.contains("server does not support TLS"), "{without}");
}
