//! What an operator says of one plugin: in `NAME.toml` beside `NAME.wasm`, or in the table `[plugin.NAME]`
//! of `tintype.toml`. The two add up.
//!
//! | question | file |
//! |---|---|
//! | where it stands, and how the two add up | `tables.rs` |
//! | which keys there are | here |
//! | what a run may use | `limits.rs` |
//! | which parameters no client can change | `fixed.rs` |
//! | which chains have a name of their own | `presets.rs` |
//!
//! Everything that can be wrong without knowing the plugin is refused here, with file, line and key. What is
//! said of operations and parameters is checked when the plugin is loaded, presets when all plugins are known.

mod fixed;
mod limits;
mod presets;
mod tables;

use std::collections::BTreeMap;
use std::str::FromStr as _;

pub(super) use self::fixed::Fixed;
pub use self::fixed::FixedError;
pub(super) use self::limits::LimitSettings;
pub use self::presets::{Preset, PresetOperation, PresetOutput};
pub use self::tables::PluginTables;
pub(super) use self::tables::settings_file;
use crate::config::located::{Located, Place, Table, Value};
use crate::config::{ConfigError, SettingValue};
use crate::digest::Digest;

/// What an operator says of one plugin; by default nothing.
#[derive(Clone, Debug, Default)]
pub struct PluginSettings {
    /// What its runs may use.
    pub(super) limits: LimitSettings,
    /// Whether it may import WASI.
    pub(super) allow_wasi: Option<bool>,
    /// What its file must be, and where that is said.
    pub(super) pin: Option<(Digest, Place)>,
    /// What no client can change.
    pub(super) fixed: Fixed,
    /// Chains of operations that are called as one.
    pub(super) presets: Vec<Preset>,
    /// The names of the API keys that may use it; by default all.
    pub(super) keys: Option<Vec<String>>,
}

/// Every key beside those of `limits.rs`.
const KEYS: [&str; 5] = ["allow_wasi", "sha256", "keys", "fixed", "presets"];

const KEYS_RULE: &str = "a list of names of API keys, as `tintype key list` shows them, such as [\"shop\"]";

impl PluginSettings {
    /// Reads what the file, or the two together, say.
    pub(super) fn read(table: &Table) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        for (name, item) in table {
            match name.as_str() {
                "allow_wasi" => settings.allow_wasi = Some(item.setting()?),
                "sha256" => settings.pin = Some((digest(item)?, item.place.clone())),
                "keys" => settings.keys = Some(keys(item)?),
                "fixed" => settings.fixed = Fixed::read(item)?,
                "presets" => settings.presets = Preset::read_all(item)?,
                _ if settings.limits.read(name, item)? => {}
                _ => {
                    let known: Vec<&str> =
                        KEYS.into_iter().chain(LimitSettings::KEYS.iter().copied()).collect();
                    return Err(item.unknown(name, &known));
                }
            }
        }
        Ok(settings)
    }

    /// Whether the holder of the key of this name may use the plugin; without one, anybody where there are
    /// no keys.
    #[must_use]
    pub fn is_open_to(&self, key: Option<&str>) -> bool {
        let Some(keys) = &self.keys else { return true };
        key.is_some_and(|key| keys.iter().any(|known| known == key))
    }

    /// Whether not everybody may use the plugin.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.keys.is_some()
    }

    /// What is said, by key, as text. Presets are told apart from it.
    #[must_use]
    pub fn shown(&self) -> BTreeMap<String, String> {
        let mut shown: BTreeMap<String, String> = self.limits.shown().collect();
        shown.extend(self.fixed.shown());
        if let Some(allowed) = self.allow_wasi {
            shown.insert("allow_wasi".to_owned(), allowed.show());
        }
        if let Some((digest, _)) = &self.pin {
            shown.insert("sha256".to_owned(), digest.to_string());
        }
        if let Some(keys) = &self.keys {
            let keys = if keys.is_empty() { "nobody's".to_owned() } else { keys.join(", ") };
            shown.insert("keys".to_owned(), keys);
        }
        shown
    }
}

fn digest(item: &Located) -> Result<Digest, ConfigError> {
    let rule = "the SHA-256 digest of the plugin's file, 64 hexadecimal digits, as `sha256sum` prints it";
    match &item.value {
        Value::Text(text) => Digest::from_str(text).map_err(|_| item.wrong(rule)),
        _ => Err(item.wrong(rule)),
    }
}

fn keys(item: &Located) -> Result<Vec<String>, ConfigError> {
    let Value::List(items) = &item.value else { return Err(item.wrong(KEYS_RULE)) };
    let name = |item: &Located| match &item.value {
        Value::Text(name) => Ok(name.clone()),
        _ => Err(item.wrong("the name of an API key, as `tintype key list` shows it")),
    };
    items.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::config::located;

    pub(super) fn read(text: &str) -> Result<PluginSettings, String> {
        let table = located::parse(Path::new("a.toml"), text).unwrap();
        PluginSettings::read(&table).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_that_means_nothing_is_refused_with_the_nearest_that_does() {
        assert_eq!(
            read("\nmemroy = \"1GiB\"").unwrap_err(),
            "a.toml:2: there is no setting \"memroy\" (did you mean \"memory\"?)"
        );
        assert_eq!(
            read("allow-wasi = true").unwrap_err(),
            "a.toml:1: there is no setting \"allow-wasi\" (did you mean \"allow_wasi\"?)"
        );
    }

    #[test]
    fn a_wrong_value_names_its_place_and_the_rule() {
        for (text, place, rule) in [
            ("sha256 = 'abc'", "a.toml:1: sha256: \"abc\"", "64 hexadecimal digits"),
            ("sha256 = 12", "a.toml:1: sha256: \"12\"", "64 hexadecimal digits"),
            ("allow_wasi = 'yes'", "a.toml:1: allow_wasi: \"yes\"", "true or false"),
            ("allow_wasi = [true]", "a.toml:1: allow_wasi: \"[true]\"", "true or false"),
            ("keys = 'shop'", "a.toml:1: keys: \"shop\"", "a list of names"),
            ("keys = [\n1]", "a.toml:2: keys[0]: \"1\"", "the name of an API key"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(place) && error.contains(rule), "{text}: {error}");
        }
    }

    #[test]
    fn whoever_is_not_named_may_not_use_it() {
        let settings = read("keys = ['shop', 'a, b']").unwrap();
        assert!(settings.is_open_to(Some("shop")) && settings.is_open_to(Some("a, b")));
        assert!(!settings.is_open_to(Some("Shop")) && !settings.is_open_to(Some("a")));
        assert!(!settings.is_open_to(None), "nor whoever has no key");
        assert!(read("").unwrap().is_open_to(None));
        assert!(!read("keys = []").unwrap().is_open_to(Some("shop")));
    }

    #[test]
    fn only_what_is_said_is_shown() {
        assert!(read("").unwrap().shown().is_empty());
        let shown = read("memory = 1048576\nkeys = []\n[fixed.resize]\nfit = 'cover'").unwrap().shown();
        let shown: Vec<String> = shown.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
        assert_eq!(shown, ["fixed.resize.fit = \"cover\"", "keys = nobody's", "memory = 1MiB"]);
    }
}
