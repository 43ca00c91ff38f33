//! `tintype plugin publish`: makes the plugins of a folder those of every server that follows a place.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Arg, ArgMatches, Command};
use serde_json::json;

use super::super::misuse;
use super::{json_flag, load};
use crate::blob::{Location, Place};
use crate::config::{Config, SettingValue as _};
use crate::digest::Digest;
use crate::plugin::{self, Change, Patience, PluginFolder, PluginTables, Published};
use crate::task::check_presets;

pub(super) fn command() -> Command {
    load::with_flags(
        Command::new("publish")
            .about("Make the plugins of a folder those of every server whose plugins_from is this place")
            .arg(
                Arg::new("folder")
                    .value_name("FOLDER")
                    .required(true)
                    .value_parser(clap::value_parser!(PathBuf))
                    .help(
                        "Folder with the plugins, and their settings beside them; all of it is the new set",
                    ),
            )
            .arg(
                Arg::new("to")
                    .long("to")
                    .value_name("PLACE")
                    .help("Where to, such as s3://BUCKET/PREFIX; by default plugins_from"),
            )
            .arg(json_flag()),
    )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let config = load::config(matches)?;
    let to = match (matches.get_one::<String>("to"), &config.plugins.plugins_from) {
        (Some(text), _) => Location::parse(text).map_err(|rule| misuse(format!("--to {text:?}: {rule}")))?,
        (None, Some(from)) => from.clone(),
        (None, None) => return Err(misuse("say where to: --to s3://BUCKET/PREFIX, or set plugins_from")),
    };
    let folder = matches.get_one::<PathBuf>("folder").map_or(Path::new(""), PathBuf::as_path);
    let files = read(folder)?;
    check(&config, folder, &files)?;
    let most = config.plugins.max_plugin_size.0;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let published = runtime.block_on(async {
        let place = Place::open(&to)?;
        anyhow::Ok(plugin::publish(&place, files, most).await?)
    })?;
    write(&published, &to, matches.get_flag("json"), &mut io::stdout().lock())?;
    Ok(())
}

/// The folder's plugins and settings, by name.
fn read(folder: &Path) -> anyhow::Result<BTreeMap<String, Bytes>> {
    let mut files = BTreeMap::new();
    let shown = || folder.display().to_string();
    for entry in std::fs::read_dir(folder).with_context(shown)? {
        let path = entry.with_context(shown)?.path();
        let is_part = path.extension().is_some_and(|end| end == "wasm" || end == "toml");
        if is_part && path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            files.insert(name, bytes.into());
        }
    }
    anyhow::ensure!(
        files.keys().any(|name| name.ends_with(".wasm")),
        "{} has no plugins (*.wasm): to publish it would leave every server without",
        folder.display()
    );
    Ok(files)
}

/// Loads the folder as a server does, and refuses what it could not use.
fn check(config: &Config, folder: &Path, files: &BTreeMap<String, Bytes>) -> anyhow::Result<()> {
    let sandbox = load::sandbox(config)?;
    let most = config.plugins.max_plugin_size.0;
    let compiled = load::compiled_for_files(config);
    // What this machine's settings say of plugins is nothing that others get.
    let mut looked = PluginFolder::new(&sandbox, compiled, folder, most, PluginTables::default());
    let mut registry = looked.look(Patience::AtOnce)?.unwrap_or_default();
    check_presets(&mut registry);
    let broken = registry.broken().iter().map(|(path, problem)| format!("{}: {problem}", path.display()));
    let presets = registry.presets().iter().filter_map(|offer| {
        let problem = offer.problem.as_ref()?;
        Some(format!("{}: preset {}: {problem}", offer.preset.place.line_of_file(), offer.preset.name))
    });
    let problems: Vec<String> = broken.chain(presets).collect();
    anyhow::ensure!(problems.is_empty(), "nothing is published. {}", problems.join(". "));
    for plugin in registry.plugins() {
        let name = plugin.file.file_name().unwrap_or_default().to_string_lossy();
        let is_same = files.get(&*name).is_some_and(|bytes| Digest::of(bytes) == plugin.digest);
        anyhow::ensure!(
            is_same,
            "nothing is published: {name} has changed meanwhile. Try again when it is whole"
        );
    }
    Ok(())
}

fn write(published: &Published, to: &Location, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    let Published { set, files, changes } = published;
    let word = |change: &Change| match change {
        Change::Added => "added",
        Change::Replaced => "replaced",
        Change::Removed => "removed",
    };
    if as_json {
        let changes: BTreeMap<&str, &str> =
            changes.iter().map(|(name, change)| (name.as_str(), word(change))).collect();
        let report = json!({"place": to.to_string(), "set": set, "files": files, "changes": changes});
        return writeln!(out, "{report:#}");
    }
    for (name, change) in changes {
        writeln!(out, "{name}: {}", word(change))?;
    }
    if changes.is_empty() {
        writeln!(out, "{to} has these plugins already: nothing changes")?;
    }
    writeln!(out, "{to} is the set {set}, of {files} files")
}
