//! Where the settings of a plugin stand: in its own file, and in `tintype.toml`.
//!
//! Neither wins over the other: a key that both have is refused, so that nobody who reads one of them has
//! to ask what the other says.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{PluginSettings, Preset};
use crate::config::located::{self, Place, Table};
use crate::config::{ConfigError, Sources};

/// What `tintype.toml` says of plugins.
#[derive(Clone, Debug, Default)]
pub struct PluginTables {
    /// Of each one, by the name of its file without `.wasm`.
    plugins: BTreeMap<String, (Place, Table)>,
    presets: Vec<Preset>,
}

impl PluginTables {
    /// Reads `[plugin.NAME]` and `[presets.NAME]`.
    ///
    /// # Errors
    /// The first thing that is wrong, with where it stands.
    pub fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let mut plugins = BTreeMap::new();
        if let Some(item) = sources.table("plugin") {
            let rule = "a table for each plugin, such as [plugin.standard] for standard.wasm";
            for (name, item) in item.table(rule)? {
                let table = item.table(rule)?;
                // What is wrong by itself shall keep a server from starting.
                PluginSettings::read(table)?;
                plugins.insert(name.clone(), (item.place.clone(), table.clone()));
            }
        }
        let presets = sources.table("presets").map(Preset::read_all).transpose()?.unwrap_or_default();
        Ok(Self { plugins, presets })
    }

    /// Everything that is said of the plugin in `file`.
    ///
    /// # Errors
    /// Its settings cannot be read, break a rule, or say twice what can be said once.
    pub(in crate::plugin) fn of(&self, file: &Path) -> Result<PluginSettings, ConfigError> {
        let own = read_if_there(&settings_file(file))?;
        let table = match self.of_name(file) {
            Some((_, table)) => located::add_up(own, table.clone())?,
            None => own,
        };
        PluginSettings::read(&table)
    }

    fn of_name(&self, file: &Path) -> Option<&(Place, Table)> {
        self.plugins.get(file.file_stem()?.to_str()?)
    }

    /// The presets of the whole server.
    #[must_use]
    pub fn presets(&self) -> &[Preset] {
        &self.presets
    }

    /// Tables about plugins of which there is no file among `files`.
    pub(in crate::plugin) fn without_plugin<'a>(&'a self, files: &[&Path]) -> Vec<(&'a str, &'a Place)> {
        let stems: Vec<&str> = files.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
        let missing = self.plugins.iter().filter(|(name, _)| !stems.contains(&name.as_str()));
        missing.map(|(name, (place, _))| (name.as_str(), place)).collect()
    }
}

/// The file with the settings of the plugin in `file`.
pub(in crate::plugin) fn settings_file(file: &Path) -> PathBuf {
    file.with_extension("toml")
}

/// A plugin whose restrictions cannot be read must not run without them: only where there is really no
/// file, not even a link that leads nowhere, there is nothing to read.
fn read_if_there(path: &Path) -> Result<Table, ConfigError> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Table::new()),
        _ => located::read(path),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new(files: &[(&str, &str)]) -> Self {
            let files_of = Self(tempfile::tempdir().unwrap());
            for (name, text) in files {
                std::fs::write(files_of.0.path().join(name), text).unwrap();
            }
            files_of
        }

        fn tables(&self) -> Result<PluginTables, String> {
            let path = self.0.path().join("tintype.toml");
            let file = path.is_file().then_some(path);
            let sources = Sources::gather([], [], file.as_deref());
            sources.and_then(|sources| PluginTables::read(&sources)).map_err(|error| self.words(&error))
        }

        fn of(&self, plugin: &str) -> Result<PluginSettings, String> {
            self.tables()?.of(&self.0.path().join(plugin)).map_err(|error| self.words(&error))
        }

        fn words(&self, error: &ConfigError) -> String {
            error.to_string().replace(&format!("{}/", self.0.path().display()), "")
        }
    }

    #[test]
    fn the_plugins_own_file_and_the_servers_add_up() {
        let files = Files::new(&[
            ("a.toml", "memory = '1GiB'\n[presets.one]\noperations = ['flip']"),
            ("tintype.toml", "[plugin.a]\nmax_side = 9\n[plugin.a.presets.two]\noperations = ['flop']"),
        ]);
        let settings = files.of("a.wasm").unwrap();
        let shown: Vec<String> = settings.shown().into_keys().collect();
        assert_eq!((shown, settings.presets.len()), (vec!["max_side".to_owned(), "memory".to_owned()], 2));
        assert!(files.of("b.wasm").unwrap().shown().is_empty(), "another plugin has none of it");
    }

    #[test]
    fn a_key_that_both_have_is_refused() {
        let files =
            Files::new(&[("a.toml", "\nmemory = '1GiB'"), ("tintype.toml", "[plugin.a]\nmemory = '2GiB'")]);
        assert_eq!(
            files.of("a.wasm").unwrap_err(),
            "a.toml:2: memory: tintype.toml:2 says it too; take one of them out"
        );
    }

    #[test]
    fn what_is_wrong_in_the_servers_file_is_told_when_it_is_read() {
        for (text, words) in [
            ("[plugin.a]\nmemroy = 3", "tintype.toml:2: plugin.a: there is no setting \"memroy\""),
            ("[plugin]\nmemory = '1GiB'", "tintype.toml:2: plugin.memory: \"1GiB\" will not do"),
            ("plugin = 3", "tintype.toml:1: plugin: \"3\" will not do: it must be a table"),
            ("[presets]\na = 3", "tintype.toml:2: presets.a: \"3\" will not do"),
            ("[preset.a]", "tintype.toml:1: there is no setting \"preset\" (did you mean \"presets\"?)"),
        ] {
            let error = Files::new(&[("tintype.toml", text)]).tables().unwrap_err();
            assert!(error.starts_with(words), "{text}: {error}");
        }
    }

    #[test]
    fn settings_that_cannot_be_read_are_not_taken_for_none() {
        let files = Files::new(&[]);
        std::os::unix::fs::symlink("nowhere", files.0.path().join("a.toml")).unwrap();
        std::fs::create_dir(files.0.path().join("b.toml")).unwrap();
        assert!(files.of("a.wasm").unwrap_err().starts_with("a.toml: "));
        assert!(files.of("b.wasm").unwrap_err().starts_with("b.toml: "));
    }

    #[test]
    fn a_table_about_no_plugin_is_found() {
        let files = Files::new(&[("tintype.toml", "[plugin.a]\n[plugin.standrad]\n")]);
        let tables = files.tables().unwrap();
        let without = tables.without_plugin(&[Path::new("plugins/a.wasm")]);
        assert!(matches!(without.as_slice(), [("standrad", place)] if place.line == 2), "{without:?}");
    }
}
