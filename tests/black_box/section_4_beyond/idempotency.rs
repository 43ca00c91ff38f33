//! `Idempotency-Key`: a request that is sent twice is one task.

use std::thread;

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Client, Connection, Related, Server, pictures, task_xml};

use crate::steps::{Message, busy_server, hostile, hostile_server, resize};

fn submit(client: &Client, key: &str, message: &Message) -> Answer {
    client.submit_with(message, &[("Idempotency-Key", key)])
}

/// The task that such a request was accepted as.
fn task(client: &Client, key: &str, message: &Message) -> String {
    let answer = submit(client, key, message);
    assert_eq!(answer.code, 202, "{answer:?}");
    tintype_tests::client::path(answer.header("content-location").unwrap())
}

#[test]
fn the_same_request_with_the_same_key_is_the_same_task() {
    let (server, client, spinning) = busy_server(Setup::default());
    let first = task(&client, "k1", &resize());
    let kept = server.kept_pictures();
    assert_eq!(task(&client, "k1", &resize()), first);
    assert_ne!(task(&client, "k2", &resize()), first);
    assert_ne!(client.accepted(&resize()), first, "without a key it is another");
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, kept + 2));

    assert_eq!(client.delete(&spinning).code, 200);
    client.wait(&first);
    assert_eq!(task(&client, "k1", &resize()), first, "also when the task is over");
}

#[test]
fn a_repetition_is_answered_even_when_no_new_task_would_be() {
    let (_server, client, _) = busy_server(Setup::default().with("max-queue", 1));
    let first = task(&client, "k", &resize());
    submit(&client, "another", &resize()).refused(503, "queue-full");
    assert_eq!(task(&client, "k", &resize()), first);

    let server = Setup::default().with("quota-per-minute", 1).start();
    let first = task(&server.client(), "k", &resize());
    submit(&server.client(), "another", &resize()).refused(429, "over-quota");
    assert_eq!(task(&server.client(), "k", &resize()), first);
}

#[test]
fn the_same_key_with_another_request_is_refused() {
    let server = hostile_server();
    let client = server.client();
    let first = task(&client, "k", &resize());
    let params = [("width", "9")];
    let wider = Related::simple(&task_xml("resize", &params, ""), "image/png", &pictures::png(16, 16));
    let other_picture =
        Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &pictures::png(16, 17));
    client.wait(&first);
    let kept = server.kept_pictures();
    for other in [wider, other_picture, hostile("echo", &[])] {
        submit(&client, "k", &other).refused(422, "key-reused");
    }
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, kept));
    assert_eq!(task(&client, "k", &resize()), first);
}

#[test]
fn a_key_is_known_after_the_server_was_killed() {
    let server = Server::new();
    let first = task(&server.client(), "k", &resize());
    let server = server.kill_and_restart();
    assert_eq!(task(&server.client(), "k", &resize()), first);
    submit(
        &server.client(),
        "k",
        &Related::simple(&task_xml("resize", &[("width", "9")], ""), "image/png", b"x"),
    )
    .refused(422, "key-reused");
}

#[test]
fn while_the_first_request_is_still_sent_a_second_with_its_key_must_wait() {
    let server = Server::new();
    let client = server.client();
    let (content_type, body) = resize();
    let mut first = Connection::open(server.address());
    first.send(format!(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Idempotency-Key: k\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    ));
    assert_eq!(first.answer().code, 100, "its body is wanted now");
    let conflict = submit(&client, "k", &resize());
    conflict.refused(409, "conflict");
    assert!(conflict.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(submit(&client, "other", &resize()).code, 202, "other keys are not held up");

    let accepted = first.send(&body).answer();
    assert_eq!(accepted.code, 202, "{accepted:?}");
    let again = submit(&client, "k", &resize());
    assert_eq!(
        again.header("content-location").map(crate::steps::id_of),
        accepted.header("content-location").map(crate::steps::id_of)
    );
}

#[test]
fn a_key_is_not_used_up_by_a_request_that_was_refused_or_broken_off() {
    let server = Server::new();
    let client = server.client();
    let wrong = Related::simple(&task_xml("resize", &[("width", "-1")], ""), "image/png", b"x");
    submit(&client, "k", &wrong).refused(422, "impossible-task");

    let mut broken = Connection::open(server.address());
    broken.send(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: image/png\r\nContent-Length: 10\r\n\
         Idempotency-Key: k\r\nExpect: 100-continue\r\n\r\n",
    );
    // The query is missing; the answer is the refusal, and the key is free again.
    broken.answer();
    drop(broken);
    assert_eq!(client.wait(&task(&client, "k", &resize())).state(), "OK");
}

#[test]
fn of_many_who_send_the_same_at_once_all_get_the_same_task() {
    let server = Server::new();
    let tasks: Vec<String> = thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let client = server.client();
                    tintype_tests::eventually(
                        || {
                            let answer = submit(&client, "k", &resize());
                            assert!([202, 409].contains(&answer.code), "{answer:?}");
                            let place = answer.header("content-location")?;
                            Some(tintype_tests::client::path(place))
                        },
                        || "always in the way of another".to_owned(),
                    )
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    assert!(tasks.iter().all(|task| *task == tasks[0]), "{tasks:?}");
    server.client().wait(&tasks[0]);
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 2));
}

#[test]
fn a_key_has_from_1_to_255_characters_and_comes_once() {
    let server = Server::new();
    let client = server.client();
    for wrong in [String::new(), "k".repeat(256)] {
        submit(&client, &wrong, &resize()).refused(400, "bad-request");
    }
    let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    client.submit_with(&resize(), &twice).refused(400, "bad-request");
    assert_eq!(submit(&client, &"k".repeat(255), &resize()).code, 202);
}
