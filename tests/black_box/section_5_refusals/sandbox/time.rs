//! Guests that never end, or keep the server busy with news of themselves.

use std::time::{Duration, Instant};

use tintype_tests::server::Setup;

use super::end_of;
use crate::steps::{hostile, resize};

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
fn progress_told_millions_of_times_is_few_events_and_no_excuse() {
    let server = Setup::default().hostile().with("deadline", "2s").start();
    let client = server.client();
    let creeping = client.accepted(&hostile("creep", &[]));
    let events: Vec<_> = client.events(&creeping, &[]).collect();
    let (last, before) = events.split_last().unwrap();
    assert_eq!(last.status.code(), "deadline-exceeded");
    // One when it waits, one when it runs, and ten a second at most.
    assert!(before.len() <= 22, "{} events", before.len());
    assert_eq!(end_of(&server, &hostile("creep", &[])).code(), "deadline-exceeded");
    // The test itself asks again and again where the task stands.
    let told = server.log().iter().filter(|line| !line.contains("tintype::request")).count();
    assert!(told < 50, "{told} lines");
}
