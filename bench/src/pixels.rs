//! The picture path alone: the bundled plugin in its sandbox beside the same code native and beside
//! sharp, a picture at a time, on one thread.
//!
//! All three take turns picture by picture. Phases are told apart by the progress that the pixel code
//! reports when it has decoded, transformed and encoded.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tintype::config::{Config, Sources};
use tintype::plugin::{
    CompiledCode, Image, Interrupt, Job, Param, Plugin, PluginTables, RunContext, RunLimits, Sandbox, Step,
    Target, Value,
};
use tintype_pixels as native;

use crate::figures::{Figures, millis};
use crate::pictures;
use crate::sharp::Sharp;
use crate::table::Table;

/// What the command line says.
pub fn command() -> Command {
    Command::new("pixels")
        .about("Time per picture: the bundled plugin in its sandbox, the same code native, and sharp")
        .arg(
            Arg::new("rounds")
                .long("rounds")
                .value_parser(value_parser!(usize))
                .default_value("25")
                .help("Pictures of each work and each side"),
        )
        .arg(
            Arg::new("photo")
                .long("photo")
                .value_parser(value_parser!(PathBuf))
                .help("A JPEG instead of the made one"),
        )
        .arg(
            Arg::new("drawing")
                .long("drawing")
                .value_parser(value_parser!(PathBuf))
                .help("A PNG instead of the made one"),
        )
        .arg(
            Arg::new("other")
                .long("other")
                .value_parser(value_parser!(PathBuf))
                .help("Another build of the plugin, which takes its turns too"),
        )
        .arg(
            Arg::new("keep")
                .long("keep")
                .value_parser(value_parser!(PathBuf))
                .help("A folder for the results of all sides"),
        )
        .arg(Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).help("Tables for a document"))
}

/// One piece of work, as all sides are asked for it.
struct Work {
    name: &'static str,
    input: PathBuf,
    steps: Vec<Step>,
    media_type: &'static str,
    extension: &'static str,
    output: Target,
}

fn integer(name: &str, value: i64) -> Param {
    Param { name: name.to_owned(), value: Value::Integer(value) }
}

fn text(name: &str, value: &str) -> Param {
    Param { name: name.to_owned(), value: Value::Text(value.to_owned()) }
}

fn resized(width: i64, height: i64) -> Step {
    let params = vec![integer("width", width), integer("height", height), text("fit", "fill")];
    Step { operation: "resize".to_owned(), params }
}

fn works(photo: &Path, drawing: &Path) -> Vec<Work> {
    let target = |media_type: &str, params| Target { media_type: media_type.to_owned(), params };
    vec![
        Work {
            name: "jpeg",
            input: photo.to_owned(),
            steps: vec![resized(720, 588)],
            media_type: "image/jpeg",
            extension: "jpg",
            output: target("image/jpeg", vec![integer("quality", 80)]),
        },
        Work {
            name: "png",
            input: drawing.to_owned(),
            steps: vec![resized(720, 540)],
            media_type: "image/png",
            extension: "png",
            output: target("image/png", vec![]),
        },
    ]
}

/// What one side took for one picture.
struct Taken {
    /// Decoding, transforming, encoding, and what lies around them.
    phases: [Duration; 4],
    file: Vec<u8>,
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
struct Side {
    whole: Figures,
    phases: [Figures; 4],
    bytes: usize,
    peak_memory: usize,
}

impl Side {
    fn add(&mut self, taken: &Taken) {
        self.whole.add(millis(taken.whole()));
        for (figures, phase) in self.phases.iter_mut().zip(taken.phases) {
            figures.add(millis(phase));
        }
        self.bytes = taken.file.len();
    }
}

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let rounds: usize = *matches.get_one("rounds").context("rounds")?;
    let keep = matches.get_one::<PathBuf>("keep");
    let photo = match matches.get_one::<PathBuf>("photo") {
        Some(file) => file.clone(),
        None => pictures::photo(2725, 2225)?,
    };
    let drawing = match matches.get_one::<PathBuf>("drawing") {
        Some(file) => file.clone(),
        None => pictures::drawing(2048, 1536)?,
    };
    let plugin = load(Path::new("target/plugins/standard.wasm"))?;
    let other = matches.get_one::<PathBuf>("other").map(|file| load(file)).transpose()?;
    let mut sharp = Sharp::start()?;

    let mut totals = Table::new(&[
        "work",
        "sandbox, ms",
        "native, ms",
        "sharp, ms",
        "sandbox/native",
        "sandbox/sharp",
        "bytes/sharp's",
        "peak, MiB",
    ]);
    let mut phases = Table::new(&["work", "side", "decode", "transform", "encode", "around"]);
    for work in works(&photo, &drawing) {
        let input = std::fs::read(&work.input).with_context(|| work.input.display().to_string())?;
        let (mut sandboxed, mut alone, mut theirs) = (Side::default(), Side::default(), Side::default());
        let mut others = Side::default();
        // The first picture of each side warms it up.
        for round in 0..=rounds {
            let (ours, peak) = in_sandbox(&plugin, &work, input.clone())?;
            let native = natively(&work, input.clone())?;
            let file = keep.map(|folder| folder.join(format!("{}-sharp.{}", work.name, work.extension)));
            let done = sharp.work(work.name, &work.input, file.as_deref(), None)?;
            if round == 0 {
                if let Some(folder) = keep {
                    std::fs::write(
                        folder.join(format!("{}-ours.{}", work.name, work.extension)),
                        &ours.file,
                    )?;
                }
                continue;
            }
            sandboxed.add(&ours);
            sandboxed.peak_memory = peak;
            alone.add(&native);
            theirs.whole.add(done.ms);
            theirs.bytes = done.bytes;
            if let Some(other) = &other {
                others.add(&in_sandbox(other, &work, input.clone())?.0);
            }
        }
        totals.row(vec![
            work.name.to_owned(),
            sandboxed.whole.to_string(),
            alone.whole.to_string(),
            theirs.whole.to_string(),
            sandboxed.whole.ratio_to(&alone.whole).to_string(),
            sandboxed.whole.ratio_to(&theirs.whole).to_string(),
            crate::figures::short(sandboxed.bytes as f64 / theirs.bytes.max(1) as f64),
            crate::figures::short(sandboxed.peak_memory as f64 / f64::from(1 << 20)),
        ]);
        if other.is_some() {
            let ratio = others.whole.ratio_to(&sandboxed.whole);
            println!("{}: the other build takes {} ms, {ratio} times as long", work.name, others.whole);
        }
        let sides = [("sandbox", &sandboxed), ("native", &alone), ("other", &others)];
        for (name, side) in sides.into_iter().take(if other.is_some() { 3 } else { 2 }) {
            let cells = side.phases.iter().map(|phase| crate::figures::short(phase.median()));
            phases.row([work.name.to_owned(), name.to_owned()].into_iter().chain(cells).collect());
        }
    }
    let show = |table: &Table| if matches.get_flag("markdown") { table.markdown() } else { table.text() };
    println!("{}\n{}", show(&totals), show(&phases));
    Ok(())
}

fn load(file: &Path) -> anyhow::Result<Plugin> {
    let config = Config::read(&Sources::default())?;
    let sandbox = Sandbox::new(RunLimits::from_settings(&config.plugins), 1, false)?;
    Ok(Plugin::load(&sandbox, &CompiledCode::none(), file, u64::MAX, &PluginTables::default())?)
}

fn in_sandbox(plugin: &Plugin, work: &Work, input: Vec<u8>) -> anyhow::Result<(Taken, usize)> {
    let moments = Arc::new(Mutex::new(vec![]));
    let seen = Arc::clone(&moments);
    let interrupt = Interrupt::within(Duration::from_secs(60));
    let job = Job {
        input: Image { media_type: "application/octet-stream".to_owned(), bytes: input },
        attachments: vec![],
        steps: work.steps.clone(),
        target: Some(work.output.clone()),
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

fn natively(work: &Work, input: Vec<u8>) -> anyhow::Result<Taken> {
    let parameters = |params: &[Param]| {
        params
            .iter()
            .map(|param| {
                let value = match &param.value {
                    Value::Integer(value) => native::Value::Integer(*value),
                    Value::Text(value) => native::Value::Text(value.clone()),
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
    let target = native::Target {
        media_type: work.media_type.to_owned(),
        parameters: parameters(&work.output.params)?,
    };
    let moments = Moments::default();
    let began = Instant::now();
    let mut outputs = native::process(input, &steps, Some(&target), &native::Limits::default(), &moments)?;
    let ended = Instant::now();
    let output = outputs.pop().context("nothing came of it")?;
    let moments = moments.0.lock().map_err(|_| anyhow::anyhow!("a moment was lost"))?;
    Ok(Taken::of(began, &moments, ended, output.into_bytes()))
}
