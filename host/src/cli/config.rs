//! `tintype config`: the effective configuration, as a file that could be used again.

use std::io::Write as _;

use clap::ArgMatches;

use super::settings;
use crate::config::Config;

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
    Ok(())
}
