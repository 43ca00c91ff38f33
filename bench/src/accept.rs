//! How many tasks a second are accepted, and how long their clients wait for the 202: between several
//! sets of settings, in turns.

use std::time::Duration;

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::figures::{Figures, millis, percentile};
use crate::http;
use crate::load::Load;
use crate::machine::{Usage, cpu_time};
use crate::server::{self, Server, Setup};
use crate::table::Table;

/// What the command line says.
pub fn command() -> Command {
    Command::new("accept")
        .about("Accepts a second and the latency of the 202, between several sets of settings")
        .arg(
            Arg::new("setup")
                .long("setup")
                .value_parser(value_parser!(Setup))
                .action(ArgAction::Append)
                .default_value("default")
                .help("NAME=FLAGS of the server; several are compared with the first"),
        )
        .arg(
            Arg::new("clients")
                .long("clients")
                .value_parser(value_parser!(usize))
                .value_delimiter(',')
                .default_value("1,8,64")
                .help("Clients at once, each with a connection that stays open"),
        )
        .arg(Arg::new("rounds").long("rounds").value_parser(value_parser!(u32)).default_value("5"))
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_parser(value_parser!(f64))
                .default_value("4")
                .help("Time for each setting and number of clients in each round"),
        )
        .arg(
            Arg::new("bytes")
                .long("bytes")
                .value_parser(value_parser!(usize))
                .default_value("10240")
                .help("Bytes of each picture"),
        )
        .arg(Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).help("Print Markdown too"))
}

/// One line of the table, over all rounds.
struct Row<'a> {
    setup: &'a Setup,
    clients: usize,
    rate: Figures,
    half: Figures,
    most: Figures,
    /// Milliseconds of the server's CPU time for each task, running it included.
    cpu: Figures,
}

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let setups: Vec<&Setup> = matches.get_many("setup").context("setup")?.collect();
    let clients: Vec<usize> = matches.get_many("clients").context("clients")?.copied().collect();
    let rounds: u32 = *matches.get_one("rounds").context("rounds")?;
    let seconds: f64 = *matches.get_one("seconds").context("seconds")?;
    let picture = vec![7; *matches.get_one("bytes").context("bytes")?];

    let row = |(clients, setup)| Row {
        setup,
        clients,
        rate: Figures::default(),
        half: Figures::default(),
        most: Figures::default(),
        cpu: Figures::default(),
    };
    let pairs = clients.iter().flat_map(|clients| setups.iter().map(|setup| (*clients, *setup)));
    let mut rows: Vec<Row> = pairs.map(row).collect();
    let mut others = Figures::default();
    for setup in &setups {
        server::warm_up(setup)?;
    }
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for group in rows.chunks_mut(setups.len()) {
            // Another one is first in every round: nobody always profits from what was before.
            let first = round as usize % group.len();
            group.rotate_left(first);
            for row in group.iter_mut() {
                let load = Load {
                    clients: row.clients,
                    warmup: Duration::from_millis(500),
                    time: Duration::from_secs_f64(seconds),
                };
                others.add(row.measure(&load, &picture)? * 100.0);
            }
            group.rotate_right(first);
        }
    }
    let table = table(&rows, setups.len());
    println!("{}", table.text());
    if matches.get_flag("markdown") {
        println!("{}", table.markdown());
    }
    println!("Others used {others} percent of the machine meanwhile.");
    Ok(())
}

impl Row<'_> {
    /// Measures once on a fresh folder; gives the part of the machine that others used.
    fn measure(&mut self, load: &Load, picture: &[u8]) -> anyhow::Result<f64> {
        let folder = server::folder()?;
        let mut setup = self.setup.clone();
        // Tasks may be accepted faster than they are run.
        setup.flags.extend(["--max-queue", "10000000"].map(str::to_owned));
        let server = Server::start(folder.path(), &setup)?;
        let submit = [http::submit("echo", "application/octet-stream", picture)];
        let before = (Usage::now(&[server.pid()])?, cpu_time(server.pid())?);
        let measured = load.put(&server.address, &submit, 202)?;
        let used = cpu_time(server.pid())? - before.1;
        let others = Usage::now(&[server.pid()])?.others_since(&before.0);

        self.rate.add(measured.rate());
        self.half.add(millis(percentile(&measured.latencies, 0.5)));
        self.most.add(millis(percentile(&measured.latencies, 0.99)));
        // The warm-up is work too, of the same kind.
        let worked = (load.warmup + measured.took).as_secs_f64();
        self.cpu.add(millis(used) / (measured.rate() * worked));
        Ok(others)
    }
}

fn table(rows: &[Row], setups: usize) -> Table {
    let head =
        ["setup", "clients", "accepts/s", "ratio", "p50, ms", "ratio", "p99, ms", "ratio", "CPU ms/task"];
    let mut table = Table::new(&head);
    for group in rows.chunks(setups) {
        let Some(base) = group.first() else { continue };
        let ratio = |figures: &Figures, base: &Figures| figures.ratio_to(base).to_string();
        for row in group {
            table.row(vec![
                row.setup.name.clone(),
                row.clients.to_string(),
                row.rate.to_string(),
                ratio(&row.rate, &base.rate),
                row.half.to_string(),
                ratio(&row.half, &base.half),
                row.most.to_string(),
                ratio(&row.most, &base.most),
                row.cpu.to_string(),
            ]);
        }
    }
    table
}
