//! `info` over HTTP: a result that is no picture.

use tintype_tests::{Client, Related, Server, Status, pictures, task_xml};

fn processed(client: &Client, operation: &str, params: &[(&str, &str)], output: &str) -> Status {
    let task = task_xml(operation, params, output);
    client.process(&Related::simple(&task, "image/png", &pictures::png(40, 20)))
}

#[test]
fn what_is_known_about_a_picture_is_a_json_document() {
    let server = Server::new();
    let client = server.client();
    for output in ["", "application/json"] {
        let answer = client.result(&processed(&client, "info", &[], output));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let document = answer.json();
        assert_eq!((&document["width"], &document["height"]), (&40.into(), &20.into()));
        assert_eq!(document["media-type"], "image/png");
    }
}

#[test]
fn a_picture_that_shall_be_json_and_a_document_that_shall_be_a_picture_fail_and_say_why() {
    let server = Server::new();
    let client = server.client();
    let resized = processed(&client, "resize", &[("width", "8")], "application/json");
    assert_eq!((resized.state(), resized.code()), ("FAILED", "invalid-parameters"), "{resized:?}");
    assert!(resized.detail().contains("only info gives application/json"), "{resized:?}");
    let described = processed(&client, "info", &[], "image/webp");
    assert_eq!((described.state(), described.code()), ("FAILED", "invalid-parameters"), "{described:?}");
    assert!(described.detail().contains("leave the output's format out"), "{described:?}");
}
