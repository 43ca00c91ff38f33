//! Which codec reads or writes a format.

use std::sync::Arc;

use crate::plugin::interface::Kind;
use crate::plugin::loaded::Plugin;

/// The codecs of a server, each in its newest version. Where several know a format, the one whose name
/// comes first in the alphabet is asked first.
#[derive(Clone, Debug, Default)]
pub struct Codecs(Vec<Arc<Plugin>>);

impl Codecs {
    /// Those among `plugins`, which come by name, newest version first.
    #[must_use]
    pub fn among<'a>(plugins: impl Iterator<Item = &'a Arc<Plugin>>) -> Self {
        let mut codecs: Vec<Arc<Plugin>> =
            plugins.filter(|plugin| plugin.kind() == Kind::Codec).cloned().collect();
        codecs.dedup_by(|later, first| later.descriptor.name == first.descriptor.name);
        Self(codecs)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.0.iter()
    }

    /// Whether any of them reads.
    #[must_use]
    pub fn can_read(&self) -> bool {
        self.readers().next().is_some()
    }

    /// Who writes this format.
    #[must_use]
    pub fn writer(&self, media_type: &str) -> Option<&Arc<Plugin>> {
        self.0.iter().find(|codec| codec.writes(media_type))
    }

    /// Every format that can be written.
    #[must_use]
    pub fn written(&self) -> Vec<String> {
        distinct(
            self.0
                .iter()
                .flat_map(|codec| codec.descriptor.produces.iter().map(|format| format.media_type.as_str())),
        )
    }

    /// Every format that can be read.
    pub(super) fn read(&self) -> Vec<String> {
        distinct(self.0.iter().flat_map(|codec| codec.descriptor.accepts.iter().map(String::as_str)))
    }

    pub(super) fn reads(&self, media_type: &str) -> bool {
        self.readers().any(|codec| codec.reads(media_type))
    }

    /// Those that read, the likeliest first: what a file is said to be may be wrong.
    pub(super) fn readers_of(&self, said: &str) -> Vec<&Arc<Plugin>> {
        let mut readers: Vec<_> = self.readers().collect();
        readers.sort_by_key(|codec| !codec.reads(said));
        readers
    }

    /// Of a codec, unlike of a processor, an empty list says that it reads nothing.
    fn readers(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.0.iter().filter(|codec| !codec.descriptor.accepts.is_empty())
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}
