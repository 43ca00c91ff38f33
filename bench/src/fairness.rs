//! What short tasks of one client wait while another one's long tasks fill the workers, beside what they
//! wait alone, and what they would wait in one line with the long ones.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::figures::{Figures, millis, percentile};
use crate::http::{self, Connection};
use crate::round_trip::one;
use crate::server::{self, Server, Setup};
use crate::table::Table;

/// Long tasks that there are all the time, for each worker: one runs, one waits.
const LONG_PER_WORKER: usize = 2;
/// Between two looks at a long task. It is not measured, and should cost little.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the command line says.
pub fn command() -> Command {
    let seconds = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_parser(value_parser!(f64)).default_value(value).help(help)
    };
    Command::new("fairness")
        .about("Short tasks of one client: alone, beside another one's long tasks, and in line with them")
        .arg(seconds("long", "10", "Seconds that each long task takes"))
        .arg(seconds("seconds", "30", "Time for each of the three"))
        .arg(Arg::new("workers").long("workers").value_parser(value_parser!(usize)).default_value("2"))
        .arg(Arg::new("rounds").long("rounds").value_parser(value_parser!(u32)).default_value("1"))
        .arg(Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).help("Print Markdown"))
}

/// What the short tasks have beside them.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    /// Long tasks of this address. The short ones come from the first.
    Long(&'static str),
}

/// Two addresses for documentation (RFC 5737), as a proxy would name them.
const ADDRESSES: [&str; 2] = ["192.0.2.1", "192.0.2.2"];

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let number = |name: &str| matches.get_one::<f64>(name).copied().context(name.to_owned());
    let (long, time) = (number("long")?, Duration::from_secs_f64(number("seconds")?));
    let workers: usize = *matches.get_one("workers").context("workers")?;
    let rounds: u32 = *matches.get_one("rounds").context("rounds")?;
    let [short_ones, other] = ADDRESSES;
    let cases = [
        ("alone", Beside::Nothing),
        ("beside another client's long ones", Beside::Long(other)),
        ("in one line with long ones", Beside::Long(short_ones)),
    ];
    // The long task spins until its deadline: it lasts as long on any machine.
    let deadline = (long * 1e3).round();
    let flags = format!("default=--workers {workers} --deadline {deadline}ms --trusted-proxies 127.0.0.1");
    let setup: Setup = flags.parse().map_err(|problem: String| anyhow!(problem))?;
    server::warm_up(&setup)?;
    let mut figures = cases.map(|_| [Figures::default(), Figures::default(), Figures::default()]);
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for ((_, beside), [half, most, count]) in cases.iter().zip(&mut figures) {
            let waits = measure(&setup, *beside, workers, Duration::from_secs_f64(long), time)?;
            half.add(millis(percentile(&waits, 0.5)));
            most.add(millis(percentile(&waits, 0.99)));
            #[allow(clippy::cast_precision_loss)] // for people
            count.add(waits.len() as f64);
        }
    }
    let mut table = Table::new(&["short tasks", "p50, ms", "p99, ms", "tasks"]);
    for ((name, _), figures) in cases.iter().zip(&figures) {
        let cells = figures.iter().map(ToString::to_string);
        table.row(std::iter::once((*name).to_owned()).chain(cells).collect());
    }
    println!("{}", if matches.get_flag("markdown") { table.markdown() } else { table.text() });
    Ok(())
}

/// How long each short task took, one after the other, the shortest first.
fn measure(
    setup: &Setup,
    beside: Beside,
    workers: usize,
    long: Duration,
    time: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let folder = server::folder()?;
    let server = Server::start(folder.path(), setup)?;
    let stop = AtomicBool::new(false);
    let (server, stop) = (&server, &stop);
    std::thread::scope(|scope| {
        let mut streams = vec![];
        if let Beside::Long(address) = beside {
            for _ in 0..workers * LONG_PER_WORKER {
                streams.push(scope.spawn(move || stream(server, address, stop)));
            }
            // The first ones are over, and the server knows what they are like.
            std::thread::sleep(long + long / 2);
        }
        let waits = short_tasks(server, time);
        stop.store(true, Ordering::Relaxed);
        for stream in streams {
            stream.join().map_err(|_| anyhow!("a stream of long tasks panicked"))??;
        }
        waits
    })
}

fn short_tasks(server: &Server, time: Duration) -> anyhow::Result<Vec<Duration>> {
    let task = r#"{"operations": [{"name": "work", "params": {"count": 1}}]}"#;
    let request = http::submit_form_from(ADDRESSES[0], task, "application/octet-stream", b"x");
    let mut connection = Connection::open(&server.address)?;
    let mut waits = vec![];
    let began = Instant::now();
    while began.elapsed() < time {
        waits.push(one(&mut connection, &request)?.1);
    }
    waits.sort_unstable();
    Ok(waits)
}

/// Posts a long task whenever the last one is over.
fn stream(server: &Server, address: &str, stop: &AtomicBool) -> anyhow::Result<()> {
    let task = r#"{"operations": [{"name": "spin"}]}"#;
    let request = http::submit_form_from(address, task, "application/octet-stream", b"x");
    let mut connection = Connection::open(&server.address)?;
    while !stop.load(Ordering::Relaxed) {
        let answer = connection.exchange(&request)?;
        let poll = http::get(&answer.location.context("a 202 says where the task is")?);
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK_EVERY);
            let answer = connection.exchange(&poll)?;
            ensure!(answer.code == 200, "a long task was answered with {}", answer.code);
            if String::from_utf8_lossy(&answer.body).contains("FAILED") {
                break;
            }
        }
    }
    Ok(())
}
