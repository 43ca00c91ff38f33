//! The released versions of the contract in `wit/`, one module each.
//!
//! A module translates its version's types to the ones here, which are the newest; the rest of the
//! host knows only these. Limits are applied outside, once for all versions, in `run.rs`.

mod v0_1;

use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use super::guest::GuestState;

/// A parameter's value, as the plugin will see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// UTF-8.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Finite.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Anything else, as JSON text.
    Json(String),
    /// An index into the attachments, from 0.
    Attachment(u32),
}

/// A named value.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Once in a list.
    pub name: String,
    /// Checked against the operation's schema.
    pub value: Value,
}

/// One operation to carry out.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// By name.
    pub operation: String,
    /// Defaults are left out.
    pub params: Vec<Param>,
}

/// An encoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What it is said to be.
    pub media_type: String,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// The format wanted of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// One that the plugin produces.
    pub media_type: String,
    /// Checked against the format's schema.
    pub params: Vec<Param>,
}

/// What a plugin says of itself, unchecked.
#[derive(Clone, Debug)]
pub(super) struct RawDescriptor {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) summary: String,
    pub(super) accepts: Vec<String>,
    pub(super) produces: Vec<RawFormat>,
    pub(super) operations: Vec<RawOperation>,
}

#[derive(Clone, Debug)]
pub(super) struct RawFormat {
    pub(super) media_type: String,
    pub(super) params_schema: String,
}

#[derive(Clone, Debug)]
pub(super) struct RawOperation {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) params_schema: String,
}

/// A plugin's own words for why there is no result.
#[derive(Clone, Debug)]
pub(super) enum GuestFailure {
    InvalidImage(String),
    InvalidParameters(String),
    TooLarge(String),
    Failed(String),
}

/// What a call of `process` takes.
pub(super) struct Call {
    pub(super) input: Image,
    pub(super) attachments: Vec<Image>,
    pub(super) steps: Vec<Step>,
    pub(super) target: Option<Target>,
}

/// A component of one version of the contract, ready to be instantiated.
pub(super) trait Contract: Send + Sync {
    /// Instantiates the component in `store` and asks what it is.
    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<RawDescriptor>;

    /// Instantiates the component in `store` and has it work. The outer error is an end that the
    /// guest did not choose.
    fn process(
        &self,
        store: &mut Store<GuestState>,
        call: Call,
    ) -> wasmtime::Result<Result<Vec<Image>, GuestFailure>>;
}

/// The package of the contract, in any version.
pub(super) const PACKAGE: &str = "tintype:plugin/";

/// The version of the contract that this host speaks, as people write it.
pub(super) const VERSION: &str = "0.1";

/// The interfaces of the contract, in every version that this host speaks.
pub(super) const IMPORTS: &[&str] = &["tintype:plugin/host@0.1.", "tintype:plugin/types@0.1."];

/// What a plugin must export.
pub(super) const EXPORT: &str = "tintype:plugin/processor@0.1.";

pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    v0_1::add_to_linker(linker)
}

/// Finds the version of the contract that the component was built against.
pub(super) fn bind(component: InstancePre<GuestState>) -> wasmtime::Result<Box<dyn Contract>> {
    Ok(Box::new(v0_1::Component::new(component)?))
}
