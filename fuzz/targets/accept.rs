//! What is chosen of several is acceptable alone, and where nothing is chosen nothing is.
#![no_main]

use libfuzzer_sys::fuzz_target;

const OFFERED: [&str; 5] = [
    "application/xml",
    "application/json",
    "text/xml;charset=UTF-8",
    "image/png",
    "application/problem+json",
];

fuzz_target!(|accept: &str| {
    let chosen = tintype_fuzz::negotiate(accept, &OFFERED);
    let alone = OFFERED.map(|offer| tintype_fuzz::negotiate(accept, &[offer]).is_some());
    match chosen {
        Some(index) => assert!(alone[index], "{} alone is refused", OFFERED[index]),
        None => assert_eq!(alone, [false; 5]),
    }
    assert_eq!(tintype_fuzz::negotiate(accept, &[]), None);
    // Who takes anything takes what the server likes best, unless weights say otherwise.
    if !accept.contains(['"', ';']) {
        assert_eq!(tintype_fuzz::negotiate(&format!("*/*, {accept}"), &OFFERED), Some(0));
    }
});
