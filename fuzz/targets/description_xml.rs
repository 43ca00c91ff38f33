//! No document makes the reader panic, and what it accepts another parser accepts as XML, with the
//! same operations in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_fuzz::check_description;
use tintype_fuzz::description::{ParamValue, parse_xml};

fuzz_target!(|document: &[u8]| {
    let description = match parse_xml(document) {
        Ok(description) => description,
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1);
            assert!(error.to_string().len() < 2000, "a refusal must not repeat the document");
            return;
        }
    };
    check_description(&description);

    let text = str::from_utf8(document).expect("what is accepted is UTF-8");
    let tree = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("not well-formed: {error}"));
    let root = tree.root_element();
    assert!(root.has_tag_name("task"));
    let operations: Vec<_> = root.children().filter(|child| child.has_tag_name("operation")).collect();
    assert_eq!(operations.len(), description.operations.len());
    for (element, operation) in operations.iter().zip(&description.operations) {
        assert_eq!(element.attribute("name"), Some(operation.name.as_str()));
        assert_eq!(element.attribute("plugin"), operation.plugin.as_deref());
        let params: Vec<_> = element.children().filter(|child| child.has_tag_name("param")).collect();
        assert_eq!(params.len(), operation.params.len());
        for (element, param) in params.iter().zip(&operation.params) {
            assert_eq!(element.attribute("name"), Some(param.name.as_str()));
            if let ParamValue::Text(value) = &param.value {
                let pieces = element.children().filter(|child| child.is_text());
                let text: String = pieces.filter_map(|piece| piece.text()).collect();
                // roxmltree leaves a CR alone that stands between two references; section 2.11 of
                // XML 1.0 makes it an LF wherever it stands.
                assert_eq!(text.replace('\r', "\n"), value.replace('\r', "\n"));
            }
        }
    }
});
