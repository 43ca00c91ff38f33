//! The command line: what `tintype` can be told to do.

mod config;
mod data;
mod environment;
mod health;
mod key;
mod migrate;
mod pages;
mod plugin;
mod plugins;
mod serve;
mod server;
mod settings;
mod stores;
mod submit;
mod task;

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
        Some(("serve", matches)) => serve::run(matches, serve::Role::Serve),
        Some(("work", matches)) => serve::run(matches, serve::Role::Work),
        Some(("config", matches)) => config::run(matches),
        Some(("key", matches)) => key::run(matches),
        Some(("plugin", matches)) => plugin::run(matches),
        Some(("submit", matches)) => submit::run(matches),
        Some(("task", matches)) => task::run(matches),
        Some(("plugins", matches)) => plugins::run(matches),
        Some(("completions", matches)) => pages::completions(matches, command()),
        Some(("man", matches)) => pages::man(matches, command()),
        Some(("backup", matches)) => data::backup(matches),
        Some(("restore", matches)) => data::restore(matches),
        Some(("import", matches)) => data::moving::import(matches),
        Some(("export", matches)) => data::moving::export(matches),
        Some(("doctor", matches)) => data::doctor(matches),
        Some(("migrate", matches)) => migrate::run(matches),
        Some(("health", matches)) => health::run(matches),
        _ => unreachable!("clap demands one of the subcommands"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(server::Ended(code)) = error.downcast_ref() {
                return ExitCode::from(*code);
            }
            // Whoever reads, such as `head`, has seen enough.
            let is_unheard = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
            if !error.downcast_ref().is_some_and(is_unheard) {
                eprintln!("tintype: {error:#}");
            }
            let misused = error.is::<Misuse>().then_some(MISUSED);
            ExitCode::from(misused.or_else(|| server::code(&error)).unwrap_or(FAILED))
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
        .subcommand(settings::with_flags(
            Command::new("work").about(
                "Run the tasks that other servers take, where all share a database, until told to stop",
            ),
        ))
        .subcommand(submit::command())
        .subcommand(task::command())
        .subcommand(plugins::command())
        .subcommand(key::command())
        .subcommand(plugin::command())
        .subcommand(data::backup_command())
        .subcommand(data::restore_command())
        .subcommand(data::moving::import_command())
        .subcommand(data::moving::export_command())
        .subcommand(data::doctor_command())
        .subcommand(migrate::command())
        .subcommand(health::command())
        .subcommand(settings::with_flags(
            Command::new("config")
                .about("Print the effective configuration, and where each value comes from"),
        ))
        .subcommand(pages::completions_command())
        .subcommand(pages::man_command())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
