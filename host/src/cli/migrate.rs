//! `tintype migrate`: the schema of the database that tasks are in, brought to this version or shown.

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::settings;
use crate::config::Config;
use crate::store::postgres::PostgresStore;

/// The setting that says which database.
const SETTINGS: &[&str] = &["store"];

pub(super) fn command() -> Command {
    settings::with_some_flags(
        Command::new("migrate")
            .about("Bring the schema of the PostgreSQL database that store names to this version, or show it")
            .arg(
                Arg::new("status")
                    .long("status")
                    .action(ArgAction::SetTrue)
                    .help("Only show which steps have been taken; exits with 1 while there are others"),
            ),
        SETTINGS,
    )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let config = Config::read(&settings::gather(matches)?)?;
    let url = config.storage.store.database().context(
        "store is sled, which has no schema to migrate; name the database with TINTYPE_STORE or in the settings file",
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut out = std::io::stdout().lock();
    if matches.get_flag("status") {
        let versions = runtime.block_on(PostgresStore::versions(url))?;
        for (name, applied) in &versions {
            writeln!(out, "{name}: {}", if *applied { "applied" } else { "not applied" })?;
        }
        let missing = versions.iter().filter(|(_, applied)| !applied).count();
        anyhow::ensure!(missing == 0, "{missing} to be applied: run `tintype migrate`");
        return Ok(());
    }
    let applied = runtime.block_on(PostgresStore::migrate(url))?;
    for name in &applied {
        writeln!(out, "{name}: applied")?;
    }
    if applied.is_empty() {
        writeln!(out, "The schema is this version's: there is nothing to apply.")?;
    }
    Ok(())
}
