//! What is read as a media type is written so that it reads back as the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_fuzz::media_type::{MAX_MEDIA_TYPE_BYTES, MediaType};
use tintype_fuzz::multipart::Boundary;

fuzz_target!(|value: &[u8]| {
    let Ok(media_type) = MediaType::parse_bytes(value) else { return };
    assert_eq!(media_type.essence(), format!("{}/{}", media_type.type_(), media_type.subtype()));
    let _ = Boundary::of(&media_type);
    let written = media_type.to_string();
    assert!(!written.contains(['\r', '\n', '\0']));
    // Quotation marks and spaces are added where the sender saved them.
    if written.len() <= MAX_MEDIA_TYPE_BYTES {
        let read = MediaType::parse(&written).expect("what was written can be read");
        assert_eq!(read, media_type);
        assert_eq!(read.to_string(), written);
    }
});
