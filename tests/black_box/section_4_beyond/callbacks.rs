//! `<callback href="…"/>`: somebody is told that a task is over, once, signed, and only who may be.

use std::net::TcpListener;

use jiff::Timestamp;
use tintype_tests::server::Setup;
use tintype_tests::{Client, Receiver, Related, pictures};

use crate::steps::{Message, busy_server, hostile, id_of};

/// 32 bytes in base64.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

fn setup(listed: &[String]) -> Setup {
    Setup::default().with("callback-hosts", listed.join(",")).env("TINTYPE_CALLBACK_SECRET", SECRET)
}

/// A task that ends well, after which `url` is called.
fn calling(url: &str) -> Message {
    let task = format!(
        "<task><operation name=\"resize\"><param name=\"width\">8</param></operation><callback href=\"{url}\"/></task>"
    );
    Related::simple(&task, "image/png", &pictures::png(16, 16))
}

fn refusal(client: &Client, url: &str) -> String {
    client.submit(&calling(url)).refused(422, "impossible-task").detail
}

#[test]
fn the_end_of_a_task_is_announced_once_and_signed() {
    let receiver = Receiver::content();
    let server = setup(&[receiver.listed()]).start();
    let client = server.client();
    let task = client.accepted(&calling(&receiver.url("/hook?from=here")));
    let call = receiver.wait_for(1);
    let end = client.wait(&task);
    assert_eq!(call.request, "POST /hook?from=here HTTP/1.1");
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(call.header("webhook-id"), id_of(&task));
    assert_eq!(call.status().0, end.0, "it is what the client sees itself, in JSON");
    assert_eq!(client.get(call.status().href()).code, 200);
    assert!(call.is_signed_with(SECRET) && !call.is_signed_with(OTHER), "{call:?}");
    let age = Timestamp::now().as_second() - call.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{call:?}");

    server.wait_for_log("the end was announced");
    assert_eq!(receiver.calls().len(), 1);
}

#[test]
fn failures_and_cancellations_are_announced_too_and_json_and_queries_can_ask_for_it() {
    let receiver = Receiver::content();
    let (_server, client, spinning) = busy_server(setup(&[receiver.listed()]));
    let json = format!(r#"{{"operations":[{{"name":"trap"}}],"callback":"{}"}}"#, receiver.url("/json"));
    let failing = Related::empty()
        .part("Content-Type: application/json", json.as_bytes())
        .part("Content-Type: image/png", b"x")
        .build();
    let failing = client.accepted(&failing);
    let query = format!("/images/tasks?operation=echo&callback={}", receiver.url("/query"));
    let queried = client.send("POST", &query, &[("Content-Type", "application/octet-stream")], b"x");
    assert_eq!(queried.code, 202, "{queried:?}");
    let cancelled = tintype_tests::client::path(queried.header("content-location").unwrap());
    assert_eq!(client.delete(&cancelled).code, 200);
    let call = receiver.wait_for(1);
    assert_eq!((call.status().code(), call.request.as_str()), ("cancelled", "POST /query HTTP/1.1"));

    assert_eq!(client.delete(&spinning).code, 200);
    let call = receiver.wait_for(2);
    assert_eq!((call.status().code(), call.header("webhook-id")), ("plugin-trap", id_of(&failing)));
}

#[test]
fn a_receiver_that_fails_is_called_again_with_the_same_id() {
    let receiver = Receiver::answering(|call| {
        Some(if call == 0 { "HTTP/1.1 500 Internal Server Error" } else { "HTTP/1.1 200 OK" })
    });
    let server = setup(&[receiver.listed()]).start();
    server.client().accepted(&calling(&receiver.url("/")));
    let (first, second) = (receiver.wait_for(1), receiver.wait_for(2));
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    assert!(second.is_signed_with(SECRET));
    server.wait_for_log("the end was announced");
    assert_eq!(receiver.calls().len(), 2);
}

#[test]
fn what_could_not_be_announced_before_the_server_was_killed_is_announced_after() {
    // The first caller never gets an answer: it is still waiting for it when it dies.
    let receiver = Receiver::answering(|call| (call > 0).then_some("HTTP/1.1 200 OK"));
    let server = setup(&[receiver.listed()]).start();
    let task = server.client().accepted(&calling(&receiver.url("/")));
    receiver.wait_for(1);
    let server = server.kill_and_restart();
    let call = receiver.wait_for(2);
    assert_eq!((call.status().state(), call.header("webhook-id")), ("OK", id_of(&task)));
    assert!(call.is_signed_with(SECRET));
    let announced = server.wait_for_log("the end was announced");

    let server = server.kill_and_restart();
    server.client().process(&calling(&receiver.url("/again")));
    assert_eq!(receiver.wait_for(3).request, "POST /again HTTP/1.1", "not a third time: {announced}");
}

#[test]
fn while_secrets_change_it_is_signed_with_both() {
    let receiver = Receiver::content();
    let secrets = format!("{OTHER},{SECRET}");
    let server = Setup::default()
        .with("callback-hosts", receiver.listed())
        .env("TINTYPE_CALLBACK_SECRET", &secrets)
        .start();
    server.client().accepted(&calling(&receiver.url("/")));
    let call = receiver.wait_for(1);
    assert!(call.is_signed_with(SECRET) && call.is_signed_with(OTHER), "{call:?}");
}

#[test]
fn a_place_that_is_not_listed_is_refused_before_the_task_is_accepted() {
    let receiver = Receiver::content();
    let server = setup(&[receiver.listed(), "*.hooks.example".to_owned()]).start();
    let client = server.client();
    let other_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [
        "https://elsewhere.example/".to_owned(),
        "https://hooks.example/".to_owned(),
        format!("http://127.0.0.1:{other_port}/"),
        receiver.url("/").replace("http:", "https:"),
        receiver.url("/").replace("127.0.0.1", "localhost"),
        receiver.url("/").replace("127.0.0.1", "[::ffff:127.0.0.2]"),
        "http://a.hooks.example/".to_owned(),
    ] {
        let detail = refusal(&client, &url);
        assert!(detail.contains("callback_hosts") || detail.contains("https only"), "{url}: {detail}");
    }
    for malformed in ["/relative", "ftp://a.hooks.example/", "https://user:word@a.hooks.example/", "https://"]
    {
        let answer = client.submit(&calling(malformed));
        assert!([400, 422].contains(&answer.code), "{malformed}: {answer:?}");
    }
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
    assert!(receiver.calls().is_empty());
}

#[test]
fn a_private_address_must_be_listed_as_one() {
    let server = setup(&["0.0.0.0/0".to_owned(), "[::]/0".replace(['[', ']'], "")]).start();
    for address in
        ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "0.0.0.0"]
    {
        let detail = refusal(&server.client(), &format!("https://{address}/"));
        assert!(detail.contains("callback_hosts"), "{address}: {detail}");
    }
}

#[test]
fn a_listed_name_that_leads_to_a_private_address_is_not_called() {
    let receiver = Receiver::content();
    let named = receiver.listed().replace("127.0.0.1", "localhost");
    let server = setup(&[named]).start();
    let url = receiver.url("/").replace("127.0.0.1", "localhost");
    let status = server.client().process(&calling(&url));
    assert_eq!(status.state(), "OK", "the task is not to blame");
    server.wait_for_log("the end cannot be announced");
    assert!(receiver.calls().is_empty());
}

#[test]
fn without_a_list_there_are_no_callbacks() {
    let server = tintype_tests::Server::new();
    assert!(refusal(&server.client(), "https://hooks.example/").contains("callback_hosts"));
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Receiver::content();
    let elsewhere = target.url("/elsewhere");
    let location: &'static str = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere}").leak();
    let receiver =
        Receiver::answering(move |call| Some(if call == 0 { location } else { "HTTP/1.1 200 OK" }));
    let server = setup(&[receiver.listed(), target.listed()]).start();
    server.client().accepted(&calling(&receiver.url("/")));
    receiver.wait_for(2);
    server.wait_for_log("the end was announced");
    assert!(target.calls().is_empty());
}

#[test]
fn receivers_that_never_answer_hold_nobody_up() {
    let (silent, content) = (Receiver::answering(|_| None), Receiver::content());
    let server = setup(&[silent.listed(), content.listed()]).hostile().start();
    let client = server.client();
    for _ in 0..20 {
        client.process(&calling(&silent.url("/")));
    }
    silent.wait_for(1);
    client.process(&calling(&content.url("/")));
    content.wait_for(1);
    assert_eq!(client.process(&hostile("echo", &[])).state(), "OK");
    assert!(silent.calls().len() < 20, "one host gets a few calls at once, no more");
}

#[test]
fn the_secret_is_in_no_answer_and_in_no_line_of_the_log() {
    let receiver = Receiver::content();
    let server = setup(&[receiver.listed()]).with("log", "trace").start();
    server.client().accepted(&calling(&receiver.url("/")));
    receiver.wait_for(1);
    server.wait_for_log("the end was announced");
    let secret = SECRET.strip_prefix("whsec_").unwrap();
    assert!(!server.log().iter().any(|line| line.contains(secret)));
}
