//! What all commands that speak to a server have in common: their flags, and how they end.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::misuse;
use crate::client::{Api, ClientError, ServerAddress, key};
use crate::config::SettingValue as _;

/// Where the server is, when no flag says it.
const SERVER: &str = "TINTYPE_SERVER";

/// What the exit codes mean, for `--help`.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 all is done; 1 another error, or failures of several kinds; 2 the command line is wrong; \
     3 a task ended as FAILED; 4 the server refused; 5 the server cannot be reached; 6 the time was up \
     (--timeout); 130 Ctrl-C, which leaves a task with the server; a second one ends the program at once.\n\n\
     An API key goes into the variable TINTYPE_KEY, or into a file that only its owner can read (--key-file, \
     TINTYPE_KEY_FILE): a flag could be read by everybody on this machine.";

/// Adds the flags that say which server is meant.
pub(super) fn with_flags(command: Command) -> Command {
    command
        .arg(
            Arg::new("server")
                .long("server")
                .value_name("URL")
                .help(format!("The server [env: {SERVER}] [default: {}]", ServerAddress::DEFAULT)),
        )
        .arg(
            Arg::new("key-file")
                .long("key-file")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help(
                    "File with the API key, which only its owner may be able to read [env: TINTYPE_KEY_FILE]",
                ),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Report in JSON, for programs"))
        .after_help(EXIT_CODES)
}

pub(super) fn timeout_flag(help: &'static str) -> Arg {
    Arg::new("timeout").long("timeout").value_name("TIME").value_parser(timeout).help(help)
}

/// Asks the server that the flags, else the environment, name.
pub(super) fn api(matches: &ArgMatches) -> anyhow::Result<Api> {
    let flag = matches.get_one::<String>("server").cloned();
    let named = flag.or_else(|| std::env::var(SERVER).ok().filter(|text| !text.is_empty()));
    let address = ServerAddress::parse(named.as_deref().unwrap_or(ServerAddress::DEFAULT)).map_err(misuse)?;
    let key = key(matches.get_one::<PathBuf>("key-file").map(PathBuf::as_path))?;
    Ok(Api::new(address, key)?)
}

/// Does something that waits for a server.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    // One thread is enough for waiting, and lets what is shared be shared without locks.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Ends with this exit code, of which all was said.
pub(super) fn ended(code: u8) -> anyhow::Result<()> {
    if code == 0 { Ok(()) } else { Err(Ended(code).into()) }
}

/// An end that was told already.
#[derive(Debug, thiserror::Error)]
#[error("ended with {0}")]
pub(super) struct Ended(pub(super) u8);

/// The exit code of an error that a client's command ended with.
pub(super) fn code(error: &anyhow::Error) -> Option<u8> {
    error.downcast_ref::<ClientError>().map(ClientError::code)
}

fn timeout(text: &str) -> Result<Duration, String> {
    Duration::parse(text).map_err(|rule| format!("it must be {rule}"))
}
