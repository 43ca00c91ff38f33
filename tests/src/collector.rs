//! An OpenTelemetry collector that decodes what arrives: OTLP over HTTP, in JSON.

use serde_json::Value as Json;

use crate::{Receiver, eventually};

/// A collector that lives as long as the test.
pub struct Collector(Receiver);

/// A span, as it came.
#[derive(Clone, Debug)]
pub struct Span {
    fields: Json,
    /// `service.name` of the resource.
    pub service: String,
}

impl Collector {
    /// A collector that takes everything.
    #[must_use]
    pub fn content() -> Self {
        Self(Receiver::answering(|_| Some("HTTP/1.1 200 OK")))
    }

    /// A collector that answers like this: see [`Receiver::answering`].
    #[must_use]
    pub fn answering(answers: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        Self(Receiver::answering(answers))
    }

    /// What the operator names.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.0.url("")
    }

    /// The calls so far.
    #[must_use]
    pub fn receiver(&self) -> &Receiver {
        &self.0
    }

    /// The spans so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.0.calls().iter().flat_map(|call| decode(&call.body)).collect()
    }

    /// Waits for the spans of a trace, until there is one of each of these names.
    #[must_use]
    pub fn wait_for(&self, trace: &str, names: &[&str]) -> Vec<Span> {
        let of_trace = || -> Vec<Span> {
            self.spans().into_iter().filter(|span| span.text("traceId") == trace).collect()
        };
        let find = || {
            let spans = of_trace();
            names.iter().all(|name| spans.iter().any(|span| span.name() == *name)).then_some(spans)
        };
        eventually(find, || format!("not all of {names:?} came, but {:#?}", self.spans()))
    }
}

fn decode(body: &str) -> Vec<Span> {
    let request: Json = serde_json::from_str(body).unwrap();
    let mut spans = vec![];
    for of_resource in request["resourceSpans"].as_array().unwrap() {
        let service = attribute(&of_resource["resource"]["attributes"], "service.name").unwrap();
        for of_scope in of_resource["scopeSpans"].as_array().unwrap() {
            for fields in of_scope["spans"].as_array().unwrap() {
                spans.push(Span { fields: fields.clone(), service: service.clone() });
            }
        }
    }
    spans
}

fn attribute(attributes: &Json, key: &str) -> Option<String> {
    let found = attributes.as_array()?.iter().find(|attribute| attribute["key"] == key)?;
    let value = &found["value"];
    value["stringValue"].as_str().or_else(|| value["intValue"].as_str()).map(str::to_owned)
}

impl Span {
    /// What is done in it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// A field that is a text, empty if it is not there.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.fields[field].as_str().unwrap_or_default()
    }

    /// `SpanKind`, as a number.
    #[must_use]
    pub fn kind(&self) -> u64 {
        self.fields["kind"].as_u64().unwrap()
    }

    /// The status' code, 0 if nothing is said, and its message.
    #[must_use]
    pub fn status(&self) -> (u64, &str) {
        let status = &self.fields["status"];
        (status["code"].as_u64().unwrap_or_default(), status["message"].as_str().unwrap_or_default())
    }

    /// An attribute, as text.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<String> {
        attribute(&self.fields["attributes"], key)
    }

    /// Nanoseconds since 1970 at which it began and ended.
    #[must_use]
    pub fn times(&self) -> (u128, u128) {
        (self.text("startTimeUnixNano").parse().unwrap(), self.text("endTimeUnixNano").parse().unwrap())
    }
}
