//! What a power cut and a failing disk leave of the promise of a 202. The server is the real one; a
//! shim between it and the C library (`shim.c`) makes its disk fail, its clock jump, and keeps a
//! journal of everything it does to its files.
//!
//! `FAULTS_CUTS` is how many moments a power cut is tried at (`all`, or a number), `FAULTS_ALL=1`
//! lets every single operation of a task fail, `FAULTS_SEED` chooses which otherwise, and
//! `FAULTS_TASKS` is how many tasks are recorded.
// Longer runs are asked for their figures.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod account;
mod clock;
mod disk;
mod orders;
mod poison;
mod power_cut;
mod replay;

use tintype_tests::server::Setup;

/// A number from the environment, for longer runs than everyday's.
fn from_environment(name: &str, everyday: u64) -> u64 {
    std::env::var(name).map_or(everyday, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

/// A server with both plugins, on which faults can be made.
fn setup() -> Setup {
    Setup::default().hostile().with("workers", 2).faults()
}

/// The id at the end of a task's URI.
fn id_of(task: &str) -> &str {
    task.rsplit('/').next().unwrap()
}
