//! Spans as OTLP 1.x has them in JSON (`opentelemetry-proto`, "JSON Protobuf Encoding"): ids in hex, whole
//! numbers of 64 bits as text, enums as numbers.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use super::span::{Kind, Span, Value};

/// `STATUS_CODE_ERROR`. What went well says nothing (OpenTelemetry, "Set Status").
const ERROR: u8 = 2;

/// A request that exports these spans.
pub(super) fn of(spans: &[Span]) -> Json {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [("service.name", Value::from("tintype")), ("service.version", Value::from(version))];
    json!({
        "resourceSpans": [{
            "resource": {"attributes": attributes(&resource)},
            "scopeSpans": [{
                "scope": {"name": "tintype", "version": version},
                "spans": spans.iter().map(span).collect::<Vec<_>>(),
            }],
        }],
    })
}

fn span(span: &Span) -> Json {
    let mut json = json!({
        "traceId": span.context.trace_id(),
        "spanId": span.context.span_id(),
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": nanos(span.began),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": attributes(&span.attributes),
    });
    if let Some(parent) = &span.parent {
        json["parentSpanId"] = parent.span_id().into();
    }
    if let Some(error) = &span.error {
        json["status"] = json!({"code": ERROR, "message": error});
    }
    json
}

fn attributes(attributes: &[(&'static str, Value)]) -> Json {
    let attribute = |(key, value): &(&'static str, Value)| {
        let value = match value {
            Value::Text(text) => json!({"stringValue": text}),
            Value::Integer(number) => json!({"intValue": number.to_string()}),
        };
        json!({"key": key, "value": value})
    };
    attributes.iter().map(attribute).collect()
}

fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Consumer => 5,
    }
}

fn nanos(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
