//! XML by example: what is read, and what is refused with its place.

use super::*;

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
