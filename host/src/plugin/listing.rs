//! The plugins folder as an operator sees it: every file, whether it is in use, and why it isn't; what is
//! said of it; and the presets. The form in which a running server tells it to a command.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::interface::Kind;
use super::loaded::Plugin;
use super::registry::{Offer, Registry};

/// Everything that is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Plugins by name, newest version first, then what is broken.
    pub plugins: Vec<Listed>,
    /// The server's, then those of each plugin.
    pub presets: Vec<ListedPreset>,
    /// Which published set they are, by the digest of its manifest; none where they are a folder's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
}

/// A chain of operations with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPreset {
    /// As clients call it.
    pub name: String,
    /// One sentence, or nothing.
    pub summary: String,
    /// By name, in their order.
    pub operations: Vec<String>,
    /// A media type.
    pub output: Option<String>,
    /// File and line.
    pub from: String,
    /// Why nobody can call it.
    pub error: Option<String>,
}

/// A file of the plugins folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its absolute path.
    pub file: String,
    /// What has become of it.
    pub state: FileState,
    /// Why what it holds now is not in use.
    pub error: Option<String>,
    /// What is in use of it.
    #[serde(flatten)]
    pub plugin: Option<ListedPlugin>,
}

/// What has become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// What it holds is in use.
    InUse,
    /// What it held before is in use: what it holds now is broken.
    EarlierInUse,
    /// Nothing of it is in use.
    Broken,
}

impl FileState {
    /// What has become of the file of a plugin that is in use, and what is wrong with it now.
    #[must_use]
    pub fn of(plugin: &Plugin, registry: &Registry) -> (Self, Option<String>) {
        let error = registry.problem(&plugin.file);
        (if error.is_some() { Self::EarlierInUse } else { Self::InUse }, error)
    }

    /// Its name, as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "in-use",
            Self::EarlierInUse => "earlier-in-use",
            Self::Broken => "broken",
        }
    }
}

/// A plugin in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPlugin {
    /// As it calls itself.
    pub name: String,
    /// By semver.org.
    pub version: String,
    /// What it is for.
    pub kind: Kind,
    /// One sentence.
    pub summary: String,
    /// The digest of the bytes that are in use.
    pub sha256: String,
    /// By name.
    pub operations: Vec<String>,
    /// Media types that it says it reads.
    pub accepts: Vec<String>,
    /// Media types that it writes.
    pub produces: Vec<String>,
    /// What it wants of the host.
    pub imports: Vec<String>,
    /// What the operator says of it, by key.
    pub settings: BTreeMap<String, String>,
}

impl Listing {
    /// Everything of which anything is known.
    #[must_use]
    pub fn of(registry: &Registry) -> Self {
        let presets = registry.presets().iter().map(ListedPreset::of).collect();
        let set = registry.set().map(|set| set.to_string());
        Self { plugins: Listed::all(registry), presets, set }
    }
}

impl Listed {
    fn all(registry: &Registry) -> Vec<Self> {
        let used = registry.plugins().map(|plugin| {
            let (state, error) = FileState::of(plugin, registry);
            Self { file: absolute(&plugin.file), state, error, plugin: Some(ListedPlugin::of(plugin)) }
        });
        let mut all: Vec<Self> = used.collect();
        for (path, _) in registry.broken() {
            let file = absolute(path);
            // One file can have two problems, or a plugin that stays in use.
            if !all.iter().any(|known| known.file == file) {
                all.push(Self {
                    file,
                    state: FileState::Broken,
                    error: registry.problem(path),
                    plugin: None,
                });
            }
        }
        all
    }
}

impl ListedPlugin {
    fn of(plugin: &Plugin) -> Self {
        let descriptor = &plugin.descriptor;
        Self {
            name: descriptor.name.clone(),
            version: descriptor.version.to_string(),
            kind: plugin.kind(),
            summary: descriptor.summary.clone(),
            sha256: plugin.digest.to_string(),
            operations: descriptor.operations.iter().map(|operation| operation.name.clone()).collect(),
            accepts: descriptor.accepts.clone(),
            produces: descriptor.produces.iter().map(|format| format.media_type.clone()).collect(),
            imports: plugin.imports.clone(),
            settings: plugin.settings.shown(),
        }
    }
}

impl ListedPreset {
    fn of(offer: &Offer) -> Self {
        let preset = &offer.preset;
        Self {
            name: preset.name.clone(),
            summary: preset.summary.clone(),
            operations: preset.operations.iter().map(|operation| operation.name.clone()).collect(),
            output: preset.output.as_ref().map(|output| output.media_type.essence().to_owned()),
            from: format!("{}:{}", absolute(&preset.place.file), preset.place.line),
            error: offer.problem.clone(),
        }
    }
}

/// The reader may be in another folder than the server.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_broken_file_is_listed_once_with_all_its_problems() {
        let mut registry = Registry::default();
        registry.reject(Path::new("/plugins/b.wasm"), "it is empty");
        registry.reject(Path::new("/plugins/b.wasm"), "it is a twin");
        let listed = Listed::all(&registry);
        let [only] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((only.file.as_str(), only.state), ("/plugins/b.wasm", FileState::Broken));
        assert_eq!(only.error.as_deref(), Some("it is empty; it is a twin"));
    }

    #[test]
    fn what_is_told_is_read_again_as_it_was() {
        let plugin = ListedPlugin {
            name: "standard".to_owned(),
            version: "1.0.0".to_owned(),
            kind: Kind::Processor,
            summary: String::new(),
            sha256: "00".to_owned(),
            operations: vec!["resize".to_owned()],
            accepts: vec![],
            produces: vec!["image/png".to_owned()],
            imports: vec![],
            settings: [("memory".to_owned(), "1GiB".to_owned())].into(),
        };
        for plugin in [Some(plugin), None] {
            let told = Listed { file: "/p".to_owned(), state: FileState::EarlierInUse, error: None, plugin };
            let json = serde_json::to_string(&told).unwrap();
            assert!(json.contains("\"earlier-in-use\""), "{json}");
            assert_eq!(serde_json::from_str::<Listed>(&json).unwrap(), told);
        }
    }
}
