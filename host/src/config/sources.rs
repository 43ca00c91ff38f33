//! Where settings come from, and how their values meet. Knows settings only by name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

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
}

/// The values as text, by setting, each with its origin. No `Debug`: there are secrets among them.
#[derive(Default)]
pub struct Sources {
    values: BTreeMap<String, (String, Origin)>,
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
            known(&name, &variable, || format!("the environment variable {variable}"))?;
            sources.values.insert(name, (value, Origin::Environment));
        }
        for (name, value) in flags {
            sources.values.insert(name, (value, Origin::Flag));
        }
        Ok(sources)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        let table: BTreeMap<toml::Spanned<String>, toml::Spanned<toml::Value>> = toml::from_str(&text)
            .map_err(|error| ConfigError::Malformed {
                path: path.to_owned(),
                line: error.span().map_or(1, |span| line_of(span.start)),
                problem: error.message().to_owned(),
            })?;
        for (key, value) in table {
            let origin = Origin::File(path.to_owned(), line_of(value.span().start));
            let name = key.into_inner();
            known(&name, &name, || origin.to_string())?;
            let text = as_text(value.get_ref()).ok_or_else(|| ConfigError::Wrong {
                place: format!("{origin}: {name}"),
                value: value.get_ref().to_string(),
                rule: "a string, a number, true, false, or a list of these".to_owned(),
            })?;
            self.values.insert(name, (text, origin));
        }
        Ok(())
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

fn known(name: &str, written: &str, place: impl FnOnce() -> String) -> Result<(), ConfigError> {
    let names =
        || Config::SECTIONS.iter().flat_map(|(_, settings)| settings.iter()).map(|setting| setting.name);
    if names().any(|known| known == name) {
        return Ok(());
    }
    let nearest =
        names().min_by_key(|known| distance(known, name)).filter(|known| distance(known, name) <= 3);
    Err(ConfigError::Unknown {
        place: place(),
        name: written.to_owned(),
        hint: nearest.map(|known| format!("; did you mean {known:?}?")).unwrap_or_default(),
    })
}

/// Levenshtein distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, to) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let here = (diagonal + usize::from(from != *to)).min(above + 1).min(left + 1);
            diagonal = above;
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            left = here;
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn as_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            items.iter().map(as_text).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
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
            "tintype.toml:1: there is no setting \"max_qeue\"; did you mean \"max_queue\"?"
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
    fn the_readme_lists_every_setting_with_its_default_and_help() {
        let readme = include_str!("../../../README.md");
        for setting in Config::SECTIONS.iter().flat_map(|(_, settings)| settings.iter()) {
            let default =
                if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
            let help: Vec<&str> = setting.help.split_whitespace().collect();
            let row = format!("| `{}` | {default} | {} |", setting.name, help.join(" "));
            assert!(readme.contains(&row), "README.md lacks: {row}");
        }
    }
}
