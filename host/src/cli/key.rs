//! `tintype key`: makes, lists and revokes API keys, beside a server that runs or without one.
//!
//! A key is printed once, alone on standard output, so that it can go straight to where it is used
//! (`tintype key new ci > ci.key`); everything that is said about it goes to standard error.

use std::io::{self, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Arg, ArgMatches, Command};

use super::settings;
use crate::auth::{KeyFile, Limits};
use crate::config::Config;

/// The settings that say where the keys are; no other matters here.
const SETTINGS: &[&str] = &["keys_file", "data_dir"];

pub(super) fn command() -> Command {
    let quota = |id: &'static str, help: &'static str| {
        Arg::new(id).long(id).value_name("NUMBER").value_parser(clap::value_parser!(NonZeroU32)).help(help)
    };
    Command::new("key")
        .about("Make, list and revoke API keys")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(settings::with_some_flags(
            Command::new("new")
                .about("Make a key and print it, this once")
                .arg(Arg::new("name").value_name("NAME").required(true).help("What to call it"))
                .arg(quota(
                    "quota-per-minute",
                    "Tasks that this key may submit a minute, in place of the server's setting",
                ))
                .arg(quota(
                    "quota-open",
                    "Unfinished tasks that this key may have, in place of the server's setting",
                )),
            SETTINGS,
        ))
        .subcommand(settings::with_some_flags(
            Command::new("list").about("List the keys: id, when it was made, own quotas, name"),
            SETTINGS,
        ))
        .subcommand(settings::with_some_flags(
            Command::new("revoke")
                .about("Take a key away; a running server knows within a second")
                .arg(Arg::new("key").value_name("ID|NAME").required(true).help("Which one")),
            SETTINGS,
        ))
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    run_to(matches, &mut io::stdout().lock())
}

fn run_to(matches: &ArgMatches, out: &mut impl Write) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("new", matches)) => new(matches, &keys_file(matches)?, out),
        Some(("list", matches)) => list(&keys_file(matches)?, out),
        Some(("revoke", matches)) => revoke(text(matches, "key"), &keys_file(matches)?),
        _ => unreachable!("clap demands one of the subcommands"),
    }
}

fn keys_file(matches: &ArgMatches) -> anyhow::Result<PathBuf> {
    // Not `load`: the first key is made before the server may listen where it is meant to.
    let config = Config::read(&settings::gather(matches)?)?;
    Ok(config.auth.keys_file(&config.storage))
}

fn text<'a>(matches: &'a ArgMatches, id: &str) -> &'a str {
    matches.get_one::<String>(id).map_or("", String::as_str)
}

fn new(matches: &ArgMatches, path: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let limit = |id| matches.get_one::<NonZeroU32>(id).copied();
    let limits = Limits { per_minute: limit("quota-per-minute"), open: limit("quota-open") };
    let name = text(matches, "name");
    let (key, first) = KeyFile::update(path, |file| {
        let key = file.add(name, limits)?;
        Ok((key, file.keys().len() == 1))
    })?;
    let id = key.id();
    writeln!(out, "{}", key.expose()).and_then(|()| out.flush()).with_context(|| {
        format!("the key could not be printed and is lost; take it away with `tintype key revoke {id}`")
    })?;
    eprintln!("Key {id} ({name:?}) is in {}; its text is shown this once.", path.display());
    if first {
        eprintln!("From now on the server wants a key with every request.");
    }
    Ok(())
}

fn list(path: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let Some(file) = KeyFile::read(path)? else {
        eprintln!("There is no {}: the server asks nobody for a key.", path.display());
        return Ok(());
    };
    if file.keys().is_empty() {
        eprintln!("{} holds no key: the server lets nobody in.", path.display());
        return Ok(());
    }
    let shown = |limit: Option<NonZeroU32>| limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    writeln!(out, "{:8}  {:20}  {:>10}  {:>10}  NAME", "ID", "CREATED", "PER MINUTE", "OPEN")?;
    for key in file.keys() {
        let (per_minute, open) = (shown(key.quota_per_minute), shown(key.quota_open));
        writeln!(
            out,
            "{:8}  {:20}  {per_minute:>10}  {open:>10}  {}",
            key.id,
            key.created.to_string(),
            key.name
        )?;
    }
    Ok(())
}

fn revoke(word: &str, path: &Path) -> anyhow::Result<()> {
    let (gone, left) = KeyFile::update(path, |file| {
        let gone = file.revoke(word)?;
        Ok((gone, file.keys().len()))
    })?;
    eprintln!("Key {} ({:?}) is revoked.", gone.id, gone.name);
    if left == 0 {
        eprintln!(
            "It was the last: the server lets nobody in. To serve everybody, stop it and delete {}.",
            path.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::auth::ApiKey;

    #[test]
    fn a_key_is_made_where_the_settings_say_and_revoked_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let told = |words: &[&str]| {
            let place = ["--data-dir".into(), dir.path().as_os_str().to_owned()];
            let words = words.iter().map(Into::into).chain(place);
            let matches = command().try_get_matches_from(std::iter::once("key".into()).chain(words));
            let mut out = Vec::new();
            run_to(&matches.unwrap(), &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(told(&["list"]).unwrap(), "");
        let printed = told(&["new", "ci", "--quota-open", "3"]).unwrap();
        let key = ApiKey::parse(printed.strip_suffix('\n').unwrap()).unwrap();
        let listed = told(&["list"]).unwrap();
        let row: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
        let [id, _, "-", "3", "ci"] = row.as_slice() else { panic!("{listed}") };
        assert_eq!(*id, key.id().as_str());
        assert!(!listed.contains(printed.get(12..).unwrap().trim()));
        assert!(told(&["new", "ci"]).unwrap_err().to_string().contains("there is a key called \"ci\""));
        told(&["revoke", "ci"]).unwrap();
        assert!(told(&["revoke", "ci"]).unwrap_err().to_string().contains("key list"));
        assert_eq!(KeyFile::read(&path).unwrap().unwrap().keys().len(), 0);
    }
}
