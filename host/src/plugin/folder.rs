//! The plugins folder, looked at again and again while the server runs: plugins, and their settings beside
//! them.
//!
//! Polled rather than watched: a look costs a few microseconds, and works on every file system, also on
//! those of a container or a network, from which no notification comes. A file is read when it has
//! looked the same at two looks, so that one that is being copied is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compiled::CompiledCode;
use super::engine::Sandbox;
use super::loaded::Plugin;
use super::registry::Registry;
use super::settings::{PluginTables, settings_file};

/// A folder of plugins, and what is known of its files.
pub struct PluginFolder {
    sandbox: Arc<Sandbox>,
    compiled: CompiledCode,
    path: PathBuf,
    max_size: u64,
    tables: PluginTables,
    files: BTreeMap<PathBuf, File>,
    /// Settings without a plugin, and what to say of them; none before the first look.
    orphans: Option<BTreeSet<(PathBuf, String)>>,
}

/// One `*.wasm`, and the settings beside it.
#[derive(Default)]
struct File {
    /// As they were at the last look.
    stamps: Stamps,
    /// As they were when they were read; none before the first time.
    read: Option<Stamps>,
    /// What they hold, or held before they were broken.
    plugin: Option<Arc<Plugin>>,
    /// Why what they hold now cannot be used.
    problem: Option<String>,
}

/// What is in the folder.
struct Found {
    plugins: BTreeMap<PathBuf, Stamps>,
    /// Settings that belong to none of them, and what to say of these.
    orphans: BTreeSet<(PathBuf, String)>,
}

/// Of a plugin and of its settings, if it has some of its own.
type Stamps = (Stamp, Option<Stamp>);

/// What changes when a file changes: size, time of change in nanoseconds, inode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp(u64, i128, u64);

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        Self(metadata.len(), changed, metadata.ino())
    }
}

/// Whether files are waited for that may still be being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Read what looks as it did at the last look.
    Settled,
    /// Read everything as it is.
    AtOnce,
}

impl PluginFolder {
    /// The folder `path`, at which nobody has looked yet. `tables` is what is said of plugins elsewhere.
    #[must_use]
    pub fn new(
        sandbox: &Arc<Sandbox>,
        compiled: CompiledCode,
        path: &Path,
        max_size: u64,
        tables: PluginTables,
    ) -> Self {
        Self {
            sandbox: Arc::clone(sandbox),
            compiled,
            path: path.to_owned(),
            max_size,
            tables,
            files: BTreeMap::new(),
            orphans: None,
        }
    }

    /// What its plugins run in.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Looks at the folder, and gives its plugins if anything has changed. Compiles: to be called off the
    /// async threads.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn look(&mut self, patience: Patience) -> io::Result<Option<Registry>> {
        let Found { plugins: found, orphans } = self.find()?;
        let gone: Vec<PathBuf> =
            self.files.keys().filter(|path| !found.contains_key(*path)).cloned().collect();
        let mut changed = !gone.is_empty();
        let mut loaded: Vec<Arc<Plugin>> = vec![];
        for path in gone {
            self.files.remove(&path);
            tracing::info!(file = %path.display(), "a plugin's file is gone");
        }
        if self.orphans.as_ref() != Some(&orphans) {
            for (path, problem) in orphans.difference(&self.orphans.take().unwrap_or_default()) {
                tracing::warn!(file = %path.display(), "{problem}");
            }
            self.orphans = Some(orphans);
            changed = true;
        }
        for (path, stamps) in found {
            let file = self.files.entry(path.clone()).or_default();
            let settled = patience == Patience::AtOnce || file.stamps == stamps;
            file.stamps = stamps;
            if settled && file.read != Some(stamps) {
                file.read = Some(stamps);
                match Plugin::load(&self.sandbox, &self.compiled, &path, self.max_size, &self.tables) {
                    Ok(plugin) => {
                        let plugin = Arc::new(plugin);
                        loaded.push(Arc::clone(&plugin));
                        (file.plugin, file.problem) = (Some(plugin), None);
                    }
                    Err(error) => {
                        let stays = match &file.plugin {
                            Some(plugin) => format!("; {plugin:?} stays in use"),
                            None => String::new(),
                        };
                        tracing::error!(file = %path.display(), "not loaded: {error}{stays}");
                        file.problem = Some(error.to_string());
                    }
                }
                changed = true;
            }
        }
        if !changed {
            return Ok(None);
        }
        let registry = self.registry();
        for plugin in loaded {
            // Not one that another file holds already.
            if registry.plugins().any(|used| Arc::ptr_eq(used, &plugin)) {
                tracing::info!(
                    plugin = plugin.descriptor.name,
                    version = %plugin.descriptor.version,
                    operations = plugin.descriptor.operations.len(),
                    settings = shown(&plugin),
                    file = %plugin.file.display(),
                    "loaded"
                );
            }
        }
        Ok(Some(registry))
    }

    fn find(&self) -> io::Result<Found> {
        let mut plugins: BTreeMap<PathBuf, Stamps> = BTreeMap::new();
        let mut settings = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path)? {
            let path = entry?.path();
            // A file may be gone since it was listed.
            let metadata = std::fs::metadata(&path).ok();
            match (path.extension().and_then(|extension| extension.to_str()), metadata) {
                (Some("wasm"), Some(metadata)) if metadata.is_file() => {
                    plugins.insert(path, (Stamp::of(&metadata), None));
                }
                // Also what cannot be read: its plugin must not run as if nothing were said of it.
                (Some("toml"), metadata) => {
                    settings.insert(path, metadata.as_ref().map(Stamp::of).unwrap_or_default());
                }
                _ => {}
            }
        }
        for (path, stamps) in &mut plugins {
            stamps.1 = settings.remove(&settings_file(path));
        }
        let files: Vec<&Path> = plugins.keys().map(PathBuf::as_path).collect();
        let tables = self.tables.without_plugin(&files).into_iter().map(|(name, place)| {
            (place.file.to_path_buf(), format!("line {}: [plugin.{name}] {WITHOUT_PLUGIN}", place.line))
        });
        let alone = settings.into_keys().map(|path| (path, format!("it {WITHOUT_PLUGIN}")));
        let orphans = tables.chain(alone).collect();
        Ok(Found { plugins, orphans })
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        for (path, file) in &self.files {
            if let Some(plugin) = &file.plugin {
                registry.add(plugin);
            }
            if let Some(problem) = &file.problem {
                registry.reject(path, problem);
            }
        }
        for (path, problem) in self.orphans.iter().flatten() {
            registry.reject(path, problem);
        }
        registry.offer_presets(&self.tables);
        registry
    }
}

/// The problem of settings whose name is wrong, or whose plugin is still to come.
const WITHOUT_PLUGIN: &str = "is about no plugin: there is no file of this name with the end .wasm";

/// What is said of a plugin, on one line; none where that is nothing.
fn shown(plugin: &Plugin) -> Option<String> {
    let shown = plugin.settings.shown().into_iter().map(|(key, value)| format!("{key} = {value}"));
    Some(shown.collect::<Vec<_>>().join(", ")).filter(|shown| !shown.is_empty())
}
