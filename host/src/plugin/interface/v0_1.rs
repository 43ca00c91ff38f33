//! `tintype:plugin@0.1`: the first version, and so far the newest.

use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use self::bindings::ImageProcessorPre;
use self::bindings::tintype::plugin::host;
use self::bindings::tintype::plugin::types as wit;
use super::{
    Call, Contract, GuestFailure, Image, Param, RawDescriptor, RawFormat, RawOperation, Step, Target, Value,
};
use crate::plugin::guest::GuestState;
use crate::plugin::guest_log::Level;

#[allow(missing_docs, clippy::all)]
mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "image-processor" });
}

pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    host::add_to_linker::<_, HasSelf<GuestState>>(linker, |state| state)
}

pub(super) struct Component(ImageProcessorPre<GuestState>);

impl Component {
    pub(super) fn new(component: InstancePre<GuestState>) -> wasmtime::Result<Self> {
        ImageProcessorPre::new(component).map(Self)
    }
}

impl Contract for Component {
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor> {
        let instance = self.0.instantiate(&mut *store)?;
        let described = instance.tintype_plugin_processor().call_describe(store)?;
        Ok(RawDescriptor {
            name: described.name,
            version: described.version,
            summary: described.summary,
            accepts: described.accepts,
            produces: described
                .produces
                .into_iter()
                .map(|format| RawFormat {
                    media_type: format.media_type,
                    params_schema: format.params_schema,
                })
                .collect(),
            operations: described
                .operations
                .into_iter()
                .map(|operation| RawOperation {
                    name: operation.name,
                    summary: operation.summary,
                    params_schema: operation.params_schema,
                })
                .collect(),
        })
    }

    fn process(
        &self,
        store: &mut Store<GuestState>,
        call: Call,
    ) -> wasmtime::Result<Result<Vec<Image>, GuestFailure>> {
        let instance = self.0.instantiate(&mut *store)?;
        let attachments: Vec<wit::Image> = call.attachments.into_iter().map(image).collect();
        let steps: Vec<wit::Step> = call.steps.into_iter().map(step).collect();
        let target = call.target.map(target);
        let result = instance.tintype_plugin_processor().call_process(
            store,
            &image(call.input),
            &attachments,
            &steps,
            target.as_ref(),
        )?;
        Ok(match result {
            Ok(images) => Ok(images
                .into_iter()
                .map(|image| Image { media_type: image.media_type, bytes: image.bytes })
                .collect()),
            Err(wit::Failure::InvalidImage(words)) => Err(GuestFailure::InvalidImage(words)),
            Err(wit::Failure::InvalidParameters(words)) => Err(GuestFailure::InvalidParameters(words)),
            Err(wit::Failure::TooLarge(words)) => Err(GuestFailure::TooLarge(words)),
            Err(wit::Failure::Failed(words)) => Err(GuestFailure::Failed(words)),
        })
    }
}

fn image(image: Image) -> wit::Image {
    wit::Image { media_type: image.media_type, bytes: image.bytes }
}

fn step(step: Step) -> wit::Step {
    wit::Step { operation: step.operation, params: step.params.into_iter().map(param).collect() }
}

fn target(target: Target) -> wit::Target {
    wit::Target { media_type: target.media_type, params: target.params.into_iter().map(param).collect() }
}

fn param(param: Param) -> wit::Param {
    let value = match param.value {
        Value::Text(text) => wit::Value::Text(text),
        Value::Integer(number) => wit::Value::Integer(number),
        Value::Number(number) => wit::Value::Number(number),
        Value::Boolean(flag) => wit::Value::Boolean(flag),
        Value::Json(text) => wit::Value::Json(text),
        Value::Attachment(index) => wit::Value::Attachment(index),
    };
    wit::Param { name: param.name, value }
}

impl wit::Host for GuestState {}

impl host::Host for GuestState {
    fn log(&mut self, level: host::Level, message: String) {
        let level = match level {
            host::Level::Trace => Level::Trace,
            host::Level::Debug => Level::Debug,
            host::Level::Info => Level::Info,
            host::Level::Warn => Level::Warn,
            host::Level::Error => Level::Error,
        };
        self.log_line(level, &message);
    }

    fn progress(&mut self, done: f32) {
        self.report_progress(done);
    }

    fn cancelled(&mut self) -> bool {
        self.should_stop()
    }

    fn limits(&mut self) -> wit::Limits {
        let limits = self.run_limits();
        wit::Limits {
            max_width: limits.max_side,
            max_height: limits.max_side,
            max_pixels: limits.max_pixels,
            max_frames: limits.max_frames,
            max_output_bytes: limits.max_output as u64,
            max_memory_bytes: limits.memory as u64,
        }
    }
}
