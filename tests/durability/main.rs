//! What a 202 promises, tested where it could break: the order in which things reach the disk, seen
//! from outside, and what is left after the server was killed again and again.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod crash_loop;
mod order;
mod promise;
mod strace;
