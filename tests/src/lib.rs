//! What the black-box tests share: a server of their own, a client, pictures, messages.
//!
//! Tests speak HTTP to the real binary; they know nothing of its inside. A helper that waits, waits
//! for a state and never for a time.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

pub mod accounting;
pub mod client;
// The store's own tests have it too, and know nothing of these.
#[path = "../../host/src/store/postgres/tests/cluster.rs"]
pub mod cluster;
pub mod collector;
pub mod document;
pub mod events;
pub mod faults;
pub mod guest;
pub mod journal;
pub mod message;
pub mod pictures;
pub mod raw;
pub mod receiver;
pub mod relay;
// So does that of blobs.
#[path = "../../host/src/blob/tests/s3.rs"]
pub mod s3;
pub mod s3_on_disk;
pub mod server;
pub mod tls;

pub use client::{Answer, Client, Status};
pub use collector::{Collector, Span};
pub use document::{Problem, StatusDocument};
pub use events::Events;
pub use faults::{Faults, Rule};
pub use guest::Guest;
pub use message::{FormData, Related, task_xml};
pub use raw::Connection;
pub use receiver::Receiver;
pub use relay::Relay;
pub use server::{Server, Setup, eventually};
pub use tls::{Identity, TlsConnection};
