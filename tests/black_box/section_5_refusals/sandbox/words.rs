//! Guests that talk too much, or in words that mean harm.

use tintype_tests::server::Setup;
use tintype_tests::{Related, Server, Status};

use super::{end_of, outcome_of};
use crate::steps::{Message, hostile, hostile_server};

/// The lines of plugins in the server's log.
fn lines_of_guests(server: &Server) -> Vec<serde_json::Value> {
    let lines = server.log().into_iter().map(|line| serde_json::from_str(&line).unwrap());
    lines.filter(|line: &serde_json::Value| line["target"] == "tintype::guest").collect()
}

/// Runs a task that logs too much, and gives its status and the line in which the rest is counted.
fn after_much_talk(server: &Server, message: &Message) -> (Status, String) {
    let status = outcome_of(server, message);
    assert_eq!(status.state(), "OK", "{status:?}");
    (status, server.wait_for_log("further log lines were dropped"))
}

#[test]
fn a_flood_of_log_lines_is_cut_counted_and_cannot_forge_any() {
    let server = hostile_server();
    let (status, dropped) = after_much_talk(&server, &hostile("flood", &[("count", "1000")]));
    assert!(dropped.contains("\"dropped\":900"), "{dropped}");
    let lines = lines_of_guests(&server);
    assert_eq!(lines.len(), 101);
    for line in lines {
        let message = line["message"].as_str().unwrap();
        assert!(message.len() <= 1024 && !message.contains(char::is_control), "{message:?}");
        assert_eq!((&line["task"], &line["plugin"]), (&status.0["id"], &"hostile".into()));
    }
}

#[test]
fn a_million_log_lines_are_a_hundred_and_a_count() {
    let server = hostile_server();
    let (_, dropped) = after_much_talk(&server, &hostile("flood", &[("count", "1000000")]));
    assert!(dropped.contains("\"dropped\":999900"), "{dropped}");
    assert_eq!(lines_of_guests(&server).len(), 101);
}

#[test]
fn a_log_line_of_64_mebibytes_is_a_kibibyte() {
    let server = hostile_server();
    let status = outcome_of(&server, &hostile("rant", &[("bytes", "67108864")]));
    assert_eq!(status.state(), "OK", "{status:?}");
    server.wait_for_log("xxxxxxxx");
    let lines = lines_of_guests(&server);
    assert_eq!((lines.len(), lines[0]["message"].as_str().unwrap().len()), (1, 1024));
}

#[test]
fn a_log_line_larger_than_all_results_may_be_ends_the_run() {
    let server = Setup::default().hostile().with("max-output", "1MiB").start();
    let status = end_of(&server, &hostile("rant", &[("bytes", "2000000")]));
    assert_eq!(status.code(), "too-large", "{status:?}");
}

#[test]
fn a_plugin_s_words_reach_the_client_clean_and_cut_at_a_kibibyte() {
    let server = hostile_server();
    for (operation, code) in [("fail", "plugin-error"), ("judge", "invalid-parameters")] {
        let said = |text: &str| said(&server, operation, text);
        assert_eq!(said("<b>&amp;\"'"), (code.to_owned(), "<b>&amp;\"'".to_owned()));
        let (_, cleaned) = said("a\u{0}b\u{1b}[31mc\u{ffff}d\u{7}\u{fffe}");
        assert_eq!(cleaned, "a\u{fffd}b\u{fffd}[31mc\u{fffd}d\u{fffd}\u{fffd}");
        let (_, long) = said(&"\u{e4}".repeat(3000));
        assert!(long.len() <= 1024 && long.len() > 1000 && long.starts_with("\u{e4}\u{e4}"), "{long}");
    }
}

/// What a plugin's words are in the XML status, which must be well-formed.
fn said(server: &Server, operation: &str, text: &str) -> (String, String) {
    let task = serde_json::json!({"operations": [{"name": operation, "params": {"text": text}}]});
    let message = Related::empty()
        .part("Content-Type: application/json", task.to_string().as_bytes())
        .part("Content-Type: image/png", b"x");
    let status = end_of(server, &message.build());
    let document = server.client().get(status.0["self"].as_str().unwrap()).status_document();
    (document.get("code").to_owned(), document.get("detail").to_owned())
}
