//! Random models written and read back, and random damage.

use proptest::prelude::*;
use serde_json::json;

use super::*;

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
