//! Clients that are slow, broken or hostile on the wire: each gets its answer or is cut off by its
//! timeout, leaves nothing behind, and nobody else notices.

use std::thread;

use tintype_tests::server::Setup;
use tintype_tests::{Connection, Related, Server, eventually, pictures, task_xml};

use crate::steps::{Message, hostile, hostile_server, resize};

/// A server, and how many sockets it has while nobody is connected.
struct Scene {
    server: Server,
    sockets: usize,
}

impl Scene {
    fn of(setup: Setup) -> Self {
        let server = setup.start();
        Self { sockets: server.sockets(), server }
    }

    fn open(&self) -> Connection {
        Connection::open(self.server.address())
    }

    /// Somebody else's task goes well; then nothing is left, of files or of connections.
    fn assert_unharmed(&self) {
        assert_eq!(self.server.client().process(&resize()).state(), "OK");
        eventually(
            || (self.server.unfinished_uploads() == 0).then_some(()),
            || "unfinished uploads remain".to_owned(),
        );
        eventually(
            || (self.server.sockets() <= self.sockets).then_some(()),
            || format!("{} sockets are open, {} before", self.server.sockets(), self.sockets),
        );
    }
}

fn impatient() -> Setup {
    let setup = Setup::default().with("header-timeout", "500ms").with("body-timeout", "500ms");
    setup.with("write-timeout", "500ms").with("upload-timeout", "1s")
}

fn head(content_type: &str, more: &str) -> String {
    format!("POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\n{more}\r\n")
}

fn whole(message: &Message) -> Vec<u8> {
    let length = format!("Content-Length: {}\r\n", message.1.len());
    [head(&message.0, &length).as_bytes(), &message.1].concat()
}

const ROOT: &str = "--xyz\r\nContent-Type: application/xml\r\n\r\n<task><operation name=\"resize\"><param name=\"width\">8</param></operation></task>\r\n";
const TYPE: &str = "multipart/related; boundary=xyz";

#[test]
fn a_head_that_trickles_is_cut_off() {
    let scene = Scene::of(impatient());
    let mut connection = scene.open();
    let head = head("image/png", &"X-Padding: something\r\n".repeat(40));
    let sent = connection.trickle(&head);
    assert!(sent < head.len(), "all of it was waited for");
    assert!(connection.try_answer().is_none_or(|answer| answer.code == 408));
    drop(connection);
    scene.assert_unharmed();
}

#[test]
fn a_body_that_trickles_is_told_so_and_cut_off() {
    let scene = Scene::of(impatient());
    let message = resize();
    let mut connection = scene.open();
    connection.send(head(&message.0, &format!("Content-Length: {}\r\n", message.1.len())));
    assert!(connection.trickle(&message.1) < message.1.len());
    connection.answer().refused(408, "too-slow");
    assert!(connection.is_closed());
    drop(connection);
    scene.assert_unharmed();
}

#[test]
fn a_connection_that_has_done_its_work_may_not_idle_for_ever() {
    let scene = Scene::of(impatient());
    let mut connection = scene.open();
    assert_eq!(connection.send("GET /plugins HTTP/1.1\r\nHost: h\r\n\r\n").answer().code, 200);
    assert!(connection.is_closed());
    scene.assert_unharmed();
}

#[test]
fn two_hundred_clients_that_stop_midway_hold_nobody_up() {
    let scene = Scene::of(Setup::default().with("header-timeout", "3s").with("body-timeout", "3s"));
    let message = resize();
    let start = whole(&message);
    let stuck: Vec<Connection> = (0..200)
        .map(|n| {
            let mut connection = scene.open();
            connection.send(&start[..n * start.len() / 200]);
            connection
        })
        .collect();
    assert_eq!(scene.server.client().process(&resize()).state(), "OK");
    for mut connection in stuck {
        let answer = connection.try_answer();
        assert!(answer.is_none_or(|answer| answer.code == 408), "cut off, or told why");
    }
    scene.assert_unharmed();
}

#[test]
fn who_has_sent_all_may_close_its_half_and_still_gets_its_answer() {
    let scene = Scene::of(Setup::default());
    let mut connection = scene.open();
    let answer = connection.send(whole(&resize())).finish().answer();
    assert_eq!(answer.code, 202, "{answer:?}");
    assert!(connection.is_closed());
    scene.assert_unharmed();
}

#[test]
fn who_closes_its_half_too_early_is_told_so() {
    let scene = Scene::of(Setup::default());
    let start = whole(&resize());
    let mut connection = scene.open();
    connection.send(&start[..start.len() - 10]).finish().answer().refused(400, "bad-request");
    drop(connection);
    scene.assert_unharmed();
}

#[test]
fn requests_that_are_sent_ahead_are_answered_in_their_order() {
    let scene = Scene::of(Setup::default());
    let mut connection = scene.open();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes();
    let requests = [get("/plugins"), get("/nowhere"), whole(&resize()), get("/health/live")];
    connection.send(requests.concat());
    let codes: Vec<u16> = (0..4).map(|_| connection.answer().code).collect();
    assert_eq!(codes, [200, 404, 202, 200]);
    drop(connection);
    scene.assert_unharmed();
}

#[test]
fn what_is_in_the_body_of_a_refused_request_is_never_read_as_a_request() {
    let scene = Scene::of(Setup::default());
    let hidden = "DELETE /images/task/x HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    let mut connection = scene.open();
    connection.send(head("text/plain", &format!("Content-Length: {}\r\n", hidden.len()))).send(&hidden);
    connection.answer().refused(415, "unsupported-media-type");
    assert!(connection.is_closed());
    drop(connection);
    scene.assert_unharmed();
}

#[test]
fn a_body_of_two_lengths_smuggles_nothing() {
    let scene = Scene::of(Setup::default());
    let hidden = "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n";
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 50\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: \r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 5\r\n Transfer-Encoding: chunked\r\n",
    ] {
        let mut connection = scene.open();
        connection.send(format!("{}0\r\n\r\n{hidden}", head("image/png", lengths))).finish();
        let answer = connection.try_answer();
        let is_refused = answer.as_ref().is_none_or(|answer| (400..500).contains(&answer.code));
        assert!(is_refused, "{lengths}: {answer:?}");
        assert!(connection.is_closed(), "{lengths}");
    }
    scene.assert_unharmed();
}

#[test]
fn a_good_task_with_two_lengths_is_at_most_itself() {
    let scene = Scene::of(Setup::default());
    let message = resize();
    let chunked = [format!("{:x}\r\n", message.1.len()).as_bytes(), &message.1, b"\r\n0\r\n\r\n"].concat();
    let hidden = "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut connection = scene.open();
    connection.send(head(&message.0, "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"));
    connection.send(chunked).send(hidden);
    assert!(connection.try_answer().is_none_or(|answer| [202, 400].contains(&answer.code)));
    assert!(connection.is_closed());
    drop(connection);
    scene.assert_unharmed();
}

#[test]
fn chunks_that_are_none_are_refused() {
    let scene = Scene::of(Setup::default());
    for chunks in
        ["x\r\n", "-1\r\n", "5\nabcde\n", "ffffffffffffffffff\r\n", "5\r\nabcdefg\r\n", "1;\u{0}\r\n"]
    {
        let mut connection = scene.open();
        let head = head("image/png", "Transfer-Encoding: chunked\r\n");
        let head = head.replace("/images/tasks", "/images/tasks?operation=resize&width=8");
        let answer = connection.send(format!("{head}{chunks}")).finish().try_answer();
        assert!(answer.as_ref().is_none_or(|answer| answer.code == 400), "{chunks:?}: {answer:?}");
        assert!(connection.is_closed(), "{chunks:?}");
    }
    scene.assert_unharmed();
}

#[test]
fn a_head_that_is_too_large_is_told_so() {
    let scene = Scene::of(Setup::default());
    let long = "y".repeat(1 << 20);
    for head in [
        format!("GET /plugins HTTP/1.1\r\nHost: h\r\nX: {long}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n"),
        format!("GET /plugins HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(100_000)),
    ] {
        let mut connection = scene.open();
        let answer = connection.send(&head).answer();
        assert!([414, 431].contains(&answer.code), "{head:.40}: {answer:?}");
        assert!(connection.is_closed());
    }
    scene.assert_unharmed();
}

#[test]
fn bytes_that_are_no_text_are_refused_wherever_they_stand() {
    let scene = Scene::of(Setup::default().hostile());
    let get = |start: &[u8], line: &[u8]| [start, b" HTTP/1.1\r\nHost: h\r\n", line, b"\r\n\r\n"].concat();
    for request in [
        get(b"GET /\0", b"A: b"),
        get(b"GET /images/task/\xff\xfe", b"A: b"),
        get(b"G\xffT /", b"A: b"),
        get(b"GET /images/task/%00", b"A: b"),
        get(b"GET /images/task/%ff%fe", b"A: b"),
        get(b"GET /images/task/%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"A: b"),
        get(b"GET /images/../../../etc/passwd", b"A: b"),
        get(b"GET /nowhere", b"A: \0"),
        get(b"GET /nowhere", b"A\0: b"),
        get(b"GET /nowhere", b"\xc3\xa4: b"),
        get(b"GET /nowhere", b"Accept: \xff\xfe"),
        get(b"GET /nowhere", b"Authorization: \xff\xfe"),
    ] {
        let mut connection = scene.open();
        let answer = connection.send(&request).finish().try_answer();
        let shown = String::from_utf8_lossy(&request);
        assert!(answer.is_none_or(|answer| (400..500).contains(&answer.code)), "{shown}");
    }
    scene.assert_unharmed();

    let client = scene.server.client();
    for (headers, description) in [
        (&b"Content-Type: application/xml"[..], &b"<task>\0</task>"[..]),
        (b"Content-Type: application/xml", b"<task><operation name=\"\xff\xfe\"/></task>"),
        (b"Content-Type: application/json", b"{\"operations\":[{\"name\":\"\xff\"}]}"),
        (b"Content-Type: application/json", b"{\"operations\":[{\"name\":\"\0\"}]}"),
        (b"Content-Type: application/xml\xff", b"<task><operation name=\"echo\"/></task>"),
        (b"Content-Type: application/xml\0", b"<task><operation name=\"echo\"/></task>"),
        (b"Content-\xffID: <a>", b"<task><operation name=\"echo\"/></task>"),
    ] {
        let parts: [&[u8]; 5] =
            [b"--xyz\r\n", headers, b"\r\n\r\n", description, b"\r\n--xyz\r\n\r\nx\r\n--xyz--"];
        let answer = client.submit(&(TYPE.to_owned(), parts.concat()));
        assert!([400, 415].contains(&answer.code), "{:?}: {answer:?}", String::from_utf8_lossy(headers));
    }
    assert_eq!(scene.server.kept_pictures(), 2, "only the neighbour's");
}

#[test]
fn a_message_that_is_all_wrapping_is_refused_however_much_of_it_there_is() {
    let scene = Scene::of(Setup::default());
    let line = "this is not a boundary\r\n";
    let many = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    let resident = scene.server.resident();
    for body in [
        many(line, 30 << 20),
        format!("{ROOT}{}", many("--xyz\r\n\r\nx\r\n", 13 * 10_000)),
        format!("{ROOT}--xyz\r\nX-Long: {}\r\n\r\nx\r\n--xyz--", many("y", 1 << 20)),
        format!("{ROOT}--xyz\r\n{}\r\nx\r\n--xyz--", many("X-Many: y\r\n", 1 << 20)),
        format!("{ROOT}--xyz{}\r\n", many(" ", 1 << 20)),
        format!("{ROOT}--xyz--\r\n{}", many(line, 30 << 20)),
        format!("--xyz\r\nContent-Type: application/xml\r\n\r\n<task>{}", many("<!--x-->", 1 << 20)),
    ] {
        let answer = scene.server.client().submit(&(TYPE.to_owned(), body.into_bytes()));
        assert_eq!(answer.code, 400, "{answer:?}");
    }
    assert!(scene.server.resident() < resident + (16 << 20), "{resident} before");
    assert_eq!(scene.server.kept_pictures(), 0);
    scene.assert_unharmed();
}

#[test]
fn a_boundary_that_never_comes_is_an_image_up_to_its_limit() {
    let scene = Scene::of(Setup::default().with("max-image-size", "1MiB"));
    let start = format!("{ROOT}--xyz\r\n\r\n");
    let nearly = "\r\n--xy".repeat(100_000);
    let short = (TYPE.to_owned(), format!("{start}{nearly}").into_bytes());
    scene.server.client().submit(&short).refused(400, "bad-multipart");
    let long = (TYPE.to_owned(), format!("{start}{}", nearly.repeat(4)).into_bytes());
    scene.server.client().submit(&long).refused(413, "too-large");
    assert_eq!(scene.server.kept_pictures(), 0);
    scene.assert_unharmed();
}

#[test]
fn who_sends_everything_before_it_reads_still_learns_why_it_was_refused() {
    let scene = Scene::of(Setup::default().with("max-image-size", "64KiB").with("max-request-size", "1MiB"));
    let picture = vec![1; 100 << 20];
    let too_large = Related::simple(&task_xml("resize", &[], ""), "image/png", &picture);
    let mut connection = scene.open();
    connection.send(whole(&too_large)).answer().refused(413, "too-large");
    let mut chunked = scene.open();
    chunked.send(head(&too_large.0, "Transfer-Encoding: chunked\r\n"));
    chunked.send(format!("{:x}\r\n", too_large.1.len())).send(&too_large.1).send("\r\n0\r\n\r\n");
    chunked.answer().refused(413, "too-large");
    drop((connection, chunked));
    scene.assert_unharmed();
}

#[test]
fn who_never_reads_its_answers_is_cut_off() {
    let scene = Scene::of(impatient().hostile());
    let client = scene.server.client();
    let status = client.process(&hostile("huge", &[("bytes", "67108864")]));
    let path = tintype_tests::client::path(status.href());
    drop(client);
    let deaf: Vec<Connection> = (0..20)
        .map(|_| {
            let mut connection = scene.open();
            connection.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"));
            connection
        })
        .collect();
    scene.assert_unharmed();
    drop(deaf);
}

#[test]
fn who_reads_slowly_but_steadily_gets_all_of_it() {
    let server = hostile_server();
    let client = server.client();
    let status = client.process(&hostile("huge", &[("bytes", "8388608")]));
    let answers: Vec<usize> = thread::scope(|scope| {
        let readers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| server.client().result(&status).body.len())).collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    assert_eq!(answers, [8 << 20; 8]);
}

#[test]
fn connections_that_are_dropped_at_any_moment_leave_nothing() {
    let scene = Scene::of(Setup::default());
    let picture = pictures::png(200, 200);
    let message = Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &picture);
    let bytes = whole(&message);
    for end in (0..bytes.len()).step_by(bytes.len() / 100) {
        scene.open().send(&bytes[..end]);
    }
    scene.assert_unharmed();
}
