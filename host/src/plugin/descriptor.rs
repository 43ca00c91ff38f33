//! What a plugin says of itself, checked: afterwards every name is a name and every schema compiles.

use semver::Version;

use super::interface::{Kind, RawDescriptor};
use super::schema::Schema;
use crate::media_type::MediaType;
use crate::name::{NAME_RULE, is_name};

/// Most operations and formats of one plugin.
const MOST_ENTRIES: usize = 256;
/// Longest summary, in bytes.
const LONGEST_SUMMARY: usize = 1024;
/// Longest version, in bytes: room for a commit's digest behind the numbers.
const LONGEST_VERSION: usize = 64;
/// Most that is repeated of a plugin's words, in bytes.
const LONGEST_QUOTE: usize = 100;

/// A plugin's description of itself.
#[derive(Debug, PartialEq)]
pub struct Descriptor {
    /// Lower case, digits and hyphens.
    pub name: String,
    /// By semver.org.
    pub version: Version,
    /// One sentence.
    pub summary: String,
    /// Media types that it reads.
    pub accepts: Vec<String>,
    /// What it writes.
    pub produces: Vec<OutputFormat>,
    /// What it does.
    pub operations: Vec<Operation>,
}

/// A format that a plugin writes.
#[derive(Debug, PartialEq)]
pub struct OutputFormat {
    /// Without parameters.
    pub media_type: String,
    /// Of the `output`'s parameters.
    pub schema: Schema,
}

/// Something a plugin does.
#[derive(Debug, PartialEq)]
pub struct Operation {
    /// Unique in the plugin.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Of its parameters.
    pub schema: Schema,
}

/// What is wrong with a descriptor. The plugin's author has to mend it.
#[derive(Debug, thiserror::Error)]
#[error("describe() returned {what}: {rule}")]
pub struct DescriptorError {
    what: String,
    rule: String,
}

impl Descriptor {
    pub(super) fn check(raw: RawDescriptor, kind: Kind) -> Result<Self, DescriptorError> {
        let wrong = |what: String, rule: String| DescriptorError { what, rule };
        let quoted = |text: &str| format!("{:?}", cut(text, LONGEST_QUOTE));
        if !is_name(&raw.name) {
            return Err(wrong(format!("the name {}", quoted(&raw.name)), NAME_RULE.to_owned()));
        }
        if raw.version.len() > LONGEST_VERSION {
            let rule = format!("a version has at most {LONGEST_VERSION} characters");
            return Err(wrong(format!("the version {}", quoted(&raw.version)), rule));
        }
        let version = Version::parse(&raw.version).map_err(|error| {
            wrong(format!("the version {}", quoted(&raw.version)), format!("not a semantic version: {error}"))
        })?;
        let entries = [
            (raw.operations.len(), "operations"),
            (raw.accepts.len(), "media types that it reads"),
            (raw.produces.len(), "formats"),
        ];
        if let Some((many, what)) = entries.into_iter().find(|(count, _)| *count > MOST_ENTRIES) {
            return Err(wrong(format!("{many} {what}"), format!("the most is {MOST_ENTRIES}")));
        }
        let is_codec = kind == Kind::Codec;
        if is_codec && raw.accepts.is_empty() && raw.produces.is_empty() {
            return Err(wrong("no formats".to_owned(), "a codec reads or writes at least one".to_owned()));
        }
        if !is_codec && raw.operations.is_empty() {
            return Err(wrong("no operations".to_owned(), "there must be at least one".to_owned()));
        }
        let mut produces: Vec<OutputFormat> = vec![];
        for format in raw.produces {
            let media_type = essence(&format.media_type).ok_or_else(|| {
                wrong(format!("the media type {}", quoted(&format.media_type)), MEDIA_TYPE_RULE.to_owned())
            })?;
            if produces.iter().any(|known| known.media_type == media_type) {
                return Err(wrong(format!("the format {media_type} twice"), "name it once".to_owned()));
            }
            let schema = Schema::compile(&format.params_schema).map_err(|error| {
                wrong(format!("a params-schema for {media_type} that cannot be used"), error.to_string())
            })?;
            produces.push(OutputFormat { media_type, schema });
        }
        let mut operations: Vec<Operation> = vec![];
        for operation in raw.operations {
            if !is_name(&operation.name) {
                return Err(wrong(
                    format!("an operation named {}", quoted(&operation.name)),
                    NAME_RULE.to_owned(),
                ));
            }
            if operations.iter().any(|known| known.name == operation.name) {
                return Err(wrong(
                    format!("the operation {} twice", operation.name),
                    "name it once".to_owned(),
                ));
            }
            let schema = Schema::compile(&operation.params_schema).map_err(|error| {
                wrong(
                    format!("a params-schema for {} that cannot be used", operation.name),
                    error.to_string(),
                )
            })?;
            operations.push(Operation {
                name: operation.name,
                summary: cut(&operation.summary, LONGEST_SUMMARY),
                schema,
            });
        }
        let accepts = raw
            .accepts
            .iter()
            .map(|media_type| {
                essence(media_type).ok_or_else(|| {
                    wrong(format!("the media type {}", quoted(media_type)), MEDIA_TYPE_RULE.to_owned())
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: raw.name,
            version,
            summary: cut(&raw.summary, LONGEST_SUMMARY),
            accepts,
            produces,
            operations,
        })
    }

    /// The operation of this name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// The format of this media type.
    #[must_use]
    pub fn format(&self, media_type: &str) -> Option<&OutputFormat> {
        self.produces.iter().find(|format| format.media_type == media_type)
    }
}

const MEDIA_TYPE_RULE: &str = "a media type is lower-case type/subtype without parameters, such as image/png";

fn essence(text: &str) -> Option<String> {
    let parsed = MediaType::parse(text).ok()?;
    (parsed.essence() == text).then(|| text.to_owned())
}

fn cut(text: &str, longest: usize) -> String {
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plugin::interface::{RawFormat, RawOperation};

    const ANYTHING: &str = r#"{"type":"object"}"#;

    fn raw() -> RawDescriptor {
        RawDescriptor {
            name: "standard".to_owned(),
            version: "1.2.0".to_owned(),
            summary: "Does things.".to_owned(),
            accepts: vec!["image/png".to_owned()],
            produces: vec![RawFormat {
                media_type: "image/png".to_owned(),
                params_schema: ANYTHING.to_owned(),
            }],
            operations: vec![RawOperation {
                name: "resize".to_owned(),
                summary: "Resizes.".to_owned(),
                params_schema: ANYTHING.to_owned(),
            }],
        }
    }

    #[test]
    fn a_good_descriptor_is_taken() {
        let descriptor = Descriptor::check(raw(), Kind::Processor).unwrap();
        assert!(descriptor.operation("resize").is_some() && descriptor.format("image/png").is_some());
    }

    #[test]
    fn each_fault_is_named() {
        let fault = |change: fn(&mut RawDescriptor)| {
            let mut raw = raw();
            change(&mut raw);
            Descriptor::check(raw, Kind::Processor).unwrap_err().to_string()
        };
        assert!(fault(|d| d.name = "Standard".to_owned()).contains("\"Standard\""));
        assert!(fault(|d| d.version = "1".to_owned()).contains("semantic version"));
        assert!(fault(|d| d.operations.clear()).contains("operations"));
        assert!(fault(|d| d.operations[0].params_schema = "{".to_owned()).contains("resize"));
        assert!(fault(|d| d.produces[0].media_type = "IMAGE/png".to_owned()).contains("lower-case"));
        assert!(fault(|d| d.accepts[0] = "image/png; q=1".to_owned()).contains("without parameters"));
        assert!(fault(|d| d.operations.push(d.operations[0].clone())).contains("twice"));
        assert!(fault(|d| d.accepts = vec!["image/png".to_owned(); 257]).contains("the most is 256"));
        assert!(fault(|d| d.version = format!("1.0.0-{}", "a".repeat(100))).contains("at most 64"));
    }

    #[test]
    fn a_fault_of_any_length_is_told_in_a_line() {
        let endless = || "\u{e4}".repeat(1 << 20);
        let faults: [fn(&mut RawDescriptor, String); 5] = [
            |d, endless| d.name = endless,
            |d, endless| d.version = endless,
            |d, endless| d.accepts[0] = endless,
            |d, endless| d.produces[0].media_type = endless,
            |d, endless| d.operations[0].name = endless,
        ];
        for fault in faults {
            let mut raw = raw();
            fault(&mut raw, endless());
            let words = Descriptor::check(raw, Kind::Processor).unwrap_err().to_string();
            assert!(words.len() < 300, "{} bytes", words.len());
        }
    }

    #[test]
    fn a_codec_has_formats_and_no_need_of_operations() {
        let check = |change: fn(&mut RawDescriptor)| {
            let mut raw = raw();
            raw.operations.clear();
            change(&mut raw);
            Descriptor::check(raw, Kind::Codec)
        };
        assert!(check(|d| d.accepts.clear()).is_ok() && check(|d| d.produces.clear()).is_ok());
        let neither = |d: &mut RawDescriptor| {
            d.accepts.clear();
            d.produces.clear();
        };
        assert!(check(neither).unwrap_err().to_string().contains("at least one"));
    }
}
