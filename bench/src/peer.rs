//! The server beside the stack that a team would assemble today, on the same work, in turns: a task is
//! posted, asked for every 10 ms, and its result fetched.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::figures::{Figures, millis, percentile, short};
use crate::http::{self, Connection};
use crate::machine::{self, Usage};
use crate::pictures;
use crate::round_trip::carry;
use crate::server::{self, Server, Setup};
use crate::stack::Stack;
use crate::table::Table;

/// What the command line says.
pub fn command() -> Command {
    Command::new("peer")
        .about("Tasks a second, CPU and latency beside Node, BullMQ, Redis and sharp")
        .arg(
            Arg::new("work")
                .long("work")
                .value_parser(["none", "jpeg", "png", "all"])
                .default_value("all")
                .help("Nothing with 32 clients, or a picture made smaller with 4"),
        )
        .arg(Arg::new("rounds").long("rounds").value_parser(value_parser!(u32)).default_value("5"))
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_parser(value_parser!(f64))
                .default_value("6")
                .help("Time for each side in each round"),
        )
        .arg(
            Arg::new("setup")
                .long("setup")
                .value_parser(value_parser!(Setup))
                .default_value("default")
                .help("NAME=FLAGS of our server"),
        )
        .arg(picture("photo", "A JPEG instead of the made one, 2725×2225"))
        .arg(picture("drawing", "A PNG instead of the made one, 2048×1536"))
        .arg(Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).help("Print Markdown"))
}

fn picture(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_parser(value_parser!(PathBuf)).help(help)
}

/// A piece of work, as both sides get it.
struct Work {
    name: &'static str,
    clients: usize,
    request: Vec<u8>,
}

impl Work {
    fn of(name: &str, matches: &ArgMatches) -> anyhow::Result<Self> {
        let given = |name: &str| matches.get_one::<PathBuf>(name).cloned();
        // 168×140 make some 10 KB.
        let (name, clients, path, media_type, task) = match name {
            "none" => {
                let task = r#"{"operations": [{"name": "echo"}]}"#;
                ("none", 32, pictures::photo(168, 140)?, "application/octet-stream", task)
            }
            "jpeg" => {
                let task = r#"{"operations": [{"name": "resize", "params": {"width": 720, "height": 588, "fit": "fill"}}], "output": {"type": "image/jpeg", "params": {"quality": 80}}}"#;
                let made = || pictures::photo(2725, 2225);
                ("jpeg", 4, given("photo").map_or_else(made, Ok)?, "image/jpeg", task)
            }
            "png" => {
                let task = r#"{"operations": [{"name": "resize", "params": {"width": 720, "height": 540, "fit": "fill"}}], "output": {"type": "image/png"}}"#;
                let made = || pictures::drawing(2048, 1536);
                ("png", 4, given("drawing").map_or_else(made, Ok)?, "image/png", task)
            }
            other => bail!("no work is called {other}"),
        };
        let picture = fs::read(&path).with_context(|| path.display().to_string())?;
        eprintln!("{name}: {} has {} bytes", path.display(), picture.len());
        Ok(Self { name, clients, request: http::submit_form(task, media_type, &picture) })
    }
}

/// What one side showed, over all rounds.
#[derive(Default)]
struct Side {
    rate: Figures,
    /// Milliseconds of all its processes for each task.
    cpu: Figures,
    half: Figures,
    most: Figures,
    whole: Figures,
    memory: Figures,
    /// Percent of the CPU that was not the plugin's.
    host: Figures,
}

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let rounds: u32 = *matches.get_one("rounds").context("rounds")?;
    let time = Duration::from_secs_f64(*matches.get_one("seconds").context("seconds")?);
    let setup: &Setup = matches.get_one("setup").context("setup")?;
    let chosen: &String = matches.get_one("work").context("work")?;
    let names = if chosen == "all" { vec!["none", "jpeg", "png"] } else { vec![chosen.as_str()] };
    server::warm_up(setup)?;
    for name in names {
        let work = Work::of(name, matches)?;
        let (mut us, mut peer, mut others) = (Side::default(), Side::default(), Figures::default());
        for round in 1..=rounds {
            eprintln!("{name}: round {round} of {rounds}");
            // One after the other, each first in every other round.
            for ours in [round % 2 == 1, round % 2 == 0] {
                others.add(if ours {
                    measure_us(&mut us, &work, time, setup)?
                } else {
                    measure_peer(&mut peer, &work, time)?
                });
            }
        }
        let table = table(&work, &us, &peer);
        println!("{}", if matches.get_flag("markdown") { table.markdown() } else { table.text() });
        println!("Others used {others} percent of the machine meanwhile.\n");
    }
    Ok(())
}

fn measure_us(side: &mut Side, work: &Work, time: Duration, setup: &Setup) -> anyhow::Result<f64> {
    let folder = server::folder()?;
    let server = Server::start(folder.path(), setup)?;
    let mut before = 0.0;
    let mut plugin = 0.0;
    let others = side.measure(&server.address, &[server.pid()], work, time, |warm| {
        let now = plugin_seconds(&server.address)?;
        if warm {
            before = now;
        } else {
            plugin = now - before;
        }
        Ok(())
    })?;
    side.host.add(100.0 * (1.0 - plugin * 1e3 / others.1));
    Ok(others.0)
}

fn measure_peer(side: &mut Side, work: &Work, time: Duration) -> anyhow::Result<f64> {
    let folder = server::folder()?;
    let stack = Stack::start(folder.path())?;
    Ok(side.measure(&stack.address, &stack.pids(), work, time, |_| Ok(()))?.0)
}

impl Side {
    /// Measures once. Gives the percent of the machine that others used, and the milliseconds of CPU that
    /// this side did; `note` is called before the counted time and after it.
    fn measure(
        &mut self,
        address: &str,
        pids: &[u32],
        work: &Work,
        time: Duration,
        mut note: impl FnMut(bool) -> anyhow::Result<()>,
    ) -> anyhow::Result<(f64, f64)> {
        let cpu = || pids.iter().map(|pid| Ok(millis(machine::cpu_time(*pid)?))).sum::<anyhow::Result<f64>>();
        // A just-in-time compiler needs some hundred tasks.
        carry(address, work.clients, &work.request, time.min(Duration::from_secs(2)))?;
        note(true)?;
        let (usage, before) = (Usage::now(pids)?, cpu()?);
        let carried = carry(address, work.clients, &work.request, time)?;
        let used = cpu()? - before;
        let others = Usage::now(pids)?.others_since(&usage) * 100.0;
        note(false)?;

        self.rate.add(carried.rate());
        #[allow(clippy::cast_precision_loss)] // far fewer than 2^52
        self.cpu.add(used / carried.tasks.len() as f64);
        self.half.add(millis(percentile(&carried.accepts, 0.5)));
        self.most.add(millis(percentile(&carried.accepts, 0.99)));
        self.whole.add(millis(percentile(&carried.tasks, 0.5)));
        let resident = pids.iter().map(|pid| machine::resident(*pid)).sum::<anyhow::Result<u64>>()?;
        #[allow(clippy::cast_precision_loss)] // for people
        self.memory.add(resident as f64 / 1e6);
        Ok((others, used))
    }
}

/// Seconds of CPU that all runs of all plugins took so far, as the server counts them.
fn plugin_seconds(address: &str) -> anyhow::Result<f64> {
    let answer = Connection::open(address)?.exchange(&http::get("/metrics"))?;
    let text = String::from_utf8(answer.body)?;
    let sums = text.lines().filter(|line| line.starts_with("tintype_plugin_run_cpu_seconds_sum"));
    Ok(sums.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
}

fn table(work: &Work, us: &Side, peer: &Side) -> Table {
    let head = format!("{}, {} clients", work.name, work.clients);
    let mut table = Table::new(&[&head, "ours", "peer", "ours / peer"]);
    let lines = [
        ("tasks/s", &us.rate, &peer.rate),
        ("CPU ms/task", &us.cpu, &peer.cpu),
        ("202 p50, ms", &us.half, &peer.half),
        ("202 p99, ms", &us.most, &peer.most),
        ("whole task p50, ms", &us.whole, &peer.whole),
        ("memory, MB", &us.memory, &peer.memory),
    ];
    for (name, us, peer) in lines {
        let ratio = us.ratio_to(peer).to_string();
        table.row(vec![name.to_owned(), us.to_string(), peer.to_string(), ratio]);
    }
    let host = if us.host.median().is_nan() { String::new() } else { us.host.to_string() };
    table.row(vec![
        "host's part of the CPU, %".to_owned(),
        host,
        short(f64::NAN).replace("NaN", "–"),
        "–".to_owned(),
    ]);
    table
}
