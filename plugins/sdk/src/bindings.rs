//! What `wit-bindgen` makes of the contract in `wit/`. Nothing here is written
//! by hand, and no plugin should have to look at it.
//!
//! Unsafe code is allowed in this module alone, because the canonical ABI
//! passes lists and strings as raw pointers into linear memory. The generator
//! is responsible for its soundness; everything around it is safe Rust.

#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated code, which is not ours to style"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "image-processor",
    pub_export_macro: true,
    export_macro_name: "export_processor",
    default_bindings_module: "tintype_plugin::bindings",
});

/// What a filter exports.
pub mod filter {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "image-filter",
        pub_export_macro: true,
        export_macro_name: "export_filter_world",
        default_bindings_module: "tintype_plugin::bindings::filter",
        with: {
            "tintype:plugin/types@0.1.1": crate::bindings::tintype::plugin::types,
            "tintype:plugin/host@0.1.1": crate::bindings::tintype::plugin::host,
            "tintype:plugin/pixels@0.1.1": generate,
        },
    });
}

/// What a codec exports.
pub mod codec {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "image-codec",
        pub_export_macro: true,
        export_macro_name: "export_codec_world",
        default_bindings_module: "tintype_plugin::bindings::codec",
        with: {
            "tintype:plugin/types@0.1.1": crate::bindings::tintype::plugin::types,
            "tintype:plugin/host@0.1.1": crate::bindings::tintype::plugin::host,
            "tintype:plugin/pixels@0.1.1": crate::bindings::filter::tintype::plugin::pixels,
        },
    });
}
