//! `multipart/form-data` (RFC 7578), as `curl -F` and HTML forms write it.

use tintype_tests::{Client, FormData, pictures, task_xml};

use crate::steps::{Message, hostile_server};

const FILE: &str = "Content-Type: image/png";

fn assert_result(client: &Client, message: &Message, expected: &[u8]) {
    let status = client.process(message);
    assert_eq!(client.result(&status).body, expected);
}

#[test]
fn a_form_with_a_task_and_an_image_is_a_task() {
    let server = hostile_server();
    let client = server.client();
    let task = task_xml("resize", &[("width", "7")], "image/webp");
    let form = FormData::default().field("task", "", task.as_bytes()).file(
        "image",
        "holiday \u{fc}.png",
        "image/png",
        &pictures::png(14, 14),
    );
    let result = client.result(&client.process(&form.build()));
    assert_eq!(result.header("content-type"), Some("image/webp"));
    assert_eq!(pictures::decode(&result.body).width(), 7);
}

#[test]
fn the_task_is_xml_or_json_by_its_type_or_by_how_it_begins() {
    let server = hostile_server();
    let client = server.client();
    let xml: &[u8] = b"<task><operation name=\"echo\"/></task>";
    let json: &[u8] = br#" {"operations":[{"name":"echo"}]}"#;
    for (header, task) in [
        ("Content-Type: application/xml", xml),
        ("Content-Type: text/xml;charset=utf-8", xml),
        ("Content-Type: application/json", json),
        ("Content-Type: text/plain", xml),
        ("Content-Type: text/plain", json),
        ("", xml),
        ("", json),
    ] {
        let form = FormData::default().field("task", header, task).field("image", FILE, b"picture");
        assert_result(&client, &form.build(), b"picture");
    }
}

#[test]
fn fields_come_in_any_order_and_further_ones_are_attachments_by_name() {
    let server = hostile_server();
    let client = server.client();
    let task =
        b"<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:logo\"/></operation></task>";
    let form = FormData::default()
        .file("logo", "logo.png", "image/png", b"the logo")
        .field("image", FILE, b"picture")
        .field("task", "", task);
    assert_result(&client, &form.build(), b"the logo");
}

#[test]
fn a_form_that_lacks_something_is_told_what() {
    let server = hostile_server();
    let client = server.client();
    let echo = b"<task><operation name=\"echo\"/></task>";
    for (form, words) in [
        (FormData::default().field("image", FILE, b"x"), "no field task"),
        (FormData::default().field("task", "", echo), "no field image"),
        (FormData::default().field("task", "", echo).field("picture", FILE, b"x"), "no field image"),
        (
            FormData::default().field("task", "", echo).field("image", FILE, b"x").field("more", FILE, b"y"),
            "neither the image nor referred to",
        ),
        (FormData::default().field("task", "", echo).field("task", "", echo), "Two parts are named"),
    ] {
        let problem = client.submit(&form.build()).refused(400, "bad-multipart");
        assert!(problem.detail.contains(words), "{problem:?}");
    }
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
}
