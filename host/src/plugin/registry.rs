//! Which plugins there are, and which of them does an operation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::VersionReq;

use super::loaded::Plugin;
use super::pipeline::Codecs;

/// What a client says about which plugin should do an operation.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The operation's name.
    pub operation: &'a str,
    /// The plugin's name, if that matters.
    pub plugin: Option<&'a str>,
    /// Its version, if that matters.
    pub version: Option<&'a VersionReq>,
}

/// Why no plugin can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Nobody offers it.
    #[error("There is no operation {name:?}. {}", list("There are", .known))]
    UnknownOperation {
        /// As asked for.
        name: String,
        /// All that there are.
        known: Vec<String>,
    },
    /// Somebody offers it, but not the plugin or version asked for.
    #[error("No plugin that was asked for offers {operation:?}. {}", list("It is offered by", .candidates))]
    NoSuchPlugin {
        /// As asked for.
        operation: String,
        /// Who offers it, as `name version`.
        candidates: Vec<String>,
    },
    /// Several plugins offer it, and nothing says which is meant.
    #[error("Several plugins offer {operation:?}: say which with the attribute plugin. {}", list("They are", .candidates))]
    Ambiguous {
        /// As asked for.
        operation: String,
        /// Who offers it, as `name version`.
        candidates: Vec<String>,
    },
}

fn list(intro: &str, names: &[String]) -> String {
    if names.is_empty() {
        "No plugin is loaded.".to_owned()
    } else {
        format!("{intro}: {}.", names.join(", "))
    }
}

/// A set of loaded plugins. It never changes: a reload makes a new one.
#[derive(Debug, Default)]
pub struct Registry {
    /// By name, newest version first.
    plugins: Vec<Arc<Plugin>>,
    broken: Vec<(PathBuf, String)>,
}

impl FromIterator<Arc<Plugin>> for Registry {
    fn from_iter<T: IntoIterator<Item = Arc<Plugin>>>(plugins: T) -> Self {
        plugins.into_iter().fold(Self::default(), |mut registry, plugin| {
            registry.add(&plugin);
            registry
        })
    }
}

impl Registry {
    /// Takes a plugin in, unless there is one of its name and version.
    pub(super) fn add(&mut self, plugin: &Arc<Plugin>) {
        let same = |known: &Arc<Plugin>| {
            known.descriptor.name == plugin.descriptor.name
                && known.descriptor.version == plugin.descriptor.version
        };
        if let Some(known) = self.plugins.iter().find(|known| same(known)) {
            let problem = format!(
                "{} {} is loaded from {} already. Operator: remove one of them",
                plugin.descriptor.name,
                plugin.descriptor.version,
                known.file.display()
            );
            tracing::error!(file = %plugin.file.display(), "not loaded: {problem}");
            self.reject(&plugin.file, &problem);
            return;
        }
        self.plugins.push(Arc::clone(plugin));
        self.plugins.sort_by(|a, b| {
            let (a, b) = (&a.descriptor, &b.descriptor);
            a.name.cmp(&b.name).then_with(|| b.version.cmp(&a.version))
        });
    }

    /// Notes a file that cannot be used, and why.
    pub(super) fn reject(&mut self, file: &Path, problem: &str) {
        self.broken.push((file.to_owned(), problem.to_owned()));
    }

    /// The plugins, by name, newest version first.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter()
    }

    /// The codecs among them.
    #[must_use]
    pub fn codecs(&self) -> Codecs {
        Codecs::among(self.plugins.iter())
    }

    /// Files that could not be loaded, and why.
    #[must_use]
    pub fn broken(&self) -> &[(PathBuf, String)] {
        &self.broken
    }

    /// The plugin that does an operation: the newest that satisfies what is asked for.
    ///
    /// # Errors
    /// None, or several with nothing to choose by.
    pub fn choose(&self, choice: Choice<'_>) -> Result<Arc<Plugin>, RegistryError> {
        let offering: Vec<&Arc<Plugin>> = self
            .plugins
            .iter()
            .filter(|plugin| plugin.descriptor.operation(choice.operation).is_some())
            .collect();
        let names = || -> Vec<String> {
            offering
                .iter()
                .map(|plugin| format!("{} {}", plugin.descriptor.name, plugin.descriptor.version))
                .collect()
        };
        if offering.is_empty() {
            return Err(RegistryError::UnknownOperation {
                name: choice.operation.to_owned(),
                known: self.operations(),
            });
        }
        let mut fitting = offering.iter().filter(|plugin| {
            let descriptor = &plugin.descriptor;
            choice.plugin.is_none_or(|name| descriptor.name == name)
                && choice.version.is_none_or(|version| version.matches(&descriptor.version))
        });
        let operation = || choice.operation.to_owned();
        let Some(first) = fitting.next() else {
            return Err(RegistryError::NoSuchPlugin { operation: operation(), candidates: names() });
        };
        if fitting.any(|other| other.descriptor.name != first.descriptor.name) {
            return Err(RegistryError::Ambiguous { operation: operation(), candidates: names() });
        }
        Ok(Arc::clone(first))
    }

    fn operations(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .plugins
            .iter()
            .flat_map(|plugin| plugin.descriptor.operations.iter().map(|operation| operation.name.clone()))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
