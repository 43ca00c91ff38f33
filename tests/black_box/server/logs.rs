//! The log: a line for every request and every end, with fields that keep their names, and no secrets.

use serde_json::Value as Json;
use tintype_tests::server::Setup;
use tintype_tests::{
    Client, Connection, FormData, Receiver, Related, Server, eventually, pictures, task_xml,
};

use crate::steps::{garbage, hostile_server, id_of, resize};

fn lines(server: &Server) -> Vec<Json> {
    server.log().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits for the line with this field.
fn line(server: &Server, field: &str, value: &str, message: &str) -> Json {
    let is_it = |line: &Json| line[field] == value && line["message"] == message;
    eventually(
        || lines(server).into_iter().find(is_it),
        || format!("no line {message:?} has {field}={value}"),
    )
}

fn request_line(server: &Server, id: &str) -> Json {
    line(server, "request_id", id, "answered")
}

#[test]
fn every_request_has_a_line_that_says_what_came_of_it_and_for_whom() {
    let server = Setup::default().key("one").start();
    let client = server.client_of("one");
    let message = resize();
    let answer = client.submit_with(&message, &[("X-Request-Id", "made-by-the.client:1")]);
    assert_eq!(answer.header("x-request-id"), Some("made-by-the.client:1"));
    let task = answer.header("content-location").unwrap();
    let told = request_line(&server, "made-by-the.client:1");
    let owner = told["owner"].as_str().unwrap().to_owned();
    assert!(server.key("one").contains(&owner), "the key's public part: {told}");
    for (field, value) in [
        ("level", Json::from("INFO")),
        ("target", "tintype::request".into()),
        ("method", "POST".into()),
        ("route", "/images/tasks".into()),
        ("status", 202.into()),
        ("client", "127.0.0.1".into()),
        ("task", id_of(task).into()),
        ("received", message.1.len().into()),
        ("bytes", answer.body.len().into()),
    ] {
        assert_eq!(told[field], value, "{field} of {told}");
    }
    assert!(told["ms"].is_u64() && told.get("problem").is_none(), "{told}");

    let end = line(&server, "task", id_of(task), "an attempt is over");
    for (field, value) in [
        ("attempt", Json::from(1)),
        ("outcome", "ok".into()),
        ("operations", "resize".into()),
        ("owner", owner.into()),
    ] {
        assert_eq!(end[field], value, "{field} of {end}");
    }
    assert!(end["ms"].is_u64(), "{end}");

    let status = client.wait(task);
    let result = client.result(&status);
    let told = request_line(&server, result.header("x-request-id").unwrap());
    assert_eq!(
        (&told["route"], &told["bytes"]),
        (&"/images/{id}".into(), &result.body.len().into()),
        "{told}"
    );
    assert_eq!(told["task"], id_of(task), "{told}");
}

#[test]
fn a_refusal_is_told_by_its_type_and_a_failure_by_its_code() {
    let server = hostile_server();
    let client = server.client();
    let refused = client.get("/images/task/nothing");
    let told = request_line(&server, refused.header("x-request-id").unwrap());
    assert_eq!((&told["status"], &told["problem"]), (&404.into(), &"not-found".into()), "{told}");
    assert_eq!((&told["route"], told.get("owner")), (&"/images/task/{id}".into(), None), "{told}");
    let nowhere = client.get("/nowhere");
    let told = request_line(&server, nowhere.header("x-request-id").unwrap());
    assert_eq!((&told["status"], &told["route"]), (&404.into(), &"none".into()), "{told}");

    let task = client.accepted(&garbage());
    let end = line(&server, "task", id_of(&task), "an attempt is over");
    assert_eq!(end["outcome"], "invalid-image", "{end}");
    assert!(end["detail"].as_str().unwrap().starts_with("Invalid image format."), "{end}");
}

#[test]
fn an_id_that_is_none_is_replaced() {
    let server = Server::new();
    let client = server.client();
    for wrong in ["", "two words", "\"quoted\"", "a/b", &"x".repeat(81)] {
        let answer = client.send("GET", "/plugins", &[("X-Request-Id", wrong)], &[]);
        let id = answer.header("x-request-id").unwrap();
        assert!(id != wrong && id.len() == 36, "{wrong}: {id}");
        request_line(&server, id);
    }
}

#[test]
fn who_watches_the_server_does_not_fill_its_log() {
    let server = Server::new();
    let client = server.client();
    for path in ["/health/live", "/health/ready", "/metrics"] {
        let watched = client.get(path);
        assert_eq!(watched.code, 200);
        let after = client.get("/plugins");
        request_line(&server, after.header("x-request-id").unwrap());
        let id = watched.header("x-request-id").unwrap();
        assert!(!lines(&server).iter().any(|line| line["request_id"] == id), "{path}");
    }
    let server = Setup::default().with("log", "tintype=debug").start();
    let watched = server.client().get("/metrics");
    assert_eq!(request_line(&server, watched.header("x-request-id").unwrap())["level"], "DEBUG");
}

#[test]
fn a_proxy_that_is_trusted_says_who_the_client_is() {
    let server = Setup::default().with("trusted-proxies", "127.0.0.1").start();
    let headers = [("X-Forwarded-For", "203.0.113.7, 192.0.2.7")];
    let answer = server.client().send("GET", "/plugins", &headers, &[]);
    assert_eq!(request_line(&server, answer.header("x-request-id").unwrap())["client"], "192.0.2.7");
}

/// A word that must be in no line. It has no letters that a hexadecimal id could have.
const HUSH: &str = "hushhushhushSH";
/// 32 bytes in base64.
const SECRET: &str = "whsec_aHVzaGh1c2hodXNoU0hodXNoaHVzaGh1c2hTSGh1c2g=";

/// Requests that carry the word wherever a client can put one.
fn tell_secrets(server: &Server, client: &Client, receiver: &Receiver) {
    let (content_type, body) = resize();
    for path in [
        format!("/images/tasks?key={HUSH}"),
        format!("/images/tasks?operation=resize&width=8&api_key={HUSH}"),
        format!("/images/tasks?operation=resize&width={HUSH}"),
        format!("/images/tasks?operation={HUSH}"),
        format!("/images/tasks?operation=resize&width=8&callback=https://me:{HUSH}@hooks.example/"),
        format!("/images/tasks?operation=resize&width=8&callback=https://hooks.example/?token={HUSH}"),
        format!("/images/tasks?operation=resize&width=8&output=image/{HUSH}"),
    ] {
        client.send("POST", &path, &[("Content-Type", "image/png")], &pictures::png(8, 8));
        client.get(&path);
    }
    for path in [
        format!("/{HUSH}"),
        format!("/plugins/{HUSH}"),
        format!("/images/task/{HUSH}"),
        format!("/images/{HUSH}/1?key={HUSH}"),
        format!("/plugins?key={HUSH}"),
        format!("/metrics?key={HUSH}"),
        format!("/schemas/{HUSH}"),
    ] {
        client.get(&path);
        let unheard_of = format!("{HUSH} {path} HTTP/1.1\r\nHost: h\r\n\r\n");
        assert!(Connection::open(server.address()).send(unheard_of).answer().code >= 400);
    }
    for (name, value) in [
        ("Authorization", format!("Bearer tt_{HUSH}")),
        ("Authorization", format!("Basic {HUSH}")),
        ("Proxy-Authorization", HUSH.to_owned()),
        ("Cookie", format!("session={HUSH}")),
        ("X-Api-Key", HUSH.to_owned()),
        ("X-Request-Id", format!("{HUSH}, and more")),
        ("Idempotency-Key", HUSH.to_owned()),
        ("traceparent", HUSH.to_owned()),
        ("Referer", format!("https://example/?key={HUSH}")),
        ("User-Agent", HUSH.to_owned()),
        ("Prefer", format!("wait={HUSH}")),
        ("Accept", format!("text/{HUSH}")),
        ("Forwarded", format!("for={HUSH}")),
        ("Content-Disposition", HUSH.to_owned()),
    ] {
        let headers = [("Content-Type", content_type.as_str()), (name, value.as_str())];
        client.send("POST", "/images/tasks", &headers, &body);
        client.send("GET", "/images/tasks", &[(name, value.as_str())], &[]);
    }
    for task in [
        format!("<task><callback href=\"https://me:{HUSH}@hooks.example/\"/></task>"),
        format!("<task><operation name=\"{HUSH}\"/></task>"),
        format!("<task><operation name=\"resize\" key=\"{HUSH}\"/></task>"),
        format!("<{HUSH}/>"),
        task_xml("resize", &[("width", HUSH)], ""),
        task_xml("resize", &[(HUSH, "8")], ""),
        format!(
            "<task><operation name=\"resize\"><param name=\"width\">8</param></operation>\
             <callback href=\"{}?token={HUSH}\"/></task>",
            receiver.url(&format!("/{HUSH}"))
        ),
    ] {
        client.submit(&Related::simple(&task, "image/png", &pictures::png(8, 8)));
    }
    let json = format!("{{\"operations\":[{{\"name\":\"resize\",\"params\":{{\"width\":\"{HUSH}\"}}}}]}}");
    client.submit(&FormData::default().field("task", "", json.as_bytes()).field(HUSH, "", b"x").build());
    client.submit(&(format!("multipart/related; boundary={HUSH}"), body.clone()));
    client.submit(&(format!("text/{HUSH}"), body));
}

#[test]
fn what_is_secret_is_in_no_line_whatever_the_level() {
    // It never succeeds, so that all that can be said of a callback is.
    let receiver = Receiver::answering(|_| Some("HTTP/1.1 500 Internal Server Error"));
    let setup = Setup::default()
        .with("log", "trace")
        .with("callback-hosts", format!("{},hooks.example", receiver.listed()))
        .env("TINTYPE_CALLBACK_SECRET", SECRET)
        .with("otlp-endpoint", "http://127.0.0.1:9")
        .env("TINTYPE_OTLP_HEADERS", &format!("authorization=Bearer {HUSH}"));
    for key in [None, Some("one")] {
        let server = key.map_or(setup.clone(), |key| setup.clone().key(key)).start();
        let before = receiver.calls().len();
        tell_secrets(&server, &server.client(), &receiver);
        if let Some(key) = key {
            tell_secrets(&server, &server.client_of(key), &receiver);
        }
        receiver.wait_for(before + 1);
        server.wait_for_log("the end was not announced");
        let log = server.log();
        assert!(log.len() > 100, "{} lines", log.len());
        let told: Vec<&String> = log.iter().filter(|line| line.contains(HUSH)).collect();
        assert!(told.is_empty(), "{told:#?}");
        assert!(!log.iter().any(|line| line.contains(SECRET.trim_start_matches("whsec_"))));
    }
}
