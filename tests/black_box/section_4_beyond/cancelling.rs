//! `DELETE /images/task/{id}`: ends a task before its time, or deletes one that is over.

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Client, Server};

use crate::steps::{busy_server, hostile, id_of, resize};

fn assert_cancelled(answer: &Answer) {
    assert_eq!(answer.code, 200, "{answer:?}");
    let status = answer.status_document();
    assert_eq!((status.get("state"), status.get("code")), ("FAILED", "cancelled"));
    assert_eq!(status.get("detail"), "Cancelled by the client.");
    assert_eq!(status.get("message"), "Failed to complete your request.");
}

fn assert_gone(client: &Client, task: &str) {
    let id = id_of(task);
    for path in [task, &format!("/images/{id}"), &format!("/images/{id}/1"), &format!("{task}/events")] {
        client.get(path).refused(410, "gone");
    }
}

#[test]
fn a_queued_task_that_is_cancelled_never_runs() {
    let (server, client, spinning) = busy_server(Setup::default());
    let task = client.accepted(&hostile("flood", &[("count", "1")]));
    let answer = client.delete(&task);
    assert_cancelled(&answer);
    assert!(answer.header("content-location").unwrap().ends_with(&task));
    assert_eq!(client.status(&task).0["phase"], "cancelled");

    assert_cancelled(&client.delete(&spinning));
    assert_eq!(client.process(&resize()).state(), "OK");
    assert!(!server.log().iter().any(|line| line.contains("tintype::guest")), "it ran");
    assert_eq!(client.status(&task).code(), "cancelled", "an end is final");
}

#[test]
fn a_running_task_that_is_cancelled_is_interrupted_and_its_worker_goes_on() {
    let (_server, client, mut spinning) = busy_server(Setup::default());
    for _ in 0..5 {
        assert_cancelled(&client.delete(&spinning));
        assert_eq!(client.process(&hostile("echo", &[])).state(), "OK");
        spinning = client.accepted(&hostile("spin", &[]));
        client.wait_until_running(&spinning);
    }
}

#[test]
fn a_cancelled_task_makes_room_in_a_full_queue() {
    let (_server, client, _) = busy_server(Setup::default().with("max-queue", 1));
    let task = client.accepted(&resize());
    client.submit(&resize()).refused(503, "queue-full");
    assert_cancelled(&client.delete(&task));
    client.accepted(&resize());
}

#[test]
fn a_task_that_is_over_is_deleted_with_its_pictures() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&resize());
    client.wait(&task);
    let answer = client.delete(&task);
    assert_eq!((answer.code, answer.body.len()), (204, 0), "{answer:?}");
    assert_gone(&client, &task);
    assert_eq!(server.kept_pictures(), 0);
}

#[test]
fn to_repeat_it_is_harmless() {
    let (server, client, _) = busy_server(Setup::default());
    let task = client.accepted(&resize());
    assert_cancelled(&client.delete(&task));
    for _ in 0..3 {
        assert_eq!(client.delete(&task).code, 204);
    }
    assert_gone(&client, &task);
    assert_eq!(server.kept_pictures(), 1, "the other task's");
}

#[test]
fn what_never_was_cannot_be_deleted() {
    let server = Server::new();
    let client = server.client();
    for unknown in ["x", "0193a2c0-0000-7000-8000-000000000000"] {
        client.delete(&format!("/images/task/{unknown}")).refused(404, "not-found");
    }
}

#[test]
fn a_cancelled_and_a_deleted_task_stay_so_when_the_server_is_killed() {
    let (server, client, spinning) = busy_server(Setup::default());
    let (queued, deleted) = (client.accepted(&resize()), client.accepted(&resize()));
    for task in [&spinning, &queued, &deleted] {
        assert_cancelled(&client.delete(task));
    }
    assert_eq!(client.delete(&deleted).code, 204);

    let server = server.kill_and_restart();
    let client = server.client();
    for task in [&spinning, &queued] {
        assert_eq!(client.status(task).code(), "cancelled");
    }
    assert_gone(&client, &deleted);
    assert_eq!(client.process(&resize()).state(), "OK");
}

#[test]
fn the_answer_is_in_the_format_asked_for() {
    let (_server, client, spinning) = busy_server(Setup::default());
    let json = client.send("DELETE", &spinning, &[("Accept", "application/json")], &[]);
    assert_eq!((json.code, json.json()["code"].as_str()), (200, Some("cancelled")), "{json:?}");
}

#[test]
fn of_two_who_cancel_at_once_none_fails() {
    let (server, client, _) = busy_server(Setup::default());
    for _ in 0..10 {
        let task = client.accepted(&resize());
        let codes: Vec<u16> = std::thread::scope(|scope| {
            let both = [0, 1].map(|_| scope.spawn(|| server.client().delete(&task).code));
            both.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(codes.iter().all(|code| [200, 204].contains(code)), "{codes:?}");
        assert!(codes.contains(&200), "{codes:?}");
    }
}
