//! Several servers on one PostgreSQL: how many tasks they do together, what part of the work is the
//! database's, and whether many finished tasks in it make any of that slower.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::cluster::{self, Cluster, Database};
use crate::figures::{Figures, millis, percentile};
use crate::http;
use crate::machine::{self, Usage};
use crate::pictures;
use crate::round_trip::carry_to;
use crate::server::{self, Server, Setup};
use crate::table::Table;

/// Clients, shared out evenly among the servers.
const CLIENTS: usize = 32;
/// Rows that are made at once: a transaction of some seconds.
const AT_ONCE: u64 = 250_000;
/// Bytes of a finished task's record and of its ending, about as long as those of a task with one operation.
const RECORD: usize = 250;
const ENDING: usize = 120;

/// Statements whose plans are printed.
const STATEMENTS: usize = 16;

/// What the command line says.
pub fn command() -> Command {
    Command::new("nodes")
        .about("Tasks that do nothing, on one PostgreSQL and a shared folder: N servers, or N finished tasks")
        .arg(
            Arg::new("servers")
                .long("servers")
                .value_parser(value_parser!(usize))
                .value_delimiter(',')
                .default_value("1,2,4")
                .help("Processes, each number by itself"),
        )
        .arg(
            Arg::new("finished")
                .long("finished")
                .value_parser(value_parser!(u64))
                .value_delimiter(',')
                .default_value("0")
                .help("Finished tasks that are in the database before, each number by itself"),
        )
        .arg(
            Arg::new("buffers")
                .long("buffers")
                .value_name("SIZE")
                .default_value("128MB")
                .help("shared_buffers of PostgreSQL, whose own default this is"),
        )
        .arg(
            Arg::new("plans")
                .long("plans")
                .action(ArgAction::SetTrue)
                .help("Print the plan of every statement, with what it read (auto_explain)"),
        )
        .arg(Arg::new("rounds").long("rounds").value_parser(value_parser!(u32)).default_value("3"))
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_parser(value_parser!(f64))
                .default_value("6")
                .help("Time for each case in each round"),
        )
        .arg(Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).help("Print Markdown"))
}

/// So many servers on a database with so many finished tasks.
struct Case {
    servers: usize,
    finished: u64,
    database: Database,
    rate: Figures,
    /// Milliseconds of CPU for each task.
    cpu: Figures,
    /// Of which the database's.
    database_cpu: Figures,
    half: Figures,
    most: Figures,
}

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let rounds: u32 = *matches.get_one("rounds").context("rounds")?;
    let time = Duration::from_secs_f64(*matches.get_one("seconds").context("seconds")?);
    let plans = matches.get_flag("plans");
    let buffers: &String = matches.get_one("buffers").context("buffers")?;
    let cluster = Cluster::own_with(cluster::PORT, &[&format!("shared_buffers={buffers}")])
        .context("install PostgreSQL: `apt-get install postgresql`")?;
    server::warm_up(&Setup { name: "warm".to_owned(), flags: vec![] })?;
    let picture = fs::read(pictures::photo(168, 140)?)?;
    let task = r#"{"operations": [{"name": "echo"}]}"#;
    let request = http::submit_form(task, "application/octet-stream", &picture);
    let mut cases = vec![];
    for finished in matches.get_many::<u64>("finished").context("finished")? {
        for servers in matches.get_many::<usize>("servers").context("servers")? {
            let case = Case::new(*servers, *finished, cluster.database());
            // The schema is a server's to make.
            drop(case.start()?);
            case.fill()?;
            cases.push(case);
        }
    }
    if plans {
        for case in &cases {
            case.database.run(&format!(
                "ALTER DATABASE {0} SET session_preload_libraries = 'auto_explain'; \
                 ALTER DATABASE {0} SET auto_explain.log_min_duration = 0; \
                 ALTER DATABASE {0} SET auto_explain.log_analyze = on; \
                 ALTER DATABASE {0} SET auto_explain.log_buffers = on; \
                 ALTER DATABASE {0} SET auto_explain.log_timing = off",
                case.database.name
            ));
        }
    }
    for round in 1..=rounds {
        for case in &mut cases {
            eprintln!(
                "round {round} of {rounds}: {} servers, {} finished tasks",
                case.servers, case.finished
            );
            case.measure(&cluster, &request, time)?;
        }
    }
    let head = [
        "servers",
        "finished before",
        "tasks/s",
        "CPU ms/task",
        "the database's",
        "202 p50, ms",
        "202 p99, ms",
    ];
    let mut table = Table::new(&head);
    for case in &cases {
        let figures = [&case.rate, &case.cpu, &case.database_cpu, &case.half, &case.most];
        let mut row = vec![case.servers.to_string(), case.finished.to_string()];
        row.extend(figures.map(ToString::to_string));
        table.row(row);
    }
    println!("{}", if matches.get_flag("markdown") { table.markdown() } else { table.text() });
    if plans {
        print_plans(&cluster.folder().join("log"))?;
    }
    Ok(())
}

impl Case {
    fn new(servers: usize, finished: u64, database: Database) -> Self {
        let none = Figures::default;
        let (rate, cpu, database_cpu, half, most) = (none(), none(), none(), none(), none());
        Self { servers, finished, database, rate, cpu, database_cpu, half, most }
    }

    /// The servers, each with a folder of its own, and one folder of pictures for all.
    fn start(&self) -> anyhow::Result<Vec<Server>> {
        let shared = server::folder()?;
        let identity = format!("file://{}", shared.path().join("pictures").display());
        fs::create_dir_all(shared.path().join("pictures"))?;
        let flags = ["--store", &self.database.url, "--blobs", &identity].map(str::to_owned).to_vec();
        let setup = Setup { name: "node".to_owned(), flags };
        (0..self.servers).map(|_| Server::start(server::folder()?.path(), &setup)).collect()
    }

    /// Puts finished tasks of a thousand owners into the database, as old as an hour.
    fn fill(&self) -> anyhow::Result<()> {
        // What autovacuum would do about so many rows is done at the end, and not while something is measured.
        self.database.run("ALTER TABLE tintype.tasks SET (autovacuum_enabled = false)");
        for first in (0..self.finished).step_by(usize::try_from(AT_ONCE)?) {
            let last = self.finished.min(first + AT_ONCE) - 1;
            self.database.run(&format!(
                "INSERT INTO tintype.tasks (id, owner, operations, record, submitted, announced, attempts, \
                     ended, completed, outcome, ending) \
                 SELECT (lpad(to_hex((extract(epoch FROM now() - interval '2 hours') * 1000)::bigint + n / 1000), 12, '0') \
                     || '7' || left(md5(n::text), 3) || '8' || right(md5(n::text), 15))::uuid, 'owner-' || n % 1000, ARRAY['echo'], \
                     decode(repeat(md5(n::text), {}), 'hex'), now() - interval '1 hour', false, 1, \
                     now() - interval '1 hour' * random(), now(), 'ok', decode(repeat(md5(n::text), {}), 'hex') \
                 FROM generate_series({first}, {last}) AS n",
                RECORD / 16,
                ENDING / 16
            ));
        }
        self.database.run("VACUUM (FREEZE, ANALYZE) tintype.tasks");
        self.database.run("ALTER TABLE tintype.tasks RESET (autovacuum_enabled)");
        // Nobody shall be measured beside what is still to be written of that.
        self.database.run("CHECKPOINT");
        Ok(())
    }

    fn measure(&mut self, cluster: &Cluster, request: &[u8], time: Duration) -> anyhow::Result<()> {
        let servers = self.start()?;
        let addresses: Vec<&str> =
            (0..CLIENTS).map(|client| servers[client % servers.len()].address.as_str()).collect();
        carry_to(&addresses, request, time.min(Duration::from_secs(2)))?;
        let nodes: Vec<u32> = servers.iter().map(Server::pid).collect();
        // What has connected by now stays connected.
        let database = processes_of(cluster.folder())?;
        let all = [nodes.as_slice(), &database].concat();
        let (usage, before) = (Usage::now(&all)?, (cpu(&nodes)?, cpu(&database)?));
        let carried = carry_to(&addresses, request, time)?;
        let used = (cpu(&nodes)? - before.0, cpu(&database)? - before.1);
        eprintln!("others used {:.0} percent of the machine", Usage::now(&all)?.others_since(&usage) * 100.0);
        #[allow(clippy::cast_precision_loss)] // far fewer than 2^52
        let tasks = carried.tasks.len() as f64;
        self.rate.add(carried.rate());
        self.cpu.add((used.0 + used.1) / tasks);
        self.database_cpu.add(used.1 / tasks);
        self.half.add(millis(percentile(&carried.accepts, 0.5)));
        self.most.add(millis(percentile(&carried.accepts, 0.99)));
        Ok(())
    }
}

fn cpu(processes: &[u32]) -> anyhow::Result<f64> {
    processes.iter().map(|pid| Ok(millis(machine::cpu_time(*pid)?))).sum()
}

/// Those of a PostgreSQL server that stay.
fn processes_of(folder: &Path) -> anyhow::Result<Vec<u32>> {
    let file = fs::read_to_string(folder.join("data/postmaster.pid"))?;
    let first: u32 = file.lines().next().context("postmaster.pid is empty")?.trim().parse()?;
    let mut processes = machine::children(first)?;
    processes.push(first);
    processes.retain(|pid| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| !String::from_utf8_lossy(&line).contains("autovacuum worker"))
    });
    Ok(processes)
}

/// What is known of a statement.
#[derive(Default)]
struct Planned {
    runs: u32,
    total: f64,
    slowest: f64,
    plan: String,
}

/// The statements that took the most time, each with the plan of its slowest run.
fn print_plans(log: &Path) -> anyhow::Result<()> {
    let log = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    let mut statements: BTreeMap<String, Planned> = BTreeMap::new();
    for entry in log.split("LOG:  duration: ").skip(1) {
        let Some((took, rest)) = entry.split_once(" ms  plan:\n") else { continue };
        // What belongs to the entry is indented. The statement comes first, then the plan with its costs.
        let lines: Vec<&str> = rest.lines().take_while(|line| line.starts_with('\t')).collect();
        let Some(at) = lines.iter().position(|line| line.contains("(cost=")) else { continue };
        let (statement, plan) = lines.split_at(at);
        let took: f64 = took.parse()?;
        let known = statements.entry(statement.join("\n")).or_default();
        known.runs += 1;
        known.total += took;
        if took > known.slowest {
            (known.slowest, known.plan) = (took, plan.join("\n"));
        }
    }
    let mut statements: Vec<_> = statements.into_iter().collect();
    statements.sort_by(|(_, one), (_, other)| other.total.total_cmp(&one.total));
    for (statement, Planned { runs, total, slowest, plan }) in statements.iter().take(STATEMENTS) {
        println!("{runs} runs, {total:.0} ms, the slowest {slowest} ms\n{statement}\n{plan}\n");
    }
    Ok(())
}
