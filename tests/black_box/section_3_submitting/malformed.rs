//! A catalogue of multipart messages that are wrong: each is a 400 that says where, and nothing of it
//! is kept.

use tintype_tests::Server;

use crate::steps::{Message, hostile_server};

const TASK: &str = "Content-Type: application/xml\r\n\r\n<task><operation name=\"echo\"/></task>";

fn related(parameters: &str, body: impl AsRef<[u8]>) -> Message {
    (format!("multipart/related{parameters}"), body.as_ref().to_vec())
}

/// A message whose second part has these headers and this body.
fn second(headers: &str, body: &str) -> Message {
    related("; boundary=xyz", format!("--xyz\r\n{TASK}\r\n--xyz\r\n{headers}\r\n{body}\r\n--xyz--\r\n"))
}

fn assert_refused(server: &Server, cases: &[(Message, &str)]) {
    for (message, words) in cases {
        let shown = String::from_utf8_lossy(&message.1[..message.1.len().min(200)]).into_owned();
        let answer = server.client().submit(message);
        let problem = answer.refused(400, "bad-multipart");
        assert!(problem.detail.contains(words), "{}\n{shown}\n{words}: {problem:?}", message.0);
    }
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
}

#[test]
fn a_boundary_that_cannot_separate_parts_is_refused() {
    let server = hostile_server();
    let body = format!("--xyz\r\n{TASK}\r\n--xyz\r\n\r\nimage\r\n--xyz--\r\n");
    let long = format!("; boundary={}", "b".repeat(71));
    assert_refused(
        &server,
        &[
            (related("", &body), "boundary"),
            (related("; boundary=\"\"", &body), "1 to 70"),
            (related(&long, &body), "1 to 70"),
            (related("; boundary=\"x y \"", &body), "space"),
            (related("; boundary=\"x;y\"", &body), "';'"),
            (related("; boundary=other", &body), "--other"),
        ],
    );
    let client = server.client();
    for twice in ["; boundary=xyz; boundary=xyz", "; boundary=xyz; Boundary=abc", "; boundary=\"xyz"] {
        client.submit(&related(twice, &body)).refused(400, "bad-request");
    }
}

#[test]
fn a_message_that_ends_early_is_refused_wherever_it_ends() {
    let server = hostile_server();
    let whole = format!("--xyz\r\n{TASK}\r\n--xyz\r\nContent-Type: image/png\r\n\r\nimage\r\n--xyz--");
    for end in 0..whole.len() {
        let cut = related("; boundary=xyz", &whole[..end]);
        let answer = server.client().submit(&cut);
        assert_eq!(answer.code, 400, "cut at {end}: {answer:?}");
    }
    assert_eq!(server.client().submit(&related("; boundary=xyz", &whole)).code, 202);
    assert_eq!(server.unfinished_uploads(), 0);
}

#[test]
fn lines_must_end_in_crlf() {
    let server = hostile_server();
    let with_lf = format!("--xyz\r\n{TASK}\r\n--xyz\r\n\r\nimage\r\n--xyz--\r\n").replace("\r\n", "\n");
    let header_lf = second("Content-Type: image/png\nX: y\r\n", "image");
    assert_refused(
        &server,
        &[
            (related("; boundary=xyz", with_lf), "--xyz"),
            (header_lf, "CRLF"),
            (second("X: a\0b\r\n", ""), "NUL"),
        ],
    );
}

#[test]
fn headers_of_parts_must_be_headers() {
    let server = hostile_server();
    let long = format!("X: {}\r\n", "y".repeat(9000));
    assert_refused(
        &server,
        &[
            (second("no colon here\r\n", "image"), "Name: value"),
            (second(": empty name\r\n", "image"), "name"),
            (second("Content Type: image/png\r\n", "image"), "name"),
            (second(" folded: nothing\r\n", "image"), "begins with a space"),
            (
                second("Content-Type: image/png\r\ncontent-type: image/gif\r\n", "image"),
                "second `Content-Type`",
            ),
            (second("Content-ID: <a>\r\nContent-ID: <b>\r\n", "image"), "second `Content-ID`"),
            (second("Content-ID: <a b>\r\n", "image"), "Content-ID"),
            (second("Content-ID:\r\n", "image"), "Content-ID"),
            (second("Content-Type: image\r\n", "image"), "Content-Type"),
            (second("Content-Type: image/png; a=b; a=c\r\n", "image"), "Content-Type"),
            (second("Content-Disposition: form-data; name=\"x\r\n", "image"), "Content-Disposition"),
            (second(&long, "image"), "8192"),
        ],
    );
}

#[test]
fn encoded_parts_must_be_what_they_say() {
    let server = hostile_server();
    let encoded =
        |encoding: &str, body: &str| second(&format!("Content-Transfer-Encoding: {encoding}\r\n"), body);
    assert_refused(
        &server,
        &[
            (encoded("base64", "AAE*"), "base64"),
            (encoded("base64", "AAECA"), "base64"),
            (encoded("base64", "AA==AAEC"), "base64"),
            (encoded("quoted-printable", "a=ZZ"), "quoted-printable"),
        ],
    );
    for unknown in ["gzip", "x-uuencode", "base64,base64"] {
        let problem =
            server.client().submit(&encoded(unknown, "AAEC")).refused(415, "unsupported-media-type");
        assert!(problem.detail.contains("base64"), "{problem:?}");
    }
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
}

#[test]
fn parts_that_do_not_make_a_task_are_refused() {
    let server = hostile_server();
    let body = |parts: &[&str]| {
        let parts: String = parts.iter().map(|part| format!("--xyz\r\n{part}\r\n")).collect();
        related("; boundary=xyz", format!("{parts}--xyz--\r\n"))
    };
    let starting = |start: &str, message: Message| (format!("{}; {start}", message.0), message.1);
    let image = "Content-Type: image/png\r\n\r\nimage";
    let named = "Content-ID: <a>\r\n\r\nimage";
    let attached = "Content-Type: application/xml\r\n\r\n<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:a\"/></operation></task>";
    assert_refused(
        &server,
        &[
            (body(&[]), "no parts"),
            (body(&[TASK]), "no image"),
            (body(&[attached, named]), "no image"),
            (body(&[TASK, image, image]), "Part 3"),
            (body(&[TASK, named, named]), "\"a\""),
            (body(&[TASK; 17]), "More than 16 parts"),
            (starting("start=\"<b>\"", body(&[TASK, named])), "<b>"),
            (starting("start=\"<b c>\"", body(&[TASK, named])), "start"),
            (starting("type=\"text/plain\"", body(&[TASK, image])), "text/plain"),
            (starting("type=\"nonsense\"", body(&[TASK, image])), "type"),
        ],
    );
}

#[test]
fn endless_text_around_the_parts_is_refused() {
    let server = hostile_server();
    let long = "x".repeat(70_000);
    let parts = format!("--xyz\r\n{TASK}\r\n--xyz\r\n\r\nimage\r\n--xyz--\r\n");
    let padded = format!("--xyz{}\r\n{TASK}\r\n--xyz--", " ".repeat(5_000));
    assert_refused(
        &server,
        &[
            (related("; boundary=xyz", format!("{long}\r\n{parts}")), "65536"),
            (related("; boundary=xyz", format!("{parts}{long}")), "65536"),
            (related("; boundary=xyz", padded), "spaces"),
        ],
    );
}

#[test]
fn names_that_are_much_too_long_are_the_client_s_mistake() {
    let server = hostile_server();
    let cid = "c".repeat(5000);
    let root = format!(
        "Content-Type: application/xml\r\n\r\n<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:{cid}\"/></operation></task>"
    );
    let attachment = format!(
        "--xyz\r\n{root}\r\n--xyz\r\n\r\nimage\r\n--xyz\r\nContent-ID: <{cid}>\r\n\r\nlogo\r\n--xyz--\r\n"
    );
    let typed = second(&format!("Content-Type: image/{}\r\n", "x".repeat(5000)), "image");
    for message in [related("; boundary=xyz", attachment), typed] {
        let answer = server.client().submit(&message);
        assert!(answer.code == 202 || answer.code == 400, "{answer:?}");
    }
}

#[test]
fn as_many_attachments_as_a_message_can_have_are_taken() {
    let server = hostile_server();
    let param = |n: usize| {
        format!(
            "<operation name=\"attached\"><param name=\"picture\" href=\"cid:part-{n}-with-a-rather-long-name-{n}@mail.client.example.org\"/></operation>"
        )
    };
    let mut message =
        tintype_tests::Related::new(&format!("<task>{}</task>", (0..14).map(param).collect::<String>()));
    for n in 0..14 {
        let headers = format!(
            "Content-ID: <part-{n}-with-a-rather-long-name-{n}@mail.client.example.org>\r\nContent-Type: image/vnd.example.quite-long-name"
        );
        message = message.part(&headers, b"x");
    }
    assert_eq!(server.client().process(&message.part("", b"image").build()).state(), "OK");
}
