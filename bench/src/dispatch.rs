//! What the sandbox adds to a run: an operation that gives back one byte, through the library's own face,
//! planned once and run many times on one thread. A fresh instance each time, as for every task.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgMatches, Command, value_parser};
use tintype::config::{Config, Sources};
use tintype::plugin::{
    CompiledCode, Image, Interrupt, Occasion, Plugin, PluginTables, Registry, RunLimits, Sandbox, Work,
};
use tintype::task::description::parse_json;
use tintype::task::plan;

use crate::figures::{Figures, percentile};
use crate::server::target;
use crate::table::Table;

/// Runs of a round.
const RUNS: usize = 5_000;

/// What the command line says.
pub fn command() -> Command {
    let count = || value_parser!(u32);
    Command::new("dispatch")
        .about("Time of a run that does nothing: instantiation, call, and what lies around them")
        .arg(Arg::new("rounds").long("rounds").value_parser(count()).default_value("5"))
}

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let rounds: u32 = *matches.get_one("rounds").context("rounds")?;
    let config = Config::read(&Sources::gather([], [], None)?)?;
    let sandbox = Sandbox::new(RunLimits::from_settings(&config.plugins), 1, false)?;
    let file: PathBuf = target().join("guests/hostile.wasm");
    let size = config.plugins.max_plugin_size.0;
    let plugin = Plugin::load(&sandbox, &CompiledCode::none(), &file, size, &PluginTables::default())
        .with_context(|| format!("{}: run `make guests`", file.display()))?;
    let registry: Registry = [Arc::new(plugin)].into_iter().collect();
    let description = parse_json(br#"{"operations": [{"name": "echo"}]}"#)?;
    let pipeline = plan(&registry, &description, &[])?;

    let (mut half, mut most) = (Figures::default(), Figures::default());
    for _ in 0..rounds {
        let mut times = vec![];
        for _ in 0..RUNS {
            let interrupt = Interrupt::default();
            let occasion = Occasion {
                subject: "bench",
                interrupt: &interrupt,
                deadline: Duration::from_secs(30),
                on_progress: Arc::new(|_| ()),
                on_run: None,
            };
            let input = Image { media_type: "application/octet-stream".to_owned(), bytes: vec![7] };
            let began = Instant::now();
            let ended = pipeline.run(Work { input, attachments: vec![] }, &occasion);
            times.push(began.elapsed());
            if ended.is_err() {
                bail!("a run that does nothing failed");
            }
        }
        times.sort_unstable();
        let micros = |part| percentile(&times, part).as_secs_f64() * 1e6;
        half.add(micros(0.5));
        most.add(micros(0.99));
    }
    let mut table = Table::new(&["a run that does nothing", "µs"]);
    table.row(vec!["p50".to_owned(), half.to_string()]);
    table.row(vec!["p99".to_owned(), most.to_string()]);
    println!("{}", table.text());
    Ok(())
}
