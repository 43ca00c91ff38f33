//! Which plugins and presets there are, for whom, and which plugin does an operation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::VersionReq;

use super::loaded::Plugin;
use super::pipeline::Codecs;
use super::settings::{PluginTables, Preset};
use crate::digest::Digest;

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

/// A preset, and whether it can be called.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What it is.
    pub preset: Arc<Preset>,
    /// The plugin in whose settings it stands, if not in the server's.
    pub plugin: Option<Arc<Plugin>>,
    /// Why nobody can call it.
    pub problem: Option<String>,
}

/// A set of loaded plugins. It never changes: a reload makes a new one.
#[derive(Debug, Default)]
pub struct Registry {
    /// By name, newest version first.
    plugins: Vec<Arc<Plugin>>,
    broken: Vec<(PathBuf, String)>,
    /// The server's, then those of each plugin.
    presets: Vec<Offer>,
    /// The published set that they are, if they are one.
    set: Option<Digest>,
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
    /// Notes which published set these plugins are, by the digest of its manifest.
    #[must_use]
    pub fn of_set(self, set: Option<Digest>) -> Self {
        Self { set, ..self }
    }

    /// The published set that these plugins are, if they are one.
    #[must_use]
    pub fn set(&self) -> Option<Digest> {
        self.set
    }

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

    /// Takes the presets of the server and of the plugins in. Whether they can be carried out is yet to be
    /// [checked](Self::check_presets).
    pub fn offer_presets(&mut self, tables: &PluginTables) {
        let offer = |preset: &Preset, plugin: Option<&Arc<Plugin>>| Offer {
            preset: Arc::new(preset.clone()),
            plugin: plugin.cloned(),
            problem: None,
        };
        let servers = tables.presets().iter().map(|preset| offer(preset, None));
        let of_plugins = self
            .plugins
            .iter()
            .flat_map(|plugin| plugin.settings.presets.iter().map(|preset| offer(preset, Some(plugin))));
        self.presets = servers.chain(of_plugins).collect();
    }

    /// Takes away what nobody can call: a preset with the name of an operation or of an earlier preset, and
    /// what `plan` cannot carry out.
    pub fn check_presets(&mut self, plan: impl Fn(&Self, &Preset) -> Result<(), String>) {
        for index in 0..self.presets.len() {
            let Some(Offer { preset, problem: None, .. }) = self.presets.get(index) else { continue };
            let name = preset.name.as_str();
            let earlier = self
                .presets
                .iter()
                .take(index)
                .find(|other| other.problem.is_none() && other.preset.name == name);
            let operation = self.plugins.iter().find(|plugin| plugin.descriptor.operation(name).is_some());
            let checked = match (operation, earlier) {
                (Some(plugin), _) => Err(format!(
                    "an operation of the plugin {} is called {name:?} too: give the preset another name",
                    plugin.descriptor.name
                )),
                (None, Some(earlier)) => Err(format!(
                    "there is a preset {name:?} already, at {}: give one of them another name",
                    earlier.preset.place.line_of_file()
                )),
                (None, None) => plan(self, preset),
            };
            if let (Err(problem), Some(offer)) = (checked, self.presets.get_mut(index)) {
                offer.problem = Some(problem);
            }
        }
    }

    /// Every preset, whether it can be called or not.
    #[must_use]
    pub fn presets(&self) -> &[Offer] {
        &self.presets
    }

    /// The preset of this name that can be called.
    #[must_use]
    pub fn preset(&self, name: &str) -> Option<&Preset> {
        self.usable_presets().find(|preset| preset.name == name)
    }

    fn usable_presets(&self) -> impl Iterator<Item = &Preset> {
        self.presets.iter().filter(|offer| offer.problem.is_none()).map(|offer| offer.preset.as_ref())
    }

    /// Whether there is a plugin that not everybody may use.
    #[must_use]
    pub fn has_reserved(&self) -> bool {
        self.plugins.iter().any(|plugin| plugin.settings.is_reserved())
    }

    /// What there is for the holder of the key of this name, or for those without one: all else is as if it
    /// were not there. The presets that remain may name operations that don't: they are to be
    /// [checked](Self::check_presets) again.
    #[must_use]
    pub fn open_to(&self, key: Option<&str>) -> Self {
        let is_open = |plugin: &Arc<Plugin>| plugin.settings.is_open_to(key);
        let can_call = |offer: &&Offer| offer.problem.is_none() && offer.plugin.as_ref().is_none_or(is_open);
        Self {
            plugins: self.plugins.iter().filter(|plugin| is_open(plugin)).cloned().collect(),
            broken: vec![],
            presets: self.presets.iter().filter(can_call).cloned().collect(),
            set: self.set,
        }
    }

    /// The plugins, by name, newest version first.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter()
    }

    /// The operations, presets among them, of each plugin of which only so many tasks may run at once, and
    /// how many. One that several plugins offer is nobody's alone.
    #[must_use]
    pub fn bounds(&self) -> Vec<(Vec<String>, usize)> {
        let bounded = self.plugins.iter().filter_map(|plugin| Some((plugin, plugin.concurrency()?.get())));
        bounded.map(|(plugin, most)| (self.operations_of(plugin), most)).collect()
    }

    /// The names of all operations, presets among them.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        let own = self.plugins.iter().flat_map(|plugin| &plugin.descriptor.operations);
        let presets = self.presets.iter().map(|offer| &offer.preset.name);
        own.map(|operation| &operation.name).chain(presets).cloned().collect()
    }

    fn operations_of(&self, plugin: &Arc<Plugin>) -> Vec<String> {
        let is_its_alone = |name: &str| {
            let mut others = self.plugins.iter().filter(|other| !Arc::ptr_eq(other, plugin));
            others.all(|other| other.descriptor.operation(name).is_none())
        };
        let own = plugin.descriptor.operations.iter().map(|operation| operation.name.as_str());
        let own: Vec<&str> = own.filter(|name| is_its_alone(name)).collect();
        let presets = self.presets.iter().map(|offer| &offer.preset).filter(|preset| {
            preset.operations.iter().any(|operation| own.contains(&operation.name.as_str()))
        });
        let presets: Vec<&str> = presets.map(|preset| preset.name.as_str()).collect();
        own.into_iter().chain(presets).map(str::to_owned).collect()
    }

    /// The codecs among them.
    #[must_use]
    pub fn codecs(&self) -> Codecs {
        Codecs::among(self.plugins.iter())
    }

    /// Everything that is wrong with a file.
    #[must_use]
    pub fn problem(&self, file: &Path) -> Option<String> {
        let of_it = self.broken.iter().filter(|(path, _)| path == file);
        let problems: Vec<&str> = of_it.map(|(_, problem)| problem.as_str()).collect();
        (!problems.is_empty()).then(|| problems.join("; "))
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
                known: self.callable(),
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

    /// The names of all operations and presets.
    fn callable(&self) -> Vec<String> {
        let operations = self.plugins.iter().flat_map(|plugin| &plugin.descriptor.operations);
        let operations = operations.map(|operation| operation.name.clone());
        let mut names: Vec<String> =
            operations.chain(self.usable_presets().map(|preset| preset.name.clone())).collect();
        names.sort();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Sources;

    fn registry(text: &str) -> Registry {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tintype.toml");
        std::fs::write(&path, text).unwrap();
        let mut registry = Registry::default();
        registry.offer_presets(&PluginTables::read(&Sources::gather([], [], Some(&path)).unwrap()).unwrap());
        registry
    }

    #[test]
    fn a_preset_that_cannot_be_carried_out_is_not_there_and_says_why() {
        let mut registry = registry("[presets.a]\noperations = ['x']\n[presets.b]\noperations = ['y']");
        registry.check_presets(|_, preset| match preset.name.as_str() {
            "a" => Err("nobody does x".to_owned()),
            _ => Ok(()),
        });
        assert!(registry.preset("a").is_none() && registry.preset("b").is_some());
        assert_eq!(registry.presets()[0].problem.as_deref(), Some("nobody does x"));
        let choice = Choice { operation: "c", plugin: None, version: None };
        assert_eq!(
            registry.choose(choice).unwrap_err().to_string(),
            "There is no operation \"c\". There are: b."
        );
        assert_eq!(registry.open_to(None).presets().len(), 1, "nor is it told to callers");
    }

    #[test]
    fn of_two_presets_with_one_name_the_first_counts() {
        let mut registry = registry("[presets.a]\noperations = ['x']");
        registry.presets.extend(registry.presets.clone());
        registry.check_presets(|_, _| Ok(()));
        let problems: Vec<bool> = registry.presets().iter().map(|offer| offer.problem.is_some()).collect();
        assert_eq!(problems, [false, true]);
        let problem = registry.presets()[1].problem.clone().unwrap();
        assert!(problem.contains("tintype.toml:1: give one of them another name"), "{problem}");
    }
}
