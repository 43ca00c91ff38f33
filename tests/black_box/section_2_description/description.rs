//! The description language: what is done in which order, how a plugin is chosen, how values are
//! read, and what is refused with which words.

use tintype_tests::server::Setup;
use tintype_tests::{Related, Server, pictures, task_xml};

use crate::steps::{Message, hostile, hostile_server};

/// A message with this description and an image.
fn described(media_type: &str, description: &str) -> Message {
    let root = format!("Content-Type: {media_type}");
    Related::empty().part(&root, description.as_bytes()).part("Content-Type: image/png", b"x").build()
}

fn assert_nothing_is_kept(server: &Server) {
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
}

#[test]
fn one_to_sixteen_operations_are_done_in_order() {
    let server = hostile_server();
    let client = server.client();
    let turns = |count: usize| {
        let operations: String = (0..count)
            .map(|_| "<operation name=\"rotate\"><param name=\"angle\">90</param></operation>")
            .collect();
        Related::simple(&format!("<task>{operations}</task>"), "image/png", &pictures::png(16, 8))
    };
    let size = |count: usize| {
        let result = client.result(&client.process(&turns(count)));
        let picture = pictures::decode(&result.body);
        (picture.width(), picture.height())
    };
    assert_eq!((size(1), size(2), size(16)), ((8, 16), (16, 8), (16, 8)));
    client.submit(&turns(0)).refused(400, "bad-description");
    client.submit(&turns(17)).refused(400, "bad-description");
}

#[test]
fn a_value_of_text_becomes_what_the_schema_of_the_plugin_asks_for() {
    let server = Server::new();
    let client = server.client();
    let task = task_xml("resize", &[("width", " 8 "), ("enlarge", "false"), ("fit", "fill")], "");
    let result = client.result(&client.process(&Related::simple(&task, "image/png", &pictures::png(16, 16))));
    assert_eq!(pictures::decode(&result.body).width(), 8);
    let typed = r#"{"operations":[{"name":"resize","params":{"width":"8"}}]}"#;
    let problem = client.submit(&described("application/json", typed)).refused(422, "impossible-task");
    assert!(problem.detail.contains("width"), "JSON text is no number: {problem:?}");
}

#[test]
fn a_version_narrows_the_plugin() {
    let server = hostile_server();
    let client = server.client();
    for (version, code) in [("1", 202), ("^1.0", 202), (">=1, <2", 202), ("2", 422), ("0.9", 422)] {
        let version = version.replace('>', "&gt;").replace('<', "&lt;");
        let task =
            format!("<task><operation name=\"echo\" plugin=\"hostile\" version=\"{version}\"/></task>");
        assert_eq!(client.submit(&described("application/xml", &task)).code, code, "{version}");
    }
}

#[test]
fn a_malformed_description_is_refused_with_line_and_column() {
    let server = hostile_server();
    let client = server.client();
    let xml = "application/xml";
    for (media_type, description, place, words) in [
        (xml, "<task>\n  <operation name='a'>\n</task>", "Line 3", "not well-formed"),
        (xml, "<!DOCTYPE task><task/>", "Line 1, column 1:", "DOCTYPE"),
        (xml, "<task>\n <!DOCTYPE x [<!ENTITY a 'b'>]></task>", "Line 2", "DOCTYPE"),
        (
            xml,
            "<task><operation name='fail'><param name='text'>&lol;</param></operation></task>",
            "Line 1",
            "&lol;",
        ),
        (xml, "<task>\n\n<what/></task>", "Line 3, column 1:", "what"),
        (xml, "<task><operation name='echo' colour='red'/></task>", "Line 1", "colour"),
        (xml, "<task>loose<operation name='echo'/></task>", "Line 1, column 7:", "text has no place"),
        (xml, "<task/>", "Line 1", "at least one operation"),
        (xml, "", "Line 1", ""),
        (xml, "\u{0}", "Line 1", ""),
        (xml, "<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>", "Line 1", ""),
        (
            xml,
            "<task><operation name='echo'><param name='x' href='http://example.org/x'/></operation></task>",
            "Line 1",
            "cid:",
        ),
        (
            xml,
            "<task><operation name='echo'><param name='x' href='file:///etc/passwd'/></operation></task>",
            "Line 1",
            "cid:",
        ),
        (xml, "{\"operations\":[{\"name\":\"echo\"}]}", "Line 1", ""),
        ("application/json", "{\"operations\":[{\"name\":\"echo\"},]}", "Line 1", "JSON"),
        ("application/json", "{\n\"operations\":[{\"name\":\"echo\",\n\"what\":1}]}", "Line 3", "what"),
        ("application/json", "[]", "Line 1", ""),
        ("application/json", "", "Line 1", ""),
    ] {
        let problem = client.submit(&described(media_type, description)).refused(400, "bad-description");
        assert!(
            problem.detail.contains(place) && problem.detail.contains(words),
            "{description}: {problem:?}"
        );
    }
    assert_nothing_is_kept(&server);
}

#[test]
fn a_description_has_its_bounds() {
    let server = hostile_server();
    let client = server.client();
    let with =
        |operations: usize| format!("<task>{}</task>", "<operation name=\"echo\"/>".repeat(operations));
    assert_eq!(client.submit(&described("application/xml", &with(16))).code, 202);
    client.submit(&described("application/xml", &with(17))).refused(400, "bad-description");
    let long = format!("<task><operation name=\"echo\"/><!--{}--></task>", "x".repeat(65_536));
    let problem = client.submit(&described("application/xml", &long)).refused(400, "bad-description");
    assert!(problem.detail.contains("65536"), "{problem:?}");
    let words = "x".repeat(60_000);
    let fits = task_xml("fail", &[("text", &words)], "");
    assert_eq!(client.process(&described("application/xml", &fits)).code(), "plugin-error");
}

#[test]
fn a_description_of_another_type_or_charset_is_unsupported() {
    let server = hostile_server();
    let client = server.client();
    let task = "<task><operation name=\"echo\"/></task>";
    for media_type in ["image/png", "text/html", "application/xml;charset=iso-8859-1"] {
        client.submit(&described(media_type, task)).refused(415, "unsupported-media-type");
    }
    for media_type in ["application/xml;charset=\"utf-8\"", "text/xml"] {
        assert_eq!(client.submit(&described(media_type, task)).code, 202, "{media_type}");
    }
}

#[test]
fn what_is_understood_but_impossible_names_what_and_the_rule() {
    let server = hostile_server();
    let client = server.client();
    for (task, words) in [
        (task_xml("rezise", &[], ""), &["rezise", "resize", "crop"][..]),
        (task_xml("resize", &[("width", "wide")], ""), &["resize", "width", "wide"]),
        (task_xml("resize", &[("width", "0")], ""), &["resize", "width", "1"]),
        (task_xml("resize", &[("width", "1.5")], ""), &["resize", "width", "1.5"]),
        (task_xml("resize", &[("width", "8"), ("fit", "squeeze")], ""), &["resize", "fit", "cover"]),
        (task_xml("resize", &[("width", "8"), ("heigth", "8")], ""), &["resize", "heigth", "height"]),
        (task_xml("crop", &[("width", "8")], ""), &["crop", "height"]),
        (task_xml("echo", &[("width", "8")], ""), &["echo", "width", "no parameters"]),
        (task_xml("attached", &[("picture", "text")], ""), &["attached", "picture", "cid"]),
        (task_xml("resize", &[("width", "8")], "image/x-unheard-of"), &["image/x-unheard-of", "image/png"]),
        ("<task><operation name=\"echo\" plugin=\"standard\"/></task>".to_owned(), &["echo", "hostile 1.0.0"]),
        ("<task><operation name=\"echo\" version=\">=2\"/></task>".to_owned(), &["echo", "hostile 1.0.0"]),
        ("<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:none\"/></operation></task>".to_owned(), &["picture", "cid:none"]),
        ("<task><operation name=\"echo\"/><output type=\"image/png\"><param name=\"quality\">101</param></output></task>".to_owned(), &["image/png", "quality"]),
    ] {
        let problem = client.submit(&described("application/xml", &task)).refused(422, "impossible-task");
        for word in words {
            assert!(problem.detail.contains(word), "{word}: {problem:?}");
        }
    }
    assert_nothing_is_kept(&server);
}

#[test]
fn an_operation_that_two_plugins_offer_must_be_told_apart() {
    // The same component under another name in its descriptor.
    let hostile_wasm = std::fs::read(tintype_tests::server::built("hostile")).unwrap();
    let server = Setup::default().hostile().plugin("twin.wasm", &renamed(&hostile_wasm)).start();
    let client = server.client();
    let problem = client.submit(&hostile("echo", &[])).refused(422, "impossible-task");
    assert!(
        problem.detail.contains("hostile 1.0.0") && problem.detail.contains("h0stile 1.0.0"),
        "{problem:?}"
    );
    let chosen = "<task><operation name=\"echo\" plugin=\"h0stile\" version=\"^1\"/></task>";
    let message = Related::simple(chosen, "image/png", &pictures::png(1, 1));
    assert_eq!(client.process(&message).state(), "OK");
}

/// The hostile plugin by another name of the same length.
fn renamed(wasm: &[u8]) -> Vec<u8> {
    let (name, other) = (b"hostile1.0.0", b"h0stile1.0.0");
    let at = wasm.windows(name.len()).position(|bytes| bytes == name).expect("name and version lie together");
    [&wasm[..at], other, &wasm[at + name.len()..]].concat()
}
