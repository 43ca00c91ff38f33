//! From a description to the runs that carry it out: which plugin does what, with which values.

use std::sync::Arc;

use super::description::{self, Description, MAX_OPERATIONS, ParamValue};
use super::presets;
use crate::plugin::{
    Choice, Codecs, Given, Kind, Output, Param, ParamProblem, Pipeline, Plugin, Registry, RegistryError,
    Schema, Stage, Step, Target,
};

/// Why a description that is well-formed cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No plugin, or too many.
    #[error("{0}")]
    Plugin(#[from] RegistryError),
    /// A parameter is wrong, unknown or missing.
    #[error("The parameter {param:?} of {of} will not do. {rule}")]
    Param {
        /// Such as `the operation "resize"`.
        of: String,
        /// Its name.
        param: String,
        /// The rule it breaks.
        rule: String,
    },
    /// The parameters together break a rule.
    #[error("The parameters of {of} will not do. {rule}")]
    Params {
        /// Such as `the operation "resize"`.
        of: String,
        /// The rule they break.
        rule: String,
    },
    /// Neither the last plugin nor a codec writes this format.
    #[error("The plugin {plugin:?} does not write {media_type:?}. It can be: {}.", .known.join(", "))]
    Output {
        /// Who would have to.
        plugin: String,
        /// As asked for.
        media_type: String,
        /// What can be written.
        known: Vec<String>,
    },
    /// A filter, and nobody who makes pixels of a file.
    #[error("The operation {operation:?} is done on pixels, and there is no codec here that decodes a file.")]
    NoCodec {
        /// As asked for.
        operation: String,
    },
    /// A preset's plugin or version is for the operator to say.
    #[error("{0:?} is a preset of this server: it is called by its name alone, without plugin and version.")]
    Preset(String),
    /// More operations than a task may have, when presets are spelt out.
    #[error("With its presets spelt out the task has {0} operations; it may have at most {MAX_OPERATIONS}.")]
    TooManyOperations(usize),
    /// A `cid:` that no part of the message has.
    #[error("The parameter {param:?} refers to cid:{cid}, but no part of the message has that Content-ID.")]
    NoSuchPart {
        /// Whose value it is.
        param: String,
        /// As written.
        cid: String,
    },
}

/// Plans `description` with the plugins of `registry`. `cids` are the Content-IDs of the pictures that
/// came along, in their order.
///
/// # Errors
/// It cannot be carried out; see [`PlanError`].
pub fn plan(registry: &Registry, description: &Description, cids: &[&str]) -> Result<Pipeline, PlanError> {
    let description = presets::spell_out(registry, description)?;
    let codecs = registry.codecs();
    let mut stages: Vec<Stage> = vec![];
    for operation in &description.operations {
        let name = operation.name.as_str();
        let plugin = registry.choose(Choice {
            operation: name,
            plugin: operation.plugin.as_deref(),
            version: operation.version.as_ref(),
        })?;
        if plugin.kind() == Kind::Filter && !codecs.can_read() {
            return Err(PlanError::NoCodec { operation: name.to_owned() });
        }
        let schema = plugin.descriptor.operation(name).map(|operation| &operation.schema);
        let params = read(schema, &operation.params, cids, || format!("the operation {name:?}"))?;
        let step = Step { operation: name.to_owned(), params };
        match stages.last_mut() {
            Some(stage) if Arc::ptr_eq(&stage.plugin, &plugin) => stage.steps.push(step),
            _ => stages.push(Stage::new(plugin, step)),
        }
    }
    let output = match (&description.output, stages.last()) {
        (Some(output), Some(last)) => plan_output(output, &last.plugin, &codecs, cids)?,
        _ => Output::AsInput,
    };
    Ok(Pipeline::new(stages, output, codecs))
}

/// The last plugin writes the result, if it can; else a codec does.
fn plan_output(
    output: &description::Output,
    last: &Plugin,
    codecs: &Codecs,
    cids: &[&str],
) -> Result<Output, PlanError> {
    let media_type = output.media_type.essence();
    let target = |writer: &Plugin| {
        let schema = writer.descriptor.format(media_type).map(|format| &format.schema);
        let params = read(schema, &output.params, cids, || format!("the output {media_type:?}"))?;
        Ok(Target { media_type: media_type.to_owned(), params })
    };
    if last.writes(media_type) {
        return target(last).map(Output::ByProcessor);
    }
    if let Some(codec) = codecs.writer(media_type) {
        return target(codec).map(|target| Output::ByCodec(Arc::clone(codec), target));
    }
    let own = last.descriptor.produces.iter().map(|format| format.media_type.clone());
    let mut known: Vec<String> = own.chain(codecs.written()).collect();
    known.sort();
    known.dedup();
    Err(PlanError::Output { plugin: last.descriptor.name.clone(), media_type: media_type.to_owned(), known })
}

fn read(
    schema: Option<&Schema>,
    params: &[description::Param],
    cids: &[&str],
    of: impl Fn() -> String,
) -> Result<Vec<Param>, PlanError> {
    let given: Vec<(String, Given)> = params
        .iter()
        .map(|param| {
            let value = match &param.value {
                ParamValue::Text(text) => Given::Text(text.clone()),
                ParamValue::Json(json) => Given::Json(json.clone()),
                ParamValue::Attachment(cid) => {
                    let index =
                        cids.iter().position(|known| known == cid).and_then(|at| u32::try_from(at).ok());
                    Given::Attachment(index.ok_or_else(|| PlanError::NoSuchPart {
                        param: param.name.clone(),
                        cid: cid.clone(),
                    })?)
                }
            };
            Ok((param.name.clone(), value))
        })
        .collect::<Result<_, PlanError>>()?;
    let Some(schema) = schema else { return Ok(vec![]) };
    schema.read(&given).map_err(|ParamProblem { param, rule }| match param {
        Some(param) => PlanError::Param { of: of(), param, rule },
        None => PlanError::Params { of: of(), rule },
    })
}
