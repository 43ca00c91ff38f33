//! A plugin that is loaded: compiled, linked, described, bounded as its operator wants, ready to run.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::compiled::CompiledCode;
use super::descriptor::{Descriptor, DescriptorError};
use super::ending::Ending;
use super::engine::Sandbox;
use super::imports;
use super::interface::{self, Call, Contract, Frame, HEAD, Image, Kind, Picture, SizeHint, Step, Target};
use super::interrupt::Interrupt;
use super::limits::RunLimits;
use super::result;
use super::run::{Run, RunContext, Undescribed, Usage};
use super::settings::{FixedError, PluginSettings, PluginTables};
use crate::config::ConfigError;
use crate::config::located::Place;
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
    sandbox: Arc<Sandbox>,
    contract: Contract,
}

/// What a processor is asked to do.
#[derive(Clone, Debug)]
pub struct Job {
    /// The picture.
    pub input: Image,
    /// Pictures that parameters refer to.
    pub attachments: Vec<Image>,
    /// What to do, at least one.
    pub steps: Vec<Step>,
    /// The format wanted.
    pub target: Option<Target>,
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
    /// What the operator says of it cannot be used.
    #[error("its settings cannot be used: {0}{advice}", advice = self.advice())]
    Settings(#[from] ConfigError),
    /// It is another file than the one that it is to be.
    #[error("its sha256 is {found}, and {place} wants {expected}{advice}", advice = self.advice())]
    Pinned {
        /// Of the file.
        found: Digest,
        /// The only one that will do.
        expected: Digest,
        /// Where that is said.
        place: Place,
    },
    /// What is fixed doesn't fit it.
    #[error("its settings do not fit it: {0}{advice}", advice = self.advice())]
    Fixed(#[from] FixedError),
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
        "it does not export tintype:plugin/processor@0.1, filter@0.1 or codec@0.1 but {}{}",
        if .0.is_empty() { "nothing".to_owned() } else { .0.join(", ") },
        self.advice()
    )]
    Exports(Vec<String>),
    /// It is several plugins in one.
    #[error("it exports {}{}", .0.join(" and "), self.advice())]
    Worlds(Vec<String>),
    /// It wants what only a later version of the contract has.
    #[error("it needs {wanted:?} of {import}, which this server's {version} doesn't have{advice}",
        version = interface::PACKAGE_VERSION, advice = self.advice())]
    Newer {
        /// The import.
        import: String,
        /// What is missing of it.
        wanted: String,
    },
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
        let settings = tables.of(file)?;
        let size = std::fs::metadata(file)?.len();
        if size > max_size {
            return Err(LoadError::TooLarge { size, limit: max_size });
        }
        Self::from_bytes(sandbox, compiled, file, &std::fs::read(file)?, settings)
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

    /// Has a processor work, on this thread, until it ends or is interrupted.
    ///
    /// # Errors
    /// How it ended, if not with results.
    pub fn process(&self, job: Job, context: RunContext<'_>) -> Result<(Vec<Image>, Usage), Ending> {
        let Contract::Processor(processor) = &self.contract else { return Err(self.is_no("processor")) };
        let Job { input, attachments, steps, target } = job;
        let wanted = target.as_ref().map(|target| target.media_type.clone());
        let call = Call { input, attachments, steps, target };
        let max_output = self.limits().max_output;
        let ran = self.run(context, max_output).call(|store| processor.process(store, call));
        let produces: Vec<&str> =
            self.descriptor.produces.iter().map(|format| format.media_type.as_str()).collect();
        self.ended(ran, |images| result::check_images(images, wanted.as_deref(), &produces, max_output))
    }

    /// Has a filter change every frame of a picture.
    ///
    /// # Errors
    /// How it ended, if not with a picture.
    pub fn apply(
        &self,
        picture: Picture,
        attachments: Vec<Frame>,
        steps: Vec<Step>,
        context: RunContext<'_>,
    ) -> Result<(Picture, Usage), Ending> {
        let Contract::Filter(filter) = &self.contract else { return Err(self.is_no("filter")) };
        let Picture { frames, animation, color_profile } = picture;
        // The host holds them afterwards: no more than the guest may.
        let most = self.limits().memory;
        let apply = |store: &mut _| filter.apply(store, frames, attachments, steps, most);
        let ran = self.run(context, most).call(apply);
        let (frames, usage) = self.ended(ran, |frames| result::check_frames(frames, self.limits()))?;
        Ok((Picture { frames, animation, color_profile }, usage))
    }

    /// Asks a codec for the media type of a file that it knows.
    ///
    /// # Errors
    /// How it ended, if not with an answer.
    pub fn probe(&self, file: &[u8], context: RunContext<'_>) -> Result<(Option<String>, Usage), Ending> {
        let Contract::Codec(codec) = &self.contract else { return Err(self.is_no("codec")) };
        let head = file.get(..HEAD).unwrap_or(file);
        let probe = |store: &mut _| codec.probe(store, head).map(Ok);
        let ran = self.run(context, 0).call(probe);
        self.ended(ran, |probed| match probed {
            Some(media_type) => self.must_read(media_type),
            None => Ok(()),
        })
    }

    /// Has a codec decode a file, if it is one that it knows; gives its media type, too.
    ///
    /// # Errors
    /// How it ended, if not with a picture.
    pub fn decode(
        &self,
        file: &[u8],
        hint: Option<SizeHint>,
        context: RunContext<'_>,
    ) -> Result<(Option<(String, Picture)>, Usage), Ending> {
        let Contract::Codec(codec) = &self.contract else { return Err(self.is_no("codec")) };
        let decode = |store: &mut _| codec.decode(store, file, hint);
        let ran = self.run(context, self.limits().memory).call(decode);
        self.ended(ran, |decoded| match decoded {
            Some((media_type, picture)) => {
                self.must_read(media_type)?;
                result::check_picture(picture, self.limits())
            }
            None => Ok(()),
        })
    }

    /// Has a codec encode a picture in a format that it writes.
    ///
    /// # Errors
    /// How it ended, if not with a file.
    pub fn encode(
        &self,
        picture: Picture,
        target: Target,
        context: RunContext<'_>,
    ) -> Result<(Image, Usage), Ending> {
        let Contract::Codec(codec) = &self.contract else { return Err(self.is_no("codec")) };
        let (media_type, max_output) = (target.media_type.clone(), self.limits().max_output);
        let (bytes, usage) = self.run(context, max_output).call(|store| codec.encode(store, picture, target));
        let ran = (bytes.map(|bytes| Image { media_type: media_type.clone(), bytes }), usage);
        self.ended(ran, |image| {
            result::check_images(std::slice::from_ref(image), None, &[&media_type], max_output)
        })
    }

    /// Whether it says that it reads files of this media type. One that says nothing, or any bytes, may
    /// read any.
    #[must_use]
    pub fn reads(&self, media_type: &str) -> bool {
        let accepts = &self.descriptor.accepts;
        accepts.is_empty()
            || accepts.iter().any(|known| known == media_type || known == "application/octet-stream")
    }

    /// Whether it says that it writes files of this media type.
    #[must_use]
    pub fn writes(&self, media_type: &str) -> bool {
        self.descriptor.format(media_type).is_some()
    }

    fn run<'a>(&'a self, context: RunContext<'a>, most: usize) -> Run<'a> {
        Run { sandbox: &self.sandbox, limits: self.limits(), plugin: &self.descriptor.name, context, most }
    }

    /// Checks the result of a run, and counts the run.
    fn ended<T>(
        &self,
        (result, usage): (Result<T, Ending>, Usage),
        check: impl FnOnce(&T) -> Result<(), Ending>,
    ) -> Result<(T, Usage), Ending> {
        let result = result.and_then(|value| check(&value).map(|()| value));
        self.sandbox.figures.ran(&self.descriptor, result.as_ref().map(drop), usage);
        result.map(|value| (value, usage))
    }

    /// Counts how long a task waited for this plugin.
    pub fn has_waited(&self, time: Duration) {
        self.sandbox.figures.waited(&self.descriptor, time);
    }

    fn is_no(&self, kind: &str) -> Ending {
        Ending::Internal(format!("{} is a {}, and was used as a {kind}", self.descriptor.name, self.kind()))
    }

    /// A codec's answer goes to clients and to other plugins: no words but its own declared ones.
    fn must_read(&self, media_type: &str) -> Result<(), Ending> {
        if self.descriptor.accepts.iter().any(|known| known == media_type) {
            return Ok(());
        }
        Err(Ending::PluginError(format!(
            "The codec calls the file {media_type:?}, which it does not declare that it reads."
        )))
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
