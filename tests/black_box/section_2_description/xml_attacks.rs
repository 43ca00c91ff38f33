//! Descriptions that attack whoever reads them: each is a 400 that says where, nothing is fetched,
//! nothing unfolds, and memory stays where it was.

use std::net::TcpListener;

use tintype_tests::{Problem, Server};

use crate::steps::{Message, resize};

fn described(description: &[u8]) -> Message {
    let parts: [&[u8]; 3] = [
        b"--xyz\r\nContent-Type: application/xml;charset=UTF-8\r\n\r\n",
        description,
        b"\r\n--xyz\r\nContent-Type: image/png\r\n\r\nx\r\n--xyz--\r\n",
    ];
    ("multipart/related; boundary=xyz".to_owned(), parts.concat())
}

fn refusal(server: &Server, description: &[u8]) -> Problem {
    let problem = server.client().submit(&described(description)).refused(400, "bad-description");
    assert_eq!(server.kept_pictures(), 0);
    problem
}

/// Refused with the place of the mistake.
fn assert_refused(server: &Server, description: impl AsRef<[u8]>) {
    let description = description.as_ref();
    let problem = refusal(server, description);
    let has_place = problem.detail.starts_with("Line ") && problem.detail.contains("column ");
    assert!(has_place, "{}: {problem:?}", String::from_utf8_lossy(&description[..description.len().min(80)]));
}

#[test]
fn any_document_type_is_refused_before_it_means_anything() {
    let server = Server::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/x.dtd", listener.local_addr().unwrap());
    for document_type in [
        "<!DOCTYPE task>".to_owned(),
        "<!doctype task>".to_owned(),
        format!("<!DOCTYPE task SYSTEM \"{elsewhere}\">"),
        format!("<!DOCTYPE task PUBLIC \"-//x//y\" \"{elsewhere}\">"),
        "<!DOCTYPE task [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        format!("<!DOCTYPE task [<!ENTITY % x SYSTEM \"{elsewhere}\"> %x;]>"),
        format!("<!DOCTYPE task [<!ENTITY x SYSTEM \"{elsewhere}\">]>"),
        "<!DOCTYPE task [<!ATTLIST operation name CDATA \"resize\">]>".to_owned(),
        "<!DOCTYPE".to_owned(),
        "<!ENTITY x \"y\">".to_owned(),
    ] {
        let task = "<task><operation name=\"resize\"><param name=\"width\">&x;</param></operation></task>";
        assert_refused(&server, format!("{document_type}\n{task}"));
        assert_refused(&server, format!("<?xml version=\"1.0\"?>{document_type}{task}"));
    }
    assert!(listener.accept().is_err(), "somebody came to fetch it");
}

#[test]
fn entities_unfold_to_nothing() {
    let server = Server::new();
    let mut laughs = "<!DOCTYPE lolz [<!ENTITY lol \"lol\">".to_owned();
    for level in 1..10 {
        let (of, name) = (if level == 1 { String::new() } else { (level - 1).to_string() }, level);
        laughs.push_str(&format!("<!ENTITY lol{name} \"{}\">", format!("&lol{of};").repeat(10)));
    }
    laughs.push_str(
        "]><task><operation name=\"resize\"><param name=\"width\">&lol9;</param></operation></task>",
    );
    let quadratic =
        format!("<!DOCTYPE a [<!ENTITY a \"{}\">]><task>{}</task>", "a".repeat(20_000), "&a;".repeat(10_000));
    let resident = server.resident();
    for _ in 0..20 {
        assert_refused(&server, &laughs);
        assert_refused(&server, &quadratic);
    }
    assert!(server.resident() < resident + (8 << 20), "{} after, {resident} before", server.resident());
    for unknown in
        ["&nbsp;", "&x;", "&;", "&#0;", "&#xFFFE;", "&#x110000;", "&#xD800;", "&#-1;", "&#;", "&#x;", "& "]
    {
        assert_refused(
            &server,
            format!(
                "<task><operation name=\"resize\"><param name=\"width\">{unknown}</param></operation></task>"
            ),
        );
    }
}

#[test]
fn what_is_deep_or_wide_or_long_is_refused_and_costs_nothing() {
    let server = Server::new();
    assert_eq!(server.client().submit(&resize()).code, 202);
    let server = Server::new();
    let resident = server.resident();
    let attributes: String = (0..5000).map(|n| format!(" a{n}=\"\"")).collect();
    for description in [
        "<task>".repeat(9000),
        "<a>".repeat(20_000),
        format!("<task><operation name=\"{}\"/></task>", "x".repeat(60_000)),
        format!("<task {}=\"\"/>", "x".repeat(60_000)),
        format!("<{}/>", "x".repeat(60_000)),
        format!("<task{attributes}/>"),
        format!("<task>{}</task>", "<operation/>".repeat(5000)),
        format!("<task><?{}?></task>", "x".repeat(60_000)),
        "<task><operation name=\"a\" name=\"b\"/></task>".to_owned(),
        "<task><![CDATA[".to_owned(),
        "<task><!--".to_owned(),
        "<task><!-- -- --></task>".to_owned(),
        "<task></task><task></task>".to_owned(),
        "<task/>trailing".to_owned(),
        "<task xmlns=\"urn:other\"><operation name=\"resize\"/></task>".to_owned(),
        "<x:task xmlns:x=\"urn:x\"><operation name=\"resize\"/></x:task>".to_owned(),
        "<task><xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\"/></task>"
            .to_owned(),
    ] {
        assert_refused(&server, description);
    }
    // Told by its length alone.
    let problem = refusal(&server, "<task>".repeat(200_000).as_bytes());
    assert!(problem.detail.contains("65536"), "{problem:?}");
    assert!(server.resident() < resident + (8 << 20), "{} after, {resident} before", server.resident());
}

#[test]
fn characters_that_xml_does_not_have_are_refused() {
    let server = Server::new();
    for bad in ["\u{0}", "\u{1}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        for place in [
            format!(
                "<task><operation name=\"resize\"><param name=\"width\">{bad}</param></operation></task>"
            ),
            format!("<task><operation name=\"{bad}\"/></task>"),
            format!("<task><!--{bad}--><operation name=\"resize\"/></task>"),
            format!("{bad}<task/>"),
        ] {
            assert_refused(&server, place);
        }
    }
    for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
        let text = [
            b"<task><operation name=\"resize\"><param name=\"width\">",
            bytes,
            b"</param></operation></task>",
        ];
        refusal(&server, &text.concat());
    }
}

#[test]
fn encodings_other_than_utf_8_are_refused() {
    let server = Server::new();
    let task = "<task><operation name=\"resize\"><param name=\"width\">8</param></operation></task>";
    let little: Vec<u8> = task.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = task.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for description in [
        [&b"\xff\xfe"[..], &little].concat(),
        [&b"\xfe\xff"[..], &big].concat(),
        little,
        big,
        b"\xff\xfe\0\0<\0\0\0".to_vec(),
        b"+ADw-task+AD4-".to_vec(),
        b"\x4c\xa3\x81\xa2\x92\x6e".to_vec(),
    ] {
        refusal(&server, &description);
    }
    for encoding in ["UTF-16", "ISO-8859-1", "EBCDIC-CP-US", "UTF-7", "x-unheard-of", "windows-1252"] {
        assert_refused(&server, format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{task}"));
    }
    for fine in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<?xml version=\"1.0\" encoding='utf-8' standalone='yes'?>",
        "\u{feff}",
    ] {
        let answer = server.client().submit(&described(format!("{fine}{task}").as_bytes()));
        assert_eq!(answer.code, 202, "{fine}: {answer:?}");
    }
}
