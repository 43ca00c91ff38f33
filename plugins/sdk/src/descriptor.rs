//! What a plugin says about itself.

use crate::bindings::codec::exports::tintype::plugin::codec;
use crate::bindings::filter::exports::tintype::plugin::filter;
use crate::bindings::tintype::plugin::types as wit;

/// The JSON Schema of an operation or a format without parameters.
pub const NO_PARAMETERS: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {},
  "additionalProperties": false
}"#;

/// What a plugin is and can do.
///
/// Schemas are JSON Schema (2020-12) of type `object`, at most 64 KiB, without
/// references to other documents. The host refuses whatever doesn't satisfy
/// them before the plugin sees it. A client's XML text is converted to the type
/// that the schema names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    name: String,
    version: String,
    summary: String,
    accepts: Vec<String>,
    produces: Vec<(String, String)>,
    operations: Vec<(String, String, String)>,
}

/// A [`Descriptor`] with the name and version of the crate that it stands in.
///
/// ```
/// let descriptor = tintype_plugin::descriptor!("Makes pictures smaller.");
/// ```
#[macro_export]
macro_rules! descriptor {
    ($summary:expr) => {
        $crate::Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), $summary)
    };
}

impl Descriptor {
    /// A plugin that can do nothing yet.
    ///
    /// The name has 1 to 64 characters of `a-z`, `0-9` and `-` and begins with
    /// a letter; the version is a semantic one (semver.org); the summary is one
    /// sentence for people.
    pub fn new(name: impl Into<String>, version: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            summary: summary.into(),
            accepts: Vec::new(),
            produces: Vec::new(),
            operations: Vec::new(),
        }
    }

    /// Adds a media type that it reads, such as `image/png`. For information
    /// only: any bytes may come.
    #[must_use]
    pub fn accepts(mut self, media_type: impl Into<String>) -> Self {
        self.accepts.push(media_type.into());
        self
    }

    /// Adds a media type that it writes, without parameters. A result of a type
    /// that isn't listed fails the task.
    #[must_use]
    pub fn produces(self, media_type: impl Into<String>) -> Self {
        self.produces_with(media_type, NO_PARAMETERS)
    }

    /// Adds a media type that it writes, with the JSON Schema of parameters
    /// such as `quality`.
    #[must_use]
    pub fn produces_with(mut self, media_type: impl Into<String>, schema: impl Into<String>) -> Self {
        self.produces.push((media_type.into(), schema.into()));
        self
    }

    /// Adds an operation without parameters: its name, formed as the plugin's,
    /// and one sentence for people.
    #[must_use]
    pub fn operation(self, name: impl Into<String>, summary: impl Into<String>) -> Self {
        self.operation_with(name, summary, NO_PARAMETERS)
    }

    /// Adds an operation with the JSON Schema of its parameters.
    #[must_use]
    pub fn operation_with(
        mut self,
        name: impl Into<String>,
        summary: impl Into<String>,
        schema: impl Into<String>,
    ) -> Self {
        self.operations.push((name.into(), summary.into(), schema.into()));
        self
    }
}

impl Descriptor {
    fn formats(produces: Vec<(String, String)>) -> Vec<wit::OutputFormat> {
        let formats = produces.into_iter();
        formats.map(|(media_type, params_schema)| wit::OutputFormat { media_type, params_schema }).collect()
    }

    fn operations(operations: Vec<(String, String, String)>) -> Vec<wit::Operation> {
        let operations = operations.into_iter();
        operations
            .map(|(name, summary, params_schema)| wit::Operation { name, summary, params_schema })
            .collect()
    }
}

impl From<Descriptor> for wit::Descriptor {
    fn from(descriptor: Descriptor) -> Self {
        Self {
            name: descriptor.name,
            version: descriptor.version,
            summary: descriptor.summary,
            accepts: descriptor.accepts,
            produces: Descriptor::formats(descriptor.produces),
            operations: Descriptor::operations(descriptor.operations),
        }
    }
}

impl From<Descriptor> for filter::Descriptor {
    fn from(descriptor: Descriptor) -> Self {
        Self {
            name: descriptor.name,
            version: descriptor.version,
            summary: descriptor.summary,
            operations: Descriptor::operations(descriptor.operations),
        }
    }
}

impl From<Descriptor> for codec::Descriptor {
    fn from(descriptor: Descriptor) -> Self {
        Self {
            name: descriptor.name,
            version: descriptor.version,
            summary: descriptor.summary,
            reads: descriptor.accepts,
            writes: Descriptor::formats(descriptor.produces),
        }
    }
}
