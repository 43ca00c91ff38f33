//! `tintype plugin list`: the plugins of a server that runs, or of the folder for one that doesn't.

use std::io::{self, ErrorKind, Write};
use std::iter;
use std::path::Path;

use clap::{ArgMatches, Command};
use serde::Serialize;

use super::{json_flag, load};
use crate::config::Config;
use crate::control::{Connection, ControlError, Reply, Request};
use crate::data_folder::Paths;
use crate::plugin::{FileState, Listed, ListedPreset, Listing};
use crate::shown;

/// The column in which values begin.
const VALUES: usize = 14;

pub(super) fn command() -> Command {
    load::with_flags(
        Command::new("list")
            .about("List the plugins, and the files that cannot be used as such, of the server that runs on data_dir; of plugins_dir if none does")
            .arg(json_flag()),
    )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let list = List::of(&load::config(matches)?)?;
    let mut out = io::stdout().lock();
    if matches.get_flag("json") {
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
    } else {
        list.write(&mut out)?;
    }
    Ok(())
}

/// What is printed.
#[derive(Serialize)]
struct List {
    /// Whether a running server said it.
    server: bool,
    /// Its data folder, or the plugins folder.
    source: String,
    #[serde(flatten)]
    listing: Listing,
}

impl List {
    fn of(config: &Config) -> anyhow::Result<Self> {
        let data = &config.storage.data_dir;
        if let Some(listing) = ask(data)? {
            return Ok(Self { server: true, source: data.display().to_string(), listing });
        }
        let registry = load::registry(config, &load::sandbox(config)?)?;
        let source = config.plugins.folder(&config.storage).display().to_string();
        Ok(Self { server: false, source, listing: Listing::of(&registry) })
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let who = if self.server { "The server that runs on" } else { "No server was asked. The folder" };
        let Listing { plugins, presets, set } = &self.listing;
        let broken = plugins.iter().filter(|file| file.error.is_some()).count();
        let used = plugins.iter().filter(|file| file.plugin.is_some()).count();
        writeln!(out, "{who} {}: {used} in use, {broken} broken", shown::clean(&self.source))?;
        if let Some(set) = set {
            writeln!(out, "They are the published set {}", shown::clean(set))?;
        }
        for file in plugins {
            writeln!(out)?;
            write_file(file, out)?;
        }
        for preset in presets {
            writeln!(out)?;
            write_preset(preset, out)?;
        }
        Ok(())
    }
}

fn write_file(file: &Listed, out: &mut impl Write) -> io::Result<()> {
    let state = match file.state {
        FileState::InUse => "in use",
        FileState::EarlierInUse => "broken; what the file held before stays in use",
        FileState::Broken => "broken",
    };
    match &file.plugin {
        Some(plugin) => {
            writeln!(out, "{} {}: {state}", plugin.name, plugin.version)?;
            let imports =
                if plugin.imports.is_empty() { "nothing".to_owned() } else { plugin.imports.join(", ") };
            for (label, text) in [
                ("  summary", &plugin.summary),
                ("  kind", &plugin.kind.to_string()),
                ("  operations", &plugin.operations.join(", ")),
                ("  reads", &plugin.accepts.join(", ")),
                ("  writes", &plugin.produces.join(", ")),
                ("  imports", &imports),
                ("  sha256", &plugin.sha256),
            ] {
                if !text.is_empty() {
                    shown::wrapped(out, label, VALUES, text)?;
                }
            }
            for (label, (key, value)) in labels("  settings").zip(&plugin.settings) {
                shown::wrapped(out, label, VALUES, &format!("{key} = {value}"))?;
            }
        }
        None => {
            let name = Path::new(&file.file).file_name().unwrap_or_default().to_string_lossy();
            writeln!(out, "{}: {state}", shown::clean(&name))?;
        }
    }
    writeln!(out, "{:VALUES$}{}", "  file", shown::clean(&file.file))?;
    match &file.error {
        Some(error) => shown::wrapped(out, "  error", VALUES, error),
        None => Ok(()),
    }
}

fn write_preset(preset: &ListedPreset, out: &mut impl Write) -> io::Result<()> {
    let state = if preset.error.is_some() { "cannot be called" } else { "in use" };
    writeln!(out, "preset {}: {state}", preset.name)?;
    let output = preset.output.clone().unwrap_or_else(|| "as asked for".to_owned());
    for (label, text) in [
        ("  summary", &preset.summary),
        ("  operations", &preset.operations.join(", ")),
        ("  output", &output),
    ] {
        shown::wrapped(out, label, VALUES, text)?;
    }
    writeln!(out, "{:VALUES$}{}", "  from", shown::clean(&preset.from))?;
    match &preset.error {
        Some(error) => shown::wrapped(out, "  error", VALUES, error),
        None => Ok(()),
    }
}

/// A label for the first of several lines.
fn labels(first: &str) -> impl Iterator<Item = &str> {
    iter::once(first).chain(iter::repeat(""))
}

/// Asks the server that runs on a data folder; nothing where none does.
fn ask(data: &Path) -> anyhow::Result<Option<Listing>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut connection = match Connection::open(&Paths::of(data).control()).await {
            Ok(connection) => connection,
            Err(ControlError::Unreachable(error)) if nobody_listens(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match connection.ask(&Request::Plugins).await? {
            Reply::Plugins(listing) => Ok(Some(listing)),
            other => anyhow::bail!("the server gave the answer to another question: {other:?}"),
        }
    })
}

/// A server that was killed leaves its socket, and one that was stopped doesn't.
fn nobody_listens(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plugin::{Kind, ListedPlugin};

    fn written(plugins: Vec<Listed>) -> String {
        let mut out = vec![];
        let listing = Listing { plugins, ..Listing::default() };
        List { server: true, source: "data".to_owned(), listing }.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plugin_that_stays_in_use_is_shown_with_what_is_wrong_with_its_file() {
        let plugin = ListedPlugin {
            name: "standard".to_owned(),
            version: "1.0.0".to_owned(),
            kind: Kind::Processor,
            summary: "Does\u{1b}[2J things.".to_owned(),
            sha256: "00ff".to_owned(),
            operations: vec!["resize".to_owned(), "crop".to_owned()],
            accepts: vec![],
            produces: vec!["image/png".to_owned()],
            imports: vec![],
            settings: [("keys", "shop"), ("memory", "1GiB")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        };
        let text = written(vec![Listed {
            file: "/plugins/standard.wasm".to_owned(),
            state: FileState::EarlierInUse,
            error: Some("it is empty".to_owned()),
            plugin: Some(plugin),
        }]);
        let expected = "The server that runs on data: 1 in use, 1 broken

standard 1.0.0: broken; what the file held before stays in use
  summary     Does\u{fffd}[2J things.
  kind        processor
  operations  resize, crop
  writes      image/png
  imports     nothing
  sha256      00ff
  settings    keys = shop
              memory = 1GiB
  file        /plugins/standard.wasm
  error       it is empty
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_file_of_which_nothing_is_known_goes_by_its_own_name() {
        let file = "/plugins/a.wasm".to_owned();
        let broken =
            Listed { file, state: FileState::Broken, error: Some("garbage".to_owned()), plugin: None };
        let text = written(vec![broken]);
        assert!(text.contains("\na.wasm: broken\n") && text.contains("  error       garbage\n"), "{text}");
    }
}
