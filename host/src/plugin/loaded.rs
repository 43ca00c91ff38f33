//! A plugin that is loaded: compiled, linked, described, ready to run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compiled::CompiledCode;
use super::descriptor::{Descriptor, DescriptorError};
use super::ending::Ending;
use super::engine::Sandbox;
use super::guest::OnProgress;
use super::imports;
use super::interface::{self, Contract};
use super::interrupt::Interrupt;
use super::limits::RunLimits;
use super::run::{Finished, Job, Run};
use crate::digest::Digest;

/// A component ready to run.
pub struct Plugin {
    /// What it says of itself.
    pub descriptor: Descriptor,
    /// Of its file.
    pub digest: Digest,
    /// Its file.
    pub file: PathBuf,
    /// What it imports.
    pub imports: Vec<String>,
    sandbox: Arc<Sandbox>,
    contract: Box<dyn Contract>,
}

/// Why a file is not a plugin that can be used here.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}{advice}", advice = self.advice())]
    Unreadable(#[from] std::io::Error),
    /// It is larger than allowed.
    #[error("it has {size} bytes, more than the limit of {limit}{advice}", advice = self.advice())]
    TooLarge {
        /// Bytes.
        size: u64,
        /// Bytes.
        limit: u64,
    },
    /// It is a module that was not made into a component.
    #[error("it is a core WebAssembly module, not a component{}", self.advice())]
    CoreModule,
    /// It is no WebAssembly at all, or is damaged.
    #[error("it is not a valid WebAssembly component: {0}{advice}", advice = self.advice())]
    Invalid(String),
    /// It wants something that no plugin gets.
    #[error("it imports {}{}", .names.join(", "), self.advice())]
    Imports {
        /// What it may not import.
        names: Vec<String>,
        /// Whether `allow_wasi` would help.
        wasi_refused: bool,
    },
    /// It doesn't export what a plugin exports.
    #[error(
        "it does not export tintype:plugin/processor@0.1 but {}{}",
        if .0.is_empty() { "nothing".to_owned() } else { .0.join(", ") },
        self.advice()
    )]
    Exports(Vec<String>),
    /// Names fit and types do not.
    #[error("it was built against another version of tintype:plugin: {0}{advice}", advice = self.advice())]
    Contract(String),
    /// It could not be asked what it is.
    #[error("it could not say what it is when describe() was called: {0}{advice}", advice = self.advice())]
    Describe(Ending),
    /// What it says of itself is wrong.
    #[error("{0}{advice}", advice = self.advice())]
    Descriptor(#[from] DescriptorError),
}

impl Plugin {
    /// Loads the plugin in `file`. Compiles it, which can take seconds: call it off the async threads.
    ///
    /// # Errors
    /// It is not a plugin that can be used here; see [`LoadError`].
    pub fn load(
        sandbox: &Arc<Sandbox>,
        compiled: &CompiledCode,
        file: &Path,
        max_size: u64,
    ) -> Result<Self, LoadError> {
        let size = std::fs::metadata(file)?.len();
        if size > max_size {
            return Err(LoadError::TooLarge { size, limit: max_size });
        }
        Self::from_bytes(sandbox, compiled, file, &std::fs::read(file)?)
    }

    fn from_bytes(
        sandbox: &Arc<Sandbox>,
        compiled: &CompiledCode,
        file: &Path,
        wasm: &[u8],
    ) -> Result<Self, LoadError> {
        check_header(wasm)?;
        let engine = &sandbox.engine;
        let component = compiled
            .component(engine, wasm)
            .map_err(|error| LoadError::Invalid(error.root_cause().to_string()))?;
        let imported = imports::names(engine, &component);
        let refused = imports::refused(&imported, sandbox.allow_wasi);
        if !refused.is_empty() {
            let wasi_refused = refused.iter().all(|name| imports::is_wasi(name));
            return Err(LoadError::Imports { names: refused, wasi_refused });
        }
        let exported = imports::exports(engine, &component);
        if !exported.iter().any(|name| name.starts_with(interface::EXPORT)) {
            return Err(LoadError::Exports(exported));
        }
        let contract = sandbox
            .linker
            .instantiate_pre(&component)
            .and_then(interface::bind)
            .map_err(|error| LoadError::Contract(format!("{error:#}")))?;
        Ok(Self {
            descriptor: describe(sandbox, contract.as_ref(), file)?,
            digest: Digest::of(wasm),
            file: file.to_owned(),
            imports: imported,
            sandbox: Arc::clone(sandbox),
            contract,
        })
    }

    /// Asks the plugin anew what it is; it must give the [`descriptor`](Self::descriptor) again.
    ///
    /// # Errors
    /// [`LoadError::Describe`], [`LoadError::Descriptor`].
    pub fn describe_again(&self) -> Result<Descriptor, LoadError> {
        describe(&self.sandbox, self.contract.as_ref(), &self.file)
    }

    /// Runs the plugin on this thread until it ends or `interrupt` ends it. `subject` names the run
    /// in the log.
    ///
    /// # Errors
    /// How it ended, if not with results.
    pub fn run(
        &self,
        job: Job,
        subject: &str,
        interrupt: &Arc<Interrupt>,
        on_progress: OnProgress,
    ) -> Result<Finished, Ending> {
        let produces: Vec<&str> =
            self.descriptor.produces.iter().map(|format| format.media_type.as_str()).collect();
        let run = Run {
            sandbox: &self.sandbox,
            limits: self.limits(),
            plugin: &self.descriptor.name,
            subject,
            interrupt,
            on_progress,
        };
        run.process(self.contract.as_ref(), job, &produces)
    }

    /// What its runs may use.
    #[must_use]
    pub fn limits(&self) -> &RunLimits {
        &self.sandbox.limits
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} from {}", self.descriptor.name, self.descriptor.version, self.file.display())
    }
}

fn describe(sandbox: &Sandbox, contract: &dyn Contract, file: &Path) -> Result<Descriptor, LoadError> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let raw = Run {
        sandbox,
        limits: &sandbox.limits,
        plugin: &name,
        subject: "describe",
        interrupt: &Interrupt::within(sandbox.limits.deadline),
        on_progress: Box::new(|_| ()),
    }
    .describe(contract)
    .map_err(LoadError::Describe)?;
    Ok(Descriptor::check(raw)?)
}

/// The preamble tells modules from components: version 1 layer 0, or version 13 layer 1.
fn check_header(wasm: &[u8]) -> Result<(), LoadError> {
    match wasm.first_chunk::<8>() {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => Err(LoadError::CoreModule),
        Some([0, b'a', b's', b'm', ..]) => {
            Err(LoadError::Invalid("its version of the component format is not 0x0d".to_owned()))
        }
        _ => Err(LoadError::Invalid("it does not begin as WebAssembly does".to_owned())),
    }
}
