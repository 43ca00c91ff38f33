//! `multipart/related` (RFC 2387): whatever a message may look like, the same parts arrive.

use tintype_tests::{Client, Related, Server, Status, pictures, task_xml};

use crate::steps::{Message, hostile_server};

const ECHO: &str = "<task><operation name=\"echo\"/></task>";
const ATTACHED: &str = "<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:logo@client\"/></operation></task>";

/// Processes a message, whose result must be these bytes.
fn assert_result(client: &Client, message: &Message, expected: &[u8]) -> Status {
    let status = client.process(message);
    assert_eq!(client.result(&status).body, expected);
    status
}

/// A message written by hand, with the boundary `xyz`.
fn by_hand(parameters: &str, body: &str) -> Message {
    (format!("multipart/related{parameters}"), body.as_bytes().to_vec())
}

#[test]
fn the_note_s_own_example_works() {
    let server = Server::new();
    let client = server.client();
    let mut body = b"--xyz\r\nContent-Type: application/xml;charset=UTF-8\r\n\r\n".to_vec();
    body.extend(task_xml("resize", &[("width", "5")], "").as_bytes());
    body.extend(b"\r\n--xyz\r\nContent-Type: image/png\r\n\r\n");
    body.extend(pictures::png(20, 10));
    body.extend(b"\r\n--xyz--");
    let status = client.process(&("multipart/related; boundary=xyz".to_owned(), body));
    let picture = pictures::decode(&client.result(&status).body);
    assert_eq!((picture.width(), picture.height()), (5, 3));
}

#[test]
fn the_root_is_the_part_that_start_names_wherever_it_stands() {
    let server = hostile_server();
    let client = server.client();
    let task = ECHO.as_bytes();
    let root = "Content-Type: application/xml\r\nContent-ID: <root@client>";
    for (parameters, image_first) in [
        ("; start=\"<root@client>\"; type=\"application/xml\"", true),
        ("; type=\"text/xml\"; start=\"<root@client>\"", false),
        ("; TYPE=\"Application/XML\"; Start=\"root@client\"; start-info=\"x\"", true),
    ] {
        let empty = Related::empty().parameters(parameters);
        let message = if image_first {
            empty.part("Content-Type: image/png", b"picture").part(root, task)
        } else {
            empty.part(&root.replace("application", "text"), task).part("Content-Type: image/png", b"picture")
        };
        assert_result(&client, &message.build(), b"picture");
    }
}

#[test]
fn an_attachment_reaches_the_plugin_wherever_it_stands() {
    let server = hostile_server();
    let client = server.client();
    let logo = "content-id: <logo@client>\r\ncontent-type: image/png";
    let image_first = Related::new(ATTACHED).part("", b"image").part(logo, b"logo");
    let image_last = Related::new(ATTACHED).part(logo, b"logo").part("Content-ID: <other@client>", b"image");
    for message in [image_first, image_last] {
        assert_result(&client, &message.build(), b"logo");
    }
}

#[test]
fn a_description_in_json_means_the_same() {
    let server = hostile_server();
    let client = server.client();
    let json = "Content-Type: application/json";
    let task = br#"{"operations":[{"name":"attached","params":{"picture":{"cid":"logo@client"}}}]}"#;
    let message = Related::empty()
        .part(json, task)
        .part("Content-Type: image/png", b"image")
        .part("Content-ID: <logo@client>", b"logo");
    assert_result(&client, &message.build(), b"logo");
}

#[test]
fn parts_may_have_no_headers_at_all() {
    let server = hostile_server();
    let client = server.client();
    let image = Related::new(ECHO).part("", b"bare").build();
    assert_result(&client, &image, b"bare");
    let root = Related::empty().part("", ECHO.as_bytes()).part("", b"bare too").build();
    assert_result(&client, &root, b"bare too");
    let typed_by_parameter = Related::empty()
        .parameters("; type=\"application/json\"")
        .part("", br#"{"operations":[{"name":"echo"}]}"#);
    assert_result(&client, &typed_by_parameter.part("", b"bare again").build(), b"bare again");
}

#[test]
fn transfer_encodings_are_undone() {
    let server = hostile_server();
    let client = server.client();
    for (encoding, encoded, decoded) in [
        ("base64", "AAEC\r\n/w==\r\n", &[0, 1, 2, 255][..]),
        ("BASE64", "AAEC/w==", &[0, 1, 2, 255]),
        ("quoted-printable", "a=3Db=\r\nc=FF", b"a=bc\xff"),
        ("binary", "a=3D\r\nb", b"a=3D\r\nb"),
        ("8bit", "\u{fc}", "\u{fc}".as_bytes()),
        ("7bit", "plain", b"plain"),
    ] {
        let headers = format!("Content-Type: image/png\r\nContent-Transfer-Encoding: {encoding}");
        let message = Related::new(ECHO).part(&headers, encoded.as_bytes()).build();
        assert_result(&client, &message, decoded);
    }
    let encoded_root = Related::empty()
        .part(
            "Content-Type: application/xml\r\nContent-Transfer-Encoding: quoted-printable",
            b"<task><operation=20name=3D\"echo\"/></task>",
        )
        .part("", b"image");
    assert_result(&client, &encoded_root.build(), b"image");
}

#[test]
fn what_surrounds_the_parts_is_ignored() {
    let server = hostile_server();
    let client = server.client();
    let task = "Content-Type: application/xml\r\n\r\n<task><operation name=\"echo\"/></task>";
    for (parameters, body) in [
        (
            "; boundary=xyz",
            format!(
                "This is a MIME message.\r\n--xyz\r\n{task}\r\n--xyz\r\n\r\nimage\r\n--xyz--\r\nBye.\r\n"
            ),
        ),
        ("; boundary=xyz", format!("--xyz \t \r\n{task}\r\n--xyz\t\r\n\r\nimage\r\n--xyz-- ")),
        (
            ";boundary=\"xyz\" ; charset=utf-8",
            format!("\r\n--xyz\r\n{task}\r\n--xyz\r\n\r\nimage\r\n--xyz--"),
        ),
        ("; BOUNDARY=\"x\\yz\"", format!("--xyz\r\n{task}\r\n--xyz\r\n\r\nimage\r\n--xyz--")),
        ("; boundary=\"a b:c\"", format!("--a b:c\r\n{task}\r\n--a b:c\r\n\r\nimage\r\n--a b:c--")),
    ] {
        assert_result(&client, &by_hand(parameters, &body), b"image");
    }
}

#[test]
fn an_image_may_contain_what_looks_like_a_boundary() {
    let server = hostile_server();
    let client = server.client();
    let (message, _) = Related::new(ECHO).build();
    let boundary = message.split('"').nth(1).unwrap();
    for image in [
        format!("-{boundary}"),
        format!("\n--{boundary}\n"),
        format!("\r\n-{boundary}--\r\n"),
        format!("\r\n--{boundary}more"),
        "\r\n\r\n--\r\n".to_owned(),
        String::new(),
    ] {
        let message = Related::new(ECHO).part("Content-Type: image/png", image.as_bytes()).build();
        assert_result(&client, &message, image.as_bytes());
    }
}

#[test]
fn a_chunked_body_of_any_size_arrives_whole() {
    let server = hostile_server();
    let client = server.client();
    let image: Vec<u8> = (0..3_000_000_u32).map(|n| ((n * 31) >> 7) as u8).collect();
    let (content_type, body) = Related::new(ECHO).part("", &image).build();
    let mut connection = tintype_tests::Connection::open(server.address());
    connection.send(format!(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ));
    for chunk in body.chunks(70_001) {
        connection.send(format!("{:x}\r\n", chunk.len())).send(chunk).send("\r\n");
    }
    let answer = connection.send("0\r\n\r\n").answer();
    assert_eq!(answer.code, 202, "{answer:?}");
    let task = tintype_tests::client::path(answer.header("content-location").unwrap());
    assert_eq!(client.result(&client.wait(&task)).body, image);
}

#[test]
fn values_arrive_whatever_characters_they_have() {
    let server = hostile_server();
    let client = server.client();
    let words = "5 &lt; 6 &amp; \u{fc}\u{4f60}\u{1f4f7} <![CDATA[<raw>]]> &#x41;";
    let status =
        client.process(&Related::simple(&task_xml("fail", &[("text", words)], ""), "image/png", b""));
    assert_eq!(status.detail(), "5 < 6 & \u{fc}\u{4f60}\u{1f4f7} <raw> A");
}
