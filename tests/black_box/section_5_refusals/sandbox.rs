//! What a plugin can do to the server and its neighbours: nothing. Every way to misbehave ends as one FAILED
//! task with its exact code, while its neighbours' tasks go well.

mod contract;
mod isolation;
mod loading;
mod memory;
mod results;
mod time;
mod traps;
mod wasi;
mod words;

use tintype_tests::guest::MEDIA_TYPE;
use tintype_tests::server::Setup;
use tintype_tests::{Guest, Related, Server, Status, pictures, task_xml};

use crate::steps::{Message, hostile, resize};

/// Runs a misbehaving task with two neighbours beside it, and gives its status.
fn end_of(server: &Server, message: &Message) -> Status {
    let status = outcome_of(server, message);
    assert_eq!(status.state(), "FAILED", "{status:?}");
    assert_tells_nothing_of_the_host(server, status.detail());
    status
}

/// The same for a task that may end well.
fn outcome_of(server: &Server, message: &Message) -> Status {
    let client = server.client();
    let misbehaving = client.accepted(message);
    let neighbours = [client.accepted(&resize()), client.accepted(&resize())];
    for neighbour in neighbours {
        assert_eq!(client.wait(&neighbour).state(), "OK");
    }
    let status = client.wait(&misbehaving);
    assert_eq!(client.process(&resize()).state(), "OK", "the next one runs in the same place");
    status
}

fn assert_tells_nothing_of_the_host(server: &Server, detail: &str) {
    let folder = server.folder().display().to_string();
    for secret in [folder.as_str(), " /", "\"/", "0x", ".rs", "wasm backtrace", "wasmtime", "\n"] {
        assert!(!detail.contains(secret), "{secret:?} in {detail:?}");
    }
}

/// A server with plugins that a test has written.
fn server_with(setup: Setup, guests: &[Guest]) -> Server {
    guests.iter().fold(setup, Setup::guest).start()
}

/// A task for a plugin that a test has written.
fn task_of(guest: &Guest) -> Message {
    Related::simple(&task_xml(guest.name(), &[], ""), MEDIA_TYPE, b"bytes")
}

/// Runs plugins that a test has written, each with neighbours; each must fail with this code and these words.
fn assert_ends(setup: Setup, cases: &[(Guest, &str, &str)]) {
    let guests: Vec<Guest> = cases.iter().map(|(guest, ..)| guest.clone()).collect();
    let server = server_with(setup, &guests);
    for (guest, code, words) in cases {
        let status = end_of(&server, &task_of(guest));
        assert_eq!(status.code(), *code, "{}: {status:?}", guest.name());
        assert!(status.detail().contains(words), "{}: {words:?} in {status:?}", guest.name());
    }
}

#[test]
fn a_picture_processed_beside_hostile_tasks_is_the_right_one() {
    let server = Setup::default().hostile().with("workers", 2).with("deadline", "2s").start();
    let client = server.client();
    let hostiles: Vec<String> = ["trap", "grow", "recurse", "panic", "trap", "spin"]
        .map(|name| client.accepted(&hostile(name, &[])))
        .into();
    for width in [3, 50, 100] {
        let task = task_xml("resize", &[("width", &width.to_string())], "");
        let status = client.process(&Related::simple(&task, "image/png", &pictures::png(200, 100)));
        assert_eq!(pictures::decode(&client.result(&status).body).width(), width);
    }
    for task in hostiles {
        assert_eq!(client.wait(&task).state(), "FAILED");
    }
}
