//! A plugin that is loaded: compiled, linked, described, bounded as its operator wants, ready to run.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::compiled::CompiledCode;
use super::descriptor::Descriptor;
use super::engine::Sandbox;
use super::guest_log::LogRate;
use super::imports;
use super::interface::{self, Contract, Kind};
use super::interrupt::Interrupt;
use super::limits::RunLimits;
use super::load_error::LoadError;
use super::run::{Run, RunContext, Undescribed};
use super::settings::{PluginSettings, PluginTables, settings_file};
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
    /// What the operator says of it.
    pub settings: PluginSettings,
    /// The server's limits, or in their place its own.
    limits: RunLimits,
    /// As many as tasks may run it at once, where the operator bounds that.
    slots: Option<Arc<Semaphore>>,
    pub(super) log_rate: Arc<LogRate>,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) contract: Contract,
}

impl Plugin {
    /// Loads the plugin in `file`, as its own settings and those in `tables` want it. Compiles it, which
    /// can take seconds: call it off the async threads.
    ///
    /// # Errors
    /// It is not a plugin that can be used here; see [`LoadError`].
    pub fn load(
        sandbox: &Arc<Sandbox>,
        compiled: &CompiledCode,
        file: &Path,
        max_size: u64,
        tables: &PluginTables,
    ) -> Result<Self, LoadError> {
        let settings = tables.of(file).map_err(|error| LoadError::of_reading(&settings_file(file), error))?;
        let size = std::fs::metadata(file)?.len();
        if size > max_size {
            return Err(LoadError::TooLarge { size, limit: max_size });
        }
        let wasm = std::fs::read(file).map_err(|error| LoadError::of_reading(file, error))?;
        Self::from_bytes(sandbox, compiled, file, &wasm, settings)
    }

    fn from_bytes(
        sandbox: &Arc<Sandbox>,
        compiled: &CompiledCode,
        file: &Path,
        wasm: &[u8],
        settings: PluginSettings,
    ) -> Result<Self, LoadError> {
        let digest = Digest::of(wasm);
        check_pin(&settings, digest)?;
        check_header(wasm)?;
        let limits = settings.limits.over(&sandbox.limits);
        let allow_wasi = settings.allow_wasi.unwrap_or(sandbox.allow_wasi);
        let engine = &sandbox.engine;
        let component = compiled
            .component(engine, wasm)
            .map_err(|error| LoadError::Invalid(error.root_cause().to_string()))?;
        let imported = imports::names(engine, &component);
        let refused = imports::refused(&imported, allow_wasi);
        if !refused.is_empty() {
            let wasi_refused = refused.iter().all(|name| imports::is_wasi(name));
            return Err(LoadError::Imports { names: refused, wasi_refused });
        }
        let exported = imports::exports(engine, &component);
        let ours: Vec<&String> = exported.iter().filter(|name| imports::is_export(name)).collect();
        let export = match ours.as_slice() {
            [export] => *export,
            [] => return Err(LoadError::Exports(exported)),
            several => return Err(LoadError::Worlds(several.iter().copied().cloned().collect())),
        };
        if let Some((import, wanted)) = imports::missing(engine, &component) {
            return Err(LoadError::Newer { import, wanted });
        }
        let contract = sandbox
            .linker(allow_wasi)
            .instantiate_pre(&component)
            .and_then(|component| interface::bind(component, export))
            .map_err(|error| LoadError::Contract(format!("{error:#}")))?;
        let mut descriptor = describe(sandbox, &limits, &contract, file)?;
        settings.fixed.apply(&mut descriptor)?;
        Ok(Self {
            descriptor,
            digest,
            file: file.to_owned(),
            imports: imported,
            slots: settings.limits.concurrency.map(|slots| Arc::new(Semaphore::new(slots.get()))),
            settings,
            limits,
            log_rate: Arc::default(),
            sandbox: Arc::clone(sandbox),
            contract,
        })
    }

    /// Asks the plugin anew what it is; it must give the [`descriptor`](Self::descriptor) again.
    ///
    /// # Errors
    /// [`LoadError::Describe`], [`LoadError::Descriptor`].
    pub fn describe_again(&self) -> Result<Descriptor, LoadError> {
        describe(&self.sandbox, &self.limits, &self.contract, &self.file)
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.contract.kind()
    }

    /// What its runs may use.
    #[must_use]
    pub fn limits(&self) -> &RunLimits {
        &self.limits
    }

    /// How many tasks may run it at once, where the operator bounds that.
    #[must_use]
    pub fn concurrency(&self) -> Option<NonZeroUsize> {
        self.settings.limits.concurrency
    }

    /// Waits until one more task may run it; what it gives is held as long as that one does.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(self.slots.as_ref()?).acquire_owned().await.ok()
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} from {}", self.descriptor.name, self.descriptor.version, self.file.display())
    }
}

fn describe(
    sandbox: &Sandbox,
    limits: &RunLimits,
    contract: &Contract,
    file: &Path,
) -> Result<Descriptor, LoadError> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let run = Run {
        sandbox,
        limits,
        plugin: &name,
        log_rate: &Arc::default(),
        context: RunContext {
            subject: "describe",
            interrupt: &Interrupt::within(limits.deadline),
            on_progress: Box::new(|_| ()),
        },
        most: limits.max_output,
    };
    let raw = run.describe(contract).map_err(|undescribed| match undescribed {
        Undescribed::WrongTypes(words) => LoadError::Contract(words),
        Undescribed::Ended(ending) => LoadError::Describe(ending),
    })?;
    Ok(Descriptor::check(raw, contract.kind())?)
}

/// Before anything of it is compiled: a file that was exchanged is not even looked into.
fn check_pin(settings: &PluginSettings, found: Digest) -> Result<(), LoadError> {
    match &settings.pin {
        Some((expected, place)) if *expected != found => {
            Err(LoadError::Pinned { found, expected: *expected, place: place.clone() })
        }
        _ => Ok(()),
    }
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
