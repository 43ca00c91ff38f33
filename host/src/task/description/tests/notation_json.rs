//! JSON by example: what is read, and what is refused with its place.

use super::*;

#[test]
fn the_json_notation_is_read_with_its_types() {
    let document = r#"{"operations":[
        {"name":"resize","params":{"width":320,"fit":"co\u0076er","on":true,"list":[1.5,{"cid":"x"}],"none":null}},
        {"version":"1","plugin":"acme-marks","name":"watermark","params":{"overlay":{"cid":"logo@client"}}}
    ],"output":{"type":"image/webp","params":{"quality":80}}}"#;
    let value = |value| ParamValue::Json(value);
    let mut expected = example();
    expected.operations[0] = operation(
        "resize",
        &[
            ("width", value(json!(320))),
            ("fit", value(json!("cover"))),
            ("on", value(json!(true))),
            ("list", value(json!([1.5, {"cid": "x"}]))),
            ("none", value(json!(null))),
        ],
    );
    expected.output.as_mut().unwrap().params[0].value = value(json!(80));
    assert_eq!(parse_json(document.as_bytes()), Ok(expected.clone()));
    assert_eq!(parse_json(format!("\u{feff}{document}").as_bytes()), Ok(expected));
    let pair = br#"{"operations":[{"name":"o","params":{"p":{"cid":"a","x":1}}}]}"#;
    let read = parse_json(pair).unwrap();
    assert_eq!(read.operations[0].params[0].value, value(json!({"cid": "a", "x": 1})));
}

#[test]
fn json_that_breaks_the_language_is_refused_with_its_place() {
    use Problem as Is;
    let wrong = |what, expected| Is::WrongType { what, expected };
    let key = |key: &str, inside, allowed| Is::UnknownKey { key: key.into(), inside, allowed };
    let o = |rest: &str| format!("{{\"operations\":[{{\"name\":\"o\"{rest}}}]}}");
    let table = [
        ("[]".to_owned(), 1, 1, wrong("the description", "an object")),
        ("{}".to_owned(), 1, 1, Is::Missing { owner: "the description", name: "operations" }),
        ("{\"operations\":{}}".to_owned(), 1, 15, wrong("`operations`", "an array")),
        ("{\"operations\":[]}".to_owned(), 1, 15, Is::NoOperations),
        (format!("{{\"operations\":[{}1]}}", "1,".repeat(16)), 1, 15, Is::TooManyOperations),
        ("{\"operations\":[\n 7]}".to_owned(), 2, 2, wrong("an operation", "an object")),
        ("{\"operations\":[{}]}".to_owned(), 1, 16, Is::Missing { owner: "operation", name: "name" }),
        ("{\"operations\":[{\"name\":1}]}".to_owned(), 1, 24, wrong("`name`", "a string")),
        ("{\"operations\":[{\"name\":\"ü\"}]}".to_owned(), 1, 24, Is::OperationName("ü".into())),
        (o(",\"plugin\":null"), 1, 37, wrong("`plugin`", "a string")),
        (o(",\"plugin\":\"A\""), 1, 37, Is::PluginName("A".into())),
        (o(",\"version\":1"), 1, 38, wrong("`version`", "a string")),
        (
            o(",\"callback\":1"),
            1,
            28,
            key("callback", "an operation", "`name`, `plugin`, `version`, `params`"),
        ),
        (o(",\r\n\"n\\u0061me\":\"o\""), 2, 1, Is::DuplicateKey("name".into())),
        (o(",\"params\":[]"), 1, 37, wrong("`params`", "an object")),
        (o(",\"params\":{\"a b\":1}"), 1, 38, Is::ParamName("a b".into())),
        (o(",\"params\":{\"a\":1,\"a\":2}"), 1, 44, Is::DuplicateKey("a".into())),
        (o(",\"params\":{\"a\":{\"b\":{\"c\":1,\"c\":2}}}"), 1, 54, Is::DuplicateKey("c".into())),
        (o(",\"params\":{\"a\":{\"cid\":1}}"), 1, 49, wrong("`cid`", "a string")),
        (o(",\"params\":{\"a\":{\"cid\":\"\"}}"), 1, 49, Is::ContentId("".into())),
        (o(",\"params\":{\"a\":[1,1e999]}"), 1, 45, Is::Number("1e999".into())),
        (
            "{\"operations\":[{\"name\":\"o\"}],\"output\":null}".to_owned(),
            1,
            39,
            wrong("`output`", "an object"),
        ),
        (
            "{\"operations\":[{\"name\":\"o\"}],\"output\":{}}".to_owned(),
            1,
            39,
            Is::Missing { owner: "output", name: "type" },
        ),
        (
            "{\"operations\":[{\"name\":\"o\"}],\"x\":0}".to_owned(),
            1,
            30,
            key("x", "the description", "`operations`, `output`, `callback`"),
        ),
    ];
    for (document, line, column, problem) in table {
        assert_eq!(refused_json(&document), (line, column, problem), "{document}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    let table: [(&[u8], usize, usize); 11] = [
        (b"", 1, 1),
        (b"nul", 1, 3),
        (b"{\"operations\":[{\"name\":\"o\",}]}", 1, 28),
        (b"{\"operations\":[{\"name\":\"o\"}]}\n x", 2, 2),
        (b"{\"a\":\n  01}", 2, 4),
        (b"{\"a\":NaN}", 1, 6),
        (b"{'a':1}", 1, 2),
        (b"{\"a\":1 /* no */}", 1, 8),
        (b"{\"a\":\"\t\"}", 1, 6),
        (b"{\"operations\":[{\"name\":\"\\ud800\"}]}", 1, 31),
        (b"\xef\xbb\xbf{\"a\":\n }", 2, 2),
    ];
    for (document, line, column) in table {
        let error = parse_json(document).unwrap_err();
        let seen = (error.line, error.column);
        let document = document.escape_ascii();
        assert!(matches!(error.problem, Problem::NotJson(_)), "{document}: {error}");
        assert_eq!(seen, (line, column), "{document}: {error}");
    }
    assert_eq!(refused_json(b"{\"\xff"), (1, 3, Problem::NotUtf8));
    assert_eq!(refused_json(b"{\0\"\0"), (1, 1, Problem::Encoding("UTF-16".into())));
}
