//! The released versions of the contract in `wit/`, one module each.
//!
//! A module translates its version's types to those of `types.rs`, which are the newest; the rest of the
//! host knows only these. Limits are applied outside, once for all versions, in `run.rs`.

mod types;
mod v0_1;

use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

pub use self::types::{Animation, Frame, Image, Job, Param, Picture, SizeHint, Step, Target, Value};
pub(super) use self::types::{GuestFailure, RawDescriptor, RawFormat, RawOperation};
use super::guest::GuestState;

/// What comes of a call: the outer error is an end that the guest did not choose.
pub(super) type Called<T> = wasmtime::Result<Result<T, GuestFailure>>;

/// A component of one version of the contract, ready to be instantiated. Every call below makes a fresh
/// instance in the `store` that it is given.
pub(super) enum Contract {
    /// Of the world `image-processor`.
    Processor(Box<dyn Processor>),
    /// Of the world `image-filter`.
    Filter(Box<dyn Filter>),
    /// Of the world `image-codec`.
    Codec(Box<dyn Codec>),
}

/// What a plugin is for: which of the contract's worlds its component is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Takes files and gives files.
    Processor,
    /// Takes pixels and gives pixels.
    Filter,
    /// Reads and writes file formats.
    Codec,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Processor => "processor",
            Self::Filter => "filter",
            Self::Codec => "codec",
        })
    }
}

/// What takes files and gives files.
pub(super) trait Processor: Send + Sync {
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor>;

    fn process(&self, store: &mut Store<GuestState>, job: Job) -> Called<Vec<Image>>;
}

/// What takes pixels and gives pixels.
pub(super) trait Filter: Send + Sync {
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor>;

    /// Every frame, one after the other, in one instance; `most` bytes of results are taken.
    fn apply(
        &self,
        store: &mut Store<GuestState>,
        frames: Vec<Frame>,
        attachments: Vec<Frame>,
        steps: Vec<Step>,
        most: usize,
    ) -> Called<Vec<Frame>>;
}

/// What reads and writes file formats.
pub(super) trait Codec: Send + Sync {
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor>;

    /// The media type of a file that begins so, if it is one of the codec's.
    fn probe(&self, store: &mut Store<GuestState>, head: &[u8]) -> wasmtime::Result<Option<String>>;

    /// The media type and the pictures of a file, if it is one of the codec's.
    fn decode(
        &self,
        store: &mut Store<GuestState>,
        file: &[u8],
        hint: Option<SizeHint>,
    ) -> Called<Option<(String, Picture)>>;

    fn encode(&self, store: &mut Store<GuestState>, picture: Picture, target: Target) -> Called<Vec<u8>>;
}

impl Contract {
    /// Which world the component is of.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Processor(_) => Kind::Processor,
            Self::Filter(_) => Kind::Filter,
            Self::Codec(_) => Kind::Codec,
        }
    }

    /// Asks the component what it is.
    pub(super) fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor> {
        match self {
            Self::Processor(processor) => processor.describe(store),
            Self::Filter(filter) => filter.describe(store),
            Self::Codec(codec) => codec.describe(store),
        }
    }
}

/// An export has the right name and other types than the contract: the guest was built against something
/// else.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WrongTypes(String);

/// The package of the contract, in any version.
pub(super) const PACKAGE: &str = "tintype:plugin/";

/// The version of the contract that this host speaks, as people write it.
pub(super) const VERSION: &str = "0.1";

/// The package as this host has it.
pub(super) const PACKAGE_VERSION: &str = "tintype:plugin@0.1.1";

/// The functions of the interface `host`.
pub(super) const HOST_FUNCTIONS: &[&str] = &["log", "progress", "cancelled", "limits"];

/// The interfaces of the contract, in every version that this host speaks.
pub(super) const IMPORTS: &[&str] =
    &["tintype:plugin/host@0.1.", "tintype:plugin/types@0.1.", "tintype:plugin/pixels@0.1."];

/// What a plugin must export, one of them.
pub(super) const EXPORTS: &[&str] =
    &["tintype:plugin/processor@0.1.", "tintype:plugin/filter@0.1.", "tintype:plugin/codec@0.1."];

/// Longest head of a file that `probe` is shown, in bytes.
pub(super) const HEAD: usize = 4096;

pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    v0_1::add_to_linker(linker)
}

/// Finds the version and the world of the contract that the component was built against, by an export
/// that stands in [`EXPORTS`].
pub(super) fn bind(component: InstancePre<GuestState>, export: &str) -> wasmtime::Result<Contract> {
    v0_1::bind(component, export)
}
