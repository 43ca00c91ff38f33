//! The bodies that have no type of their own in the host, because they are read or written piece by
//! piece: descriptions, messages, problem documents.

#![expect(dead_code, reason = "these are described, never made")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// A refusal (RFC 9457).
#[derive(ToSchema)]
#[schema(title = "Problem")]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Problem {
    /// A stable name of what is wrong.
    #[schema(pattern = "^urn:tintype:problem:[a-z-]+$")]
    r#type: String,
    /// The same in words.
    title: String,
    /// As in the answer's head.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What to change.
    detail: String,
    /// By which the server's log knows the request.
    #[schema(format = "uuid")]
    request_id: String,
}

/// A server-sent event (HTML Standard, section 9.2).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct StatusEvent {
    /// For `Last-Event-ID`: how far the task was.
    id: String,
    /// `status`.
    #[schema(pattern = "^status$")]
    event: String,
    /// The status in JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// `multipart/form-data`, or the same two parts in this order as `multipart/related`.
///
/// Further parts are what the description refers to: by field name in a form, by Content-ID else.
#[derive(ToSchema)]
#[schema(example = json!({
    "task": {"operations": [{"name": "resize", "params": {"width": 16}}]},
    "image": "the bytes of an image",
}))]
pub(in super::super) struct TaskMessage {
    /// In JSON, or in XML as `/schemas/task.xsd` has it.
    task: TaskDescription,
    /// Any image.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
}

/// An image and nothing else; the query says what is to be done with it.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(in super::super) struct ImageBytes(Vec<u8>);

/// What is to be done with an image.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct TaskDescription {
    /// In the order in which they are done.
    #[schema(min_items = 1, max_items = 16)]
    operations: Vec<TaskOperation>,
    /// Without it the result keeps the input's format.
    #[schema(nullable = false)]
    output: Option<TaskOutput>,
    /// A URL, on a host that the operator has listed, that is told of the task's end.
    #[schema(nullable = false)]
    callback: Option<String>,
}

/// One thing to do.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct TaskOperation {
    /// `/plugins` lists what there is.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,63}$", example = "resize")]
    name: String,
    /// Which plugin is to do it, where several can.
    #[schema(nullable = false, pattern = "^[a-z][a-z0-9-]{0,63}$")]
    plugin: Option<String>,
    /// Which of its versions, as a semver requirement.
    #[schema(nullable = false, example = "^0.1")]
    version: Option<String>,
    /// As the operation's JSON Schema has them; `{"cid": "…"}` refers to another part.
    #[schema(nullable = false, example = json!({"width": 16}))]
    params: Option<BTreeMap<String, Value>>,
}

/// The result's format.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct TaskOutput {
    /// A media type without parameters.
    #[schema(example = "image/png")]
    r#type: String,
    /// As the plugin's JSON Schema of the format has them.
    #[schema(nullable = false)]
    params: Option<BTreeMap<String, Value>>,
}
