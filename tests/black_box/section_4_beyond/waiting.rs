//! `Prefer: wait=N` (RFC 7240): an answer that is held back until a task is over.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tintype_tests::server::Setup;
use tintype_tests::{Answer, Server};

use crate::steps::{busy_server, garbage, hostile, resize};

const PATIENT: (&str, &str) = ("Prefer", "wait=60");

fn assert_applied(answer: &Answer, applied: &str) {
    assert_eq!(answer.header("preference-applied"), Some(applied), "{answer:?}");
}

#[test]
fn who_waits_with_its_post_is_answered_with_the_end_of_the_task() {
    let server = Server::new();
    let client = server.client();
    let done = client.submit_with(&resize(), &[PATIENT]);
    assert_eq!(done.code, 303, "{done:?}");
    assert_applied(&done, "wait=60");
    assert_eq!(done.status_document().get("state"), "OK");
    assert_eq!(done.header("retry-after"), None);
    assert_eq!(client.get(done.header("location").unwrap()).code, 200);

    let failed = client.submit_with(&garbage(), &[PATIENT]);
    assert_eq!(failed.code, 200, "{failed:?}");
    assert_eq!(failed.status_document().get("code"), "invalid-image");
}

#[test]
fn who_waits_with_its_get_is_answered_when_the_task_is_over() {
    let (server, client, spinning) = busy_server(Setup::default());
    let waiting = client.accepted(&resize());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| server.client().send("GET", &waiting, &[PATIENT], &[]));
        assert_eq!(client.delete(&spinning).code, 200);
        let answer = waiter.join().unwrap();
        assert_eq!(answer.code, 303, "{answer:?}");
        assert_applied(&answer, "wait=60");
    });
}

#[test]
fn a_wait_that_ends_before_the_task_gives_the_state_it_has() {
    let (_server, client, spinning) = busy_server(Setup::default());
    let began = Instant::now();
    let accepted = client.submit_with(&resize(), &[("Prefer", "respond-async, wait=1")]);
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(accepted.code, 202, "{accepted:?}");
    assert_applied(&accepted, "wait=1");
    assert!(accepted.header("content-location").is_some() && accepted.header("retry-after").is_some());

    let running = client.send("GET", &spinning, &[("Prefer", "wait=1")], &[]);
    assert_eq!((running.code, running.status_document().get("state")), (200, "pending"));
    assert_applied(&running, "wait=1");
}

#[test]
fn a_wait_is_never_longer_than_the_operator_allows() {
    let (_server, client, spinning) = busy_server(Setup::default().with("max-wait", "1s"));
    for wait in ["wait=3600", "wait=99999999999999999999999999"] {
        let answer = client.send("GET", &spinning, &[("Prefer", wait)], &[]);
        assert_eq!((answer.code, answer.status_document().get("state")), (200, "pending"));
        assert_applied(&answer, "wait=1");
    }
}

#[test]
fn a_preference_that_is_not_understood_is_ignored() {
    let (_server, client, spinning) = busy_server(Setup::default());
    for preference in ["wait", "wait=-1", "wait=soon", "return=minimal", "\"", "wait=1.5"] {
        let answer = client.send("GET", &spinning, &[("Prefer", preference)], &[]);
        assert_eq!((answer.code, answer.header("preference-applied")), (200, None), "{preference}");
    }
}

#[test]
fn who_waits_for_a_task_that_is_deleted_is_told_how_it_ended() {
    let (server, client, spinning) = busy_server(Setup::default());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| server.client().send("GET", &spinning, &[PATIENT], &[]));
        assert_eq!(client.delete(&spinning).code, 200);
        assert_eq!(waiter.join().unwrap().status_document().get("code"), "cancelled");
    });
    assert_eq!(client.delete(&spinning).code, 204);
    client.send("GET", &spinning, &[PATIENT], &[]).refused(410, "gone");
}

#[test]
fn who_waits_does_not_keep_a_server_from_stopping() {
    let (mut server, client, spinning) = busy_server(Setup::default().with("drain-timeout", "3s"));
    let queued = client.accepted(&hostile("echo", &[]));
    thread::scope(|scope| {
        let waiters = [&spinning, &queued].map(|task| {
            let client = server.client();
            scope.spawn(move || client.send("GET", task, &[PATIENT], &[]))
        });
        server.signal(Signal::TERM);
        for waiter in waiters {
            let answer = waiter.join().unwrap();
            assert_eq!((answer.code, answer.status_document().get("state")), (200, "pending"));
        }
    });
    assert_eq!(server.wait(), Some(0));
}
