//! What a plugin can do to the server: nothing. Every way to misbehave ends as one FAILED task with
//! its exact code, while a neighbour's task goes well.

use std::time::{Duration, Instant};

use tintype_tests::server::Setup;
use tintype_tests::{Client, Related, Server, Status, eventually, pictures, task_xml};

use crate::steps::{Message, hostile, hostile_server, id_of, resize};

/// Runs a hostile task with a neighbour beside it, and gives its status.
fn end_of(server: &Server, message: &Message) -> Status {
    let client = server.client();
    let misbehaving = client.accepted(message);
    let neighbours = [client.accepted(&resize()), client.accepted(&hostile("echo", &[]))];
    for neighbour in neighbours {
        assert_eq!(client.wait(&neighbour).state(), "OK");
    }
    let status = client.wait(&misbehaving);
    assert_eq!(status.state(), "FAILED");
    assert_eq!(client.process(&resize()).state(), "OK", "the next one runs in the same place");
    assert_tells_nothing_of_the_host(server, status.detail());
    status
}

fn assert_tells_nothing_of_the_host(server: &Server, detail: &str) {
    let folder = server.folder().display().to_string();
    for secret in [folder.as_str(), "/", "0x", ".rs", "wasm backtrace", "wasmtime", "\n"] {
        assert!(!detail.contains(secret), "{secret:?} in {detail:?}");
    }
}

#[test]
fn a_plugin_that_never_ends_is_ended_at_its_deadline() {
    let server = Setup::default().hostile().with("deadline", "1500ms").start();
    let status = end_of(&server, &hostile("spin", &[]));
    assert_eq!(status.code(), "deadline-exceeded");
    assert!(status.detail().contains("1.5 seconds"), "{status:?}");
}

#[test]
fn the_server_answers_while_every_worker_spins() {
    let setup = Setup::default().hostile().with("workers", 2).with("deadline", "10m");
    let server = setup.start();
    let client = server.client();
    let spinning = [client.accepted(&hostile("spin", &[])), client.accepted(&hostile("spin", &[]))];
    spinning.iter().for_each(|task| client.wait_until_running(task));
    assert_eq!(client.get("/health/live").code, 200);
    assert_eq!(client.get("/plugins").code, 200);
    assert_eq!(client.status(&client.accepted(&resize())).0["phase"], "queued");
}

#[test]
fn a_trap_fails_the_task_and_spares_its_neighbours() {
    let server = hostile_server();
    let status = end_of(&server, &hostile("trap", &[]));
    assert_eq!(status.code(), "plugin-trap");
    assert!(status.detail().starts_with("The plugin stopped unexpectedly:"), "{status:?}");
    assert!(status.detail().contains("unreachable"), "{status:?}");
}

#[test]
fn a_panic_is_a_trap_whose_message_the_log_has() {
    let server = hostile_server();
    let status = end_of(&server, &hostile("panic", &[]));
    assert_eq!(status.code(), "plugin-trap");
    assert!(status.detail().starts_with("The plugin stopped unexpectedly:"), "{status:?}");
    server.wait_for_log("the plugin's own words");
}

#[test]
fn endless_recursion_is_a_trap() {
    // Whichever ends first: the guest's own stack within its memory, or the one that the host gives it.
    let guests = hostile_server();
    let hosts = Setup::default().hostile().with("stack", "64KiB").start();
    for (server, trap) in [(guests, "out of bounds"), (hosts, "call stack exhausted")] {
        let status = end_of(&server, &hostile("recurse", &[]));
        assert_eq!(status.code(), "plugin-trap");
        assert!(status.detail().starts_with("The plugin stopped unexpectedly:"), "{status:?}");
        assert!(status.detail().contains(trap), "{status:?}");
    }
}

#[test]
fn a_memory_bomb_ends_at_its_limit_and_its_memory_comes_back() {
    let server = Setup::default().hostile().with("memory", "300MiB").start();
    let client = server.client();
    client.process(&resize());
    let before = server.resident();

    let status = end_of(&server, &hostile("grow", &[]));
    assert_eq!(status.code(), "memory-exceeded");
    assert!(status.detail().contains("314572800"), "the limit is named: {status:?}");
    for _ in 0..3 {
        assert_eq!(client.process(&hostile("grow", &[])).code(), "memory-exceeded");
    }
    // What stays mapped of a slot is 8 MiB, and there is a slot for each worker and one more.
    let allowed = before + (64 << 20);
    eventually(
        || (server.resident() < allowed).then_some(()),
        || format!("{} bytes are resident, {before} before", server.resident()),
    );
}

#[test]
fn a_result_larger_than_its_limit_is_too_large() {
    let server = Setup::default().hostile().with("memory", "2GiB").start();
    let status = end_of(&server, &hostile("huge", &[("bytes", "1073741824")]));
    assert_eq!(status.code(), "too-large");
    assert!(status.detail().contains("268435456"), "the limit is named: {status:?}");

    let small = Setup::default().hostile().with("max-output", "1MiB").start();
    assert_eq!(small.client().process(&hostile("huge", &[("bytes", "1048576")])).state(), "OK");
    let over = small.client().process(&hostile("huge", &[("bytes", "1048577")]));
    assert_eq!((over.code(), over.detail().contains("1048576")), ("too-large", true), "{over:?}");
}

#[test]
fn a_type_that_was_not_declared_or_not_asked_for_is_the_plugin_s_error() {
    let server = hostile_server();
    let lie = server.client().process(&hostile("lie", &[]));
    assert_eq!(lie.code(), "plugin-error");
    let wanted = task_xml("mislabel", &[], "application/octet-stream");
    let mislabel = server.client().process(&Related::simple(&wanted, "image/png", b"x"));
    assert_eq!(mislabel.code(), "plugin-error");
}

#[test]
fn a_plugin_must_give_from_1_to_16_results() {
    let server = hostile_server();
    for (count, code) in [("0", "plugin-error"), ("1", ""), ("16", ""), ("17", "plugin-error")] {
        assert_eq!(server.client().process(&hostile("copies", &[("count", count)])).code(), code, "{count}");
    }
}

#[test]
fn a_flood_of_log_lines_is_cut_counted_and_cannot_forge_any() {
    let server = hostile_server();
    let client = server.client();
    let task = client.accepted(&hostile("flood", &[("count", "1000")]));
    assert_eq!(client.wait(&task).state(), "OK");
    let dropped = server.wait_for_log("further log lines were dropped");
    assert!(dropped.contains("\"dropped\":900"), "{dropped}");

    let id = id_of(&task);
    let lines: Vec<serde_json::Value> =
        server.log().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let guest = lines.iter().filter(|line| {
        line["target"] == "tintype::guest" && line["message"] != "further log lines were dropped"
    });
    let guest: Vec<_> = guest.collect();
    assert_eq!(guest.len(), 100);
    for line in guest {
        let message = line["message"].as_str().unwrap();
        assert!(message.len() <= 1024 && !message.contains(char::is_control), "{message:?}");
        assert_eq!((&line["task"], &line["plugin"]), (&id.into(), &"hostile".into()));
    }
}

#[test]
fn a_plugin_s_words_reach_the_client_clean_and_cut_at_a_kibibyte() {
    let server = hostile_server();
    let client = server.client();
    for (operation, code) in [("fail", "plugin-error"), ("judge", "invalid-parameters")] {
        let said = |text: &str| said(&client, operation, text);
        assert_eq!(said("<b>&amp;\"'"), (code.to_owned(), "<b>&amp;\"'".to_owned()));
        let (_, cleaned) = said("a\u{0}b\u{1b}[31mc\u{ffff}d\u{7}\u{fffe}");
        assert_eq!(cleaned, "a\u{fffd}b\u{fffd}[31mc\u{fffd}d\u{fffd}\u{fffd}");
        let (_, long) = said(&"\u{e4}".repeat(3000));
        assert!(long.len() <= 1024 && long.len() > 1000 && long.starts_with("\u{e4}\u{e4}"), "{long}");
    }
}

/// What a plugin's words are in the XML status, which must be well-formed.
fn said(client: &Client, operation: &str, text: &str) -> (String, String) {
    let task = serde_json::json!({"operations": [{"name": operation, "params": {"text": text}}]});
    let message = Related::empty()
        .part("Content-Type: application/json", task.to_string().as_bytes())
        .part("Content-Type: image/png", b"x");
    let task = client.accepted(&message.build());
    client.wait(&task);
    let status = client.get(&task).status_document();
    (status.get("code").to_owned(), status.get("detail").to_owned())
}

#[test]
fn nothing_of_one_run_is_left_for_the_next() {
    let server = Setup::default().hostile().with("workers", 1).start();
    let client = server.client();
    for _ in 0..20 {
        let status = client.process(&hostile("leave", &[]));
        assert_eq!(client.result(&status).text(), "clean");
    }
}

#[test]
fn a_deadline_counts_from_when_a_task_begins_and_not_while_it_waits() {
    let setup = Setup::default().hostile().with("workers", 1).with("deadline", "700ms");
    let server = setup.start();
    let client = server.client();
    let tasks: Vec<String> = ["spin", "spin", "echo"].map(|name| client.accepted(&hostile(name, &[]))).into();
    let ends: Vec<String> = tasks.iter().map(|task| client.wait(task).code().to_owned()).collect();
    assert_eq!(ends, ["deadline-exceeded", "deadline-exceeded", ""]);
}

#[test]
fn a_deadline_is_not_missed_by_much() {
    let server = Setup::default().hostile().with("deadline", "200ms").start();
    let client = server.client();
    let task = client.accepted(&hostile("spin", &[]));
    client.wait_until_running(&task);
    let began = Instant::now();
    assert_eq!(client.wait(&task).code(), "deadline-exceeded");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
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
