//! What a claim costs when many tasks wait, and what opening such a store does: in the library's own store,
//! without a server, and without waiting for the disk.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::{Arg, ArgMatches, Command, value_parser};
use jiff::Timestamp;
use tintype::store::sled::{Durability, SledOptions, SledStore};
use tintype::task::{IdSource, NewTask, Outcome, TaskStore as _};
use tokio::task::JoinSet;

use crate::figures::{millis, percentile, short};
use crate::machine;
use crate::records::fill::{AT_ONCE, blob, new_task, settled};
use crate::server;
use crate::table::Table;

/// Claims that are measured.
const CLAIMS: usize = 2_000;

/// What the command line says.
pub fn command() -> Command {
    Command::new("claims")
        .about("Time of a claim, and of opening the store, while N tasks wait")
        .arg(
            Arg::new("count")
                .value_parser(value_parser!(u64))
                .default_values(["10000", "1000000"])
                .num_args(1..)
                .help("Waiting tasks, each number by itself"),
        )
        .arg(
            Arg::new("clients")
                .long("clients")
                .value_parser(value_parser!(u64))
                .default_value("100")
                .help("Clients whose tasks they are"),
        )
}

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let clients: u64 = *matches.get_one("clients").context("clients")?;
    let mut table =
        Table::new(&["tasks wait", "claim p50, µs", "claim p99, µs", "opening, ms", "memory, MB"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    for count in matches.get_many::<u64>("count").context("count")? {
        let folder = server::folder()?;
        runtime.block_on(fill(folder.path(), *count, clients))?;
        let began = Instant::now();
        let store = open(folder.path(), *count)?;
        let opening = began.elapsed();
        let mut claims = runtime.block_on(claim(&store))?;
        claims.sort_unstable();
        let micros = |part| short(percentile(&claims, part).as_secs_f64() * 1e6);
        table.row(vec![
            count.to_string(),
            micros(0.5),
            micros(0.99),
            short(millis(opening)),
            (machine::resident(std::process::id())? / 1_000_000).to_string(),
        ]);
        eprintln!("{count} tasks");
    }
    println!("{}", table.text());
    Ok(())
}

fn open(folder: &Path, count: u64) -> anyhow::Result<SledStore> {
    let options = SledOptions {
        cache: 32 << 20,
        max_queue: count,
        workers: 2,
        max_attempts: 2,
        lease: Duration::from_secs(3600),
        durability: Durability::Relaxed(Duration::from_millis(100)),
    };
    Ok(SledStore::open(folder, &options)?.0)
}

async fn fill(folder: &Path, count: u64, clients: u64) -> anyhow::Result<()> {
    let store = Arc::new(open(folder, count)?);
    let ids = IdSource::after(None);
    for first in (0..count).step_by(usize::try_from(AT_ONCE)?) {
        let mut submitting = JoinSet::new();
        for number in first..count.min(first + AT_ONCE) {
            let owner = Some(format!("{:08}", number % clients));
            let (store, task) = (Arc::clone(&store), NewTask { owner, ..new_task(&ids) });
            submitting.spawn(async move { store.submit(task).await.map(drop) });
        }
        settled(submitting).await?;
    }
    Ok(())
}

/// One at a time, each ended before the next.
async fn claim(store: &SledStore) -> anyhow::Result<Vec<Duration>> {
    let mut claims = vec![];
    for _ in 0..CLAIMS {
        let began = Instant::now();
        let claimed = store.claim(1, true, vec![]).await?;
        claims.push(began.elapsed());
        ensure!(claimed.len() == 1, "nothing could be claimed");
        for record in claimed {
            store.has_run(record.id, Duration::from_millis(1));
            let result = Outcome::Ok(vec![blob("image/jpeg", record.id)]);
            store.finish(record.id, record.attempts, result, Timestamp::now()).await?;
        }
    }
    Ok(claims)
}
