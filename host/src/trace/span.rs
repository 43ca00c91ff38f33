//! One step of a trace, told when it is over.

use std::time::SystemTime;

use super::context::TraceContext;

/// A step.
#[derive(Clone, Debug)]
pub struct Span {
    pub(super) context: TraceContext,
    pub(super) parent: Option<TraceContext>,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) began: SystemTime,
    pub(super) ended: SystemTime,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) error: Option<String>,
}

/// How a step stands to others (OTLP's `SpanKind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Inside this program.
    Internal,
    /// An answer to a request.
    Server,
    /// A request to somebody else.
    Client,
    /// Work that was left in a queue.
    Consumer,
}

/// What an attribute can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Words.
    Text(String),
    /// A whole number.
    Integer(i64),
}

impl Span {
    /// A step that began at this moment and is over now.
    #[must_use]
    pub fn new(context: TraceContext, parent: Option<TraceContext>, name: &str, began: SystemTime) -> Self {
        let ended = SystemTime::now().max(began);
        let (name, kind) = (name.to_owned(), Kind::Internal);
        Self { context, parent, name, kind, began, ended, attributes: vec![], error: None }
    }

    /// Of another kind than internal.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// With something to be known of it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// It failed, for a reason by its stable name.
    #[must_use]
    pub fn failed(mut self, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        self.attributes.push(("error.type", Value::Text(reason.clone())));
        self.error = Some(reason);
        self
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Integer(number.into())
    }
}
