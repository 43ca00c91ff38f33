//! No document makes the reader panic, and what it accepts is JSON for serde_json as well.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_fuzz::check_description;
use tintype_fuzz::description::parse_json;

fuzz_target!(|document: &[u8]| {
    match parse_json(document) {
        Ok(description) => {
            check_description(&description);
            let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
            let json: serde_json::Value = serde_json::from_slice(document).expect("JSON was accepted");
            let operations = json["operations"].as_array().map(Vec::len);
            assert_eq!(operations, Some(description.operations.len()));
        }
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1);
            assert!(error.to_string().len() < 2000, "a refusal must not repeat the document");
        }
    }
});
