//! What a client and an operator can ask: which plugins there are, and how the server is.

use tintype_tests::server::Setup;
use tintype_tests::{Server, eventually};

use crate::steps::{hostile_server, resize};

#[test]
fn the_plugins_say_what_they_can_do_in_json_and_in_xml() {
    let server = hostile_server();
    let client = server.client();
    let answer = client.send("GET", "/plugins", &[("Accept", "application/json")], &[]);
    let plugins = answer.json()["plugins"].as_array().unwrap().clone();
    let names: Vec<&str> = plugins.iter().map(|plugin| plugin["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["hostile", "standard", "standard-avif", "standard-codecs"]);

    let standard = &plugins[1];
    let operations = standard["operations"].as_array().unwrap();
    let resize = operations.iter().find(|operation| operation["name"] == "resize").unwrap();
    assert_eq!(resize["params"]["properties"]["width"]["type"], "integer");
    assert_eq!(standard["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        standard["imports"],
        serde_json::json!(["tintype:plugin/types@0.1.1", "tintype:plugin/host@0.1.1"])
    );
    assert_eq!((&standard["kind"], &plugins[2]["kind"]), (&"processor".into(), &"codec".into()));
    assert_eq!(standard["limits"]["memory_bytes"], 512 << 20);
    assert!(standard["produces"].as_array().unwrap().iter().any(|format| format["type"] == "image/webp"));

    let text = client.get("/plugins").text();
    let document = roxmltree::Document::parse(&text).unwrap();
    let named =
        |name: &str| document.descendants().filter(|node| node.attribute("name") == Some(name)).count();
    assert!(named("standard") == 1 && named("resize") == 1 && named("hostile") == 1, "{text}");
}

#[test]
fn the_state_of_every_file_is_told() {
    let server = Setup::default().hostile().plugin("half.wasm", b"\0asm").start();
    let client = server.client();
    let list = || client.send("GET", "/plugins", &[("Accept", "application/json")], &[]).json();
    let before = list();
    assert_eq!(
        (&before["plugins"][0]["state"], &before["broken"][0]["file"]),
        (&"in-use".into(), &"half.wasm".into())
    );
    assert!(before["broken"][0]["error"].as_str().unwrap().contains("Operator: copy it again"), "{before}");

    std::fs::write(server.folder().join("plugins/hostile.wasm"), b"\0asm").unwrap();
    server.wait_for_log("stays in use");
    let hostile = eventually(
        || Some(list()["plugins"][0].clone()).filter(|plugin| plugin["state"] == "earlier-in-use"),
        || list().to_string(),
    );
    assert_eq!(hostile["sha256"], before["plugins"][0]["sha256"]);
    assert!(hostile["error"].as_str().unwrap().contains("WebAssembly"), "{hostile}");
    let text = client.get("/plugins").text();
    assert!(
        text.contains("state=\"earlier-in-use\"") && text.contains("<broken file=\"half.wasm\">"),
        "{text}"
    );
}

#[test]
fn one_plugin_is_found_by_its_name() {
    let server = hostile_server();
    let client = server.client();
    let answer = client.send("GET", "/plugins/hostile", &[("Accept", "application/json")], &[]);
    assert_eq!(answer.json()["plugins"].as_array().unwrap().len(), 1);
    for unknown in ["none", "Standard", "standard.wasm", "%2e%2e"] {
        client.get(&format!("/plugins/{unknown}")).refused(404, "not-found");
    }
}

#[test]
fn the_limits_that_are_shown_are_those_that_are_set() {
    let setup = Setup::default().with("memory", "64MiB").with("deadline", "5s").with("max-pixels", 1000);
    let server = setup.start();
    let headers = [("Accept", "application/json")];
    let answer = server.client().send("GET", "/plugins/standard", &headers, &[]).json();
    let limits = &answer["plugins"][0]["limits"];
    assert_eq!((&limits["memory_bytes"], &limits["deadline_ms"]), (&(64 << 20).into(), &5000.into()));
    let status = server.client().process(&resize());
    assert_eq!(status.state(), "OK", "256 pixels are within 1000");
}

#[test]
fn a_server_that_is_ready_says_so() {
    let server = Server::new();
    let client = server.client();
    for path in ["/health/live", "/health/ready"] {
        let answer = client.get(path);
        assert_eq!((answer.code, answer.header("cache-control")), (200, Some("no-store")), "{path}");
    }
}
