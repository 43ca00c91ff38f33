//! Plugins that are published once and used by every server that follows the place.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use tempfile::TempDir;
use tintype_tests::server::{Ended, built, run};
use tintype_tests::{Client, Relay, Server, Setup, eventually, s3};

use crate::{CREDENTIALS, spin};

/// The hostile plugin, saying that it has this version.
fn version(version: &str) -> Vec<u8> {
    let mut wasm = fs::read(built("hostile")).unwrap();
    let at = wasm.windows(12).position(|bytes| bytes == b"hostile1.0.0").unwrap() + "hostile".len();
    wasm[at..at + version.len()].copy_from_slice(version.as_bytes());
    wasm
}

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn place(bucket: &str) -> String {
    format!("s3://{bucket}/plugins")
}

fn publish(s3: &s3::Server, bucket: &str, folder: &Path) -> Ended {
    let address = format!("http://{}", s3.address);
    let environment = [CREDENTIALS.as_slice(), &[("AWS_ENDPOINT_URL", address.as_str())]].concat();
    let compiled = tintype_tests::server::target().join("compiled-for-tests");
    let arguments = [
        "plugin",
        "publish",
        ".",
        "--to",
        &place(bucket),
        "--json",
        "--compiled-dir",
        compiled.to_str().unwrap(),
    ];
    run(&arguments, &environment, folder)
}

/// Publishes the folder's plugins, and gives the set.
fn published(s3: &s3::Server, bucket: &str, folder: &TempDir) -> String {
    let ended = publish(s3, bucket, folder.path());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.output).unwrap();
    report["set"].as_str().unwrap().to_owned()
}

/// A server that follows this bucket, of the engine at this address.
fn following(bucket: &str, url: &str) -> Setup {
    let setup =
        Setup::default().without_bundled().with("plugins-from", place(bucket)).with("plugins-poll", "200ms");
    let setup = setup.with("workers", 2).with("deadline", "5s").env("AWS_ENDPOINT_URL", url);
    CREDENTIALS.iter().fold(setup, |setup, (name, value)| setup.env(name, value))
}

/// The versions of the hostile plugin that there are.
fn versions(client: &Client) -> Vec<String> {
    let plugins = client.send("GET", "/plugins", &[("Accept", "application/json")], &[]).json();
    let versions = plugins["plugins"].as_array().unwrap().iter().map(|plugin| plugin["version"].as_str());
    versions.map(|version| version.unwrap().to_owned()).collect()
}

fn wait_for_version(server: &Server, wanted: &str) {
    let client = server.client();
    eventually(
        || (versions(&client) == [wanted]).then_some(()),
        || format!("there are {:?}, not {wanted}: {:#?}", versions(&client), server.log()),
    );
}

/// A figure of a server's.
fn has_figure(server: &Server, line: &str) -> bool {
    server.client().get("/metrics").text().lines().any(|found| found == line)
}

/// Does with an object what neither servers nor publishers do.
fn object(s3: &s3::Server, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(&s3.address).unwrap();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=tests/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        s3.address,
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    answer.split_off(end)
}

#[test]
fn what_is_published_every_server_uses_and_a_task_that_runs_ends_with_what_it_began_with() {
    let Some(s3) = s3::Server::shared() else { return };
    let (bucket, url) = (s3.new_bucket(), format!("http://{}", s3.address));
    let first = published(s3, &bucket, &folder(&[("hostile.wasm", &version("1.0.0"))]));
    let servers = [following(&bucket, &url).start(), following(&bucket, &url).start()];
    let running: Vec<(Client, String)> = servers
        .iter()
        .map(|server| {
            wait_for_version(server, "1.0.0");
            assert!(has_figure(server, &format!("tintype_plugin_set{{sha256=\"{first}\"}} 1")));
            let client = server.client();
            let task = client.accepted(&spin());
            client.wait_until_running(&task);
            (client, task)
        })
        .collect();

    let second = folder(&[("hostile.wasm", &version("2.0.0")), ("hostile.toml", b"memory = \"64MiB\"")]);
    let set = published(s3, &bucket, &second);
    for server in &servers {
        wait_for_version(server, "2.0.0");
        server.wait_for_log(&set);
        assert!(has_figure(server, &format!("tintype_plugin_set{{sha256=\"{set}\"}} 1")));
        assert!(!server.client().get("/metrics").text().contains(&first));
        let list = run(&["plugin", "list", "--data-dir", "data"], &[], server.folder());
        assert!(list.output.contains(&format!("the published set {set}")), "{list:?}");
        assert!(list.output.contains("memory = 64MiB"), "{list:?}");
    }
    for (client, task) in running {
        assert_eq!(client.wait(&task).code(), "deadline-exceeded", "it was not begun again, nor broken off");
    }
}

#[test]
fn a_file_with_another_digest_is_refused_in_words_until_it_is_published_again() {
    let Some(s3) = s3::Server::shared() else { return };
    let (bucket, url) = (s3.new_bucket(), format!("http://{}", s3.address));
    let _ = published(s3, &bucket, &folder(&[("hostile.wasm", &version("1.0.0"))]));
    let server = following(&bucket, &url).start();
    let second = folder(&[("hostile.wasm", &version("2.0.0"))]);
    // The bytes are exchanged where the manifest cannot tell.
    let elsewhere = s3.new_bucket();
    let _ = published(s3, &elsewhere, &second);
    let manifest = object(s3, "GET", &format!("{elsewhere}/plugins/manifest.json"), &[]);
    let json: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let digest = json["files"]["hostile.wasm"]["sha256"].as_str().unwrap();
    object(s3, "PUT", &format!("{bucket}/plugins/files/{digest}"), &version("6.6.6"));
    object(s3, "PUT", &format!("{bucket}/plugins/manifest.json"), &manifest);

    let line = server.wait_for_log("hostile.wasm is not what manifest.json says");
    assert!(line.contains(digest) && line.contains("plugins stay as they are"), "{line}");
    assert_eq!(versions(&server.client()), ["1.0.0"]);
    assert!(has_figure(&server, "tintype_plugin_set_failing 1"));
    // Also for a server that begins now, and has nothing else.
    let refused = following(&bucket, &url).try_start_in(TempDir::new().unwrap()).err().unwrap().to_string();
    assert!(refused.contains(digest), "{refused}");

    let _ = published(s3, &bucket, &second);
    wait_for_version(&server, "2.0.0");
    assert!(has_figure(&server, "tintype_plugin_set_failing 0"));
}

#[test]
fn a_server_starts_and_goes_on_with_what_it_fetched_while_the_engine_is_away() {
    let Some(s3) = s3::Server::shared() else { return };
    let bucket = s3.new_bucket();
    let relay = Relay::to(&s3.address);
    let _ = published(s3, &bucket, &folder(&[("hostile.wasm", &version("1.0.0"))]));
    let server = following(&bucket, &relay.url()).start();
    relay.go_away();
    server.wait_for_log("plugins stay as they are");
    assert_eq!(versions(&server.client()), ["1.0.0"]);
    let server = server.kill_and_restart();
    server.wait_for_log("the plugins that were fetched last are in use");
    assert_eq!(versions(&server.client()), ["1.0.0"]);
    let nothing = following(&bucket, &relay.url()).try_start_in(TempDir::new().unwrap()).err().unwrap();
    assert!(nothing.to_string().contains("AWS_ENDPOINT_URL"), "{nothing}");

    relay.come_back();
    let _ = published(s3, &bucket, &folder(&[("hostile.wasm", &version("2.0.0"))]));
    wait_for_version(&server, "2.0.0");
}

#[test]
fn what_no_server_could_use_is_not_published() {
    let Some(s3) = s3::Server::shared() else { return };
    let bucket = s3.new_bucket();
    let good = version("1.0.0");
    for (files, words) in [
        (vec![("broken.wasm", b"\0asm half".as_slice())], "broken.wasm"),
        (vec![("hostile.wasm", good.as_slice()), ("hostile.toml", b"memroy = 1")], "memroy"),
        (vec![("hostile.wasm", good.as_slice()), ("other.toml", b"")], "about no plugin"),
        (
            vec![("hostile.wasm", good.as_slice()), ("hostile.toml", b"[presets.a]\noperations = ['x']")],
            "preset a",
        ),
        (vec![], "has no plugins"),
    ] {
        let refused = publish(s3, &bucket, folder(&files).path());
        assert!(refused.code == Some(1) && refused.errors.contains(words), "{words}: {refused:?}");
    }
    let url = format!("http://{}", s3.address);
    let nothing = following(&bucket, &url).try_start_in(TempDir::new().unwrap()).err().unwrap().to_string();
    assert!(nothing.contains("tintype plugin publish FOLDER --to"), "{nothing}");
}
