//! The XML Schemas of the task description and of the status, for clients that check what they write
//! and read.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::openapi::{answers, params};
use super::path::Path;
use super::problem::Problem;

const SCHEMAS: &[(&str, &str)] = &[
    ("task.xsd", include_str!("schemas/task.xsd")),
    ("status.xsd", include_str!("schemas/status.xsd")),
    ("atom.xsd", include_str!("schemas/atom.xsd")),
];

/// An XML Schema of what is sent or answered here.
#[utoipa::path(
    get, path = "/schemas/{name}", operation_id = "getSchema", tag = "discovery", security(()),
    params(params::SchemaPath),
    responses(answers::XmlSchema, answers::NotFound)
)]
pub(super) async fn get(Path(name): Path<String>) -> Result<Response, Problem> {
    let (_, schema) = SCHEMAS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| Problem::not_found("The schemas are /schemas/task.xsd and /schemas/status.xsd."))?;
    Ok(([(CONTENT_TYPE, "application/xml;charset=UTF-8")], *schema).into_response())
}
