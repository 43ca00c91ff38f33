//! From a description to the runs that carry it out: which plugin does what, with which values.

use std::sync::Arc;

use super::description::{self, Description, ParamValue};
use crate::plugin::{Choice, ParamProblem, Plugin, Registry, RegistryError, Schema, Step, Target};
use crate::plugin::{Given, Param};

/// What to run, in order.
#[derive(Debug)]
pub struct Plan {
    /// At least one; each one's first result is the next one's input.
    pub stages: Vec<Stage>,
}

/// Consecutive operations of one plugin: one run, so that the picture is decoded and encoded once.
#[derive(Debug)]
pub struct Stage {
    /// Who does it.
    pub plugin: Arc<Plugin>,
    /// What, at least one.
    pub steps: Vec<Step>,
    /// The format of the result, only ever of the last stage.
    pub target: Option<Target>,
}

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
    /// The last plugin doesn't write this format.
    #[error("The plugin {plugin:?} does not write {media_type:?}. It writes: {}.", .known.join(", "))]
    Output {
        /// Who would have to.
        plugin: String,
        /// As asked for.
        media_type: String,
        /// What it writes.
        known: Vec<String>,
    },
    /// A `cid:` that no part of the message has.
    #[error("The parameter {param:?} refers to cid:{cid}, but no part of the message has that Content-ID.")]
    NoSuchPart {
        /// Whose value it is.
        param: String,
        /// As written.
        cid: String,
    },
}

impl Plan {
    /// Plans `description` with the plugins of `registry`. `cids` are the Content-IDs of the pictures
    /// that came along, in their order.
    ///
    /// # Errors
    /// It cannot be carried out; see [`PlanError`].
    pub fn make(registry: &Registry, description: &Description, cids: &[&str]) -> Result<Self, PlanError> {
        let mut stages: Vec<Stage> = vec![];
        for operation in &description.operations {
            let name = operation.name.as_str();
            let plugin = registry.choose(Choice {
                operation: name,
                plugin: operation.plugin.as_deref(),
                version: operation.version.as_ref(),
            })?;
            let schema = plugin.descriptor.operation(name).map(|operation| &operation.schema);
            let params = read(schema, &operation.params, cids, || format!("the operation {name:?}"))?;
            let step = Step { operation: name.to_owned(), params };
            match stages.last_mut() {
                Some(stage) if Arc::ptr_eq(&stage.plugin, &plugin) => stage.steps.push(step),
                _ => stages.push(Stage { plugin, steps: vec![step], target: None }),
            }
        }
        if let (Some(output), Some(last)) = (&description.output, stages.last_mut()) {
            let media_type = output.media_type.essence();
            let descriptor = &last.plugin.descriptor;
            let format = descriptor.format(media_type).ok_or_else(|| PlanError::Output {
                plugin: descriptor.name.clone(),
                media_type: media_type.to_owned(),
                known: descriptor.produces.iter().map(|format| format.media_type.clone()).collect(),
            })?;
            let params =
                read(Some(&format.schema), &output.params, cids, || format!("the output {media_type:?}"))?;
            last.target = Some(Target { media_type: media_type.to_owned(), params });
        }
        Ok(Self { stages })
    }
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
