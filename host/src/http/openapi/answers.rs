//! What the server answers: one type for each kind of answer, to be listed above a handler.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Content, Header, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::bodies;
use crate::http::plugins::PluginList;
use crate::http::status::{TaskPage, TaskStatus};

const XML: &str = "application/xml";
const JSON: &str = "application/json";

/// Headers with what they say.
type Headers = &'static [(&'static str, &'static str)];

macro_rules! answers {
    ($( $name:ident = $code:literal, $response:expr; )+) => {$(
        #[doc = concat!("Answered with ", $code, ".")]
        pub(in super::super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [($code.to_owned(), RefOr::T(ResponseBuilder::from($response).build()))].into()
            }
        }
    )+};
}

const SELF: (&str, &str) = ("Content-Location", "The task's address.");
const RETRY: (&str, &str) = ("Retry-After", "Seconds until it makes sense to try again.");
const APPLIED: (&str, &str) = ("Preference-Applied", "`wait=N`, where the client preferred to wait.");
const OF_AN_IMAGE: Headers = &[
    ("ETag", "The image's digest."),
    ("Last-Modified", "When the task was over."),
    ("Cache-Control", "`private, immutable`."),
    ("Accept-Ranges", "`bytes`."),
    ("Link", "The task, as `related`."),
];
const OF_A_FILE: Headers = &[
    ("ETag", "The file's digest."),
    ("Cache-Control", "`no-cache`."),
    ("Content-Security-Policy", "What the page may do: load its own files, and speak to its own server."),
];

answers! {
    Accepted = "202", both::<TaskStatus>("The task is accepted, and durable.", &[
        ("Location", "The task's address."), SELF, RETRY, APPLIED,
    ]).link("status", to("getTask")).link("events", to("followTask")).link("cancel", to("endTask"));
    Status = "200", both::<TaskStatus>("Where the task stands.", &[SELF, RETRY, APPLIED]);
    Over = "200", both::<TaskStatus>("Who preferred to wait: the task has failed.", &[SELF, APPLIED]);
    Redirect = "303", both::<TaskStatus>("The task went well.", &[
        ("Location", "The first result's address."), SELF, APPLIED,
    ]);
    Cancelled = "200", both::<TaskStatus>("The task was under way and is cancelled.", &[SELF]);
    Deleted = "204", described("The task is deleted, with its results.", &[]);
    Page = "200", both::<TaskPage>("A page of tasks, newest first.", &[("Link", "The `next` page, if there is one.")]);
    Moved = "308", described("Where tasks are.", &[("Location", "The task's address.")]);
    Events = "200", described("Server-sent events `status`, each with the JSON status, until the task is over.", &[])
        .content("text/event-stream", event());
    NoMoreEvents = "204", described("The client has heard of the task's end.", &[]);
    Image = "200", described("The image.", OF_AN_IMAGE).content("*/*", bytes());
    PartOfImage = "206", described("Some of the image's bytes.", OF_AN_IMAGE)
        .header("Content-Range", header("Which bytes, and of how many.")).content("*/*", bytes());
    NotModified = "304", described("The client has it.", OF_AN_IMAGE);
    Plugins = "200", both::<PluginList>("Plugins with their operations and limits.", &[]);
    XmlSchema = "200", described("The schema.", &[]).content(XML, text("XML Schema 1.0."));
    Well = "200", described("It is well.", &[]).content("text/plain", text("One word."));
    Metrics = "200", described("Every figure.", &[]).content(
        "application/openmetrics-text", text("OpenMetrics 1.0."),
    );
    ConsoleFile = "200", described("The file.", OF_A_FILE).content("*/*", bytes());
    ConsoleUnchanged = "304", described("The client has it.", OF_A_FILE);
    OpenApiDocument = "200", described("OpenAPI 3.1.", &[]).content(
        JSON, ContentBuilder::new().schema(Some(ObjectBuilder::new().build())).build(),
    );

    BadRequest = "400", refusal("The request is malformed.", &[]);
    Unauthorized = "401", refusal("An API key is needed.", &[("WWW-Authenticate", "`Bearer`, and what is wrong.")]);
    NotFound = "404", refusal("There is no such resource, or it is not the client's.", &[]);
    NotAcceptable = "406", refusal("No acceptable format: there are XML and JSON.", &[]);
    TooSlow = "408", refusal("The body came too slowly.", &[]);
    Conflict = "409", refusal("A request with this key is still being received.", &[RETRY]);
    Gone = "410", refusal("It was kept for its time and is gone.", &[]);
    PreconditionFailed = "412", refusal("If-Match names another image.", &[]);
    TooLarge = "413", refusal("The image or the request is too large.", &[]);
    Unsupported = "415", refusal("The media type is not supported.", &[("Accept-Post", "What is.")]);
    BadRange = "416", refusal("The range is outside the image.", &[("Content-Range", "`bytes */SIZE`.")]);
    Impossible = "422", refusal("The task cannot be carried out, or the key is another request's.", &[]);
    OverQuota = "429", refusal("The quota is used up.", &[RETRY]);
    Internal = "500", refusal("A fault of the server.", &[]);
    Unavailable = "503", refusal("The queue is full, the server is stopping, or its storage has failed.", &[RETRY]);
    DiskFull = "507", refusal("The server's disk is full.", &[RETRY]);
}

/// Whatever can be answered to who asks for an image.
pub(in super::super) struct AnyOfImage;

impl IntoResponses for AnyOfImage {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let answers = [
            Image::responses(),
            PartOfImage::responses(),
            NotModified::responses(),
            BadRequest::responses(),
            Unauthorized::responses(),
            NotFound::responses(),
            Gone::responses(),
            PreconditionFailed::responses(),
            BadRange::responses(),
            Internal::responses(),
            Unavailable::responses(),
        ];
        answers.into_iter().flatten().collect()
    }
}

/// An answer in the format that the client accepts.
fn both<T: ToSchema>(what: &str, headers: Headers) -> ResponseBuilder {
    let schema = Ref::from_schema_name(T::name());
    described(what, headers)
        .content(JSON, ContentBuilder::new().schema(Some(schema)).build())
        .content(XML, text("The same in XML; `/schemas/status.xsd` has the status."))
}

fn refusal(what: &str, headers: Headers) -> ResponseBuilder {
    let schema = Ref::from_schema_name(bodies::Problem::name());
    described(what, headers)
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .content("application/problem+xml", text("The same in XML, as RFC 9457 appendix B has it."))
}

fn described(what: &str, headers: Headers) -> ResponseBuilder {
    let response = ResponseBuilder::new().description(what);
    headers.iter().fold(response, |response, (name, what)| response.header(*name, header(what)))
}

/// What can be done next with the task of a JSON answer.
fn to(operation: &str) -> Link {
    LinkBuilder::new().operation_id(operation).parameter("id", "$response.body#/id").build()
}

fn header(what: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    HeaderBuilder::new().schema(Some(text)).description(Some(what)).build()
}

fn text(what: &str) -> Content {
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(what)).build();
    ContentBuilder::new().schema(Some(text)).build()
}

/// One event; a stream of them has no schema in OpenAPI 3.1.
fn event() -> Content {
    let schema = Ref::from_schema_name(bodies::StatusEvent::name());
    ContentBuilder::new().schema(Some(schema)).build()
}

fn bytes() -> Content {
    // In OpenAPI 3.1 bytes that are not text have no type.
    let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue).build();
    ContentBuilder::new().schema(Some(anything)).build()
}
