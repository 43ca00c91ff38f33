//! The world `image-filter`.

use wasmtime::Store;

use self::bindings::{ImageFilter, ImageFilterIndices};
use super::{pixels, values, wit};
use crate::plugin::guest::GuestState;
use crate::plugin::interface::{Called, Filter, Frame, GuestFailure, RawDescriptor, Step};

#[allow(missing_docs, clippy::all)]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "image-filter",
        with: {
            "tintype:plugin/host": super::super::bindings::tintype::plugin::host,
            "tintype:plugin/types": super::super::bindings::tintype::plugin::types,
        },
    });
}

component!(ImageFilter, ImageFilterIndices);

impl Filter for Component {
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor> {
        let described = self.instantiate(store)?.tintype_plugin_filter().call_describe(store)?;
        Ok(RawDescriptor {
            name: described.name,
            version: described.version,
            summary: described.summary,
            accepts: vec![],
            produces: vec![],
            operations: described.operations.into_iter().map(values::of_operation).collect(),
        })
    }

    fn apply(
        &self,
        store: &mut Store<GuestState>,
        frames: Vec<Frame>,
        attachments: Vec<Frame>,
        steps: Vec<Step>,
        most: usize,
    ) -> Called<Vec<Frame>> {
        let instance = self.instantiate(store)?;
        let attachments: Vec<pixels::Frame> = attachments.into_iter().map(values::frame).collect();
        let steps: Vec<wit::Step> = steps.into_iter().map(values::step).collect();
        let (count, mut bytes, mut changed) = (frames.len(), 0, vec![]);
        for (index, frame) in frames.into_iter().enumerate() {
            store.data_mut().begin_part(index, count);
            let frame = values::frame(frame);
            match instance.tintype_plugin_filter().call_apply(&mut *store, &frame, &attachments, &steps)? {
                Ok(frame) => {
                    bytes += frame.rgba.len();
                    if bytes > most {
                        let words = format!("The frames of the result have more than {most} bytes.");
                        return Ok(Err(GuestFailure::TooLarge(words)));
                    }
                    changed.push(values::of_frame(frame));
                }
                Err(failure) => return Ok(Err(values::of_failure(failure))),
            }
        }
        Ok(Ok(changed))
    }
}
