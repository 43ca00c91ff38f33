//! The result: its headers, ranges and conditions (RFC 9110), and several of them.

use tintype_tests::{Answer, Client, Server};

use crate::steps::{hostile, hostile_server, id_of};

const PATH: &str = "/images/";

/// A server with a task whose result is the five letters `bytes`.
fn echoed() -> (Server, Client, String) {
    let server = hostile_server();
    let client = server.client();
    let status = client.process(&hostile("echo", &[]));
    let result = tintype_tests::client::path(status.href());
    (server, client, result)
}

#[test]
fn a_result_says_what_it_is_and_that_it_never_changes() {
    let (server, client, result) = echoed();
    let answer = client.get(&result);
    assert_eq!((answer.code, answer.text().as_str()), (200, "bytes"));
    let task = format!("http://{}{PATH}task/{}", server.address(), id_of(&result));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "5"),
        // The digest that `printf bytes | sha256sum` gives.
        ("etag", "\"277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9\""),
        ("cache-control", "private, immutable"),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox"),
        ("link", &format!("<{task}>; rel=\"related\"")),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let modified = httpdate::parse_http_date(answer.header("last-modified").unwrap()).unwrap();
    let completed = client.status(&task).0["completed"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(jiff::Timestamp::try_from(modified).unwrap(), completed);
}

#[test]
fn a_range_gives_these_bytes_and_no_others() {
    let (_server, client, result) = echoed();
    for (range, content_range, bytes) in [
        ("bytes=0-0", "bytes 0-0/5", "b"),
        ("bytes=1-3", "bytes 1-3/5", "yte"),
        ("bytes=3-", "bytes 3-4/5", "es"),
        ("bytes=-2", "bytes 3-4/5", "es"),
        ("bytes=-99", "bytes 0-4/5", "bytes"),
        ("bytes=0-99", "bytes 0-4/5", "bytes"),
        ("bytes=0-18446744073709551615", "bytes 0-4/5", "bytes"),
    ] {
        let answer = client.send("GET", &result, &[("Range", range)], &[]);
        assert_eq!((answer.code, answer.text().as_str()), (206, bytes), "{range}");
        assert_eq!(answer.header("content-range"), Some(content_range), "{range}");
        assert_eq!(answer.header("content-length"), Some(bytes.len().to_string().as_str()), "{range}");
    }
    for range in ["bytes=5-", "bytes=5-9", "bytes=-0", "bytes=99999999999999999999-"] {
        let answer = client.send("GET", &result, &[("Range", range)], &[]);
        answer.refused(416, "range-not-satisfiable");
        assert_eq!(answer.header("content-range"), Some("bytes */5"), "{range}");
    }
    // What is no single range may be ignored, and is.
    for range in ["bytes=0-1,3-4", "bytes=3-1", "bytes=a-b", "bytes", "lines=1-2", "bytes=--1"] {
        let answer = client.send("GET", &result, &[("Range", range)], &[]);
        assert_eq!((answer.code, answer.text().as_str()), (200, "bytes"), "{range}");
    }
}

#[test]
fn who_has_it_already_is_not_sent_it_again() {
    let (_server, client, result) = echoed();
    let first = client.get(&result);
    let (etag, modified) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    let with = |headers: &[(&str, &str)]| client.send("GET", &result, headers, &[]);
    let weak = format!("\"other\", W/{etag}");
    for condition in [("If-None-Match", etag), ("If-None-Match", "*"), ("If-None-Match", &weak)] {
        assert_not_modified(&with(&[condition]), etag);
    }
    assert_not_modified(&with(&[("If-Modified-Since", modified)]), etag);
    assert_not_modified(&with(&[("If-None-Match", etag), ("Range", "bytes=0-1")]), etag);

    assert_eq!(with(&[("If-None-Match", "\"other\"")]).code, 200);
    assert_eq!(with(&[("If-None-Match", "\"other\""), ("If-Modified-Since", modified)]).code, 200);
    assert_eq!(with(&[("If-Modified-Since", "Sat, 29 Oct 1994 19:43:31 GMT")]).code, 200);
    assert_eq!(with(&[("If-Match", etag)]).code, 200);
    with(&[("If-Match", "\"other\"")]).refused(412, "precondition-failed");
    assert_eq!(with(&[("Range", "bytes=0-1"), ("If-Range", etag)]).code, 206);
    assert_eq!(with(&[("Range", "bytes=0-1"), ("If-Range", "\"other\"")]).code, 200);
}

fn assert_not_modified(answer: &Answer, etag: &str) {
    assert_eq!((answer.code, answer.body.len()), (304, 0), "{answer:?}");
    assert_eq!(answer.header("etag"), Some(etag));
    assert_eq!(answer.header("cache-control"), Some("private, immutable"));
}

#[test]
fn several_results_are_listed_and_numbered_from_one() {
    let server = hostile_server();
    let client = server.client();
    let task = client.accepted(&hostile("copies", &[("count", "3")]));
    let status = client.wait(&task);
    let base = client.url(&format!("{PATH}{}", id_of(&task)));
    let expected = [base.clone(), format!("{base}/2"), format!("{base}/3")];
    let hrefs: Vec<&str> = status.0["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["href"].as_str().unwrap())
        .collect();
    assert_eq!(hrefs, expected);

    let answer = client.get(&task);
    assert_eq!((answer.code, answer.header("location")), (303, Some(base.as_str())));
    assert_eq!(answer.status_document().all("atom:link related"), expected);
    for href in [&base, &format!("{base}/1"), &format!("{base}/2"), &format!("{base}/3")] {
        assert_eq!(client.get(href).text(), "bytes", "{href}");
    }
    for wrong in ["0", "4", "01", "x"] {
        client.get(&format!("{base}/{wrong}")).refused(404, "not-found");
    }
}

#[test]
fn a_large_result_comes_whole_and_in_any_range() {
    let server = hostile_server();
    let client = server.client();
    let status = client.process(&hostile("huge", &[("bytes", "50000000")]));
    let whole = client.result(&status);
    assert!(whole.body.len() == 50_000_000 && whole.body.iter().all(|byte| *byte == 7));
    let range = client.send("GET", status.href(), &[("Range", "bytes=49999990-")], &[]);
    assert_eq!((range.code, range.body.len()), (206, 10));
}
