//! What remains of many short-lived tasks: each is submitted, run, deleted and forgotten, and the size of
//! the store and the memory of the process are looked at on the way.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Arg, ArgMatches, Command, value_parser};
use tintype::store::sled::{Durability, SledOptions, SledStore};
use tintype::task::{IdSource, TaskStore as _};
use tokio::task::JoinSet;

use crate::machine;
use crate::records::fill::{AT_ONCE, settled, work_off};
use crate::records::folder_size;
use crate::server;
use crate::table::Table;

/// How long a finished task is kept, and how long its tombstone.
const KEPT: Duration = Duration::from_secs(2);
/// Looks on the way.
const LOOKS: u64 = 10;

/// What the command line says.
pub fn command() -> Command {
    Command::new("churn")
        .about("Size of the store and memory while many short-lived tasks pass through it")
        .arg(Arg::new("count").value_parser(value_parser!(u64)).default_value("1000000").help("Tasks"))
}

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let count: u64 = *matches.get_one("count").context("count")?;
    let folder = server::folder()?;
    let tasks = folder.path().join("tasks");
    let mut table = Table::new(&["tasks", "s", "store, MB", "memory, MB"]);
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    {
        let store = Arc::new(open(&tasks)?);
        let ids = IdSource::after(store.newest()?);
        let rounds = count.div_ceil(AT_ONCE);
        for round in 1..=rounds {
            runtime.block_on(pass(&store, &ids))?;
            if round % rounds.div_ceil(LOOKS) == 0 || round == rounds {
                let memory = machine::resident(std::process::id())?;
                table.row(vec![
                    (round * AT_ONCE).to_string(),
                    format!("{:.0}", began.elapsed().as_secs_f64()),
                    (folder_size(&tasks)? / 1_000_000).to_string(),
                    (memory / 1_000_000).to_string(),
                ]);
                eprintln!("{} tasks", round * AT_ONCE);
            }
        }
    }
    let began = Instant::now();
    drop(open(&tasks)?);
    println!("{}opened again in {} ms", table.text(), began.elapsed().as_millis());
    Ok(())
}

fn open(folder: &Path) -> anyhow::Result<SledStore> {
    let options = SledOptions {
        cache: 32 << 20,
        max_queue: AT_ONCE * 2,
        workers: usize::try_from(AT_ONCE)?,
        max_attempts: 2,
        lease: Duration::from_secs(3600),
        durability: Durability::Full,
    };
    Ok(SledStore::open(folder, &options)?.0)
}

/// One round: new tasks come, old ones are deleted, and the oldest forgotten.
async fn pass(store: &Arc<SledStore>, ids: &IdSource) -> anyhow::Result<()> {
    work_off(store, ids, AT_ONCE).await?;
    let mut deleting = JoinSet::new();
    for id in store.ended_ago(KEPT, usize::try_from(AT_ONCE * 2)?).await? {
        let store = Arc::clone(store);
        deleting.spawn(async move { store.delete(id).await.map(drop) });
    }
    settled(deleting).await?;
    while store.forget(KEPT, 256).await? == 256 {}
    Ok(())
}
