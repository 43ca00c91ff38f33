//! How many tasks a client may submit: 429 (RFC 6585) to whoever passes it, and to nobody else.

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Client, Connection, Server, eventually};

use crate::steps::{busy_server, garbage, hostile, resize};

fn assert_over_quota(answer: &Answer) {
    answer.refused(429, "over-quota");
    let pause: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&pause), "{answer:?}");
}

fn accepts(client: &Client) {
    eventually(
        || (client.submit(&resize()).code == 202).then_some(()),
        || "there is never room again".to_owned(),
    );
}

#[test]
fn who_has_too_many_unfinished_tasks_must_wait_for_one_or_cancel_one() {
    let (server, client, spinning) = busy_server(Setup::default().with("quota-open", 2));
    let waiting = client.accepted(&hostile("echo", &[]));
    let kept = server.kept_pictures();
    assert_over_quota(&client.submit(&resize()));
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, kept));

    assert_eq!(client.delete(&waiting).code, 200);
    let waiting = client.accepted(&resize());
    assert_over_quota(&client.submit(&resize()));
    assert_eq!(client.delete(&spinning).code, 200);
    client.wait(&waiting);
    accepts(&client);
}

#[test]
fn unfinished_tasks_are_still_counted_after_a_restart_and_ended_ones_are_not() {
    let (server, client, spinning) = busy_server(Setup::default().with("quota-open", 3));
    let ended = client.accepted(&hostile("echo", &[]));
    assert_eq!(client.delete(&ended).code, 200);
    client.accepted(&hostile("echo", &[]));
    let server = server.kill_and_restart();
    let client = server.client();
    client.wait_until_running(&spinning);
    client.accepted(&resize());
    assert_over_quota(&client.submit(&resize()));
}

#[test]
fn what_is_refused_does_not_count() {
    let server = Setup::default().with("quota-per-minute", 1).with("quota-open", 1).start();
    let client = server.client();
    for _ in 0..5 {
        let wrong = ("image/png".to_owned(), b"x".to_vec());
        client.submit(&wrong).refused(400, "bad-description");
    }
    let mut broken_off = Connection::open(server.address());
    broken_off.send(
        "POST /images/tasks?operation=resize HTTP/1.1\r\nHost: h\r\nContent-Type: image/png\r\n\
         Content-Length: 99\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(broken_off.answer().code, 100);
    drop(broken_off);
    accepts(&client);
    assert_over_quota(&client.submit(&resize()));
}

#[test]
fn tasks_a_minute_are_counted_whatever_becomes_of_them() {
    let server = Setup::default().with("quota-per-minute", 3).start();
    let client = server.client();
    for message in [resize(), garbage(), resize()] {
        client.process(&message);
    }
    assert_over_quota(&client.submit(&resize()));
    assert_eq!(client.get("/images/tasks").code, 200, "who must wait may still look");
}

#[test]
fn who_is_over_its_quota_is_told_before_the_body_is_sent() {
    let server = Setup::default().with("quota-per-minute", 1).start();
    let client = server.client();
    client.accepted(&resize());
    let mut connection = Connection::open(server.address());
    connection.send(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: image/png\r\nContent-Length: 1000000\r\n\r\n",
    );
    assert_over_quota(&connection.answer());
}

#[test]
fn clients_are_counted_apart_and_a_key_may_have_quotas_of_its_own() {
    let server = Setup::default().with("quota-per-minute", 1).key("one").key("other").start();
    let favoured = server.client().with_key(&server.new_key(&["favoured", "--quota-per-minute", "3"]));
    eventually(
        || (favoured.get("/images/tasks").code == 200).then_some(()),
        || "the key is never known".to_owned(),
    );
    for client in [server.client_of("one"), server.client_of("other")] {
        client.accepted(&resize());
        assert_over_quota(&client.submit(&resize()));
    }
    for _ in 0..3 {
        favoured.accepted(&resize());
    }
    assert_over_quota(&favoured.submit(&resize()));
}

#[test]
fn of_many_uploads_at_once_no_more_are_accepted_than_the_quota_has_room_for() {
    let server: Server = Setup::default().with("quota-per-minute", 4).start();
    let codes: Vec<u16> = std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..12).map(|_| scope.spawn(|| server.client().submit(&resize()).code)).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == 202).count(), 4, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 429).count(), 8, "{codes:?}");
}
