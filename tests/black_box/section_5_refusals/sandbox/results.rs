//! Guests whose results are not what they should be.

use tintype_tests::server::Setup;
use tintype_tests::{Related, task_xml};

use super::{end_of, outcome_of};
use crate::steps::{hostile, hostile_server};

#[test]
fn a_result_larger_than_its_limit_is_too_large() {
    let server = Setup::default().hostile().with("memory", "2GiB").start();
    let status = end_of(&server, &hostile("huge", &[("bytes", "1073741824")]));
    assert_eq!(status.code(), "too-large");
    assert!(status.detail().contains("268435456"), "the limit is named: {status:?}");

    let small = Setup::default().hostile().with("max-output", "1MiB").start();
    assert_eq!(outcome_of(&small, &hostile("huge", &[("bytes", "1048576")])).state(), "OK");
    let over = end_of(&small, &hostile("huge", &[("bytes", "1048577")]));
    assert_eq!((over.code(), over.detail().contains("1048576")), ("too-large", true), "{over:?}");
}

#[test]
fn a_type_that_was_not_declared_or_not_asked_for_is_the_plugin_s_error() {
    let server = hostile_server();
    for operation in ["lie", "half-lie"] {
        let lie = end_of(&server, &hostile(operation, &[]));
        assert_eq!(lie.code(), "plugin-error");
        assert!(lie.detail().contains("\"text/html\""), "{lie:?}");
        assert_eq!(lie.0["results"], serde_json::Value::Null, "not even the honest one: {lie:?}");
    }
    let wanted = task_xml("mislabel", &[], "application/octet-stream");
    let mislabel = end_of(&server, &Related::simple(&wanted, "image/png", b"x"));
    assert_eq!(mislabel.code(), "plugin-error");
}

#[test]
fn a_plugin_must_give_from_1_to_16_results() {
    let server = hostile_server();
    for (count, code) in
        [("0", "plugin-error"), ("1", ""), ("16", ""), ("17", "plugin-error"), ("100000", "plugin-error")]
    {
        let status = outcome_of(&server, &hostile("copies", &[("count", count)]));
        assert_eq!(status.code(), code, "{count}");
        assert!(code.is_empty() || status.detail().contains(&format!("{count} results")), "{status:?}");
    }
}

#[test]
fn a_result_without_bytes_is_a_result() {
    let server = hostile_server();
    let task = task_xml("copies", &[("count", "2")], "");
    let status = outcome_of(&server, &Related::simple(&task, "image/png", b""));
    let results = status.0["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let answer = server.client().get(result["href"].as_str().unwrap());
        assert_eq!((answer.code, answer.header("content-length")), (200, Some("0")), "{answer:?}");
    }
}
