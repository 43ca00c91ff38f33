//! The same answers by other ways: methods, addresses, formats, and the names a server goes by.

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Connection, Server};

use crate::steps::{busy_server, garbage, hostile, id_of, resize};

#[test]
fn whatever_is_no_id_is_not_found() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&resize());
    let id = id_of(&task);
    let (upper, bare, braced) = (id.to_uppercase(), id.replace('-', ""), format!("%7B{id}%7D"));
    let (longer, shorter) = (format!("{id}0"), &id[..35]);
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    let version_4 = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    let nonsense = ["1", "0", "%00", "%2e%2e%2f", "a%20b", "-", "nil", "%F0%9F%93%B7"];
    let ids = [&upper, &bare, &braced, &longer, shorter, unknown, version_4];
    for id in ids.into_iter().chain(nonsense) {
        for path in [format!("/images/task/{id}"), format!("/images/{id}"), format!("/images/{id}/1")] {
            client.get(&path).refused(404, "not-found");
        }
    }
    for number in ["0", "2", "01", "+1", "-1", "x", "99999999999999999999"] {
        client.wait(&task);
        client.get(&format!("/images/{id}/{number}")).refused(404, "not-found");
    }
    for path in ["/images", "/images/", "/images/task", "/images/task/", "/elsewhere"] {
        client.get(path).refused(404, "not-found");
    }
}

#[test]
fn head_answers_as_get_without_the_body() {
    let (_server, client, pending) = busy_server(Setup::default());
    let other = Server::new();
    let idle = other.client();
    let (done, failed) = (idle.accepted(&resize()), idle.accepted(&garbage()));
    let result = idle.wait(&done).href().to_owned();
    idle.wait(&failed);
    let fixed = ["/plugins", "/plugins/standard", "/schemas/task.xsd", "/health/live", "/health/ready"];
    let absolute = |path: &str| idle.url(path);
    let mut urls = vec![client.url(&pending), absolute(&done), absolute(&failed), result];
    urls.extend(fixed.map(absolute));
    urls.extend([absolute("/images/task/1"), absolute("/nowhere")]);
    for url in urls {
        let (get, head) = (client.get(&url), client.send("HEAD", &url, &[], &[]));
        assert_eq!(head.code, get.code, "{url}");
        assert_eq!(comparable(&head), comparable(&get), "{url}");
        assert!(head.body.is_empty(), "{url}");
    }
}

/// Headers that don't differ from one exchange to the next.
fn comparable(answer: &Answer) -> Vec<(String, String)> {
    let differs = |name: &str| matches!(name, "date" | "x-request-id" | "retry-after");
    answer.headers.iter().filter(|(name, _)| !differs(name)).cloned().collect()
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&resize());
    let id = id_of(&task);
    client.wait(&task);
    for (path, wrong, allow) in [
        ("/images/tasks".to_owned(), ["PUT", "DELETE"], "POST"),
        (task.clone(), ["POST", "PUT"], "GET, HEAD"),
        (format!("/images/tasks/{id}"), ["POST", "PUT"], "GET, HEAD"),
        (format!("/images/{id}"), ["POST", "DELETE"], "GET, HEAD"),
        (format!("/images/{id}/1"), ["POST", "PATCH"], "GET, HEAD"),
        ("/plugins".to_owned(), ["POST", "DELETE"], "GET, HEAD"),
        ("/health/live".to_owned(), ["POST", "PUT"], "GET, HEAD"),
        ("/schemas/status.xsd".to_owned(), ["POST", "PUT"], "GET, HEAD"),
    ] {
        for method in wrong {
            let answer = client.send(method, &path, &[], &[]);
            answer.refused(405, "method-not-allowed");
            let allowed: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
            for expected in allow.split(", ") {
                assert!(allowed.contains(&expected), "{method} {path}: {answer:?}");
            }
            assert!(!allowed.contains(&method), "{method} {path}: {answer:?}");
        }
    }
}

#[test]
fn who_looks_under_the_plural_is_led_to_the_task() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&resize());
    let answer = client.get(&format!("/images/tasks/{}", id_of(&task)));
    assert_eq!(answer.code, 308);
    assert_eq!(answer.header("location"), Some(client.url(&task).as_str()));
    client.get("/images/tasks/1").refused(404, "not-found");
}

#[test]
fn who_asks_not_to_be_redirected_finds_the_result_in_the_status() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&resize());
    client.wait(&task);
    let answer = client.get(&format!("{task}?redirect=false"));
    assert_eq!((answer.code, answer.header("location")), (200, None));
    let status = answer.status_document();
    assert_eq!(status.names(), ["state", "atom:link self", "atom:link related", "message", "completed"]);
    assert_eq!(status.get("state"), "OK");
    assert_eq!(client.get(status.get("atom:link related")).code, 200);
    assert_eq!(client.get(&format!("{task}?redirect=true")).code, 303);
    client.get(&format!("{task}?redirect=perhaps")).refused(400, "bad-request");
}

#[test]
fn the_json_view_says_the_same_and_more() {
    let (_server, client, running) = busy_server(Setup::default());
    let queued = client.accepted(&hostile("echo", &[]));
    for (task, phase) in [(&running, "running"), (&queued, "queued")] {
        let answer = client.send("GET", task, &[("Accept", "application/json")], &[]);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let json = answer.json();
        assert_eq!((&json["state"], &json["phase"]), (&"pending".into(), &phase.into()));
        assert_eq!(json["self"], client.url(task));
        assert_eq!(json["message"], "Request is still being processed.");
        assert_eq!(json["ping_after"].as_str().unwrap().len(), 20);
        assert!(json.get("completed").is_none());
    }
    let other = Server::new();
    let client = other.client();
    let json = client.process(&resize()).0;
    assert_eq!((&json["state"], &json["phase"]), (&"OK".into(), &"done".into()));
    assert_eq!(json["operations"], serde_json::json!(["resize"]));
    let result = &json["results"][0];
    let picture = client.get(result["href"].as_str().unwrap());
    assert_eq!(result["type"], "image/png");
    assert_eq!(result["size"], picture.body.len());
    assert_eq!(picture.header("etag"), Some(format!("\"{}\"", result["sha256"].as_str().unwrap()).as_str()));
    let json = client.process(&garbage()).0;
    assert_eq!((&json["state"], &json["code"]), (&"FAILED".into(), &"invalid-image".into()));
}

#[test]
fn the_format_is_what_the_client_prefers_and_xml_by_default() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&garbage());
    client.wait(&task);
    let xml = "application/xml;charset=UTF-8";
    for (accept, expected) in [
        ("*/*", xml),
        ("application/*", xml),
        ("application/xml", xml),
        ("text/xml", xml),
        ("application/json", "application/json"),
        ("application/json;q=0.9, application/xml;q=0.8", "application/json"),
        ("application/xml;q=0, application/json;q=0.1", "application/json"),
        ("image/webp, */*;q=0.1", xml),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", xml),
    ] {
        let answer = client.send("GET", &task, &[("Accept", accept)], &[]);
        assert_eq!(answer.header("content-type"), Some(expected), "{accept}");
        assert_eq!(answer.header("vary"), Some("Accept"), "{accept}");
    }
    let neither = client.send("GET", &task, &[("Accept", "image/png")], &[]);
    neither.refused(406, "not-acceptable");
}

#[test]
fn uris_are_built_from_the_name_that_the_client_used() {
    let server = Setup::default().start();
    let client = server.client();
    let headers = [
        ("Host", "pictures.example.org:8443"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "host=evil.example;proto=https"),
    ];
    let task = client.accepted(&resize());
    let answer = client.send("GET", &task, &headers, &[]);
    let expected = format!("http://pictures.example.org:8443{task}");
    assert_eq!(answer.header("content-location"), Some(expected.as_str()), "no proxy is trusted");
}

#[test]
fn a_trusted_proxys_word_counts_and_a_configured_url_more() {
    let by_proxy = Setup::default().with("trusted-proxies", "127.0.0.1");
    let by_url = by_proxy.clone().with("public-url", "https://example.org/tintype/");
    for (setup, expected) in
        [(by_proxy, "https://pictures.example.org"), (by_url, "https://example.org/tintype")]
    {
        let server = setup.start();
        let message = resize();
        let forwarded = ("Forwarded", "for=1.2.3.4;proto=https;host=pictures.example.org");
        let headers = [("Content-Type", message.0.as_str()), forwarded];
        let answer = server.client().send("POST", "/images/tasks", &headers, &message.1);
        let task = answer.header("content-location").unwrap();
        assert!(task.starts_with(&format!("{expected}/images/task/")), "{task}");
    }
}

#[test]
fn a_request_must_name_one_host() {
    let server = Server::new();
    let head = "GET /images/task/1 HTTP/1.1\r\n";
    for hosts in ["", "Host: a.example\r\nHost: b.example\r\n", "Host: me@a.example\r\n", "Host: a b\r\n"] {
        let mut connection = Connection::open(server.address());
        let answer = connection.send(format!("{head}{hosts}\r\n")).answer();
        assert_eq!(answer.code, 400, "{hosts:?}: RFC 9112 section 3.2");
    }
}
