//! How a command gets at a plugin: by the settings that a server would read, in the same sandbox.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{ArgMatches, Command};

use super::super::{misuse, settings};
use crate::config::Config;
use crate::name::is_name;
use crate::plugin::{CompiledCode, Patience, Plugin, PluginFolder, Registry, RunLimits, Sandbox};
use crate::task::check_presets;

/// The settings that matter to a plugin outside a server.
const SETTINGS: &[&str] = &[
    "data_dir",
    "plugins_dir",
    "plugins_from",
    "compiled_dir",
    "deadline",
    "memory",
    "stack",
    "max_output",
    "max_pixels",
    "max_side",
    "max_frames",
    "max_plugin_size",
    "allow_wasi",
];

pub(super) fn with_flags(command: Command) -> Command {
    settings::with_some_flags(command, SETTINGS)
}

pub(super) fn config(matches: &ArgMatches) -> anyhow::Result<Config> {
    // Not `load`: nobody is going to listen.
    Ok(Config::read(&settings::gather(matches)?)?)
}

/// A sandbox for one run at a time.
pub(super) fn sandbox(config: &Config) -> anyhow::Result<Arc<Sandbox>> {
    Ok(Sandbox::new(RunLimits::from_settings(&config.plugins), 1, config.plugins.allow_wasi)?)
}

/// The plugins of the plugins folder.
pub(super) fn registry(config: &Config, sandbox: &Arc<Sandbox>) -> anyhow::Result<Registry> {
    let plugins = &config.plugins;
    // What a server has compiled is used; a command that only looks makes no folder.
    let compiled = plugins.compiled_dir(&config.storage);
    let compiled = if compiled.is_dir() { CompiledCode::open(&compiled) } else { CompiledCode::none() };
    let mut folder = PluginFolder::new(
        sandbox,
        compiled,
        &plugins.folder(&config.storage),
        plugins.max_plugin_size.0,
        config.plugin_tables.clone(),
    );
    let looked = folder.look(Patience::AtOnce).with_context(|| match &plugins.plugins_from {
        Some(from) => format!("nothing of {from} was fetched yet: the server does that when it is started"),
        None => format!("plugins_dir {}: name another one with --plugins-dir", plugins.plugins_dir.display()),
    })?;
    let mut registry = looked.unwrap_or_default();
    check_presets(&mut registry);
    Ok(registry)
}

/// A registry of these plugins alone, with the presets that they can carry out by themselves.
pub(super) fn registry_of(config: &Config, plugins: Vec<Arc<Plugin>>) -> Registry {
    let mut registry: Registry = plugins.into_iter().collect();
    registry.offer_presets(&config.plugin_tables);
    check_presets(&mut registry);
    registry
}

/// Where the code of a file is kept that is no server's plugin: nowhere, unless a folder is named. An
/// author builds a hundred of them, and nobody would delete what was compiled.
pub(super) fn compiled_for_files(config: &Config) -> CompiledCode {
    config.plugins.compiled_dir.as_deref().map_or_else(CompiledCode::none, CompiledCode::open)
}

/// The plugin in this file, or of this name in the plugins folder.
pub(super) fn plugin(config: &Config, sandbox: &Arc<Sandbox>, word: &str) -> anyhow::Result<Arc<Plugin>> {
    let file = Path::new(word);
    if file.is_file() {
        let compiled = compiled_for_files(config);
        let max_size = config.plugins.max_plugin_size.0;
        let plugin = Plugin::load(sandbox, &compiled, file, max_size, &config.plugin_tables);
        return Ok(Arc::new(plugin.with_context(|| word.to_owned())?));
    }
    if !is_name(word) {
        return Err(misuse(format!("there is no file {word}")));
    }
    let registry = registry(config, sandbox)?;
    // The first of a name is its newest version.
    let found = registry.plugins().find(|plugin| plugin.descriptor.name == word);
    found.cloned().ok_or_else(|| {
        let mut names: Vec<&str> = registry.plugins().map(|plugin| plugin.descriptor.name.as_str()).collect();
        names.dedup();
        let there = if names.is_empty() { "no plugin".to_owned() } else { names.join(", ") };
        misuse(format!(
            "there is neither a file {word} nor a plugin of that name: {} has {there}",
            config.plugins.folder(&config.storage).display()
        ))
    })
}
