//! The world `image-processor`.

use wasmtime::Store;

use super::bindings::{ImageProcessor, ImageProcessorIndices};
use super::{values, wit};
use crate::plugin::guest::GuestState;
use crate::plugin::interface::{Called, Image, Job, Processor, RawDescriptor};

component!(ImageProcessor, ImageProcessorIndices);

impl Processor for Component {
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor> {
        let described = self.instantiate(store)?.tintype_plugin_processor().call_describe(store)?;
        Ok(RawDescriptor {
            name: described.name,
            version: described.version,
            summary: described.summary,
            accepts: described.accepts,
            produces: described.produces.into_iter().map(values::of_format).collect(),
            operations: described.operations.into_iter().map(values::of_operation).collect(),
        })
    }

    fn process(&self, store: &mut Store<GuestState>, job: Job) -> Called<Vec<Image>> {
        let instance = self.instantiate(store)?;
        let attachments: Vec<wit::Image> = job.attachments.into_iter().map(values::image).collect();
        let steps: Vec<wit::Step> = job.steps.into_iter().map(values::step).collect();
        let target = job.target.map(values::target);
        let result = instance.tintype_plugin_processor().call_process(
            store,
            &values::image(job.input),
            &attachments,
            &steps,
            target.as_ref(),
        )?;
        Ok(result
            .map(|images| images.into_iter().map(values::of_image).collect())
            .map_err(values::of_failure))
    }
}
