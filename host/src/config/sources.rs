//! Where settings come from, and how their values meet. Knows settings only by name, and of the tables
//! about plugins only that they are some.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::located::{self, Located, Value};
use super::nearest::hint;
use super::{Config, SettingValue};

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag on the command line.
    Flag,
    /// An environment variable.
    Environment,
    /// A line of a file.
    File(PathBuf, usize),
    /// Nowhere: the built-in default.
    Default,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file exists and cannot be read, or was asked for and doesn't exist.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: not valid TOML: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// In the parser's words.
        problem: String,
    },
    /// A key or variable that no setting has.
    #[error("{place}: there is no setting {name:?}{hint}")]
    Unknown {
        /// Where it stands.
        place: String,
        /// As written.
        name: String,
        /// The nearest one that exists, or nothing.
        hint: String,
    },
    /// A value that its setting doesn't take.
    #[error("{place}: {value:?} will not do: it must be {rule}")]
    Wrong {
        /// Where it stands, with the setting's name.
        place: String,
        /// As written.
        value: String,
        /// What it must be.
        rule: String,
    },
    /// A key that two files have.
    #[error("{place}: {other} says it too; take one of them out")]
    Twice {
        /// Where it stands, with the key.
        place: String,
        /// The other place.
        other: String,
    },
    /// A key that has to be there.
    #[error("{place} needs {name:?}: {rule}")]
    Missing {
        /// The table that lacks it.
        place: String,
        /// The key.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
}

/// The tables that `tintype.toml` may have; what is in them is for the plugins' settings to say.
pub const TABLES: [&str; 2] = ["plugin", "presets"];

/// The values as text, by setting, each with its origin. No `Debug`: there are secrets among them.
#[derive(Default)]
pub struct Sources {
    values: BTreeMap<String, (String, Origin)>,
    tables: BTreeMap<String, Located>,
}

impl Sources {
    /// Gathers all sources, later ones giving way to earlier: `flags`, `environment`, `file`.
    ///
    /// # Errors
    /// A file that cannot be read, is not TOML, or has a key that no setting has; a variable
    /// `TINTYPE_…` likewise.
    pub fn gather(
        flags: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut sources = Self::default();
        if let Some(path) = file {
            sources.read_file(path)?;
        }
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix("TINTYPE_").map(str::to_lowercase) else { continue };
            if NOT_SETTINGS.contains(&name.as_str()) {
                continue;
            }
            known(&name, &variable, &[], || format!("the environment variable {variable}"))?;
            sources.values.insert(name, (value, Origin::Environment));
        }
        for (name, value) in flags {
            sources.values.insert(name, (value, Origin::Flag));
        }
        Ok(sources)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        for (name, item) in located::read(path)? {
            if TABLES.contains(&name.as_str()) {
                item.table("a table")?;
                self.tables.insert(name, item);
                continue;
            }
            let origin = Origin::File(path.to_owned(), item.place.line);
            known(&name, &name, &TABLES, || origin.to_string())?;
            let text = as_text(&item)
                .ok_or_else(|| item.wrong("a string, a number, true, false, or a list of these"))?;
            self.values.insert(name, (text, origin));
        }
        Ok(())
    }

    /// One of the [`TABLES`], if it is there.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Located> {
        self.tables.get(name)
    }

    /// The value of the setting `name`, from the source that wins.
    pub(super) fn value<T: SettingValue>(&self, name: &str, default: &str) -> Result<T, ConfigError> {
        let text = self.values.get(name).map_or(default, |(text, _)| text);
        T::parse(text).map_err(|rule| self.wrong(name, if T::SECRET { "(hidden)" } else { text }, &rule))
    }

    /// Where the value of `name` comes from.
    #[must_use]
    pub fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The error for a value that breaks `rule`.
    pub(super) fn wrong(&self, name: &str, value: &str, rule: &str) -> ConfigError {
        let place = match self.origin(name) {
            Origin::Flag => format!("--{}", name.replace('_', "-")),
            Origin::Environment => format!("TINTYPE_{}", name.to_uppercase()),
            origin => format!("{origin}: {name}"),
        };
        ConfigError::Wrong { place, value: value.to_owned(), rule: rule.to_owned() }
    }
}

/// Variables with our prefix that say something else than a setting: `TINTYPE_CONFIG` names the
/// file; the others are read by the client commands and the build.
const NOT_SETTINGS: &[&str] = &["config", "server", "key", "key_file", "guest_toolchain", "plugins_out"];

/// Refuses what is no setting; `others` are what it might have been beside one.
fn known(
    name: &str,
    written: &str,
    others: &[&str],
    place: impl FnOnce() -> String,
) -> Result<(), ConfigError> {
    let names =
        || Config::SECTIONS.iter().flat_map(|(_, settings)| settings.iter()).map(|setting| setting.name);
    if names().any(|known| known == name) {
        return Ok(());
    }
    Err(ConfigError::Unknown {
        place: place(),
        name: written.to_owned(),
        hint: hint(name, names().chain(others.iter().copied())),
    })
}

/// A list is written as a flag would have it.
fn as_text(item: &Located) -> Option<String> {
    match &item.value {
        Value::List(items) => {
            items.iter().map(as_text).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        _ => item.as_text(),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn load(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tintype.toml");
        std::fs::write(&path, file).unwrap();
        let own = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        Sources::gather(own(flags), own(environment), Some(&path))
            .and_then(|sources| Config::load(&sources))
            .map_err(|error| error.to_string().replace(&path.display().to_string(), "tintype.toml"))
    }

    #[test]
    fn flags_win_over_environment_over_file_over_default() {
        let file = "max_queue = 3\nmax_attempts = 3\nworkers = 3\n";
        let environment = [("TINTYPE_MAX_QUEUE", "4"), ("TINTYPE_MAX_ATTEMPTS", "4")];
        let config = load(&[("max_queue", "5")], &environment, file).unwrap();
        assert_eq!(config.tasks.max_queue.get(), 5);
        assert_eq!(config.tasks.max_attempts.get(), 4);
        assert_eq!(config.tasks.workers(), 3);
        assert_eq!(config.plugins.memory, super::super::ByteSize(512 << 20));
    }

    #[test]
    fn a_wrong_value_names_its_place_and_the_rule() {
        assert_eq!(
            load(&[], &[], "\nmemory = \"64 MB\"\n").unwrap_err(),
            "tintype.toml:2: memory: \"64 MB\" will not do: it must be a size such as 1048576, 64KiB, 64MiB or 2GiB"
        );
        assert!(load(&[("lease", "0s")], &[], "").unwrap_err().starts_with("--lease: \"0s\""));
        assert!(load(&[], &[("TINTYPE_LEASE", "x")], "").unwrap_err().starts_with("TINTYPE_LEASE: \"x\""));
        assert!(load(&[("memory", "5GiB")], &[], "").unwrap_err().contains("at most 4GiB"));
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        assert_eq!(
            load(&[], &[], "max_qeue = 1").unwrap_err(),
            "tintype.toml:1: there is no setting \"max_qeue\" (did you mean \"max_queue\"?)"
        );
        assert!(
            load(&[], &[("TINTYPE_NONSENSE_AT_ALL", "1")], "")
                .unwrap_err()
                .contains("TINTYPE_NONSENSE_AT_ALL")
        );
    }

    #[test]
    fn a_list_in_the_file_is_a_list() {
        let config = load(&[], &[], "trusted_proxies = [\"127.0.0.1\", \"::1\"]").unwrap();
        assert_eq!(config.http.trusted_proxies.len(), 2);
    }

    #[test]
    fn an_open_address_needs_a_word_of_consent() {
        assert!(load(&[("listen", "0.0.0.0:80")], &[], "").unwrap_err().contains("allow_anonymous"));
        assert!(load(&[("listen", "0.0.0.0:80"), ("allow_anonymous", "true")], &[], "").is_ok());
    }

    #[test]
    fn a_keys_file_lets_the_address_be_open_and_the_first_key_be_made_before() {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys.toml");
        let flags = [("listen", "0.0.0.0:80"), ("keys_file", keys.to_str().unwrap())];
        assert!(load(&flags, &[], "").is_err());
        let own = flags.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert!(Config::read(&Sources::gather(own, [], None).unwrap()).is_ok());
        std::fs::write(&keys, "").unwrap();
        assert!(load(&flags, &[], "").is_ok());
    }

    #[test]
    fn a_secret_is_not_repeated_in_an_error() {
        let error = load(&[("callback_secret", "hush,(set)")], &[], "").unwrap_err();
        assert!(error.starts_with("--callback-secret: \"(hidden)\"") && !error.contains("hush"), "{error}");
        assert!(load(&[("callback_hosts", "a.b/c")], &[], "").unwrap_err().contains("*.example.org"));
    }

    #[test]
    fn every_default_is_valid() {
        assert!(load(&[], &[], "").is_ok());
    }

    #[test]
    fn the_documents_list_every_setting_with_its_default_and_help() {
        let document = include_str!("../../../docs/settings.md");
        for setting in Config::SECTIONS.iter().flat_map(|(_, settings)| settings.iter()) {
            let default =
                if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
            let help: Vec<&str> = setting.help.split_whitespace().collect();
            let row = format!("| `{}` | {default} | {} |", setting.name, help.join(" "));
            assert!(document.contains(&row), "docs/settings.md lacks: {row}");
        }
    }
}
