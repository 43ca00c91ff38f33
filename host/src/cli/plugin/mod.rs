//! `tintype plugin`: what operators and authors want to know of a plugin before, and while, others
//! depend on it.
//!
//! | question | file |
//! |---|---|
//! | how a plugin is begun | `new.rs` |
//! | which plugins there are, with or without a server | `list.rs` |
//! | what one picture becomes | `run/` |
//! | whether a plugin is fit to be shipped | `check/` |
//! | how many servers get the same plugins | `publish.rs` |
//! | how a command gets at a plugin | `load.rs` |
//! | how a run's log lines are caught | `said.rs` |

mod check;
mod list;
mod load;
mod new;
mod publish;
mod run;
mod said;

use clap::{Arg, ArgAction, ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("plugin")
        .about("Begin, try, check, list and publish plugins")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(new::command())
        .subcommand(list::command())
        .subcommand(run::command())
        .subcommand(check::command())
        .subcommand(publish::command())
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("new", matches)) => new::run(matches),
        Some(("list", matches)) => list::run(matches),
        Some(("run", matches)) => run::run(matches),
        Some(("check", matches)) => check::run(matches),
        Some(("publish", matches)) => publish::run(matches),
        _ => unreachable!("clap demands one of the subcommands"),
    }
}

fn json_flag() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Report in JSON, for programs")
}

fn text<'a>(matches: &'a ArgMatches, id: &str) -> &'a str {
    matches.get_one::<String>(id).map_or("", String::as_str)
}
