//! The real binary with its tasks in PostgreSQL.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod clocks;
mod connections;
mod crash_loop;
mod cut_off;
mod encrypted;
mod moving;
mod rolling_upgrade;
mod sharing;
mod standby;
