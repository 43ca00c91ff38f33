//! `tintype config`: the effective configuration, as a file that could be used again.

use std::io::Write as _;

use clap::ArgMatches;

use super::settings;
use crate::config::{Config, TABLES};

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let sources = settings::gather(matches)?;
    let config = Config::load(&sources)?;
    let values = config.values();
    let mut out = std::io::stdout().lock();
    for (about, settings) in Config::SECTIONS {
        writeln!(out, "# {}", about.trim())?;
        for setting in *settings {
            let value =
                values.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| value.as_str());
            let value = toml::Value::from(value.unwrap_or_default());
            writeln!(out, "{} = {value}  # {}", setting.name, sources.origin(setting.name))?;
        }
        writeln!(out)?;
    }
    // Tables come last in a file, and no other source has them.
    let tables = TABLES.into_iter().filter_map(|name| Some((name.to_owned(), sources.table(name)?.toml())));
    let tables: toml::Table = tables.collect();
    if !tables.is_empty() {
        writeln!(out, "# What is said of single plugins, and the presets of the whole server.")?;
        write!(out, "{}", toml::to_string(&tables)?)?;
    }
    Ok(())
}
