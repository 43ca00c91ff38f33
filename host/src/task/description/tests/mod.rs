//! Both notations by example, then by random models and random damage.

#![allow(clippy::unwrap_used)]

mod models;
mod notation_json;
mod notation_xml;

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
