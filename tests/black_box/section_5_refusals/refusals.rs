//! What is refused before a 202: with which code and type, in which words, and leaving nothing behind.

use std::thread;

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Client, Connection, Related, Server, task_xml};

use crate::steps::{Message, busy_server, hostile, resize};

fn post(client: &Client, content_type: &str, body: &[u8]) -> Answer {
    client.submit(&(content_type.to_owned(), body.to_vec()))
}

fn head(message: &Message, length: usize, more: &str) -> String {
    let content_type = &message.0;
    format!(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{more}\r\n"
    )
}

fn assert_nothing_is_kept(server: &Server) {
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
}

#[test]
fn a_refusal_comes_in_the_format_asked_for_with_an_id_that_the_log_has() {
    let server = Server::new();
    let client = server.client();
    for (accept, content_type) in [
        ("*/*", "application/problem+xml;charset=UTF-8"),
        ("application/xml", "application/problem+xml;charset=UTF-8"),
        ("application/json", "application/problem+json"),
        ("image/png", "application/problem+xml;charset=UTF-8"),
    ] {
        let headers =
            [("Accept", accept), ("Content-Type", "text/plain"), ("X-Request-Id", "no id, but \"words\"")];
        let answer = client.send("POST", "/images/tasks", &headers, b"hello");
        assert_eq!(answer.header("content-type"), Some(content_type), "{accept}");
        let problem = match accept {
            "image/png" => answer.refused(406, "not-acceptable"),
            _ => answer.refused(415, "unsupported-media-type"),
        };
        let line = server.wait_for_log(&problem.request_id);
        assert!(line.contains(&problem.kind) && line.contains("POST"), "{line}");
    }
    assert_nothing_is_kept(&server);
}

#[test]
fn what_is_no_message_is_unsupported_and_told_what_is() {
    let server = Server::new();
    let client = server.client();
    for content_type in ["text/plain", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded"] {
        let answer = post(&client, content_type, b"hello");
        answer.refused(415, "unsupported-media-type");
        let accepted = answer.header("accept-post").unwrap();
        assert!(accepted.contains("multipart/related") && accepted.contains("multipart/form-data"));
    }
    let untyped = client.send("POST", "/images/tasks", &[], b"hello");
    untyped.refused(415, "unsupported-media-type");
    assert!(untyped.header("accept-post").is_some());
    let (content_type, body) = resize();
    let twice = [("Content-Type", content_type.as_str()), ("Content-Type", "image/png")];
    client.send("POST", "/images/tasks", &twice, &body).refused(400, "bad-request");
    for unreadable in ["multipart", "multipart/", "/", "multipart/related;boundary", "a b/c"] {
        post(&client, unreadable, b"hello").refused(400, "bad-request");
    }
}

#[test]
fn what_is_too_large_is_refused_by_its_length_or_when_the_limit_is_passed() {
    let setup = Setup::default().hostile().with("max-image-size", "64KiB");
    let server = setup.with("max-request-size", "200KiB").start();
    let client = server.client();
    let image_of = |bytes: usize| Related::simple(&task_xml("echo", &[], ""), "image/png", &vec![1; bytes]);
    assert_eq!(client.process(&image_of(65_536)).state(), "OK");
    let kept = server.kept_pictures();

    let problem = client.submit(&image_of(65_537)).refused(413, "too-large");
    assert!(problem.detail.contains("65536"), "{problem:?}");
    // By its length alone, before the body is sent.
    let mut connection = Connection::open(server.address());
    let answer = connection.send(head(&resize(), 204_801, "Expect: 100-continue\r\n")).answer();
    assert!(answer.refused(413, "too-large").detail.contains("204800"), "{answer:?}");
    // Without a length, while it comes: 15 images that are small enough, each.
    let cid = "<operation name=\"attached\"><param name=\"picture\" href=\"cid:a\"/></operation>";
    let mut message = Related::new(&format!("<task>{cid}</task>")).part("", b"x");
    for n in 0..10 {
        message = message.part(&format!("Content-ID: <{n}>"), &[1; 60_000]);
    }
    let (content_type, body) = message.build();
    let mut connection = Connection::open(server.address());
    connection.send(format!(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        body.len()
    ));
    connection.send(&body[..250_000]).answer().refused(413, "too-large");
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, kept));
}

#[test]
fn a_client_that_reads_while_it_sends_sees_why_its_upload_is_refused() {
    let server = Setup::default().with("max-image-size", "64KiB").start();
    let message = Related::simple("<task/>", "image/png", &vec![1; 20_000_000]);
    for _ in 0..5 {
        let mut connection = Connection::open(server.address());
        connection.send(head(&message, message.1.len(), ""));
        let mut sender = connection.sender();
        let body = message.1.clone();
        let sending = thread::spawn(move || sender.send_as_much_as_is_taken(&body));
        connection.answer().refused(413, "too-large");
        drop(connection);
        sending.join().unwrap();
    }
}

#[test]
fn who_sends_too_slowly_is_cut_off() {
    let setup = Setup::default().with("body-timeout", "300ms").with("header-timeout", "300ms");
    let server = setup.start();
    let message = resize();

    let mut body_stops = Connection::open(server.address());
    body_stops.send(head(&message, message.1.len(), "")).send(&message.1[..100]);
    let answer = body_stops.answer();
    answer.refused(408, "too-slow");
    assert!(body_stops.is_closed(), "what might still come of the body would be read as a request");

    let mut head_stops = Connection::open(server.address());
    head_stops.send("POST /images/tasks HTTP/1.1\r\nHost: h\r\n");
    assert!(head_stops.try_answer().is_none_or(|answer| answer.code == 408));

    let mut idle = Connection::open(server.address());
    assert!(idle.is_closed());
    assert_nothing_is_kept(&server);
}

#[test]
fn an_upload_that_trickles_has_an_end_too() {
    let setup = Setup::default().with("body-timeout", "10s").with("upload-timeout", "500ms");
    let server = setup.start();
    let message = resize();
    let mut connection = Connection::open(server.address());
    connection.send(head(&message, message.1.len(), "")).send(&message.1[..10]);
    connection.answer().refused(408, "too-slow");
    assert_nothing_is_kept(&server);
}

#[test]
fn who_is_refused_before_the_body_was_read_is_told_that_the_connection_ends() {
    let server = Server::new();
    let unwanted = ("text/plain".to_owned(), vec![]);
    let mut connection = Connection::open(server.address());
    let answer = connection.send(head(&unwanted, 1000, "")).answer();
    answer.refused(415, "unsupported-media-type");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(connection.is_closed());

    let mut without_body = Connection::open(server.address());
    let nowhere = "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(without_body.send(nowhere).answer().header("connection"), None);
    assert_eq!(without_body.send(nowhere).answer().code, 404);
}

#[test]
fn a_full_queue_is_told_before_the_body_is_sent() {
    let (server, client, _) = busy_server(Setup::default().with("max-queue", 1));
    let room = client.accepted(&hostile("echo", &[]));
    let kept = server.kept_pictures();
    let message = hostile("echo", &[]);

    let mut connection = Connection::open(server.address());
    let answer = connection.send(head(&message, message.1.len(), "Expect: 100-continue\r\n")).answer();
    answer.refused(503, "queue-full");
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    client.submit(&message).refused(503, "queue-full");

    assert_eq!(client.status(&room).state(), "pending");
    assert_eq!(client.get("/health/ready").code, 200, "a full queue is work, not a fault");
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, kept));
}

#[test]
fn who_expects_a_100_gets_it_only_when_the_body_is_wanted() {
    let server = Server::new();
    let message = resize();
    let mut wanted = Connection::open(server.address());
    wanted.send(head(&message, message.1.len(), "Expect: 100-continue\r\n"));
    assert_eq!(wanted.answer().code, 100);
    assert_eq!(wanted.send(&message.1).answer().code, 202);

    let unwanted = ("text/plain".to_owned(), vec![]);
    let mut connection = Connection::open(server.address());
    let answer = connection.send(head(&unwanted, 1000, "Expect: 100-continue\r\n")).answer();
    answer.refused(415, "unsupported-media-type");
}

#[test]
fn a_burst_does_not_pass_the_queue_s_limit() {
    let (server, client, _) = busy_server(Setup::default().with("max-queue", 5));
    let codes: Vec<u16> = thread::scope(|scope| {
        let senders: Vec<_> =
            (0..12).map(|_| scope.spawn(|| server.client().submit(&hostile("echo", &[])).code)).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    let accepted = codes.iter().filter(|code| **code == 202).count();
    assert_eq!((accepted, codes.iter().filter(|code| **code == 503).count()), (5, 7), "{codes:?}");
    assert_eq!(server.unfinished_uploads(), 0);
    assert_eq!(server.kept_pictures(), 6, "what was refused after its upload is deleted");
    drop(client);
}

#[test]
fn a_head_that_is_no_http_is_refused() {
    let server = Server::new();
    let headers = "X: y\r\n".repeat(200);
    let long = format!("X: {}\r\n", "y".repeat(500_000));
    for head in [
        "nonsense\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET /\u{0} HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
        format!("GET /plugins HTTP/1.1\r\nHost: h\r\n{headers}\r\n"),
        format!("GET /plugins HTTP/1.1\r\nHost: h\r\n{long}\r\n"),
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n".to_owned(),
    ] {
        let mut connection = Connection::open(server.address());
        let answer = connection.send(&head).try_answer();
        assert!(answer.is_none_or(|answer| (400..500).contains(&answer.code)), "{head:.60}");
    }
    assert_eq!(server.client().process(&resize()).state(), "OK");
}
