//! The host's parsers, compiled from their own source but without the host: wasmtime with
//! sanitizers would take most of an hour, and nothing here runs a plugin.
//!
//! The modules below stand where they stand in the host, so that `super` and `crate` mean the same.
//! What is private to `host::http` is reached from inside it, by the functions here; the host
//! makes nothing public for this.

// The host uses more of these modules than the targets do.
#![allow(dead_code, unused_imports)]

#[path = "../../host/src"]
mod host {
    pub mod media_type;
    pub mod name;
    pub mod xml_text;

    pub mod http {
        mod media_range;
        pub mod multipart;
        mod prefer;

        use std::time::Duration;

        use axum::http::{HeaderName, HeaderValue};

        /// As the host reads `Accept`.
        pub fn negotiate(accept: &str, offered: &[&str]) -> Option<usize> {
            media_range::negotiate(Some(accept), offered)
        }

        /// As the host reads `Prefer`.
        pub fn wait(values: &[HeaderValue], longest: Duration) -> Option<Duration> {
            let name = HeaderName::from_static("prefer");
            let headers = values.iter().map(|value| (name.clone(), value.clone())).collect();
            prefer::Wait::of(&headers, longest).map(prefer::Wait::duration)
        }
    }

    pub mod task {
        pub mod description;
    }
}

pub use host::http::{multipart, negotiate, wait};
pub use host::media_type;
pub use host::name;
pub use host::task::description;
pub use host::xml_text;

/// A description that was accepted obeys the rules, refers to parts by names that a part can have,
/// and comes back from the store as it went in.
pub fn check_description(description: &description::Description) {
    description.check().expect("what a parser accepts obeys the rules");
    assert!(description.attachments().all(|id| !id.is_empty()));
    let stored = rmp_serde::to_vec(description).expect("a description can be stored");
    let read = rmp_serde::from_slice(&stored).expect("a stored description can be read");
    assert_eq!(*description, read);
    let stored = serde_json::to_vec(description).expect("a description can be written as JSON");
    assert_eq!(*description, serde_json::from_slice(&stored).expect("its JSON can be read"));
}
