//! Both notations by example, then by random models and random damage.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::json;

use super::*;

const EXAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<task>
  <operation name="resize">
    <param name="width">320</param>
    <param name="fit">cover</param>
  </operation>
  <operation name="watermark" plugin="acme-marks" version="1">
    <param name="overlay" href="cid:logo@client"/>
  </operation>
  <output type="image/webp"><param name="quality">80</param></output>
</task>
"#;

fn text(value: &str) -> ParamValue {
    ParamValue::Text(value.into())
}

fn operation(name: &str, params: &[(&str, ParamValue)]) -> Operation {
    let params = params.iter().map(|(name, value)| Param { name: (*name).into(), value: value.clone() });
    Operation { name: name.into(), plugin: None, version: None, params: params.collect() }
}

fn example() -> Description {
    let watermark = operation("watermark", &[("overlay", ParamValue::Attachment("logo@client".into()))]);
    Description {
        operations: vec![
            operation("resize", &[("width", text("320")), ("fit", text("cover"))]),
            Operation {
                plugin: Some("acme-marks".into()),
                version: Some(VersionReq::parse("1").unwrap()),
                ..watermark
            },
        ],
        output: Some(Output {
            media_type: MediaType::of("image/webp"),
            params: vec![Param { name: "quality".into(), value: text("80") }],
        }),
        callback: None,
    }
}

/// What a document is refused for: line, column, and the problem.
fn refused_xml(document: impl AsRef<[u8]>) -> (usize, usize, Problem) {
    let error = parse_xml(document.as_ref()).unwrap_err();
    (error.line, error.column, error.problem)
}

fn refused_json(document: impl AsRef<[u8]>) -> (usize, usize, Problem) {
    let error = parse_json(document.as_ref()).unwrap_err();
    (error.line, error.column, error.problem)
}

fn malformed(what: &str) -> Problem {
    Problem::NotWellFormed(what.into())
}

/// The text of the parameter of a description that has only one.
fn param_of(inner: &str) -> Result<ParamValue, DescriptionError> {
    let document = format!("<task><operation name='o'>{inner}</operation></task>");
    let mut description = parse_xml(document.as_bytes())?;
    Ok(description.operations.remove(0).params.remove(0).value)
}

#[test]
fn a_callback_is_read_in_both_notations_and_once_only() {
    let url = "https://hooks.example.org/done?x=1&y=2";
    let xml =
        "<task><operation name='o'/><callback href='https://hooks.example.org/done?x=1&amp;y=2'/></task>";
    let json = format!(r#"{{"operations":[{{"name":"o"}}],"callback":"{url}"}}"#);
    assert_eq!(parse_xml(xml.as_bytes()).unwrap().callback.as_deref(), Some(url));
    assert_eq!(parse_json(json.as_bytes()).unwrap().callback.as_deref(), Some(url));
    let twice = "<task><operation name='o'/><callback href='a'/><callback href='b'/></task>";
    assert_eq!(parse_xml(twice.as_bytes()).unwrap_err().problem, Problem::SecondCallback);
}

#[test]
fn the_example_is_read() {
    assert_eq!(parse_xml(EXAMPLE.as_bytes()), Ok(example()));
    let crlf = EXAMPLE.replace('\n', "\r\n");
    assert_eq!(parse_xml(crlf.as_bytes()), Ok(example()));
    let marked = format!("\u{feff}{EXAMPLE}");
    assert_eq!(parse_xml(marked.as_bytes()), Ok(example()));
    assert_eq!(example().attachments().collect::<Vec<_>>(), ["logo@client"]);
    assert_eq!(example().check(), Ok(()));
}

#[test]
fn xml_that_is_fine() {
    let one = Ok(Description { operations: vec![operation("o", &[])], output: None, callback: None });
    for document in [
        "<task><operation name='o'/></task>",
        "<task ><operation\nname = \"o\" ></operation\t></task >\n",
        "<?xml version='1.0'?><task><operation name='o'/></task>",
        "<?xml version='1.0' encoding='us-ascii' standalone='no' ?>\n<task><operation name='o'/></task>",
        "<!-- a -->\n<?a b?><task><!-- - --><operation name='o'><?xml-model href='http://x'?></operation></task><!----><?a?>",
        "<task><operation name='&#x6F;'/></task>",
    ] {
        assert_eq!(parse_xml(document.as_bytes()), one, "{document}");
    }
}

#[test]
fn the_text_of_a_parameter_is_exact() {
    let table = [
        ("<param name='p'/>", ""),
        ("<param name='p'></param>", ""),
        ("<param name='p'> a\r\nb\rc\t</param>", " a\nb\nc\t"),
        ("<param name='p'>&lt;&gt;&amp;&apos;&quot;&#65;&#x42;&#13;</param>", "<>&'\"AB\r"),
        ("<param name='p'>a<![CDATA[<b>&amp;\r\n]]]]><![CDATA[>]]></param>", "a<b>&amp;\n]]>"),
        ("<param name='p'>3<!-- x -->2<?y?>0</param>", "320"),
        ("<param name='p'>grün \u{1F600}</param>", "grün \u{1F600}"),
    ];
    for (xml, expected) in table {
        assert_eq!(param_of(xml), Ok(text(expected)), "{xml}");
    }
}

#[test]
fn a_cid_url_is_percent_decoded() {
    let table = [
        ("cid:logo@client", "logo@client"),
        ("CID:a%2Bb%40c", "a+b@c"),
        ("cid:gr%C3%BCn", "grün"),
        ("cid:a&amp;b", "a&b"),
    ];
    for (href, id) in table {
        let xml = format!("<param name='p' href='{href}'>\n <!-- only layout --></param>");
        assert_eq!(param_of(&xml), Ok(ParamValue::Attachment(id.into())), "{href}");
    }
    for href in ["http://x/y", "file:///etc/passwd", "logo", "", "cid", "mid:a@b", "cid:%FF"] {
        let error = param_of(&format!("<param name='p' href='{href}'/>")).unwrap_err();
        assert_eq!(error.problem, Problem::Href(href.into()));
    }
    for (href, id) in [("cid:", ""), ("cid:a%20b", "a b"), ("cid:&lt;a&gt;", "<a>")] {
        let error = param_of(&format!("<param name='p' href='{href}'/>")).unwrap_err();
        assert_eq!(error.problem, Problem::ContentId(id.into()));
    }
}

#[test]
fn what_breaks_the_language_is_refused_with_its_place() {
    use Problem as Is;
    let unknown = |name: &str, inside, allowed| Is::UnknownElement { name: name.into(), inside, allowed };
    let attribute =
        |name: &str, element, allowed| Is::UnknownAttribute { name: name.into(), element, allowed };
    let long_name = "n".repeat(65);
    let table: Vec<(String, usize, usize, Problem)> = [
        ("<Task/>", 1, 1, Is::Root("Task".into())),
        ("<x:task/>", 1, 1, Is::Namespace("x:task".into())),
        ("\n<task xmlns='u:x'/>", 2, 7, Is::Namespace("xmlns".into())),
        ("<task xmlns:a='u:x'/>", 1, 7, Is::Namespace("xmlns:a".into())),
        ("<task xml:lang='de'/>", 1, 7, Is::Namespace("xml:lang".into())),
        ("<task id='1'/>", 1, 7, attribute("id", "task", "none")),
        ("<task/>", 1, 1, Is::NoOperations),
        ("<task><output type='image/png'/></task>", 1, 1, Is::NoOperations),
        ("<task>\n  ü<operation name='o'/></task>", 2, 3, Is::Text("task")),
        ("<task>&#32;</task>", 1, 7, Is::Text("task")),
        ("<task><![CDATA[ ]]></task>", 1, 7, Is::Text("task")),
        (
            "<task><watch href='https://x'/></task>",
            1,
            7,
            unknown("watch", "task", "`operation`, `output`, `callback`"),
        ),
        ("<task><a:b/></task>", 1, 7, Is::Namespace("a:b".into())),
        ("<task><operation/></task>", 1, 7, Is::Missing { owner: "operation", name: "name" }),
        (
            "<task><operation name='o' class='c'/></task>",
            1,
            27,
            attribute("class", "operation", "`name`, `plugin`, `version`"),
        ),
        ("<task><operation name='O'/></task>", 1, 24, Is::OperationName("O".into())),
        ("<task><operation name=''/></task>", 1, 24, Is::OperationName("".into())),
        ("<task><operation name='1o'/></task>", 1, 24, Is::OperationName("1o".into())),
        ("<task><operation name='o' plugin='p_p'/></task>", 1, 35, Is::PluginName("p_p".into())),
        ("<task><operation name='o'>\r\n\tx</operation></task>", 2, 2, Is::Text("operation")),
        (
            "<task><operation name='o'><operation name='o'/></operation></task>",
            1,
            27,
            unknown("operation", "operation", "`param`"),
        ),
        (
            "<task><operation name='o'><param>x</param></operation></task>",
            1,
            27,
            Is::Missing { owner: "param", name: "name" },
        ),
        (
            "<task><operation name='o'><param name='a b'/></operation></task>",
            1,
            40,
            Is::ParamName("a b".into()),
        ),
        (
            "<task><operation name='o'><param name='a'/>\n<param name='a'/></operation></task>",
            2,
            14,
            Is::DuplicateParam("a".into()),
        ),
        (
            "<task><operation name='o'><param name='a' type='int'>1</param></operation></task>",
            1,
            43,
            attribute("type", "param", "`name`, `href`"),
        ),
        (
            "<task><operation name='o'><param name='a'><b/></param></operation></task>",
            1,
            43,
            unknown("b", "param", "none"),
        ),
        (
            "<task><operation name='o'><param name='a' href='cid:b'> \r\n x</param></operation></task>",
            2,
            2,
            Is::TextAndHref,
        ),
        (
            "<task><operation name='o'><param name='a' href='cid:b'>&#32;</param></operation></task>",
            1,
            56,
            Is::TextAndHref,
        ),
        ("<task><operation name='o'/><output/></task>", 1, 28, Is::Missing { owner: "output", name: "type" }),
        (
            "<task><operation name='o'/><output type='image/png'/><output type='image/png'/></task>",
            1,
            54,
            Is::SecondOutput,
        ),
        (
            "<task><operation name='o'/><output type='image/png'/><operation name='o'/></task>",
            1,
            54,
            Is::OperationAfterOutput,
        ),
    ]
    .map(|(document, line, column, problem)| (document.to_owned(), line, column, problem))
    .into_iter()
    .chain([
        (
            format!("<task><operation name='{long_name}'/></task>"),
            1,
            24,
            Is::OperationName(long_name.clone()),
        ),
        (format!("<task>{}</task>", "<operation name='o'/>\n".repeat(17)), 17, 1, Is::TooManyOperations),
    ])
    .collect();
    for (document, line, column, problem) in table {
        assert_eq!(refused_xml(&document), (line, column, problem), "{document}");
    }
    assert!(parse_xml(format!("<task>{}</task>", "<operation name='o'/>".repeat(16)).as_bytes()).is_ok());
    let name = "n".repeat(64);
    assert!(parse_xml(format!("<task><operation name='{name}'/></task>").as_bytes()).is_ok());
}

#[test]
fn versions_and_output_types_are_checked() {
    for version in ["1", "1.2", ">=1.2, <2", "=1.2.3", "~1", "*"] {
        let document =
            format!("<task><operation name='o' version='{}'/></task>", version.replace('<', "&lt;"));
        let read = parse_xml(document.as_bytes()).unwrap();
        assert_eq!(read.operations[0].version, Some(VersionReq::parse(version).unwrap()));
    }
    for version in ["", "latest", "1.2.3.4", "01", "^"] {
        let document = format!("<task><operation name='o' version='{version}'/></task>");
        let (line, column, problem) = refused_xml(&document);
        assert!((line, column) == (1, 36) && matches!(problem, Problem::Version { .. }), "{problem}");
    }
    for type_ in ["png", "image/*", "*/*", "image/png; x=1", "image/png,image/gif", ""] {
        let document = format!("<task><operation name='o'/><output type='{type_}'/></task>");
        let (line, column, problem) = refused_xml(&document);
        assert!((line, column) == (1, 42) && matches!(problem, Problem::OutputType { .. }), "{problem}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused_with_its_place() {
    let lone = Problem::LoneAmpersand;
    let entity = |name: &str| Problem::UnknownEntity(name.into());
    let reference = |name: &str| Problem::CharacterReference(name.into());
    let table = [
        ("", 1, 1, malformed("there is no element")),
        (" \n", 2, 1, malformed("there is no element")),
        ("<!-- x -->", 1, 11, malformed("there is no element")),
        ("task", 1, 1, malformed("text outside the root element")),
        ("\u{feff}\u{feff}<task/>", 1, 1, malformed("a second byte order mark")),
        ("<task><operation name='o'/></task>\nx", 2, 1, malformed("text outside the root element")),
        ("<task><operation name='o'/></task>&#32;", 1, 35, malformed("text outside the root element")),
        ("<![CDATA[]]><task/>", 1, 1, malformed("text outside the root element")),
        ("<task><operation name='o'/></task><task/>", 1, 35, malformed("a second root element")),
        ("<task>\n<operation name='o'>", 2, 1, malformed("`<operation>` is never closed")),
        ("<task></tusk>", 1, 7, malformed("expected `</task>`, but `</tusk>` was found")),
        ("<task></task x='1'>", 1, 7, malformed("expected `</task>`, but `</task x='1'>` was found")),
        ("</task>", 1, 1, malformed("close tag `</task>` does not match any open tag")),
        ("< task/>", 1, 1, malformed("a `<` that begins no tag is written `&lt;`")),
        ("<>", 1, 1, malformed("a `<` that begins no tag is written `&lt;`")),
        ("<1/>", 1, 1, malformed("a `<` that begins no tag is written `&lt;`")),
        ("<task / >", 1, 7, malformed("this cannot be an attribute's name")),
        ("<task a/>", 1, 7, malformed("an attribute without `=` and a value")),
        ("<task a=1/>", 1, 9, malformed("an attribute's value must stand in quotation marks")),
        ("<task a='1'b='2'/>", 1, 12, malformed("white space is missing before an attribute")),
        ("<task\na='1' a='2'/>", 2, 7, Problem::DuplicateAttribute("a".into())),
        ("<task a='x<y'/>", 1, 11, malformed("`<` in an attribute is written `&lt;`")),
        ("<task a='&b;'/>", 1, 10, entity("&b;")),
        ("<task a='x & y'/>", 1, 12, lone.clone()),
        ("<task a='x", 1, 1, malformed("attribute value not closed: `'` not found before end of input")),
        ("<task", 1, 1, malformed("tag not closed: `>` not found before end of input")),
        ("<task>a ]]> b</task>", 1, 9, malformed("`]]>` in text is written `]]&gt;`")),
        ("<task>&nbsp;</task>", 1, 7, entity("&nbsp;")),
        ("<task>a & b</task>", 1, 7, Problem::Text("task")),
        ("<task> & b</task>", 1, 8, lone.clone()),
        ("<task> & b;</task>", 1, 8, lone.clone()),
        ("<task>&", 1, 7, lone.clone()),
        ("<task>&;</task>", 1, 7, lone),
        ("<task>&#0;</task>", 1, 7, reference("&#0;")),
        ("<task>&#x1F;</task>", 1, 7, reference("&#x1F;")),
        ("<task>&#xD800;</task>", 1, 7, reference("&#xD800;")),
        ("<task>&#xFFFE;</task>", 1, 7, reference("&#xFFFE;")),
        ("<task>&#x110000;</task>", 1, 7, reference("&#x110000;")),
        ("<task>&#X41;</task>", 1, 7, reference("&#X41;")),
        ("<task>&#+65;</task>", 1, 7, reference("&#+65;")),
        ("<task>&#;</task>", 1, 7, reference("&#;")),
        ("<!-- a -- b --><task/>", 1, 8, malformed("`--` within a comment")),
        ("<!-- a ---><task/>", 1, 8, malformed("`--` within a comment")),
        ("<!-- a", 1, 1, malformed("comment not closed: `-->` not found before end of input")),
        ("<?a", 1, 1, malformed("processing instruction not closed: `?>` not found before end of input")),
        ("<? a?><task/>", 1, 1, malformed("this cannot be a processing instruction's name")),
        ("<?XML version='1.0'?><task/>", 1, 1, malformed("this cannot be a processing instruction's name")),
        (" <?xml version='1.0'?><task/>", 1, 2, malformed("an XML declaration must be the very first thing")),
        ("<?xml?><task/>", 1, 1, malformed("an XML declaration begins with `version`")),
        ("<?xml encoding='UTF-8'?><task/>", 1, 1, malformed("an XML declaration begins with `version`")),
        (
            "<?xml version='1.0' a='b'?><task/>",
            1,
            21,
            malformed("an XML declaration has `version`, `encoding`, `standalone`"),
        ),
        (
            "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><task/>",
            1,
            38,
            malformed("an XML declaration has `version`, `encoding`, `standalone`"),
        ),
        (
            "<?xml version='1.0' standalone='maybe'?><task/>",
            1,
            33,
            malformed("`standalone` is `yes` or `no`"),
        ),
        ("<?xml version='1.1'?><task/>", 1, 16, Problem::XmlVersion("1.1".into())),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><task/>", 1, 31, Problem::Encoding("ISO-8859-1".into())),
        ("<?xml version='1.0' encoding='UTF-16'?><task/>", 1, 31, Problem::Encoding("UTF-16".into())),
        ("<task>\u{0}</task>", 1, 7, Problem::IllegalCharacter('\u{0}')),
        ("<task>\n\u{1b}</task>", 2, 1, Problem::IllegalCharacter('\u{1b}')),
        ("<task/><!-- \u{ffff} -->", 1, 13, Problem::IllegalCharacter('\u{ffff}')),
        ("<!DOCTYPE task><task/>", 1, 1, Problem::Dtd),
        ("<!doctype task [", 1, 1, Problem::Dtd),
        ("<task><!ELEMENT a></task>", 1, 7, malformed("unknown or missed symbol in markup")),
    ];
    for (document, line, column, problem) in table {
        assert_eq!(refused_xml(document), (line, column, problem), "{document:?}");
    }
    assert_eq!(refused_xml(b"<task>\n ab\xff"), (2, 4, Problem::NotUtf8));
    assert_eq!(refused_xml(b"\xef\xbb\xbf\xc3<task/>"), (1, 1, Problem::NotUtf8));
    let utf16 = Problem::Encoding("UTF-16".into());
    for bytes in [&b"\xff\xfe<\0"[..], b"\xfe\xff\0<", b"<\0t\0", b"\0<\0t"] {
        assert_eq!(refused_xml(bytes), (1, 1, utf16.clone()));
    }
}

#[test]
fn nothing_can_be_expanded_or_fetched() {
    let laughs =
        r#"<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><task>&b;</task>"#;
    let external = r#"<?xml version="1.0"?>
<!DOCTYPE task [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<task><operation name="o"><param name="p">&x;</param></operation></task>"#;
    let parameter = "<!DOCTYPE task [<!ENTITY % d SYSTEM 'http://x/d.dtd'> %d;]><task/>";
    assert_eq!(refused_xml(laughs), (1, 1, Problem::Dtd));
    assert_eq!(refused_xml(external), (2, 1, Problem::Dtd));
    assert_eq!(refused_xml(parameter), (1, 1, Problem::Dtd));
}

#[test]
fn size_and_depth_have_limits() {
    let document = |bytes: usize| {
        let empty = "<task><operation name='o'/><!----></task>";
        empty.replace("<!---->", &format!("<!--{}-->", "x".repeat(bytes - empty.len())))
    };
    assert!(parse_xml(document(MAX_DESCRIPTION_BYTES).as_bytes()).is_ok());
    assert_eq!(refused_xml(document(MAX_DESCRIPTION_BYTES + 1)), (1, 1, Problem::TooLong));
    // The language is three levels deep, so anything deeper is an unknown element already.
    let deep = format!("<task>{}", "<task>".repeat(10_000));
    assert!(matches!(refused_xml(&deep), (1, 7, Problem::UnknownElement { .. })));
    let at_depth = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 4), "]".repeat(depth - 4));
        format!(r#"{{"operations":[{{"name":"o","params":{{"p":{open}{close}}}}}]}}"#)
    };
    assert!(parse_json(at_depth(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(refused_json(at_depth(MAX_DEPTH + 1)), (1, 46, Problem::TooDeep));
    assert_eq!(refused_json("[".repeat(60_000)), (1, 9, Problem::TooDeep));
    assert_eq!(refused_json(" ".repeat(MAX_DESCRIPTION_BYTES + 1)), (1, 1, Problem::TooLong));
}

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

#[test]
fn the_stored_form_is_compact_and_stable() {
    let stored = serde_json::to_string(&example()).unwrap();
    assert_eq!(
        stored,
        r#"{"operations":[{"name":"resize","plugin":null,"version":null,"params":[["width",{"text":"320"}],["fit",{"text":"cover"}]]},{"name":"watermark","plugin":"acme-marks","version":"^1","params":[["overlay",{"cid":"logo@client"}]]}],"output":{"type":"image/webp","params":[["quality",{"text":"80"}]]},"callback":null}"#
    );
    assert_eq!(serde_json::from_str::<Description>(&stored).unwrap(), example());
    let typed = json!({"a": [1, -2, 0.5, null], "b": true});
    let smallest = Description {
        operations: vec![operation("o", &[("p", ParamValue::Json(typed))])],
        output: None,
        callback: None,
    };
    for description in [example(), smallest] {
        let stored = rmp_serde::to_vec(&description).unwrap();
        assert_eq!(rmp_serde::from_slice::<Description>(&stored).unwrap(), description);
    }
}

#[test]
fn messages_say_what_to_change() {
    let message = |document: &str| parse_xml(document.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        message("<task>\n  <operation name='o'/><rotate/></task>"),
        "line 2, column 24: `rotate` doesn't belong in `task`; allowed: `operation`, `output`, `callback`"
    );
    assert_eq!(
        message("<task><operation name='o'><param name='p' href='http://a/'/></operation></task>"),
        "line 1, column 49: `http://a/` cannot be used: `href` must be `cid:` and the Content-ID of \
         another part of this message; nothing outside the message is fetched"
    );
}

#[test]
fn a_description_made_by_hand_can_be_checked() {
    let mut made = example();
    made.operations[0].params[1].name = "width".into();
    assert_eq!(made.check(), Err(Problem::DuplicateParam("width".into())));
    made.operations.clear();
    assert_eq!(made.check(), Err(Problem::NoOperations));
}

/// Writes a model as XML, in one of the many ways that mean the same.
fn to_xml(description: &Description, style: usize) -> String {
    let layout = ["", "\n  ", "<!-- c -->", "\r\n<?p i?>\t"][style % 4];
    let escape = |text: &str| {
        text.chars().fold(String::new(), |escaped, char| {
            escaped
                + &match char {
                    '<' => "&lt;".to_owned(),
                    '&' => "&amp;".to_owned(),
                    '>' => "&gt;".to_owned(),
                    '\'' => "&apos;".to_owned(),
                    '\r' | '\n' | '\t' => format!("&#{};", u32::from(char)),
                    _ if style % 3 == 1 => format!("&#x{:x};", u32::from(char)),
                    _ => char.to_string(),
                }
        })
    };
    let params = |params: &[Param]| {
        params.iter().fold(String::new(), |xml, Param { name, value }| {
            let name = escape(name);
            xml + layout
                + &match value {
                    ParamValue::Text(text) => {
                        format!("<param name='{name}'>{}</param>", escape(text))
                    }
                    ParamValue::Attachment(id) => {
                        let id =
                            percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
                        format!("<param href='cid:{id}' name='{name}'/>")
                    }
                    ParamValue::Json(_) => unreachable!("XML has no typed values"),
                }
        })
    };
    let mut xml = format!("<task>{layout}");
    for operation in &description.operations {
        let plugin = operation.plugin.iter().map(|plugin| format!(" plugin='{plugin}'"));
        let version =
            operation.version.iter().map(|version| format!(" version='{}'", escape(&version.to_string())));
        let attributes: String = plugin.chain(version).collect();
        xml += &format!(
            "<operation{attributes} name='{}'>{}{layout}</operation>{layout}",
            escape(&operation.name),
            params(&operation.params),
        );
    }
    if let Some(output) = &description.output {
        xml += &format!("<output type='{}'>{}</output>", output.media_type, params(&output.params));
    }
    xml + "</task>" + layout
}

fn some_params() -> impl Strategy<Value = Vec<Param>> {
    let value = prop_oneof![
        "[ -~\n\r\tà-ÿ\u{1F600}]{0,20}".prop_map(ParamValue::Text),
        "[!-;=?-~à-ÿ]{1,12}".prop_map(ParamValue::Attachment),
    ];
    proptest::collection::btree_map("[A-Za-z_][A-Za-z0-9_.-]{0,8}", value, 0..4)
        .prop_map(|params| params.into_iter().map(Param::from).collect())
}

fn some_description() -> impl Strategy<Value = Description> {
    let name = "[a-z][a-z0-9-]{0,10}";
    let version = proptest::sample::select(vec!["1", ">=1.2, <2", "~0.3", "=1.0.0-a.1", "*"])
        .prop_map(|version| VersionReq::parse(version).unwrap());
    let operation = (name, proptest::option::of(name), proptest::option::of(version), some_params())
        .prop_map(|(name, plugin, version, params)| Operation { name, plugin, version, params });
    let output = ("image/[a-z0-9.+-]{1,8}", some_params()).prop_map(|(media_type, params)| Output {
        media_type: MediaType::parse(&media_type).unwrap(),
        params,
    });
    (proptest::collection::vec(operation, 1..5), proptest::option::of(output))
        .prop_map(|(operations, output)| Description { operations, output, callback: None })
}

proptest! {
    #[test]
    fn a_model_written_as_xml_reads_back(description in some_description(), style in 0_usize..12) {
        let xml = to_xml(&description, style);
        prop_assert_eq!(parse_xml(xml.as_bytes()), Ok(description.clone()), "{}", xml);
        prop_assert_eq!(description.check(), Ok(()));
        let stored = serde_json::to_vec(&description).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Description>(&stored).unwrap(), description);
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse_xml(&bytes);
        let _ = parse_json(&bytes);
    }

    #[test]
    fn random_markup_never_panics(pieces in proptest::collection::vec(
        proptest::sample::select(vec![
            "<", ">", "/", "</task>", "<task>", "<task/>", "<operation name='o'>", "</operation>", "<param",
            " name='p'", "=", "'", "\"", "&", ";", "&#", "x41", "<!", "--", "<!-", "->", "[CDATA[", "]]>", "<?",
            "?>", "xml", " ", "\r\n", "ü", "\u{feff}", "<!DOCTYPE", "[", "]", "version='1.0'", "href='cid:a'",
        ]),
        0..20,
    )) {
        if let Err(error) = parse_xml(pieces.concat().as_bytes()) {
            prop_assert!(error.line > 0 && error.column > 0);
        }
    }

    #[test]
    fn a_damaged_document_never_panics(
        description in some_description(),
        style in 0_usize..12,
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0_u8..3), 1..4),
    ) {
        let json = serde_json::to_string(&description).unwrap();
        for document in [to_xml(&description, style), json] {
            let mut bytes = document.into_bytes();
            for (place, byte, kind) in &damage {
                let at = place.index(bytes.len());
                match kind {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    _ => { bytes.remove(at); }
                }
            }
            let _ = parse_xml(&bytes);
            let _ = parse_json(&bytes);
        }
    }

    #[test]
    fn json_values_read_back(value in some_json()) {
        let document = json!({"operations": [{"name": "o", "params": {"p": value.clone()}}]}).to_string();
        let read = parse_json(document.as_bytes()).unwrap();
        prop_assert_eq!(&read.operations[0].params[0].value, &ParamValue::Json(value));
    }
}

fn some_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        (-1e9..1e9).prop_map(|value: f64| json!(value)),
        ".{0,10}".prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
            proptest::collection::btree_map("[a-z]{0,2}\"?", inner, 0..4).prop_map(|items| json!(items)),
        ]
    })
}
