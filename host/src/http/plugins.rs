//! `GET /plugins`: what can be done here, with which parameters.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use super::App;
use super::caller::Caller;
use super::negotiate::Format;
use super::problem::Problem;
use super::xml::{self, Element};
use crate::plugin::Plugin;

pub(super) async fn list(State(app): State<App>, format: Format, _: Caller) -> Response {
    let registry = app.tasks.registry();
    let plugins: Vec<&Plugin> = registry.plugins().map(AsRef::as_ref).collect();
    answer(format, &plugins)
}

pub(super) async fn get(
    State(app): State<App>,
    format: Format,
    _: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let registry = app.tasks.registry();
    let versions: Vec<&Plugin> =
        registry.plugins().map(AsRef::as_ref).filter(|plugin| plugin.descriptor.name == name).collect();
    if versions.is_empty() {
        return Err(Problem::not_found(format!("There is no plugin {name:?}. /plugins lists them.")));
    }
    Ok(answer(format, &versions))
}

fn answer(format: Format, plugins: &[&Plugin]) -> Response {
    let body = match format {
        Format::Json => {
            json!({ "plugins": plugins.iter().map(|plugin| as_json(plugin)).collect::<Vec<_>>() }).to_string()
        }
        Format::Xml => xml::document("plugins", &[], |list| {
            for plugin in plugins {
                as_xml(plugin, list);
            }
        }),
    };
    ([(CONTENT_TYPE, format.content_type()), (VARY, "Accept")], body).into_response()
}

fn as_json(plugin: &Plugin) -> Json {
    let (descriptor, limits) = (&plugin.descriptor, plugin.limits());
    let operations = descriptor.operations.iter().map(|operation| {
        json!({ "name": operation.name, "summary": operation.summary, "params": operation.schema.json() })
    });
    let produces = descriptor
        .produces
        .iter()
        .map(|format| json!({ "type": format.media_type, "params": format.schema.json() }));
    json!({
        "name": descriptor.name,
        "version": descriptor.version.to_string(),
        "summary": descriptor.summary,
        "sha256": plugin.digest.to_string(),
        "operations": operations.collect::<Vec<_>>(),
        "accepts": descriptor.accepts,
        "produces": produces.collect::<Vec<_>>(),
        "imports": plugin.imports,
        "limits": {
            "deadline_ms": u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
            "memory_bytes": limits.memory,
            "output_bytes": limits.max_output,
            "pixels": limits.max_pixels,
            "side": limits.max_side,
            "frames": limits.max_frames,
        },
    })
}

/// The same in XML; a JSON Schema stays JSON, as text.
fn as_xml(plugin: &Plugin, list: &mut Element<'_>) {
    let (descriptor, limits) = (&plugin.descriptor, plugin.limits());
    let version = descriptor.version.to_string();
    list.element("plugin", &[("name", &descriptor.name), ("version", &version)], |element| {
        element.text("summary", &descriptor.summary);
        element.text("sha256", &plugin.digest.to_string());
        for operation in &descriptor.operations {
            element.element("operation", &[("name", &operation.name)], |element| {
                element.text("summary", &operation.summary);
                element.text("params", &operation.schema.json().to_string());
            });
        }
        for media_type in &descriptor.accepts {
            element.empty("accepts", &[("type", media_type)]);
        }
        for format in &descriptor.produces {
            element.element("produces", &[("type", &format.media_type)], |element| {
                element.text("params", &format.schema.json().to_string());
            });
        }
        for name in &plugin.imports {
            element.empty("import", &[("name", name)]);
        }
        element.empty(
            "limits",
            &[
                ("deadline-ms", &limits.deadline.as_millis().to_string()),
                ("memory-bytes", &limits.memory.to_string()),
                ("output-bytes", &limits.max_output.to_string()),
                ("pixels", &limits.max_pixels.to_string()),
                ("side", &limits.max_side.to_string()),
                ("frames", &limits.max_frames.to_string()),
            ],
        );
    });
}
