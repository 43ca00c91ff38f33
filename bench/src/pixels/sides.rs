//! Both ways to our own code, the sandbox and native, and what each took.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tintype::config::{Config, Sources};
use tintype::plugin::{
    CompiledCode, Image, Interrupt, Job, Param, Plugin, PluginTables, RunContext, RunLimits, Sandbox, Value,
};
use tintype_pixels as native;

use super::works::{Work, target};
use crate::figures::{Figures, millis};

/// What one side took for one picture.
pub struct Taken {
    /// Decoding, transforming, encoding, and what lies around them.
    phases: [Duration; 4],
    pub file: Vec<u8>,
}

impl Taken {
    fn whole(&self) -> Duration {
        self.phases.iter().sum()
    }

    /// From the moments at which progress was reported: after decoding, after each step, at the end.
    fn of(began: Instant, moments: &[Instant], ended: Instant, file: Vec<u8>) -> Self {
        let decoded = moments.first().copied().unwrap_or(began);
        let encoded = moments.last().copied().unwrap_or(ended);
        let transformed = moments.iter().rev().nth(1).copied().unwrap_or(decoded);
        let phases = [decoded - began, transformed - decoded, encoded - transformed, ended - encoded];
        Self { phases, file }
    }
}

/// Figures of one side of one work.
#[derive(Default)]
pub struct Side {
    pub whole: Figures,
    pub phases: [Figures; 4],
    pub bytes: usize,
    pub peak_memory: usize,
}

impl Side {
    pub fn add(&mut self, taken: &Taken) {
        self.whole.add(millis(taken.whole()));
        for (figures, phase) in self.phases.iter_mut().zip(taken.phases) {
            figures.add(millis(phase));
        }
        self.bytes = taken.file.len();
    }
}

/// A build of the plugin, with the limits of a server.
pub fn load(file: &Path) -> anyhow::Result<Plugin> {
    let config = Config::read(&Sources::default())?;
    let sandbox = Sandbox::new(RunLimits::from_settings(&config.plugins), 1, false)?;
    Ok(Plugin::load(&sandbox, &CompiledCode::none(), file, u64::MAX, &PluginTables::default())?)
}

/// What it took, and the most memory that the run had.
pub fn in_sandbox(
    plugin: &Plugin,
    work: &Work,
    input: Vec<u8>,
    overlay: Option<&[u8]>,
) -> anyhow::Result<(Taken, usize)> {
    let moments = Arc::new(Mutex::new(vec![]));
    let seen = Arc::clone(&moments);
    let interrupt = Interrupt::within(Duration::from_secs(60));
    let image = |bytes| Image { media_type: "application/octet-stream".to_owned(), bytes };
    let job = Job {
        input: image(input),
        attachments: overlay.map(<[u8]>::to_vec).into_iter().map(image).collect(),
        steps: work.steps.clone(),
        target: Some(target(work)),
    };
    let context = RunContext {
        subject: work.name,
        interrupt: &interrupt,
        on_progress: Box::new(move |_| {
            if let Ok(mut seen) = seen.lock() {
                seen.push(Instant::now());
            }
        }),
    };
    let began = Instant::now();
    let (mut images, usage) =
        plugin.process(job, context).map_err(|ending| anyhow::anyhow!("the plugin ended: {ending:?}"))?;
    let ended = Instant::now();
    let Some(image) = images.pop() else { bail!("the plugin gave nothing") };
    let moments = moments.lock().map_err(|_| anyhow::anyhow!("a moment was lost"))?;
    Ok((Taken::of(began, &moments, ended, image.bytes), usage.peak_memory))
}

/// Remembers when progress was reported.
#[derive(Default)]
struct Moments(Mutex<Vec<Instant>>);

impl native::Observer for Moments {
    fn progress(&self, _: f32) {
        if let Ok(mut moments) = self.0.lock() {
            moments.push(Instant::now());
        }
    }

    fn cancelled(&self) -> bool {
        false
    }
}

/// The same without a sandbox.
pub fn natively(work: &Work, input: Vec<u8>, overlay: Option<&[u8]>) -> anyhow::Result<Taken> {
    let parameters = |params: &[Param]| {
        params
            .iter()
            .map(|param| {
                let value = match &param.value {
                    Value::Integer(value) => native::Value::Integer(*value),
                    Value::Text(value) => native::Value::Text(value.clone()),
                    Value::Attachment(0) => {
                        let file = overlay.context("the overlay is missing")?.to_vec();
                        native::Value::Attachment(file.into())
                    }
                    other => bail!("no work has a parameter like {other:?}"),
                };
                Ok((param.name.clone(), value))
            })
            .collect::<anyhow::Result<native::Parameters>>()
    };
    let steps = work
        .steps
        .iter()
        .map(|step| {
            Ok(native::Step { operation: step.operation.clone(), parameters: parameters(&step.params)? })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let target =
        native::Target { media_type: work.to.media_type().to_owned(), parameters: parameters(&work.output)? };
    let moments = Moments::default();
    let began = Instant::now();
    let mut outputs = native::process(input, &steps, Some(&target), &native::Limits::default(), &moments)?;
    let ended = Instant::now();
    let output = outputs.pop().context("nothing came of it")?;
    let moments = moments.0.lock().map_err(|_| anyhow::anyhow!("a moment was lost"))?;
    Ok(Taken::of(began, &moments, ended, output.into_bytes()))
}
