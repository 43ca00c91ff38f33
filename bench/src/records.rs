//! What it costs to remember many tasks: the same server with an empty store and with one that holds
//! many finished tasks, in turns.

pub mod fill;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::figures::{Figures, millis, percentile, short};
use crate::http::{self, Connection};
use crate::load::{Load, Measured};
use crate::machine;
use crate::server::{self, Server, Setup};
use crate::table::Table;

/// Bytes of a submitted picture.
const PICTURE: usize = 10 << 10;
/// Of so many tasks the polled ones are chosen: enough that no cache of pages holds all of them.
const POLLED: usize = 20_000;
/// Tasks that wait while waiting ones are polled.
const WAITING: usize = 500;

/// What the command line says.
pub fn command() -> Command {
    Command::new("records")
        .about("Start, memory, submitting and polling with N finished tasks in the store and with none")
        .arg(
            Arg::new("count")
                .value_parser(value_parser!(u64))
                .default_value("10000")
                .num_args(1..)
                .help("Finished tasks, each number by itself"),
        )
        .arg(Arg::new("rounds").long("rounds").value_parser(value_parser!(u32)).default_value("3"))
        .arg(Arg::new("clients").long("clients").value_parser(value_parser!(usize)).default_value("8"))
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_parser(value_parser!(f64))
                .default_value("3")
                .help("Time for each thing that is measured"),
        )
        .arg(
            Arg::new("setup")
                .long("setup")
                .value_parser(value_parser!(Setup))
                .default_value("default")
                .help("NAME=FLAGS of the server"),
        )
        .arg(Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).help("Print Markdown"))
}

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let one = |name: &str| matches.get_one::<f64>(name).copied();
    let load = Load {
        clients: *matches.get_one("clients").context("clients")?,
        warmup: Duration::from_millis(300),
        time: Duration::from_secs_f64(one("seconds").context("seconds")?),
    };
    let rounds: u32 = *matches.get_one("rounds").context("rounds")?;
    let setup: &Setup = matches.get_one("setup").context("setup")?;
    server::warm_up(setup)?;
    for count in matches.get_many::<u64>("count").context("count")? {
        let table = compare(*count, rounds, &load, setup)?;
        println!("{}", if matches.get_flag("markdown") { table.markdown() } else { table.text() });
    }
    Ok(())
}

fn compare(count: u64, rounds: u32, load: &Load, setup: &Setup) -> anyhow::Result<Table> {
    let full = server::folder()?;
    let began = Instant::now();
    let ids = fill::fill(&full.path().join("data/tasks"), count, POLLED)?;
    println!(
        "{count} tasks were submitted, run and finished in {} s; data/tasks has {} MB",
        short(began.elapsed().as_secs_f64()),
        short(megabytes(folder_size(&full.path().join("data/tasks"))?)),
    );
    let mut with = Sheet::default();
    let mut without = Sheet::default();
    for round in 1..=rounds {
        let empty = server::folder()?;
        println!("round {round} of {rounds}");
        // One after the other, each first in every other round.
        if round % 2 == 1 {
            without.measure(empty.path(), &[], load, setup)?;
        }
        with.measure(full.path(), &ids, load, setup)?;
        if round % 2 == 0 {
            without.measure(empty.path(), &[], load, setup)?;
        }
    }
    Ok(table(count, &without, &with))
}

/// Everything that is measured of one folder, over all rounds, in the order of measuring.
#[derive(Default)]
struct Sheet(Vec<(&'static str, Figures)>);

impl Sheet {
    fn note(&mut self, what: &'static str, figure: f64) {
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, figures)) => figures.add(figure),
            None => {
                let mut figures = Figures::default();
                figures.add(figure);
                self.0.push((what, figures));
            }
        }
    }

    fn note_load(&mut self, [rate, half, most]: [&'static str; 3], measured: &Measured) {
        self.note(rate, measured.rate());
        self.note(half, millis(percentile(&measured.latencies, 0.5)));
        self.note(most, millis(percentile(&measured.latencies, 0.99)));
    }

    fn measure(&mut self, folder: &Path, ids: &[String], load: &Load, setup: &Setup) -> anyhow::Result<()> {
        let mut setup = setup.clone();
        // So that a picture that is submitted is not refused, and one that blocks goes on.
        setup.flags.extend(["--max-queue", "10000000", "--deadline", "1h"].map(str::to_owned));
        let submit = http::submit("echo", "application/octet-stream", &vec![7; PICTURE]);

        let server = Server::start(folder, &setup)?;
        self.note("start, ms", millis(server.start));
        self.note("memory when ready, MB", megabytes(machine::resident(server.pid())?));
        let submitted = load.put(&server.address, std::slice::from_ref(&submit), 202)?;
        self.note_load(["submits a second", "submit p50, ms", "submit p99, ms"], &submitted);
        wait_until_over(&server, submitted.locations.last().context("nothing was submitted")?)?;

        let recent: Vec<Vec<u8>> =
            submitted.locations.iter().rev().take(100).map(|path| poll(path)).collect();
        let polled = load.put(&server.address, &recent, 200)?;
        self.note_load(
            [
                "polls of a fresh task a second",
                "poll of a fresh task p50, ms",
                "poll of a fresh task p99, ms",
            ],
            &polled,
        );
        let any: Vec<Vec<u8>> = if ids.is_empty() {
            submitted.locations.iter().map(|path| poll(path)).collect()
        } else {
            ids.iter().map(|id| poll(&format!("/images/task/{id}"))).collect()
        };
        let polled = load.put(&server.address, &any, 200)?;
        self.note_load(
            ["polls of any task a second", "poll of any task p50, ms", "poll of any task p99, ms"],
            &polled,
        );
        let list = [http::get("/images/tasks?limit=20")];
        let listed = load.put(&server.address, &list, 200)?;
        self.note_load(["lists of 20 a second", "list of 20 p50, ms", "list of 20 p99, ms"], &listed);
        self.note("memory at the end, MB", megabytes(machine::resident(server.pid())?));
        drop(server);

        // The second start is after a SIGKILL, and its only worker blocks in the host, at no cost: what is
        // submitted waits.
        setup.flags.extend(["--workers", "1"].map(str::to_owned));
        let server = Server::start(folder, &setup)?;
        self.note("start after a kill, ms", millis(server.start));
        let mut connection = Connection::open(&server.address)?;
        let block = connection.exchange(&http::submit("block", "application/octet-stream", b"x"))?;
        let block = block.location.context("the blocking task was not accepted")?;
        wait_for(&mut connection, &block, "\"running\"")?;
        let mut waiting = vec![];
        for _ in 0..WAITING {
            let answer = connection.exchange(&submit)?;
            waiting.push(poll(&answer.location.context("a task was not accepted")?));
        }
        let polled = load.put(&server.address, &waiting, 200)?;
        self.note_load(
            [
                "polls of a waiting task a second",
                "poll of a waiting task p50, ms",
                "poll of a waiting task p99, ms",
            ],
            &polled,
        );
        self.note("data/tasks, MB", megabytes(folder_size(&folder.join("data/tasks"))?));
        // Or it would block again at the next start.
        let cancelled =
            connection.exchange(format!("DELETE {block} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
        ensure!(cancelled.code == 200, "{cancelled:?}");
        let last = String::from_utf8_lossy(waiting.last().context("nothing waits")?).into_owned();
        wait_until_over(&server, last.split(' ').nth(1).context("a request has a path")?)
    }
}

fn poll(path: &str) -> Vec<u8> {
    http::get(&format!("{path}?redirect=false"))
}

/// Tasks run in the order of submission: when the last one is over, all are.
fn wait_until_over(server: &Server, task: &str) -> anyhow::Result<()> {
    let path = task.split('?').next().unwrap_or(task);
    wait_for(&mut Connection::open(&server.address)?, path, "\"OK\"")
}

fn wait_for(connection: &mut Connection, path: &str, word: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let answer = connection.exchange(&poll(path))?;
        let text = String::from_utf8_lossy(&answer.body);
        if text.contains(word) {
            return Ok(());
        }
        ensure!(answer.code == 200 && began.elapsed() < Duration::from_secs(600), "never {word}: {text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn table(count: u64, without: &Sheet, with: &Sheet) -> Table {
    let mut table = Table::new(&["median (least–greatest)", "empty", &format!("{count} tasks"), "ratio"]);
    for (what, figures) in &with.0 {
        let Some((_, base)) = without.0.iter().find(|(known, _)| known == what) else { continue };
        let ratio = figures.ratio_to(base).to_string();
        table.row(vec![(*what).to_owned(), base.to_string(), figures.to_string(), ratio]);
    }
    table
}

pub fn folder_size(folder: &Path) -> anyhow::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        size += if metadata.is_dir() { folder_size(&entry.path())? } else { metadata.len() };
    }
    Ok(size)
}

#[allow(clippy::cast_precision_loss)] // for people
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
