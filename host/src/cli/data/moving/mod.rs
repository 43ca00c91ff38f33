//! `tintype import` and `export`: all tasks and pictures of a data folder into the database and the object
//! store that the settings name, and back.
//!
//! Either goes on where it was broken off when it is called again. While it goes on, and afterwards on the
//! side that the tasks have left, no server works with them: a task must not run on both.

mod carry;
mod ends;

use std::io::{self, Write as _};
use std::path::Path;

use clap::{ArgMatches, Command};

use self::carry::Carried;
use self::ends::{Folder, Shared};
use super::{block_on, folder, path};
use crate::cli::settings;
use crate::config::Config;

/// Those that say where the shared end is.
const SETTINGS: &[&str] =
    &["data_dir", "keys_file", "store", "store_connections", "store_migrate", "store_accept_unsafe", "blobs"];

pub(in crate::cli) fn import_command() -> Command {
    settings::with_some_flags(
        Command::new("import")
            .about(
                "Carry all tasks and pictures of a data folder, on which no server runs, into the database and the \
                 object store that the settings name",
            )
            .arg(folder("from", "FOLDER", "A data folder, or a backup of one")),
        SETTINGS,
    )
}

pub(in crate::cli) fn export_command() -> Command {
    settings::with_some_flags(
        Command::new("export")
            .about(
                "Carry all tasks and pictures from the database and the object store that the settings name, on \
                 which no server runs, into a data folder",
            )
            .arg(folder("to", "FOLDER", "A folder that is empty or does not exist")),
        SETTINGS,
    )
}

pub(in crate::cli) fn import(matches: &ArgMatches) -> anyhow::Result<()> {
    let config = Config::read(&settings::gather(matches)?)?;
    let from = path(matches, "from");
    let carried = block_on(async {
        let why = |direction: &str, place: &dyn std::fmt::Display| format!("they {direction} {place}");
        let shared = Shared::named(&config, from)?;
        let source = Folder::to_leave(from, &why("are being carried to", &shared))?;
        let target = shared.to_fill(&why("are being carried here from", &source.identity()?)).await?;
        let carried = carry::all(&source, &target).await?;
        if carried.is_whole() {
            source.have_gone(&why("were carried to", &shared))?;
            target.end(None).await?;
        }
        anyhow::Ok(carried)
    })?;
    report(&carried, from, "is carried over")?;
    hint_at_keys(from, &config)
}

pub(in crate::cli) fn export(matches: &ArgMatches) -> anyhow::Result<()> {
    let config = Config::read(&settings::gather(matches)?)?;
    let to = path(matches, "to");
    let carried = block_on(async {
        let shared = Shared::named(&config, to)?;
        let place = std::path::absolute(to)?;
        let source = shared.to_leave(&format!("they are being carried to {}", place.display())).await?;
        let target = Folder::to_fill(to, &format!("from {}", source.identity().await?))?;
        let carried = carry::all(&source, &target).await?;
        if carried.is_whole() {
            source.end(Some(&format!("they were carried to {}", place.display()))).await?;
            target.complete(&config)?;
        }
        anyhow::Ok(carried)
    })?;
    report(&carried, to, "has all of it")
}

fn report(carried: &Carried, folder: &Path, done: &str) -> anyhow::Result<()> {
    for problem in carried.damaged.iter().chain(&carried.differences) {
        eprintln!("{problem}");
    }
    let differences = carried.differences.len();
    anyhow::ensure!(
        differences == 0,
        "{differences} tasks or pictures are not as they were: call it again; both sides stay as they are until then"
    );
    writeln!(io::stdout(), "{} {done}: {carried}", folder.display())?;
    let damaged = carried.damaged.len();
    anyhow::ensure!(
        damaged == 0,
        "{damaged} records or pictures were damaged before, and are not in the copy"
    );
    Ok(())
}

/// The keys are the operator's to spread: a folder's own are not seen by servers elsewhere.
fn hint_at_keys(from: &Path, config: &Config) -> anyhow::Result<()> {
    let (kept, wanted) = (from.join("keys.toml"), config.auth.keys_file(&config.storage));
    if kept.exists() && !wanted.exists() {
        writeln!(
            io::stdout(),
            "The API keys are in {}: copy it to {} on every server, or name it with keys_file.",
            kept.display(),
            wanted.display()
        )?;
    }
    Ok(())
}
