//! The XML Schemas that the server publishes, held against what it says and what it reads.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tintype_tests::{Client, Server};

use crate::steps::{busy_server, garbage, hostile, hostile_server, resize};

/// The published schemas in a folder, or none where there is nothing to validate with.
fn schemas(client: &Client) -> Option<TempDir> {
    if Command::new("xmllint").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "xmllint is missing: run tests/prepare.sh");
        eprintln!(
            "skipped: documents against schemas; install xmllint (Debian: apt-get install libxml2-utils)"
        );
        return None;
    }
    let folder = TempDir::new().unwrap();
    for name in ["task.xsd", "status.xsd", "atom.xsd"] {
        let answer = client.get(&format!("/schemas/{name}"));
        assert_eq!(
            (answer.code, answer.header("content-type")),
            (200, Some("application/xml;charset=UTF-8"))
        );
        std::fs::write(folder.path().join(name), answer.body).unwrap();
    }
    Some(folder)
}

fn is_valid(schemas: &Path, schema: &str, document: &str) -> bool {
    let file = schemas.join("document.xml");
    std::fs::write(&file, document).unwrap();
    let mut command = Command::new("xmllint");
    command.args(["--nonet", "--noout", "--schema"]).arg(schemas.join(schema)).arg(&file);
    command.output().unwrap().status.success()
}

#[test]
fn every_kind_of_status_is_valid() {
    let (server, client, pending) = busy_server(tintype_tests::Setup::default());
    let Some(schemas) = schemas(&client) else { return };
    let accepted = client.submit(&hostile("echo", &[])).text();
    let mut documents = vec![accepted, client.get(&pending).text()];
    drop(server);

    let server = hostile_server();
    let client = server.client();
    for message in
        [resize(), garbage(), hostile("copies", &[("count", "3")]), hostile("fail", &[("text", "a &lt; b")])]
    {
        let task = client.accepted(&message);
        client.wait(&task);
        documents.push(client.get(&task).text());
        documents.push(client.get(&format!("{task}?redirect=false")).text());
    }
    for document in documents {
        assert!(is_valid(schemas.path(), "status.xsd", &document), "{document}");
    }
    let wrong = "<status><state>done</state></status>";
    assert!(!is_valid(schemas.path(), "status.xsd", wrong), "the schema refuses something");
}

#[test]
fn what_the_schema_of_tasks_allows_the_server_reads_and_the_reverse() {
    let server = Server::new();
    let client = server.client();
    let Some(schemas) = schemas(&client) else { return };
    let resize = "<operation name=\"resize\"><param name=\"width\">320</param><param name=\"fit\">cover</param></operation>";
    let mark = "<operation name=\"watermark\" plugin=\"acme-marks\" version=\"1\"><param name=\"overlay\" href=\"cid:logo@client\"/></operation>";
    let output = "<output type=\"image/webp\"><param name=\"quality\">80</param></output>";
    for (description, allowed) in [
        (format!("<task>{resize}</task>"), true),
        (format!("<task>{resize}{mark}{output}</task>"), true),
        (format!("<task>\n  {resize}\n  <output type=\"image/png\"/>\n</task>"), true),
        (format!("<task>{}</task>", resize.repeat(16)), true),
        (format!("<task>{}</task>", resize.repeat(17)), false),
        ("<task/>".to_owned(), false),
        (format!("<task>{output}{resize}</task>"), false),
        (format!("<task>{resize}{output}{output}</task>"), false),
        (format!("<task>text{resize}</task>"), false),
        (format!("<task colour=\"red\">{resize}</task>"), false),
        ("<task><operation/></task>".to_owned(), false),
        ("<task><operation name=\"Resize\"/></task>".to_owned(), false),
        ("<task><operation name=\"a\"><what/></operation></task>".to_owned(), false),
        (
            "<task><operation name=\"a\"><param name=\"x\" href=\"http://e.org/\"/></operation></task>"
                .to_owned(),
            false,
        ),
        (format!("<task xmlns=\"urn:x\">{resize}</task>"), false),
        (format!("<tasks>{resize}</tasks>"), false),
    ] {
        assert_eq!(is_valid(schemas.path(), "task.xsd", &description), allowed, "schema: {description}");
        let answer = client.submit(&tintype_tests::Related::simple(&description, "image/png", b"x"));
        // 422: it was read, and only then found impossible.
        assert_eq!(matches!(answer.code, 202 | 422), allowed, "server: {description}: {answer:?}");
    }
}
