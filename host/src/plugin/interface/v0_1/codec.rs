//! The world `image-codec`.

use wasmtime::Store;

use self::bindings::exports::tintype::plugin::codec as wit;
use self::bindings::{ImageCodec, ImageCodecIndices};
use super::values;
use crate::plugin::guest::GuestState;
use crate::plugin::interface::{Called, Codec, HEAD, Picture, RawDescriptor, SizeHint, Target};

#[allow(missing_docs, clippy::all)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "image-codec",
        with: {
            "tintype:plugin/host": super::super::bindings::tintype::plugin::host,
            "tintype:plugin/types": super::super::bindings::tintype::plugin::types,
            "tintype:plugin/pixels": super::super::filter::bindings::tintype::plugin::pixels,
        },
    });
}

component!(ImageCodec, ImageCodecIndices);

impl Codec for Component {
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor> {
        let described = self.instantiate(store)?.tintype_plugin_codec().call_describe(store)?;
        Ok(RawDescriptor {
            name: described.name,
            version: described.version,
            summary: described.summary,
            accepts: described.reads,
            produces: described.writes.into_iter().map(values::of_format).collect(),
            operations: vec![],
        })
    }

    fn probe(&self, store: &mut Store<GuestState>, head: &[u8]) -> wasmtime::Result<Option<String>> {
        self.instantiate(store)?.tintype_plugin_codec().call_probe(store, head)
    }

    fn decode(
        &self,
        store: &mut Store<GuestState>,
        file: &[u8],
        hint: Option<SizeHint>,
    ) -> Called<Option<(String, Picture)>> {
        let instance = self.instantiate(store)?;
        let codec = instance.tintype_plugin_codec();
        let head = file.get(..HEAD).unwrap_or(file);
        let Some(media_type) = codec.call_probe(&mut *store, head)? else { return Ok(Ok(None)) };
        let hint = hint.map(|hint| wit::SizeHint { width: hint.width, height: hint.height });
        let result = codec.call_decode(store, file, hint)?;
        Ok(result.map(|picture| Some((media_type, values::of_picture(picture)))).map_err(values::of_failure))
    }

    fn encode(&self, store: &mut Store<GuestState>, picture: Picture, target: Target) -> Called<Vec<u8>> {
        let instance = self.instantiate(store)?;
        let (picture, target) = (values::picture(picture), values::target(target));
        let result = instance.tintype_plugin_codec().call_encode(store, &picture, &target)?;
        Ok(result.map_err(values::of_failure))
    }
}
