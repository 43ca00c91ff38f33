//! Whatever a client prefers, it waits no longer than it may, and what is not about waiting changes
//! nothing.
#![no_main]

use std::time::Duration;

use axum::http::HeaderValue;
use libfuzzer_sys::fuzz_target;

const LONGEST: Duration = Duration::from_secs(60);

fuzz_target!(|input: &[u8]| {
    let values = input.split(|byte| *byte == b'\n').map(HeaderValue::from_bytes);
    let Ok(values) = values.collect::<Result<Vec<_>, _>>() else { return };
    let wait = tintype_fuzz::wait(&values, LONGEST);
    assert!(wait.is_none_or(|wait| wait <= LONGEST));

    let other = HeaderValue::from_static("return=minimal; a=\"wait=1, wait=2\", handling=lenient");
    let among_others: Vec<_> = [other.clone()].into_iter().chain(values).chain([other]).collect();
    assert_eq!(tintype_fuzz::wait(&among_others, LONGEST), wait);
});
