//! Figures of the real server, taken side by side: whatever is compared alternates within one run,
//! so that a slow minute of the machine falls on all of it.
//!
//! A bench is a module with a `command` and a `run`, and one line in each of the two lists below.
//! What they share: [`server`] starts the binary, [`http`] and [`load`] put work on it, [`figures`]
//! and [`table`] say what came of it.
#![allow(clippy::print_stdout)]

mod accept;
mod churn;
mod claims;
#[allow(clippy::unwrap_used, dead_code)] // as tests have it
#[path = "../../host/src/store/postgres/tests/cluster.rs"]
mod cluster;
mod dispatch;
mod fairness;
mod figures;
mod hot_paths;
mod http;
mod load;
mod machine;
mod nodes;
mod npm;
mod peer;
mod pictures;
mod pixels;
mod records;
mod round_trip;
mod server;
mod sharp;
mod stack;
mod table;

use clap::Command;

fn main() -> anyhow::Result<()> {
    let command = Command::new("tintype-bench")
        .about("Measures target/release/tintype; `make build guests` builds what is measured")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(pixels::command())
        .subcommand(hot_paths::command())
        .subcommand(hot_paths::one_command())
        .subcommand(peer::command())
        .subcommand(fairness::command())
        .subcommand(claims::command())
        .subcommand(dispatch::command())
        .subcommand(accept::command())
        .subcommand(records::command())
        .subcommand(churn::command())
        .subcommand(nodes::command());
    let measured = match command.get_matches().subcommand() {
        Some(("pixels", matches)) => pixels::run(matches),
        Some(("instructions", matches)) => hot_paths::run(matches),
        Some(("hot-path", matches)) => hot_paths::run_one(matches),
        Some(("peer", matches)) => peer::run(matches),
        Some(("fairness", matches)) => fairness::run(matches),
        Some(("claims", matches)) => claims::run(matches),
        Some(("dispatch", matches)) => dispatch::run(matches),
        Some(("accept", matches)) => accept::run(matches),
        Some(("records", matches)) => records::run(matches),
        Some(("churn", matches)) => churn::run(matches),
        Some(("nodes", matches)) => nodes::run(matches),
        _ => unreachable!("clap demands one of the subcommands"),
    };
    server::remove_folders();
    measured
}
