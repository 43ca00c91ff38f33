//! Instructions that the host's hot paths take: a guard that holds on a machine that is shared, where
//! a time does not.
//!
//! `hot-path NAME COUNT` goes a path so many times; `instructions` has valgrind count what that takes
//! for two counts, and compares what one more costs with what stands in `bench/instructions.toml`.
//! Nothing here runs a plugin: compiled guests are not the host's code.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tintype::auth::{Keys, Limits, Quota};
use tintype::blob::{FileSync, FolderBlobs};
use tintype::config::{Config, Sources};
use tintype::http::{App, Figures, Listening, Server};
use tintype::plugin::Registry;
use tintype::store::sled::{Durability, SledOptions, SledStore};
use tintype::task::{IdSource, Parts, TaskStore as _, Tasks, description};
use tintype::trace::Tracer;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::http::{Connection, get};
use crate::records::fill::{new_task, work_off};
use crate::table::Table;

/// What stands in `bench/instructions.toml`, by path.
type Counts = BTreeMap<String, u64>;

const FILE: &str = "bench/instructions.toml";

/// Repetitions whose costs are subtracted from each other.
const FEW: u64 = 20;
const MANY: u64 = 320;

/// Counts of which the least is taken, and how many there may be where that is no good yet.
const RUNS: usize = 3;
const MOST_RUNS: usize = 12;

/// What is gone.
struct HotPath {
    name: &'static str,
    go: fn(u64) -> anyhow::Result<()>,
    /// How much more than what stands in the file a count may be, as a part of it.
    tolerance: f64,
}

/// What another processor's `memcpy` and a compiler's next release make of the same code.
const ALONE: f64 = 0.05;
/// Threads wake each other more or less often: 8 % were seen.
const WITH_THREADS: f64 = 0.25;

const PATHS: [HotPath; 5] = [
    HotPath { name: "description-xml", go: read_xml, tolerance: ALONE },
    HotPath { name: "description-json", go: read_json, tolerance: ALONE },
    HotPath { name: "poll", go: poll, tolerance: WITH_THREADS },
    HotPath { name: "list", go: list, tolerance: WITH_THREADS },
    HotPath { name: "record", go: record, tolerance: WITH_THREADS },
];

/// What the command line says.
pub fn one_command() -> Command {
    Command::new("hot-path")
        .about("Goes one of the host's hot paths, for valgrind or perf to look at")
        .arg(Arg::new("name").required(true).value_parser(PATHS.map(|path| path.name)))
        .arg(Arg::new("count").required(true).value_parser(value_parser!(u64)))
}

/// Goes the path.
pub fn run_one(matches: &ArgMatches) -> anyhow::Result<()> {
    let name: &String = matches.get_one("name").context("name")?;
    let count = *matches.get_one("count").context("count")?;
    let path = PATHS.iter().find(|path| path.name == name).context("no such path")?;
    (path.go)(count)
}

/// What the command line says.
pub fn command() -> Command {
    Command::new("instructions")
        .about("Instructions of the host's hot paths, counted by valgrind, beside bench/instructions.toml")
        .arg(
            Arg::new("record")
                .long("record")
                .action(ArgAction::SetTrue)
                .help("Write what was counted into bench/instructions.toml"),
        )
}

/// Counts, prints and compares.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let record = matches.get_flag("record");
    let expected = if record { Counts::new() } else { expected()? };
    let mut counted = BTreeMap::new();
    for path in &PATHS {
        counted.insert(path.name, path.instructions(expected.get(path.name).copied())?);
    }
    if record {
        let lines: String = counted.iter().map(|(name, count)| format!("{name} = {count}\n")).collect();
        let head = "# Instructions of the host's hot paths, for each time that one is gone. Written by\n\
                    #   cargo run --release -p tintype-bench -- instructions --record\n";
        std::fs::write(FILE, format!("{head}{lines}"))?;
        return Ok(());
    }
    let mut table = Table::new(&["path", "instructions", "before", "ratio"]);
    let mut grown = vec![];
    for HotPath { name, tolerance, .. } in &PATHS {
        let count = counted.get(name).copied().unwrap_or_default();
        let &before = expected.get(*name).with_context(|| format!("{name} is not in {FILE}"))?;
        let ratio = ratio(count, before);
        table.row(vec![(*name).to_owned(), count.to_string(), before.to_string(), format!("{ratio:.3}")]);
        if ratio - 1.0 > *tolerance {
            grown.push(format!("{name} by more than {:.0} %", tolerance * 100.0));
        }
    }
    println!("{}", table.text());
    ensure!(grown.is_empty(), "grown: {}; if that is as it should be, add --record", grown.join(", "));
    Ok(())
}

fn expected() -> anyhow::Result<Counts> {
    let text = std::fs::read_to_string(FILE).context(FILE)?;
    toml::from_str(&text).context(FILE)
}

#[allow(clippy::cast_precision_loss, reason = "billions at most")]
fn ratio(count: u64, before: u64) -> f64 {
    count as f64 / before as f64
}

impl HotPath {
    /// What one more costs: by the least of several counts, for threads that wait for each other on a busy
    /// machine spin, which no path takes when it is left alone. Counts that cannot be, or are too many, are
    /// taken again some times.
    fn instructions(&self, before: Option<u64>) -> anyhow::Result<u64> {
        let (mut few, mut many) = (u64::MAX, u64::MAX);
        let mut last = None;
        for run in 1..=MOST_RUNS {
            few = few.min(instructions(self.name, FEW)?);
            many = many.min(instructions(self.name, MANY)?);
            last = many.checked_sub(few).map(|more| more / (MANY - FEW));
            let is_good = |count| before.is_none_or(|before| ratio(count, before) - 1.0 <= self.tolerance);
            if run >= RUNS && last.is_some_and(is_good) {
                break;
            }
        }
        last.with_context(|| format!("{}: more for fewer", self.name))
    }
}

/// Instructions of a whole process that goes a path so many times.
fn instructions(name: &str, count: u64) -> anyhow::Result<u64> {
    let output = Process::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["hot-path", name, &count.to_string()])
        .output()
        .context("valgrind (Debian: apt-get install valgrind)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed under valgrind: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let Some((_, collected)) = collected else { bail!("valgrind counted nothing: {said}") };
    Ok(collected.trim().parse()?)
}

const XML: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?>
<task>
  <operation name="resize"><param name="width">720</param><param name="height">588</param></operation>
  <operation name="sharpen"><param name="sigma">1.5</param></operation>
  <operation name="watermark"><param name="image" href="cid:logo"/><param name="opacity">0.5</param></operation>
  <output type="image/jpeg"><param name="quality">80</param></output>
</task>"#;

fn read_xml(count: u64) -> anyhow::Result<()> {
    for _ in 0..count {
        std::hint::black_box(description::parse_xml(std::hint::black_box(XML))?);
    }
    Ok(())
}

const JSON: &[u8] = br#"{"operations":[{"name":"resize","params":{"width":720,"height":588}},{"name":"sharpen","params":{"sigma":1.5}}],"output":{"type":"image/jpeg","params":{"quality":80}}}"#;

fn read_json(count: u64) -> anyhow::Result<()> {
    for _ in 0..count {
        std::hint::black_box(description::parse_json(std::hint::black_box(JSON))?);
    }
    Ok(())
}

/// A store in memory, as good as: what the disk does costs no instructions.
fn store(folder: &Path) -> anyhow::Result<SledStore> {
    let options = SledOptions {
        cache: 32 << 20,
        max_queue: 10_000,
        workers: 1,
        max_attempts: 2,
        lease: Duration::from_secs(3600),
        durability: Durability::Full,
    };
    Ok(SledStore::open(folder, &options)?.0)
}

/// A task from its submission to its end.
fn record(count: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Arc::new(store(folder.path())?);
    let ids = IdSource::after(store.newest()?);
    runtime()?.block_on(async {
        for _ in 0..count {
            work_off(&store, &ids, 1).await?;
        }
        Ok(())
    })
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

fn poll(count: u64) -> anyhow::Result<()> {
    ask(count, |id| format!("/images/task/{id}"))
}

fn list(count: u64) -> anyhow::Result<()> {
    ask(count, |_| "/images/tasks?limit=10".to_owned())
}

/// Serves twenty tasks that wait, and asks so many times.
fn ask(count: u64, path: impl Fn(&str) -> String) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = runtime()?;
    let (address, id, stop) = runtime.block_on(serve(folder.path()))?;
    let mut connection = Connection::open(&address.to_string())?;
    let request = get(&path(&id));
    for _ in 0..count {
        let answer = connection.exchange(&request)?;
        ensure!(answer.code == 200, "{} {}", answer.code, String::from_utf8_lossy(&answer.body));
    }
    drop(connection);
    let _ = stop.send(());
    Ok(())
}

async fn serve(folder: &Path) -> anyhow::Result<(SocketAddr, String, oneshot::Sender<()>)> {
    let flags = [("listen".to_owned(), "127.0.0.1:0".to_owned())];
    let config = Arc::new(Config::read(&Sources::gather(flags, [], None)?)?);
    let store = Arc::new(store(&folder.join("tasks"))?);
    let ids = IdSource::after(store.newest()?);
    let mut last = String::new();
    for _ in 0..20 {
        let task = new_task(&ids);
        last = task.id.to_string();
        store.submit(task).await?;
    }
    let tasks = Tasks::new(Parts {
        store,
        blobs: Arc::new(FolderBlobs::open(&folder.join("blobs"), FileSync::Each)?),
        registry: Registry::default(),
        max_queue: config.tasks.max_queue.get(),
        min_free_space: 0,
        workers: 1,
        on_end: Box::new(|_| {}),
        key_name: Box::new(|_| None),
        tracer: Tracer::default(),
    })?;
    let app = App {
        tasks,
        keys: Arc::new(Keys::open(&folder.join("keys"))?),
        quota: Quota::new(Limits::from_settings(&config.auth)),
        figures: Figures::default(),
        metrics: Arc::default(),
        sender: None,
        config: Arc::clone(&config),
    };
    let server = Server::new(Listening::on(config.http.listen)?, None, &config.http)?;
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.serve(tintype::http::router(app), async {
        let _ = stopped.await;
    }));
    Ok((address, last, stop))
}
