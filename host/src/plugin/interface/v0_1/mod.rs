//! `tintype:plugin@0.1`: the first version, and so far the newest.
//!
//! | question | file |
//! |---|---|
//! | what each world's component is called with | `processor.rs`, `filter.rs`, `codec.rs` |
//! | how values become the generated types | `values.rs` |

/// A component of one world, by its generated type and the indices of its exports.
macro_rules! component {
    ($world:ident, $indices:ident) => {
        pub(super) struct Component {
            pre: wasmtime::component::InstancePre<GuestState>,
            indices: $indices,
        }

        impl Component {
            pub(super) fn new(pre: wasmtime::component::InstancePre<GuestState>) -> wasmtime::Result<Self> {
                Ok(Self { indices: $indices::new(&pre)?, pre })
            }

            fn instantiate(&self, store: &mut Store<GuestState>) -> wasmtime::Result<$world> {
                let instance = self.pre.instantiate(&mut *store)?;
                self.indices.load(store, &instance).map_err(super::wrong_types)
            }
        }
    };
}

mod codec;
mod filter;
mod processor;
mod values;

use wasmtime::component::{HasSelf, InstancePre, Linker};

use self::bindings::tintype::plugin::{host, types as wit};
use self::filter::bindings::tintype::plugin::pixels;
use super::{Contract, PACKAGE, WrongTypes};
use crate::plugin::guest::GuestState;
use crate::plugin::guest_log::Level;

#[allow(missing_docs, clippy::all)]
mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "image-processor" });
}

pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    host::add_to_linker::<_, HasSelf<GuestState>>(linker, |state| state)
}

pub(super) fn bind(component: InstancePre<GuestState>, export: &str) -> wasmtime::Result<Contract> {
    let interface = export.strip_prefix(PACKAGE).and_then(|name| name.split('@').next());
    Ok(match interface {
        Some("filter") => Contract::Filter(Box::new(filter::Component::new(component)?)),
        Some("codec") => Contract::Codec(Box::new(codec::Component::new(component)?)),
        _ => Contract::Processor(Box::new(processor::Component::new(component)?)),
    })
}

/// Exports are looked up by name when a component is loaded; that their types fit is seen only in an
/// instance.
fn wrong_types(error: wasmtime::Error) -> wasmtime::Error {
    WrongTypes(format!("{error:#}")).into()
}

impl wit::Host for GuestState {}

impl pixels::Host for GuestState {}

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
