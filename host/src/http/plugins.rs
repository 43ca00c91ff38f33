//! `GET /plugins`: what can be done here, with which parameters.

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::App;
use super::caller::Caller;
use super::negotiate::Format;
use super::openapi::{answers, params};
use super::path::Path;
use super::problem::Problem;
use super::xml::{self, Element};
use crate::plugin::{Kind, Plugin};

/// Everything that can be done here, with its parameters.
#[utoipa::path(
    get,
    path = "/plugins",
    operation_id = "listPlugins",
    tag = "discovery",
    params(params::Accept),
    responses(answers::Plugins, answers::Unauthorized, answers::NotAcceptable)
)]
pub(super) async fn list(State(app): State<App>, format: Format, _: Caller) -> Response {
    let registry = app.tasks.registry();
    let plugins: Vec<&Plugin> = registry.plugins().map(AsRef::as_ref).collect();
    answer(format, &plugins)
}

/// One plugin, in all the versions that are here.
#[utoipa::path(
    get,
    path = "/plugins/{name}",
    operation_id = "getPlugin",
    tag = "discovery",
    params(params::PluginPath, params::Accept),
    responses(answers::Plugins, answers::Unauthorized, answers::NotFound, answers::NotAcceptable)
)]
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
            let plugins = plugins.iter().map(|plugin| PluginView::new(plugin)).collect();
            json!(PluginList { plugins }).to_string()
        }
        Format::Xml => xml::document("plugins", &[], |list| {
            for plugin in plugins {
                as_xml(plugin, list);
            }
        }),
    };
    ([(CONTENT_TYPE, format.content_type()), (VARY, "Accept")], body).into_response()
}

/// What is here.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PluginList<'a> {
    plugins: Vec<PluginView<'a>>,
}

/// A plugin, as it describes itself and as the host bounds it.
#[derive(Serialize, ToSchema)]
#[schema(as = Plugin)]
#[serde(deny_unknown_fields)]
struct PluginView<'a> {
    name: &'a str,
    version: String,
    kind: Kind,
    summary: &'a str,
    /// Of its file.
    sha256: String,
    operations: Vec<OperationView<'a>>,
    /// The media types that it reads.
    accepts: &'a [String],
    produces: Vec<FormatView<'a>>,
    /// What it wants of the host.
    imports: &'a [String],
    limits: LimitsView,
}

/// Something that a plugin can do.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginOperation)]
#[serde(deny_unknown_fields)]
struct OperationView<'a> {
    name: &'a str,
    summary: &'a str,
    /// A JSON Schema.
    params: &'a Json,
}

/// A format that a plugin writes.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginFormat)]
#[serde(deny_unknown_fields)]
struct FormatView<'a> {
    r#type: &'a str,
    /// A JSON Schema.
    params: &'a Json,
}

/// What bounds one run of a plugin.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginLimits)]
#[serde(deny_unknown_fields)]
struct LimitsView {
    deadline_ms: u64,
    memory_bytes: usize,
    output_bytes: usize,
    pixels: u64,
    side: u32,
    frames: u32,
}

impl<'a> PluginView<'a> {
    fn new(plugin: &'a Plugin) -> Self {
        let (descriptor, limits) = (&plugin.descriptor, plugin.limits());
        let operations = descriptor.operations.iter().map(|operation| OperationView {
            name: &operation.name,
            summary: &operation.summary,
            params: operation.schema.json(),
        });
        let produces = descriptor
            .produces
            .iter()
            .map(|format| FormatView { r#type: &format.media_type, params: format.schema.json() });
        Self {
            name: &descriptor.name,
            version: descriptor.version.to_string(),
            kind: plugin.kind(),
            summary: &descriptor.summary,
            sha256: plugin.digest.to_string(),
            operations: operations.collect(),
            accepts: &descriptor.accepts,
            produces: produces.collect(),
            imports: &plugin.imports,
            limits: LimitsView {
                deadline_ms: u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
                memory_bytes: limits.memory,
                output_bytes: limits.max_output,
                pixels: limits.max_pixels,
                side: limits.max_side,
                frames: limits.max_frames,
            },
        }
    }
}

/// The same in XML; a JSON Schema stays JSON, as text.
fn as_xml(plugin: &Plugin, list: &mut Element<'_>) {
    let (descriptor, limits) = (&plugin.descriptor, plugin.limits());
    let (version, kind) = (descriptor.version.to_string(), plugin.kind().to_string());
    let attributes = [("name", descriptor.name.as_str()), ("version", &version), ("kind", &kind)];
    list.element("plugin", &attributes, |element| {
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
