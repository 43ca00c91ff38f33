//! Plugins that come, change and go while the server runs.

use std::fs;

use rustix::process::Signal;
use tintype_tests::server::{Setup, built};
use tintype_tests::{Client, Related, Server, eventually};

use crate::steps::{Message, hostile, resize};

/// The hostile plugin, saying that it has this version.
fn version(version: &str) -> Vec<u8> {
    assert_eq!(version.len(), "1.0.0".len());
    let mut wasm = fs::read(built("hostile")).unwrap();
    let at = wasm.windows(12).position(|bytes| bytes == b"hostile1.0.0").unwrap() + "hostile".len();
    wasm[at..at + version.len()].copy_from_slice(version.as_bytes());
    wasm
}

/// Puts a file into the plugins folder of a running server.
fn drop_in(server: &Server, file: &str, content: &[u8]) {
    fs::write(server.folder().join("plugins").join(file), content).unwrap();
}

/// The versions of the hostile plugin that there are, newest first.
fn versions(client: &Client) -> Vec<String> {
    let plugins = client.send("GET", "/plugins", &[("Accept", "application/json")], &[]).json();
    let hostile = plugins["plugins"].as_array().unwrap().iter().filter(|plugin| plugin["name"] == "hostile");
    hostile.map(|plugin| plugin["version"].as_str().unwrap().to_owned()).collect()
}

fn wait_for_versions(client: &Client, wanted: &[&str]) {
    eventually(
        || (versions(client) == wanted).then_some(()),
        || format!("there are {:?}, not {wanted:?}", versions(client)),
    );
}

/// A task that only this version may do.
fn echo_by(version: &str) -> Message {
    let task = format!("<task><operation name=\"echo\" version=\"{version}\"/></task>");
    Related::simple(&task, "application/octet-stream", b"bytes")
}

#[test]
fn a_plugin_that_is_dropped_in_is_used_and_one_that_is_taken_away_is_not() {
    let server = Server::new();
    let client = server.client();
    client.submit(&hostile("echo", &[])).refused(422, "impossible-task");
    drop_in(&server, "hostile.wasm", &version("1.0.0"));
    wait_for_versions(&client, &["1.0.0"]);
    assert_eq!(client.process(&hostile("echo", &[])).state(), "OK");
    server.remove_plugin("hostile.wasm");
    wait_for_versions(&client, &[]);
    let problem = client.submit(&hostile("echo", &[])).refused(422, "impossible-task");
    assert!(problem.detail.contains("There is no operation \"echo\""), "{problem:?}");
    assert_eq!(client.process(&resize()).state(), "OK");
}

#[test]
fn versions_stand_side_by_side_and_the_description_chooses() {
    let server = Setup::default().plugin("old.wasm", &version("1.0.0")).start();
    let client = server.client();
    drop_in(&server, "new.wasm", &version("1.2.0"));
    wait_for_versions(&client, &["1.2.0", "1.0.0"]);
    for wanted in ["1", "=1.0.0", "^1.2", ">=1.0.0, &lt;1.2.0"] {
        assert_eq!(client.process(&echo_by(wanted)).state(), "OK", "{wanted}");
    }
    let problem = client.submit(&echo_by("2")).refused(422, "impossible-task");
    assert!(problem.detail.contains("hostile 1.2.0, hostile 1.0.0"), "{problem:?}");
}

#[test]
fn a_task_that_runs_ends_on_the_version_that_it_began_with() {
    let setup = Setup::default().hostile().with("workers", 2).with("deadline", "3s");
    let server = setup.start();
    let client = server.client();
    let running = client.accepted(&hostile("spin", &[]));
    client.wait_until_running(&running);
    drop_in(&server, "hostile.wasm", &version("2.0.0"));
    wait_for_versions(&client, &["2.0.0"]);
    assert_eq!(client.process(&echo_by("2")).state(), "OK");
    assert_eq!(client.wait(&running).code(), "deadline-exceeded");
}

#[test]
fn a_broken_file_is_reported_and_what_works_stays() {
    let server = Setup::default().hostile().start();
    let client = server.client();
    drop_in(&server, "hostile.wasm", b"\0asm half a copy");
    let line = server.wait_for_log("not loaded: ");
    assert!(line.contains("/hostile.wasm\"") && line.contains("hostile 1.0.0"), "{line}");
    assert!(line.contains("stays in use"), "{line}");
    assert_eq!(client.process(&hostile("echo", &[])).state(), "OK");
    assert_eq!(versions(&client), ["1.0.0"]);
    drop_in(&server, "hostile.wasm", &version("1.0.1"));
    wait_for_versions(&client, &["1.0.1"]);
}

#[test]
fn a_file_that_arrives_in_pieces_is_whole_in_the_end() {
    let server = Server::new();
    let wasm = version("1.0.0");
    let path = server.folder().join("plugins/hostile.wasm");
    let mut file = fs::File::create(path).unwrap();
    for piece in wasm.chunks(wasm.len() / 7) {
        std::io::Write::write_all(&mut file, piece).unwrap();
        // Time for the server to look at it.
        server.client().process(&resize());
    }
    wait_for_versions(&server.client(), &["1.0.0"]);
}

#[test]
fn a_hangup_makes_the_server_look_at_once_and_does_not_stop_it() {
    let server = Server::new();
    drop_in(&server, "hostile.wasm", &version("1.0.0"));
    server.signal(Signal::HUP);
    wait_for_versions(&server.client(), &["1.0.0"]);
    assert_eq!(server.client().process(&resize()).state(), "OK");
}

#[test]
fn a_folder_that_cannot_be_read_changes_nothing() {
    let server = Setup::default().hostile().start();
    let plugins = server.folder().join("plugins");
    fs::rename(&plugins, server.folder().join("elsewhere")).unwrap();
    server.wait_for_log("plugins stay as they are");
    assert_eq!(server.client().process(&hostile("echo", &[])).state(), "OK");
    fs::rename(server.folder().join("elsewhere"), &plugins).unwrap();
    drop_in(&server, "hostile.wasm", &version("1.0.1"));
    wait_for_versions(&server.client(), &["1.0.1"]);
}
