//! `GET /openapi.json`: this interface for programs, in OpenAPI 3.1.
//!
//! Each handler says above itself what it takes and what it answers, and `super::routes` adds it to
//! the router and to the document at once, so that neither can have what the other hasn't. Here is
//! the rest: what handlers share (`params.rs`, `answers.rs`, `bodies.rs`) and the document's head.

pub(super) mod answers;
pub(super) mod bodies;
pub(super) mod params;

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};

/// The name under which the document has the API key.
pub(super) const KEY: &str = "key";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let document = super::routes().into_openapi();
    document.to_pretty_json().expect("strings, numbers and maps with string keys are always JSON")
});

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "discovery", security(()),
    responses(answers::OpenApiDocument)
)]
pub(super) async fn get() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

/// The document before any route is in it.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Tintype")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Processes pictures asynchronously: a picture and a description of what to do with it are \
             posted, and the answer names the place where the result, or the reason that there is none, \
             will be found. Every GET can be a HEAD. Wrong methods get 405 with `Allow`. Refusals are \
             problem documents (RFC 9457).",
        ))
        .license(Some(utoipa::openapi::License::new("MIT OR Apache-2.0")));
    let tags = [
        ("tasks", "Submitting, following, listing and ending tasks."),
        ("images", "What tasks have made."),
        ("discovery", "What can be done here, and how it is said."),
        ("health", "For those who run the server."),
    ];
    OpenApiBuilder::new()
        .info(info.build())
        .tags(Some(tags.map(|(name, what)| TagBuilder::new().name(name).description(Some(what)).build())))
        .components(Some(components()))
        // A server without keys serves everybody; one with keys wants one for all but a few routes.
        .security(Some([SecurityRequirement::new(KEY, Vec::<String>::new()), SecurityRequirement::default()]))
        .build()
}

fn components() -> Components {
    fn add<T: ToSchema>(components: ComponentsBuilder) -> ComponentsBuilder {
        let mut needed = vec![];
        T::schemas(&mut needed);
        components.schema(T::name(), <T as PartialSchema>::schema()).schemas_from_iter(needed)
    }
    let mut components = ComponentsBuilder::new().security_scheme(
        KEY,
        SecurityScheme::Http(
            Http::builder()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "An API key, as `tintype key` makes them. Its tasks are visible to it alone.",
                ))
                .build(),
        ),
    );
    components = add::<bodies::Problem>(components);
    components = add::<bodies::StatusEvent>(components);
    components = add::<super::status::TaskStatus>(components);
    components = add::<super::status::TaskPage>(components);
    components = add::<super::plugins::PluginList>(components);
    components.build()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn document() -> Value {
        serde_json::from_str(&DOCUMENT).unwrap()
    }

    /// `method path`.
    fn operations(document: &Value) -> BTreeSet<String> {
        let paths = document["paths"].as_object().unwrap();
        let all = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        });
        all.collect()
    }

    #[test]
    fn the_router_and_the_document_are_made_of_the_same_list() {
        let expected = [
            "delete /images/task/{id}",
            "get /",
            "get /console/{name}",
            "get /health/live",
            "get /health/ready",
            "get /images/task/{id}",
            "get /images/task/{id}/events",
            "get /images/tasks",
            "get /images/tasks/{id}",
            "get /images/{id}",
            "get /images/{id}/{number}",
            "get /metrics",
            "get /openapi.json",
            "get /plugins",
            "get /plugins/{name}",
            "get /schemas/{name}",
            "post /images/tasks",
        ];
        assert_eq!(operations(&document()), expected.map(str::to_owned).into());
        // A route that is added otherwise than by its annotation would be missing above.
        let source = include_str!("mod.rs");
        for other_way in [".route(", ".route_service(", ".nest(", ".nest_service(", ".merge("] {
            assert!(!source.contains(other_way), "{other_way} adds routes that the document doesn't have");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_what_it_answers() {
        let document = document();
        let mut names = BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name), "{name} twice");
                assert!(operation["summary"].is_string(), "{name} is not explained");
                let answers = operation["responses"].as_object().unwrap();
                assert!(answers.keys().any(|code| code < &"400".to_owned()), "{name} never succeeds");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                        let pointer = reference.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                    }
                    fields.values().for_each(|field| check(field, document));
                }
                Value::Array(items) => items.iter().for_each(|item| check(item, document)),
                _ => {}
            }
        }
        check(&document(), &document());
    }
}
