//! The plugins folder, looked at again and again while the server runs.
//!
//! Polled rather than watched: a look costs a few microseconds, and works on every file system, also on
//! those of a container or a network, from which no notification comes. A file is read when it has
//! looked the same at two looks, so that one that is being copied is waited for.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compiled::CompiledCode;
use super::engine::Sandbox;
use super::loaded::Plugin;
use super::registry::Registry;

/// A folder of plugins, and what is known of its files.
pub struct PluginFolder {
    sandbox: Arc<Sandbox>,
    compiled: CompiledCode,
    path: PathBuf,
    max_size: u64,
    files: BTreeMap<PathBuf, File>,
}

/// One `*.wasm`.
#[derive(Default)]
struct File {
    /// As it was at the last look.
    stamp: Stamp,
    /// As it was when it was read; none before the first time.
    read: Option<Stamp>,
    /// What it holds, or held before it was broken.
    plugin: Option<Arc<Plugin>>,
    /// Why what it holds now cannot be used.
    problem: Option<String>,
}

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
    /// The folder `path`, at which nobody has looked yet.
    #[must_use]
    pub fn new(sandbox: &Arc<Sandbox>, compiled: CompiledCode, path: &Path, max_size: u64) -> Self {
        Self {
            sandbox: Arc::clone(sandbox),
            compiled,
            path: path.to_owned(),
            max_size,
            files: BTreeMap::new(),
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
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "wasm")
                // A file may be gone since it was listed.
                && let Ok(metadata) = std::fs::metadata(&path)
                && metadata.is_file()
            {
                found.insert(path, Stamp::of(&metadata));
            }
        }
        let gone: Vec<PathBuf> =
            self.files.keys().filter(|path| !found.contains_key(*path)).cloned().collect();
        let mut changed = !gone.is_empty();
        let mut loaded: Vec<Arc<Plugin>> = vec![];
        for path in gone {
            self.files.remove(&path);
            tracing::info!(file = %path.display(), "a plugin's file is gone");
        }
        for (path, stamp) in found {
            let file = self.files.entry(path.clone()).or_default();
            let settled = patience == Patience::AtOnce || file.stamp == stamp;
            file.stamp = stamp;
            if settled && file.read != Some(stamp) {
                file.read = Some(stamp);
                match Plugin::load(&self.sandbox, &self.compiled, &path, self.max_size) {
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
                    file = %plugin.file.display(),
                    "loaded"
                );
            }
        }
        Ok(Some(registry))
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
        registry
    }
}
