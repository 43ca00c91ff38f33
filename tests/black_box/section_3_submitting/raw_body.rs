//! A body that is nothing but the image, with the task in the query string.

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Client, Server, Status, pictures};

use crate::steps::hostile_server;

fn post(client: &Client, query: &str, media_type: &str, body: &[u8]) -> Answer {
    client.send("POST", &format!("/images/tasks{query}"), &[("Content-Type", media_type)], body)
}

fn end(client: &Client, answer: &Answer) -> Status {
    assert_eq!(answer.code, 202, "{answer:?}");
    client.wait(answer.header("content-location").unwrap())
}

#[test]
fn an_image_is_resized_and_converted_as_its_query_says() {
    let server = Server::new();
    let client = server.client();
    let query = "?operation=resize&width=20&height=10&fit=fill&output=image/jpeg&output.quality=70";
    for media_type in ["image/png", "image/x-unheard-of", "application/octet-stream", "Image/PNG; q=\"x\""] {
        let status = end(&client, &post(&client, query, media_type, &pictures::png(40, 40)));
        assert_eq!(status.0["results"][0]["type"], "image/jpeg", "{status:?}");
        let picture = pictures::decode(&client.result(&status).body);
        assert_eq!((picture.width(), picture.height()), (20, 10), "{media_type}");
    }
}

#[test]
fn a_query_is_decoded_as_a_form_s() {
    let server = hostile_server();
    let client = server.client();
    for (written, meant) in
        [("a+b%26c%3Dd", "a b&c=d"), ("%C3%A4", "\u{e4}"), ("%F0%9F%96%BC", "\u{1f5bc}"), ("", "")]
    {
        let status =
            end(&client, &post(&client, &format!("?operation=fail&text={written}"), "image/png", b"x"));
        assert_eq!((status.code(), status.detail()), ("plugin-error", meant), "{written}");
    }
}

#[test]
fn the_plugin_and_its_version_can_be_chosen() {
    let server = hostile_server();
    let client = server.client();
    let right = post(&client, "?operation=echo&plugin=hostile&version=%5E1.0", "image/png", b"x");
    assert_eq!(end(&client, &right).state(), "OK");
    for wrong in ["?operation=echo&plugin=standard", "?operation=echo&version=2", "?operation=ech"] {
        post(&client, wrong, "image/png", b"x").refused(422, "impossible-task");
    }
}

#[test]
fn a_query_that_is_no_description_is_refused_and_nothing_kept() {
    let server = Server::new();
    let client = server.client();
    for (query, code, word) in [
        ("", 400, "operation"),
        ("?", 400, "operation"),
        ("?width=8", 400, "operation"),
        ("?operation=resize&operation=crop", 400, "twice"),
        ("?operation=resize&width=8&width=9", 400, "twice"),
        ("?operation=", 400, ""),
        ("?operation=resize&output=png", 400, "output"),
        ("?operation=resize&output.quality=9", 400, "output"),
        ("?operation=resize&version=new", 400, "version"),
        ("?operation=resize&width=minus", 422, "width"),
        ("?operation=resize&colour=red", 422, "colour"),
        ("?operation=resize", 422, ""),
    ] {
        let answer = post(&client, query, "image/png", &pictures::png(4, 4));
        let kind = if code == 400 { "bad-description" } else { "impossible-task" };
        assert!(answer.refused(code, kind).detail.contains(word), "{query}: {answer:?}");
    }
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
}

#[test]
fn an_image_that_is_too_large_or_none_at_all_is_treated_as_in_a_message() {
    let server = Setup::default().with("max-image-size", "1KiB").start();
    let client = server.client();
    let query = "?operation=resize&width=8";
    assert_eq!(end(&client, &post(&client, query, "image/png", &[7; 1024])).code(), "invalid-image");
    post(&client, query, "image/png", &[7; 1025]).refused(413, "too-large");
    assert_eq!(end(&client, &post(&client, query, "image/png", b"")).code(), "invalid-image");
    assert_eq!(server.unfinished_uploads(), 0);
}
