//! `GET /images/task/{id}/events`: a task as it goes, told live.

use rustix::process::Signal;
use tintype_tests::server::Setup;
use tintype_tests::{Server, eventually};

use crate::steps::{busy_server, hostile, hostile_server, id_of, resize};

#[test]
fn the_events_of_a_task_that_is_over_are_its_end() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&resize());
    let end = client.wait(&task);
    let events: Vec<_> = client.events(&task, &[]).collect();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((events[0].name.as_str(), &events[0].status.0), ("status", &end.0));
}

#[test]
fn who_follows_a_task_sees_its_progress_and_then_its_end_and_then_nothing() {
    let server = hostile_server();
    let client = server.client();
    let task = client.accepted(&hostile("work", &[("count", "60")]));
    let events: Vec<_> = client.events(&task, &[]).collect();
    let (last, before) = events.split_last().unwrap();
    assert_eq!(last.status.0["phase"], "done", "{events:?}");
    assert!(before.iter().all(|event| event.name == "status" && event.status.state() == "pending"));
    assert!(events.iter().all(|event| event.status.0["id"] == id_of(&task)));

    let progress: Vec<f64> = before.iter().filter_map(|event| event.status.0["progress"].as_f64()).collect();
    assert!(progress.len() > 2, "{events:?}");
    assert!(progress.is_sorted() && progress.iter().all(|done| (0.0..=1.0).contains(done)), "{progress:?}");
    let mut ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    ids.dedup();
    assert_eq!(ids.len(), events.len(), "nothing is said twice: {ids:?}");
}

#[test]
fn a_task_is_followed_from_the_queue_to_its_end() {
    let (_server, client, spinning) = busy_server(Setup::default());
    let task = client.accepted(&resize());
    let mut events = client.events(&task, &[]);
    assert_eq!(events.next().unwrap().status.0["phase"], "queued");
    assert_eq!(client.delete(&spinning).code, 200);
    let rest: Vec<_> = events.collect();
    assert_eq!(rest.last().unwrap().status.state(), "OK", "{rest:?}");
}

#[test]
fn who_comes_back_with_the_last_event_s_id_is_told_only_what_is_new() {
    let server = Setup::default().hostile().with("deadline", "10m").start();
    let client = server.client();
    let task = client.accepted(&hostile("stall", &[]));
    let half = client.events(&task, &[]).find(|event| event.status.0["progress"] == 0.5).unwrap();

    let resumed = client.events(&task, &[("Last-Event-ID", &half.id)]);
    let begun_anew = client.events(&task, &[]);
    assert_eq!(client.delete(&task).code, 200);
    let resumed: Vec<_> = resumed.collect();
    assert_eq!(resumed.len(), 1, "{resumed:?}");
    assert_eq!(resumed[0].status.code(), "cancelled");
    let all: Vec<_> = begun_anew.collect();
    assert_eq!(all.last().unwrap().id, resumed[0].id);

    let seen = [("Last-Event-ID", resumed[0].id.as_str())];
    let answer = client.send("GET", &format!("{task}/events"), &seen, &[]);
    assert_eq!((answer.code, answer.body.len()), (204, 0), "{answer:?}");
    for nonsense in ["", "-1", "queued-77"] {
        assert_eq!(client.events(&task, &[("Last-Event-ID", nonsense)]).count(), 1, "{nonsense}");
    }
}

#[test]
fn what_cannot_be_followed_says_why() {
    let server = Server::new();
    let client = server.client();
    for unknown in ["/images/task/x/events", "/images/task/0193a2c0-0000-7000-8000-000000000000/events"] {
        client.get(unknown).refused(404, "not-found");
    }
    let task = client.accepted(&resize());
    client.wait(&task);
    let path = format!("{task}/events");
    let answer = client.send("POST", &path, &[], b"");
    answer.refused(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    assert_eq!(client.send("HEAD", &path, &[], &[]).code, 200);
    assert_eq!(client.delete(&task).code, 204);
    client.get(&path).refused(410, "gone");
}

#[test]
fn a_follower_who_goes_away_is_forgotten() {
    let (server, client, spinning) = busy_server(Setup::default());
    let before = server.sockets();
    let followers: Vec<_> = (0..20).map(|_| server.client().events(&spinning, &[])).collect();
    assert!(server.sockets() >= before + 20);
    drop(followers);
    // What is written to somebody who is gone comes back.
    assert_eq!(client.delete(&spinning).code, 200);
    eventually(
        || (server.sockets() <= before + 1).then_some(()),
        || format!("{} sockets are open, {before} before", server.sockets()),
    );
}

#[test]
fn followers_are_let_go_when_the_server_stops() {
    let (mut server, client, spinning) = busy_server(Setup::default().with("drain-timeout", "2s"));
    let queued = client.accepted(&resize());
    let mut streams = [client.events(&spinning, &[]), client.events(&queued, &[])];
    streams.iter_mut().for_each(|stream| drop(stream.next().unwrap()));
    server.signal(Signal::TERM);
    for stream in streams {
        assert!(stream.into_iter().all(|event| event.status.state() == "pending"), "no end was invented");
    }
    assert_eq!(server.wait(), Some(0));
}
