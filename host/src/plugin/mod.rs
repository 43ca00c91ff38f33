//! Plugins: loaded from a folder, run in a sandbox. Knows nothing of HTTP or tasks.
//!
//! | question | file |
//! |---|---|
//! | how wasmtime is set up | `engine.rs` |
//! | where a deadline and a cancel are enforced | `interrupt.rs` |
//! | where memory is bounded | `memory.rs` |
//! | what a guest may import | `imports.rs`, `wasi.rs` |
//! | what one run is, and may use | `run.rs`, `limits.rs` |
//! | what a result must be | `result.rs` |
//! | how a picture goes through several plugins | `pipeline/` |
//! | what the host keeps beside a guest | `guest.rs`, `guest_log.rs` |
//! | how a run can end | `ending.rs` |
//! | what is counted of runs | `figures.rs` |
//! | which interface versions are spoken | `interface/` |
//! | how compiled code is kept | `compiled.rs` |
//! | what a plugin can be asked to do | `calls.rs` |
//! | why a file cannot be loaded, and what to do about it | `load_error.rs`, `advice.rs` |
//! | what a plugin says of itself | `descriptor.rs`, `schema.rs` |
//! | what an operator says of a plugin | `settings/` |
//! | which plugins there are | `registry.rs` |
//! | what an operator is told of the folder | `listing.rs` |
//! | how changes in the folder are noticed | `folder.rs` |
//! | how many servers get the same plugins | `mirror/` |

mod advice;
mod calls;
mod compiled;
mod descriptor;
mod ending;
mod engine;
mod figures;
mod folder;
mod guest;
mod guest_log;
mod imports;
mod interface;
mod interrupt;
mod limits;
mod listing;
mod load_error;
mod loaded;
mod memory;
mod mirror;
mod pipeline;
mod registry;
mod result;
mod run;
mod schema;
mod settings;
mod wasi;

pub use self::advice::Advice;
pub use self::compiled::CompiledCode;
pub use self::descriptor::{Descriptor, DescriptorError, Operation, OutputFormat};
pub use self::ending::Ending;
pub use self::engine::{Sandbox, SandboxError};
pub use self::figures::Figures;
pub use self::folder::{Patience, PluginFolder};
pub use self::interface::{
    Animation, Frame, Image, Job, Kind, Param, Picture, SizeHint, Step, Target, Value,
};
pub use self::interrupt::Interrupt;
pub use self::limits::RunLimits;
pub use self::listing::{FileState, Listed, ListedPlugin, ListedPreset, Listing};
pub use self::load_error::LoadError;
pub use self::loaded::Plugin;
pub use self::mirror::{
    BadManifest, Change, Damage, Mirror, MirrorError, MirrorFigures, PublishError, Published, publish,
};
pub use self::pipeline::{Codecs, Developed, Occasion, OnRun, Output, Pipeline, Ran, Stage, Stopped, Work};
pub use self::registry::{Choice, Offer, Registry, RegistryError};
pub use self::run::{RunContext, Usage};
pub use self::schema::{Given, ParamProblem, Schema};
pub use self::settings::{FixedError, PluginSettings, PluginTables, Preset, PresetOperation, PresetOutput};
