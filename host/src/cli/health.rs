//! `tintype health`: asks the server on this machine whether it takes tasks, for a container's health
//! check. It asks through the socket in the data folder, and so needs neither a key nor a certificate.

use std::io::Write as _;

use anyhow::Context as _;
use clap::{ArgMatches, Command};

use super::settings;
use crate::config::Config;
use crate::control::{Connection, Reply, Request};
use crate::data_folder::Paths;

pub(super) fn command() -> Command {
    settings::with_some_flags(
        Command::new("health")
            .about("Ask the running server whether it takes tasks: exits with 0 if it does"),
        &["data_dir"],
    )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let config = Config::read(&settings::gather(matches)?)?;
    let data = &config.storage.data_dir;
    let asked = async {
        let mut connection = Connection::open(&Paths::of(data).control()).await?;
        connection.ask(&Request::Ready).await
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(asked).with_context(|| format!("the server on {}", data.display()))? {
        Reply::Ready => Ok(writeln!(std::io::stdout(), "ready")?),
        other => anyhow::bail!("the server gave the answer to another question: {other:?}"),
    }
}
