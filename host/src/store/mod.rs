//! Implementations of [`TaskStore`](crate::task::TaskStore).

pub mod postgres;
pub mod sled;

#[cfg(test)]
mod tests;
