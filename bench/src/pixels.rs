//! The picture path alone: the bundled plugin in its sandbox beside the same code native and beside
//! sharp, a picture at a time, on one thread.
//!
//! All three take turns picture by picture. Phases are told apart by the progress that the pixel code
//! reports when it has decoded, transformed and encoded.

mod sides;
mod works;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use self::sides::{Side, in_sandbox, load, natively};
use self::works::{NAMES, Work};
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
            Arg::new("only")
                .long("only")
                .action(ArgAction::Append)
                .value_parser(PossibleValuesParser::new(NAMES))
                .help("A work, again for several; all of them unless it is given"),
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
    let only: Option<Vec<&String>> = matches.get_many("only").map(Iterator::collect);
    let is_wanted = |name: &&str| only.as_ref().is_none_or(|only| only.iter().any(|only| only == name));
    for name in NAMES.into_iter().filter(is_wanted) {
        let work = Work::named(name, &photo, &drawing)?;
        let read = |file: &PathBuf| std::fs::read(file).with_context(|| file.display().to_string());
        let (input, overlay) = (read(&work.input)?, work.overlay.as_ref().map(read).transpose()?);
        let kept = |side| {
            let file = format!("{}-{side}.{}", work.name, work.to.media_type().trim_start_matches("image/"));
            keep.map(|folder| folder.join(file))
        };
        let (mut sandboxed, mut alone, mut theirs) = (Side::default(), Side::default(), Side::default());
        let mut others = Side::default();
        // The first picture of each side warms it up.
        for round in 0..=rounds {
            let (ours, peak) = in_sandbox(&plugin, &work, input.clone(), overlay.as_deref())?;
            let native = natively(&work, input.clone(), overlay.as_deref())?;
            let done =
                sharp.work(work.name, &work.input, kept("sharp").as_deref(), work.overlay.as_deref())?;
            if round == 0 {
                if let Some(file) = kept("ours") {
                    std::fs::write(file, &ours.file)?;
                }
                continue;
            }
            sandboxed.add(&ours);
            sandboxed.peak_memory = peak;
            alone.add(&native);
            theirs.whole.add(done.ms);
            theirs.bytes = done.bytes;
            if let Some(other) = &other {
                others.add(&in_sandbox(other, &work, input.clone(), overlay.as_deref())?.0);
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
