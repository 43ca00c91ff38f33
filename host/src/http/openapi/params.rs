//! The parameters and headers of requests that more than one handler reads, or that no type of the
//! host stands for.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required};

use ParameterIn::{Header, Path, Query};

/// Groups of parameters, by the names that handlers list them by.
macro_rules! parameters {
    ($( $(#[doc = $doc:literal])* $group:ident = [$( $parameter:expr ),+ $(,)?]; )+) => {$(
        $(#[doc = $doc])*
        pub(in super::super) struct $group;

        impl IntoParams for $group {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$( $parameter ),+]
            }
        }
    )+};
}

parameters! {
    TaskPath = [parameter(Path, "id", "The task's id, a UUID.", id())];
    ResultPath = [parameter(Path, "id", "The id of the task that made it, a UUID.", id())];
    NumberPath = [parameter(Path, "number", "Which of the task's results, from 1.", number(1, u32::MAX.into()))];
    PluginPath = [parameter(Path, "name", "The plugin's name.", string().pattern(Some("^[a-z][a-z0-9-]{0,63}$")).build())];
    SchemaPath = [parameter(Path, "name", "Which schema.", words(&["task.xsd", "status.xsd", "atom.xsd"]))];
    ConsolePath = [parameter(Path, "name", "The file's name.", string().examples(["main.js"]).build())];
    KnownFile = [parameter(Header, "If-None-Match", "Entity tags that the client has.", string().build())];
    Accept = [parameter(
        Header, "Accept",
        "The format of the answer; XML where nothing is said.",
        string().examples(["application/json", "application/xml", "*/*"]).build(),
    )];
    Prefer = [parameter(
        Header, "Prefer",
        "`wait=N` (RFC 7240) holds the answer back for up to N seconds, until the task is over.",
        string().examples(["wait=1"]).build(),
    )];
    IdempotencyKey = [parameter(
        Header, "Idempotency-Key",
        "The same key with the same request gives the first answer again, for 24 hours.",
        string().min_length(Some(1)).max_length(Some(255)).build(),
    )];
    TraceParent = [parameter(
        Header, "traceparent",
        "The client's place in a trace (W3C Trace Context): it is kept with the task, and handed on to its callback.",
        string().examples(["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]).build(),
    )];
    LastEventId = [parameter(
        Header, "Last-Event-ID",
        "The id of the last event received: it is not sent again.",
        string().build(),
    )];
    Conditions = [
        parameter(Header, "Range", "One range of bytes; several are ignored.", string().examples(["bytes=0-99"]).build()),
        parameter(Header, "If-Range", "The entity tag that the range is a part of.", string().build()),
        parameter(Header, "If-None-Match", "Entity tags that the client has.", string().build()),
        parameter(Header, "If-Match", "Entity tags, one of which the image must have.", string().build()),
        parameter(Header, "If-Modified-Since", "The date of what the client has.", string().build()),
    ];
    Redirect = [parameter(
        Query, "redirect",
        "`false`: a task that went well is answered with 200 instead of 303.",
        words(&["true", "false"]),
    )];
    ListFilters = [
        parameter(Query, "state", "Tasks in this state only.", words(&["pending", "OK", "FAILED", "queued", "running", "cancelled"])),
        parameter(Query, "operation", "Tasks with this operation only.", string().build()),
        parameter(Query, "limit", "The most tasks of one page.", number(1, 100)),
        parameter(Query, "after", "The last task of the page before; `next` has it.", id()),
    ];
    /// The description of a task whose body is nothing but the image.
    OneOperation = [
        parameter(Query, "operation", "For a body that is only the image: what to do.", string().examples(["grayscale"]).build()),
        parameter(Query, "plugin", "The plugin that is to do it.", string().build()),
        parameter(Query, "version", "The versions of the plugin, as a semver requirement.", string().examples(["^0.1"]).build()),
        parameter(Query, "output", "The media type of the result.", string().examples(["image/webp"]).build()),
        parameter(Query, "callback", "Where the end is announced.", string().build()),
        free("params", "The operation's parameters by name, and the output's with `output.` before it."),
    ];
}

fn parameter(place: ParameterIn, name: &str, what: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    let required = if place == Path { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
    parameter.description(Some(what)).schema(Some(schema)).build()
}

/// Any further parameters, whatever their names.
fn free(name: &str, what: &str) -> Parameter {
    let any_text = AdditionalProperties::RefOr(string().build().into());
    let schema = ObjectBuilder::new().additional_properties(Some(any_text)).build();
    let parameter = ParameterBuilder::new().name(name).parameter_in(Query).required(Required::False);
    let parameter = parameter.style(Some(ParameterStyle::Form)).explode(Some(true));
    parameter.description(Some(what)).schema(Some(schema)).build()
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn id() -> Object {
    string().format(Some(SchemaFormat::Custom("uuid".to_owned()))).build()
}

fn words(words: &[&str]) -> Object {
    string().enum_values(Some(words.iter().copied())).build()
}

fn number(least: u64, most: u64) -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most)).build()
}
