//! Implementations of [`TaskStore`](crate::task::TaskStore).

pub mod sled;
