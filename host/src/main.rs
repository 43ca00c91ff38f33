//! The `tintype` binary: parse, call the library, map the error to an exit code. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    tintype::cli::main()
}
