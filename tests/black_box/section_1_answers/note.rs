//! The three answers of the note, element by element and header by header, as protocol section 1
//! reads them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tintype_tests::server::Setup;
use tintype_tests::{Answer, Server, pictures};

use crate::steps::{busy_server, garbage, hostile, id_of, resize};

#[test]
fn an_accepted_task_is_answered_as_the_note_writes_it() {
    let (server, client, _) = busy_server(Setup::default());
    let answer = client.submit(&hostile("echo", &[]));

    assert_eq!(answer.code, 202);
    let task = answer.header("content-location").unwrap();
    let (base, id) = task.rsplit_once('/').unwrap();
    assert_eq!(base, format!("http://{}/images/task", server.address()));
    assert_uuid_v7(id);
    assert_eq!(answer.header("location"), Some(task));
    assert_common_headers(&answer);

    let status = answer.status_document();
    assert_eq!(status.names(), ["state", "atom:link self", "message", "ping-after"]);
    assert_eq!(status.get("state"), "pending");
    assert_eq!(status.get("atom:link self"), task);
    assert_eq!(status.get("message"), "Request is still being processed.");
    assert_ping_agrees_with_retry(&answer);
}

#[test]
fn a_202_says_what_a_get_at_that_moment_would_say() {
    let (_server, client, _) = busy_server(Setup::default());
    let accepted = client.submit(&hostile("echo", &[]));
    let polled = client.get(accepted.header("content-location").unwrap());
    let without_time = |answer: &Answer| {
        let text = answer.text();
        let (before, rest) = text.split_once("<ping-after>").unwrap();
        format!("{before}{}", &rest["2011-12-12T02:33:33Z".len()..])
    };
    assert_eq!(without_time(&accepted), without_time(&polled));
}

#[test]
fn a_queued_and_a_running_task_are_pending() {
    let (_server, client, running) = busy_server(Setup::default());
    let queued = client.accepted(&hostile("echo", &[]));
    for task in [running, queued] {
        let answer = client.get(&task);
        assert_eq!(answer.code, 200);
        assert_eq!(answer.header("content-location"), Some(client.url(&task).as_str()));
        assert_eq!(answer.header("location"), None);
        assert_common_headers(&answer);
        let status = answer.status_document();
        assert_eq!(status.names(), ["state", "atom:link self", "message", "ping-after"]);
        assert_eq!(status.get("state"), "pending");
        assert_eq!(status.get("message"), "Request is still being processed.");
        assert_ping_agrees_with_retry(&answer);
    }
}

#[test]
fn a_task_that_is_done_redirects_to_its_result() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&resize());
    client.wait(&task);
    let answer = client.get(&task);

    assert_eq!(answer.code, 303);
    let result = client.url(&format!("/images/{}", id_of(&task)));
    assert_eq!(answer.header("location"), Some(result.as_str()));
    assert_eq!(answer.header("content-location"), Some(client.url(&task).as_str()));
    assert_eq!(answer.header("retry-after"), None);
    assert_common_headers(&answer);

    let status = answer.status_document();
    assert_eq!(status.names(), ["state", "atom:link self", "message", "completed"]);
    assert_eq!(status.get("state"), "OK");
    assert_eq!(status.get("atom:link self"), client.url(&task));
    assert_eq!(status.get("message"), "Your request has been processed successfully.");
    assert_just_now(status.get("completed"));

    let picture = client.get(answer.header("location").unwrap());
    assert_eq!(picture.code, 200);
    assert_eq!(pictures::decode(&picture.body).width(), 8);
}

#[test]
fn a_task_that_failed_says_why_and_redirects_nowhere() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&garbage());
    client.wait(&task);
    let answer = client.get(&task);

    assert_eq!(answer.code, 200);
    assert_eq!(answer.header("content-location"), Some(client.url(&task).as_str()));
    assert_eq!(answer.header("location"), None);
    assert_eq!(answer.header("retry-after"), None);
    assert_common_headers(&answer);

    let status = answer.status_document();
    assert_eq!(status.names(), ["state", "atom:link self", "message", "detail", "completed", "code"]);
    assert_eq!(status.get("state"), "FAILED");
    assert_eq!(status.get("message"), "Failed to complete your request.");
    assert!(status.get("detail").starts_with("Invalid image format."), "{status:?}");
    assert_eq!(status.get("code"), "invalid-image");
    assert_just_now(status.get("completed"));

    let no_result = client.get(&format!("/images/{}", id_of(&task)));
    no_result.refused(404, "not-found");
}

#[test]
fn a_pending_task_has_no_result_yet() {
    let (_server, client, task) = busy_server(Setup::default());
    client.get(&format!("/images/{}", id_of(&task))).refused(404, "not-found");
}

#[test]
fn ids_are_in_the_order_of_submission() {
    let (_server, client, _) = busy_server(Setup::default());
    let ids: Vec<String> =
        (0..20).map(|_| id_of(&client.accepted(&hostile("echo", &[]))).to_owned()).collect();
    ids.iter().for_each(|id| assert_uuid_v7(id));
    assert!(ids.is_sorted(), "{ids:?}");
}

#[test]
fn an_end_is_final_and_survives_a_restart() {
    let server = Setup::default().with("public-url", "http://pictures.example.org").start();
    let client = server.client();
    let done = client.accepted(&resize());
    let failed = client.accepted(&garbage());
    let (done_status, _) = (client.wait(&done), client.wait(&failed));
    let result = tintype_tests::client::path(done_status.href());
    let paths = [done, failed, result];
    let look = |client: &tintype_tests::Client| {
        paths.iter().map(|path| client.get(path)).map(|answer| (answer.code, answer.body)).collect::<Vec<_>>()
    };

    let first = look(&client);
    for _ in 0..10 {
        assert_eq!(look(&client), first);
    }
    let server = server.kill_and_restart();
    assert_eq!(look(&server.client()), first);
}

#[test]
fn the_more_waits_before_a_task_the_later_a_client_is_asked_to_look() {
    let (_server, client, _) = busy_server(Setup::default());
    let pause = |answer: &Answer| answer.header("retry-after").unwrap().parse::<u64>().unwrap();
    let first = client.submit(&hostile("echo", &[]));
    for _ in 0..40 {
        client.accepted(&hostile("echo", &[]));
    }
    let last = client.submit(&hostile("echo", &[]));
    assert!(pause(&last) > pause(&first), "{first:?} {last:?}");
}

fn assert_common_headers(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/xml;charset=UTF-8"));
    assert_eq!(answer.header("vary"), Some("Accept"));
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    let date = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
    let off = date.duration_since(SystemTime::now()).unwrap_or_else(|error| error.duration());
    assert!(off < Duration::from_secs(30), "{answer:?}");
}

/// `Date` is rendered once a second by the server, so the two may be a second apart.
fn assert_ping_agrees_with_retry(answer: &Answer) {
    let date = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
    let date = Timestamp::try_from(date).unwrap().as_second();
    let retry: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    let ping = whole_seconds(answer.status_document().get("ping-after"));
    assert!(retry >= 1, "{answer:?}");
    assert!(ping >= date, "{answer:?}");
    assert!((ping - date - retry).abs() <= 1, "{answer:?}");
}

fn assert_just_now(time: &str) {
    let ago = Timestamp::now().as_second() - whole_seconds(time);
    assert!((0..30).contains(&ago), "{time}");
}

/// Seconds since 1970 of a time in UTC, of whole seconds, with `Z`.
fn whole_seconds(time: &str) -> i64 {
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    time.parse::<Timestamp>().unwrap().as_second()
}

fn assert_uuid_v7(id: &str) {
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    assert!(id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{id}");
    assert_eq!(id.as_bytes()[14], b'7', "version of {id}");
    assert!(b"89ab".contains(&id.as_bytes()[19]), "variant of {id}");
}
