//! What a plugin is handed: pictures, steps, and the format wished for.

use crate::bindings::tintype::plugin::types as wit;
use crate::{Failure, Params, Value};

/// An encoded picture, or any other document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Lower-case `type/subtype`. On input this is only what the client said:
    /// what the bytes are is for the plugin to find out.
    pub media_type: String,
    /// The whole file.
    pub bytes: Vec<u8>,
}

impl Image {
    /// A file of this media type.
    pub fn new(media_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { media_type: media_type.into(), bytes: bytes.into() }
    }
}

/// A parameter's reference to a picture that came with the task: see
/// [`Task::attachment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment(pub u32);

/// One operation to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The name of one of the operations that the plugin described.
    pub operation: String,
    /// Its parameters, checked against the operation's JSON Schema.
    pub params: Params,
}

/// The format that the result shall have.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// One of the media types that the plugin produces.
    pub media_type: String,
    /// Such as `quality`, checked against that format's JSON Schema.
    pub params: Params,
}

/// Everything that one call of [`Plugin::process`](crate::Plugin::process)
/// works with.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The picture.
    pub input: Image,
    /// Pictures that parameters refer to.
    pub attachments: Vec<Image>,
    /// At least one, to be done in order.
    pub steps: Vec<Step>,
    /// Without it the result keeps the format of the input.
    pub target: Option<Target>,
}

impl Task {
    /// A task without steps, to build on in a test.
    #[must_use]
    pub fn new(input: Image) -> Self {
        Self { input, attachments: Vec::new(), steps: Vec::new(), target: None }
    }

    /// Adds a step.
    #[must_use]
    pub fn step<'a>(mut self, operation: &str, params: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let params = params.into_iter().collect();
        self.steps.push(Step { operation: operation.to_owned(), params });
        self
    }

    /// Asks for a format.
    #[must_use]
    pub fn target<'a>(
        mut self,
        media_type: &str,
        params: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Self {
        let params = params.into_iter().collect();
        self.target = Some(Target { media_type: media_type.to_owned(), params });
        self
    }

    /// The picture that a parameter refers to.
    ///
    /// # Errors
    /// [`Failure::InvalidParameters`], if there is none, which the host rules
    /// out.
    pub fn attachment(&self, attachment: Attachment) -> Result<&Image, Failure> {
        usize::try_from(attachment.0)
            .ok()
            .and_then(|index| self.attachments.get(index))
            .ok_or_else(|| Failure::invalid_parameters("A picture sent along is missing."))
    }
}

impl From<wit::Image> for Image {
    fn from(image: wit::Image) -> Self {
        Self { media_type: image.media_type, bytes: image.bytes }
    }
}

impl From<Image> for wit::Image {
    fn from(image: Image) -> Self {
        Self { media_type: image.media_type, bytes: image.bytes }
    }
}

impl From<wit::Step> for Step {
    fn from(step: wit::Step) -> Self {
        Self { operation: step.operation, params: step.params.into() }
    }
}

impl From<wit::Target> for Target {
    fn from(target: wit::Target) -> Self {
        Self { media_type: target.media_type, params: target.params.into() }
    }
}
