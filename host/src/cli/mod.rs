//! The command line: what `tintype` can be told to do.

mod config;
mod data;
mod key;
mod plugin;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Command;

/// Exit codes, for scripts. 0 is success.
const FAILED: u8 = 1;
/// A wrong command line; clap's own.
const MISUSED: u8 = 2;

/// A command line that clap takes and that cannot mean anything all the same.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

/// The error for a command line that breaks a rule.
fn misuse(rule: impl std::fmt::Display) -> anyhow::Error {
    Misuse(rule.to_string()).into()
}

/// Parses the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let done = match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches),
        Some(("config", matches)) => config::run(matches),
        Some(("key", matches)) => key::run(matches),
        Some(("plugin", matches)) => plugin::run(matches),
        Some(("backup", matches)) => data::backup(matches),
        Some(("restore", matches)) => data::restore(matches),
        Some(("doctor", matches)) => data::doctor(matches),
        _ => unreachable!("clap demands one of the subcommands"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tintype: {error:#}");
            ExitCode::from(if error.is::<Misuse>() { MISUSED } else { FAILED })
        }
    }
}

/// The whole command line.
#[must_use]
pub fn command() -> Command {
    Command::new("tintype")
        .about("Processes pictures asynchronously in sandboxed WebAssembly components")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(settings::with_flags(
            Command::new("serve").about("Serve until told to stop (SIGTERM or Ctrl-C)"),
        ))
        .subcommand(key::command())
        .subcommand(plugin::command())
        .subcommand(data::backup_command())
        .subcommand(data::restore_command())
        .subcommand(data::doctor_command())
        .subcommand(settings::with_flags(
            Command::new("config")
                .about("Print the effective configuration, and where each value comes from"),
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
