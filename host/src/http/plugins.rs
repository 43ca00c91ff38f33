//! `GET /plugins`: what can be done here, with which parameters.

use std::num::NonZeroUsize;

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
use crate::plugin::{FileState, Kind, Offer, Plugin, Preset, Registry};

/// Everything that can be done here, with its parameters.
#[utoipa::path(
    get,
    path = "/plugins",
    operation_id = "listPlugins",
    tag = "discovery",
    params(params::Accept),
    responses(answers::Plugins, answers::Unauthorized, answers::NotAcceptable)
)]
pub(super) async fn list(State(app): State<App>, format: Format, caller: Caller) -> Response {
    let (registry, all) = (app.tasks.registry_of(caller.owner().as_deref()), app.tasks.registry());
    answer(
        format,
        &Found {
            plugins: registry.plugins().map(AsRef::as_ref).collect(),
            presets: presets(&registry, |_| true),
            broken: broken(&all),
            all: &all,
        },
    )
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
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let registry = app.tasks.registry_of(caller.owner().as_deref());
    let versions: Vec<&Plugin> =
        registry.plugins().map(AsRef::as_ref).filter(|plugin| plugin.descriptor.name == name).collect();
    if versions.is_empty() {
        return Err(Problem::not_found(format!("There is no plugin {name:?}. /plugins lists them.")));
    }
    let of_it = |offer: &Offer| offer.plugin.as_ref().is_some_and(|plugin| plugin.descriptor.name == name);
    let presets = presets(&registry, of_it);
    Ok(answer(format, &Found { plugins: versions, presets, broken: vec![], all: &app.tasks.registry() }))
}

/// What is told.
struct Found<'a> {
    plugins: Vec<&'a Plugin>,
    presets: Vec<&'a Preset>,
    broken: Vec<BrokenView>,
    /// Whoever may use them: it knows what is wrong with files.
    all: &'a Registry,
}

/// Files of which nothing is in use, each once.
fn broken(registry: &Registry) -> Vec<BrokenView> {
    let mut files: Vec<&std::path::Path> = registry.broken().iter().map(|(file, _)| file.as_path()).collect();
    files.retain(|file| !registry.plugins().any(|plugin| plugin.file == *file));
    files.sort_unstable();
    files.dedup();
    let view = |file: &std::path::Path| BrokenView {
        file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        error: registry.problem(file).unwrap_or_default(),
    };
    files.into_iter().map(view).collect()
}

/// The presets that can be called, and are `wanted`.
fn presets(registry: &Registry, wanted: impl Fn(&Offer) -> bool) -> Vec<&Preset> {
    let usable = registry.presets().iter().filter(|offer| offer.problem.is_none() && wanted(offer));
    usable.map(|offer| offer.preset.as_ref()).collect()
}

fn answer(format: Format, found: &Found<'_>) -> Response {
    let Found { plugins, presets, broken, all } = found;
    let body = match format {
        Format::Json => {
            let plugins = plugins.iter().map(|plugin| PluginView::new(plugin, all)).collect();
            let presets = presets.iter().map(|preset| PresetView::new(preset)).collect();
            json!(PluginList { plugins, presets, broken }).to_string()
        }
        Format::Xml => xml::document("plugins", &[], |list| {
            for plugin in plugins {
                as_xml(plugin, all, list);
            }
            for preset in presets {
                preset_as_xml(preset, list);
            }
            for BrokenView { file, error } in broken {
                list.element("broken", &[("file", file)], |element| element.text("error", error));
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
    presets: Vec<PresetView<'a>>,
    broken: &'a [BrokenView],
}

/// A file of the plugins folder that cannot be used.
#[derive(Serialize, ToSchema)]
#[schema(as = BrokenPlugin)]
#[serde(deny_unknown_fields)]
struct BrokenView {
    /// Its name.
    file: String,
    /// Why, and what to do about it.
    error: String,
}

/// Operations that the operator has put together, with all their parameters: called by its name as if it
/// were an operation that takes none.
#[derive(Serialize, ToSchema)]
#[schema(as = Preset)]
#[serde(deny_unknown_fields)]
struct PresetView<'a> {
    name: &'a str,
    summary: &'a str,
    /// By name, in their order.
    operations: Vec<&'a str>,
    /// The result's media type, where the task asks for none and the preset is its last operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
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
    /// Whether it is what its file holds now.
    state: FileState,
    /// What is wrong with what its file holds now.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Of its file, when it was loaded.
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
    /// Runs of the plugin at once, where that is bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<usize>,
}

impl<'a> PresetView<'a> {
    fn new(preset: &'a Preset) -> Self {
        Self {
            name: &preset.name,
            summary: &preset.summary,
            operations: preset.operations.iter().map(|operation| operation.name.as_str()).collect(),
            output: preset.output.as_ref().map(|output| output.media_type.essence()),
        }
    }
}

impl<'a> PluginView<'a> {
    fn new(plugin: &'a Plugin, registry: &Registry) -> Self {
        let (state, error) = FileState::of(plugin, registry);
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
            state,
            error,
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
                concurrency: plugin.concurrency().map(NonZeroUsize::get),
            },
        }
    }
}

/// The same in XML; a JSON Schema stays JSON, as text.
fn as_xml(plugin: &Plugin, registry: &Registry, list: &mut Element<'_>) {
    let (state, error) = FileState::of(plugin, registry);
    let (descriptor, limits) = (&plugin.descriptor, plugin.limits());
    let (version, kind) = (descriptor.version.to_string(), plugin.kind().to_string());
    let attributes = [
        ("name", descriptor.name.as_str()),
        ("version", &version),
        ("kind", &kind),
        ("state", state.as_str()),
    ];
    list.element("plugin", &attributes, |element| {
        element.text("summary", &descriptor.summary);
        if let Some(error) = &error {
            element.text("error", error);
        }
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
        let mut bounds = vec![
            ("deadline-ms", limits.deadline.as_millis().to_string()),
            ("memory-bytes", limits.memory.to_string()),
            ("output-bytes", limits.max_output.to_string()),
            ("pixels", limits.max_pixels.to_string()),
            ("side", limits.max_side.to_string()),
            ("frames", limits.max_frames.to_string()),
        ];
        bounds.extend(plugin.concurrency().map(|runs| ("concurrency", runs.to_string())));
        let bounds: Vec<(&str, &str)> = bounds.iter().map(|(name, value)| (*name, value.as_str())).collect();
        element.empty("limits", &bounds);
    });
}

fn preset_as_xml(preset: &Preset, list: &mut Element<'_>) {
    list.element("preset", &[("name", &preset.name)], |element| {
        element.text("summary", &preset.summary);
        for operation in &preset.operations {
            element.empty("operation", &[("name", &operation.name)]);
        }
        if let Some(output) = &preset.output {
            element.empty("output", &[("type", output.media_type.essence())]);
        }
    });
}
