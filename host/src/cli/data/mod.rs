//! `tintype backup`, `restore` and `doctor`: commands on a data folder, beside a server that runs on it
//! or without one.

mod copy;
mod doctor;
pub(super) mod moving;
mod pictures;
mod source;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::copy::Copied;
use super::{environment, settings};
use crate::config::Config;
use crate::data_folder::DataFolderError;

/// The setting that says which folder.
const SETTINGS: &[&str] = &["data_dir"];

pub(super) fn backup_command() -> Command {
    settings::with_some_flags(
        Command::new("backup")
            .about("Copy the data folder to a new folder, while the server runs or without it")
            .arg(folder("folder", "FOLDER", "Where to: a folder that is empty or does not exist")),
        SETTINGS,
    )
}

pub(super) fn restore_command() -> Command {
    settings::with_some_flags(
        Command::new("restore").about("Make a data folder from a backup").arg(folder(
            "backup",
            "BACKUP",
            "The folder that `tintype backup` made",
        )),
        SETTINGS,
    )
}

pub(super) fn doctor_command() -> Command {
    settings::with_flags(
        Command::new("doctor")
            .about(
                "Check what a server with these settings needs of this machine, of its database and object store, and \
                 every task and picture; changes nothing by itself",
            )
            .arg(
                Arg::new("only")
                    .long("only")
                    .value_name("HALF")
                    .value_parser(["data", "setup"])
                    .help("Check only the data folder (or backup, or database and object store), or only settings and machine"),
            )
            .arg(
                Arg::new("accept-loss")
                    .long("accept-loss")
                    .action(ArgAction::SetTrue)
                    .conflicts_with("only")
                    .help("Go on without records that the task store has lost; their pictures are set aside. Checks only the data"),
            ),
    )
}

fn folder(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    Arg::new(id).value_name(name).required(true).value_parser(clap::value_parser!(PathBuf)).help(help)
}

pub(super) fn backup(matches: &ArgMatches) -> anyhow::Result<()> {
    let (from, to) = (data_dir(matches)?, path(matches, "folder"));
    let copied = block_on(copy::copy(&from, to))?;
    report(&copied, &format!("{} is a backup of {}", to.display(), from.display()))
}

pub(super) fn restore(matches: &ArgMatches) -> anyhow::Result<()> {
    let (from, to) = (path(matches, "backup"), data_dir(matches)?);
    let copied = block_on(copy::copy(from, &to))?;
    report(&copied, &format!("{} is restored from {}", to.display(), from.display()))
}

pub(super) fn doctor(matches: &ArgMatches) -> anyhow::Result<()> {
    let sources = settings::gather(matches)?;
    let config = Config::read(&sources)?;
    let root = config.storage.data_dir.clone();
    let accept_loss = matches.get_flag("accept-loss");
    let only = matches.get_one::<String>("only").map(String::as_str);
    let mut is_healthy = true;
    if !accept_loss && only != Some("data") {
        let mut findings = environment::examine(&config);
        // What keeps only a server from starting, and no other command.
        if let Err(error) = Config::load(&sources) {
            findings.refused(&error);
        }
        findings.write(&mut io::stdout().lock())?;
        is_healthy = findings.is_healthy();
    }
    if only == Some("setup") {
        anyhow::ensure!(is_healthy, "a server with these settings would not work here");
        return Ok(());
    }
    if accept_loss {
        anyhow::ensure!(
            config.storage.store.database().is_none() && config.storage.blobs.is_none(),
            "--accept-loss is for the embedded store and the pictures beside it: a database that has lost something is \
             restored from its own backup"
        );
        let set_aside = block_on(doctor::accept_loss(&root))?;
        eprintln!(
            "The task store is taken as it is; {set_aside} pictures of tasks that it does not know are in blobs/lost."
        );
    }
    let findings = match block_on(doctor::examine(&config)) {
        Err(error) if only.is_none() && !accept_loss && is_before_the_first_start(&error) => {
            writeln!(io::stdout(), "{}: no tasks yet; the first start makes it", root.display())?;
            anyhow::ensure!(is_healthy, "a server with these settings would not work here");
            return Ok(());
        }
        findings => findings?,
    };
    findings.write(&mut io::stdout().lock())?;
    anyhow::ensure!(findings.is_healthy(), "there are problems; `tintype backup` saves what is not damaged");
    anyhow::ensure!(is_healthy, "the data are good, but a server with these settings would not work here");
    Ok(())
}

/// Whether there is no data folder; whoever asks for its data alone is told that as an error.
fn is_before_the_first_start(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(DataFolderError::None(_)))
}

/// Says what was copied; damages are an error, though everything else is there.
fn report(copied: &Copied, done: &str) -> anyhow::Result<()> {
    for damage in &copied.damages {
        eprintln!("damaged: {damage}");
    }
    let Copied { tasks, pictures, bytes, .. } = copied;
    writeln!(io::stdout(), "{done}: {tasks} tasks, {pictures} pictures, {bytes} bytes")?;
    let damages = copied.damages.len();
    anyhow::ensure!(damages == 0, "{damages} damaged records and pictures are not in the copy");
    Ok(())
}

fn data_dir(matches: &ArgMatches) -> anyhow::Result<PathBuf> {
    Ok(Config::read(&settings::gather(matches)?)?.storage.data_dir)
}

fn path<'a>(matches: &'a ArgMatches, id: &str) -> &'a Path {
    matches.get_one::<PathBuf>(id).map_or(Path::new(""), PathBuf::as_path)
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
