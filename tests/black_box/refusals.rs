//! What is refused before a 202: with which code and type, in which words, and leaving nothing behind.

use std::thread;

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Client, Connection, Related, Server, pictures, task_xml};

use crate::steps::{Message, busy_server, hostile, hostile_server, resize};

fn post(client: &Client, content_type: &str, body: &[u8]) -> Answer {
    client.submit(&(content_type.to_owned(), body.to_vec()))
}

/// A message with this description and an image.
fn described(media_type: &str, description: &str) -> Message {
    let root = format!("Content-Type: {media_type}");
    Related::empty().part(&root, description.as_bytes()).part("Content-Type: image/png", b"x").build()
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
        let headers = [("Accept", accept), ("Content-Type", "text/plain"), ("X-Request-Id", "forged")];
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
fn a_malformed_description_is_refused_with_line_and_column() {
    let server = hostile_server();
    let client = server.client();
    let xml = "application/xml";
    for (media_type, description, place, words) in [
        (xml, "<task>\n  <operation name='a'>\n</task>", "Line 3", "not well-formed"),
        (xml, "<!DOCTYPE task><task/>", "Line 1, column 1:", "DOCTYPE"),
        (xml, "<task>\n <!DOCTYPE x [<!ENTITY a 'b'>]></task>", "Line 2", "DOCTYPE"),
        (
            xml,
            "<task><operation name='fail'><param name='text'>&lol;</param></operation></task>",
            "Line 1",
            "&lol;",
        ),
        (xml, "<task>\n\n<what/></task>", "Line 3, column 1:", "what"),
        (xml, "<task><operation name='echo' colour='red'/></task>", "Line 1", "colour"),
        (xml, "<task>loose<operation name='echo'/></task>", "Line 1, column 7:", "text has no place"),
        (xml, "<task/>", "Line 1", "at least one operation"),
        (xml, "", "Line 1", ""),
        (xml, "\u{0}", "Line 1", ""),
        (xml, "<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>", "Line 1", ""),
        (
            xml,
            "<task><operation name='echo'><param name='x' href='http://example.org/x'/></operation></task>",
            "Line 1",
            "cid:",
        ),
        (
            xml,
            "<task><operation name='echo'><param name='x' href='file:///etc/passwd'/></operation></task>",
            "Line 1",
            "cid:",
        ),
        (xml, "{\"operations\":[{\"name\":\"echo\"}]}", "Line 1", ""),
        ("application/json", "{\"operations\":[{\"name\":\"echo\"},]}", "Line 1", "JSON"),
        ("application/json", "{\n\"operations\":[{\"name\":\"echo\",\n\"what\":1}]}", "Line 3", "what"),
        ("application/json", "[]", "Line 1", ""),
        ("application/json", "", "Line 1", ""),
    ] {
        let problem = client.submit(&described(media_type, description)).refused(400, "bad-description");
        assert!(
            problem.detail.contains(place) && problem.detail.contains(words),
            "{description}: {problem:?}"
        );
    }
    assert_nothing_is_kept(&server);
}

#[test]
fn a_description_has_its_bounds() {
    let server = hostile_server();
    let client = server.client();
    let with =
        |operations: usize| format!("<task>{}</task>", "<operation name=\"echo\"/>".repeat(operations));
    assert_eq!(client.submit(&described("application/xml", &with(16))).code, 202);
    client.submit(&described("application/xml", &with(17))).refused(400, "bad-description");
    let long = format!("<task><operation name=\"echo\"/><!--{}--></task>", "x".repeat(65_536));
    let problem = client.submit(&described("application/xml", &long)).refused(400, "bad-description");
    assert!(problem.detail.contains("65536"), "{problem:?}");
    let words = "x".repeat(60_000);
    let fits = task_xml("fail", &[("text", &words)], "");
    assert_eq!(client.process(&described("application/xml", &fits)).code(), "plugin-error");
}

#[test]
fn a_description_of_another_type_or_charset_is_unsupported() {
    let server = hostile_server();
    let client = server.client();
    let task = "<task><operation name=\"echo\"/></task>";
    for media_type in ["image/png", "text/html", "application/xml;charset=iso-8859-1"] {
        client.submit(&described(media_type, task)).refused(415, "unsupported-media-type");
    }
    for media_type in ["application/xml;charset=\"utf-8\"", "text/xml"] {
        assert_eq!(client.submit(&described(media_type, task)).code, 202, "{media_type}");
    }
}

#[test]
fn what_is_understood_but_impossible_names_what_and_the_rule() {
    let server = hostile_server();
    let client = server.client();
    for (task, words) in [
        (task_xml("rezise", &[], ""), &["rezise", "resize", "crop"][..]),
        (task_xml("resize", &[("width", "wide")], ""), &["resize", "width", "wide"]),
        (task_xml("resize", &[("width", "0")], ""), &["resize", "width", "1"]),
        (task_xml("resize", &[("width", "1.5")], ""), &["resize", "width", "1.5"]),
        (task_xml("resize", &[("width", "8"), ("fit", "squeeze")], ""), &["resize", "fit", "cover"]),
        (task_xml("resize", &[("width", "8"), ("heigth", "8")], ""), &["resize", "heigth", "height"]),
        (task_xml("crop", &[("width", "8")], ""), &["crop", "height"]),
        (task_xml("echo", &[("width", "8")], ""), &["echo", "width", "no parameters"]),
        (task_xml("attached", &[("picture", "text")], ""), &["attached", "picture", "cid"]),
        (task_xml("resize", &[("width", "8")], "image/x-unheard-of"), &["image/x-unheard-of", "image/png"]),
        ("<task><operation name=\"echo\" plugin=\"standard\"/></task>".to_owned(), &["echo", "hostile 1.0.0"]),
        ("<task><operation name=\"echo\" version=\">=2\"/></task>".to_owned(), &["echo", "hostile 1.0.0"]),
        ("<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:none\"/></operation></task>".to_owned(), &["picture", "cid:none"]),
        ("<task><operation name=\"echo\"/><output type=\"image/png\"><param name=\"quality\">101</param></output></task>".to_owned(), &["image/png", "quality"]),
    ] {
        let problem = client.submit(&described("application/xml", &task)).refused(422, "impossible-task");
        for word in words {
            assert!(problem.detail.contains(word), "{word}: {problem:?}");
        }
    }
    assert_nothing_is_kept(&server);
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

#[test]
fn an_operation_that_two_plugins_offer_must_be_told_apart() {
    // The same component under another name in its descriptor.
    let hostile_wasm = std::fs::read(tintype_tests::server::target().join("guests/hostile.wasm")).unwrap();
    let server = Setup::default().hostile().plugin("twin.wasm", &renamed(&hostile_wasm)).start();
    let client = server.client();
    let problem = client.submit(&hostile("echo", &[])).refused(422, "impossible-task");
    assert!(
        problem.detail.contains("hostile 1.0.0") && problem.detail.contains("h0stile 1.0.0"),
        "{problem:?}"
    );
    let chosen = "<task><operation name=\"echo\" plugin=\"h0stile\" version=\"^1\"/></task>";
    let message = Related::simple(chosen, "image/png", &pictures::png(1, 1));
    assert_eq!(client.process(&message).state(), "OK");
}

/// The hostile plugin by another name of the same length.
fn renamed(wasm: &[u8]) -> Vec<u8> {
    let (name, other) = (b"hostile1.0.0", b"h0stile1.0.0");
    let at = wasm.windows(name.len()).position(|bytes| bytes == name).expect("name and version lie together");
    [&wasm[..at], other, &wasm[at + name.len()..]].concat()
}
