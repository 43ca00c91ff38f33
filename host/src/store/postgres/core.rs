//! What the store's calls and its background work both look at.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::database::Database;
use super::hints::Hints;
use super::usage::Usage;
use crate::figures::Latency;
use crate::task::{Record, TaskId};

/// Rows over which the number of waiting tasks is summed up.
const SHARDS: u8 = 32;
/// How many attempts of other nodes are remembered with their progress: more than are ever looked at
/// together.
const MOST_PROGRESS: usize = 4096;

/// See the module.
pub(super) struct Core {
    pub(super) database: Database,
    /// This process, among those that share the database.
    pub(super) node: Uuid,
    pub(super) lease: Duration,
    pub(super) max_queue: u64,
    pub(super) max_attempts: u32,
    pub(super) hints: Hints,
    usage: Mutex<Usage>,
    /// What attempts of this process have told of themselves since that was written.
    progress: Mutex<HashMap<TaskId, f32>>,
    /// What was read of those of others.
    elsewhere: Mutex<HashMap<TaskId, f32>>,
    /// Whether a claim may have been carried out whose answer was lost.
    pub(super) in_doubt: AtomicBool,
    waiting: AtomicU64,
    seen: Mutex<Seen>,
    /// The operations that this node has plugins for; none while nobody has said.
    runnable: Mutex<Option<Vec<String>>>,
    /// From a change's arrival at the store to its answer.
    pub(super) commit: Latency,
}

/// What was seen at the last look.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The one that was submitted first of those that wait.
    pub(super) oldest: Option<Oldest>,
    /// The ticket of the first in each line.
    pub(super) heads: HashMap<String, u64>,
    /// The greatest id ever.
    pub(super) newest: Option<TaskId>,
}

/// A task that had waited so long when it was looked at.
#[derive(Debug)]
pub(super) struct Oldest {
    pub(super) ticket: u64,
    /// By the database's clock.
    pub(super) waited: Duration,
    pub(super) looked: Instant,
}

impl Core {
    pub(super) fn new(database: Database, settings: &super::Settings, hints: Hints) -> Self {
        Self {
            database,
            node: Uuid::new_v4(),
            lease: settings.lease,
            max_queue: settings.max_queue,
            max_attempts: settings.max_attempts,
            hints,
            usage: Mutex::new(Usage::new(settings.workers)),
            progress: Mutex::default(),
            elsewhere: Mutex::default(),
            in_doubt: AtomicBool::new(false),
            waiting: AtomicU64::new(0),
            seen: Mutex::default(),
            runnable: Mutex::default(),
            commit: Latency::default(),
        }
    }

    /// Counts how long a change takes.
    pub(super) async fn counted<T>(&self, change: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = change.await;
        self.commit.observe(began.elapsed());
        done
    }

    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        lock(&self.usage)
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    /// The operations that this node has plugins for, if that was said.
    pub(super) fn runnable(&self) -> Option<Vec<String>> {
        lock(&self.runnable).clone()
    }

    pub(super) fn can_run(&self, operations: Vec<String>) {
        *lock(&self.runnable) = Some(operations);
    }

    /// How many tasks wait, as the database said last.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The database said that so many wait.
    pub(super) fn now_waiting(&self, waiting: i64) {
        self.waiting.store(u64::try_from(waiting).unwrap_or_default(), Ordering::Relaxed);
    }

    /// So many fewer wait, as far as this process knows until the next look.
    pub(super) fn fewer_wait(&self, by: usize) {
        let fewer = |waiting: u64| Some(waiting.saturating_sub(by as u64));
        // It never fails: there is always a new number.
        let _ = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
    }

    /// So many more wait.
    pub(super) fn more_wait(&self, by: usize) {
        self.waiting.fetch_add(by as u64, Ordering::Relaxed);
    }

    /// About how many tasks come before one that waits: those that were accepted after the first in its
    /// line. With several clients about as many of the others come between.
    pub(super) fn ahead_of(&self, record: &Record) -> u64 {
        let seen = self.seen();
        let oldest = seen.oldest.as_ref().map(|oldest| oldest.ticket);
        let head = seen.heads.get(&line(record)).copied().or(oldest);
        head.map_or(0, |head| record.ticket.saturating_sub(head)).min(self.waiting())
    }

    /// An attempt of this process tells how far it is.
    pub(super) fn has_progressed(&self, id: TaskId, progress: f32) {
        lock(&self.progress).insert(id, progress);
    }

    /// What has been told since the last time.
    pub(super) fn take_progress(&self) -> HashMap<TaskId, f32> {
        std::mem::take(&mut *lock(&self.progress))
    }

    /// Another process's attempt is so far; none if there is none.
    pub(super) fn is_elsewhere(&self, id: TaskId, progress: Option<f32>) {
        let mut elsewhere = lock(&self.elsewhere);
        match progress {
            Some(progress) => {
                if elsewhere.len() >= MOST_PROGRESS {
                    elsewhere.clear();
                }
                elsewhere.insert(id, progress);
            }
            None => {
                elsewhere.remove(&id);
            }
        }
    }

    pub(super) fn progress_elsewhere(&self, id: TaskId) -> Option<f32> {
        lock(&self.elsewhere).get(&id).copied()
    }
}

/// The row over which a task is counted. Ids end in random bits.
pub(super) fn shard(id: TaskId) -> i16 {
    i16::from(id.as_bytes()[15] % SHARDS)
}

/// In whose line a task waits, as a word that sorts.
pub(super) fn line(record: &Record) -> String {
    use crate::task::Client;
    match record.client() {
        Client::Key(key) => format!("key {key}"),
        Client::Address(address) => format!("address {address}"),
        Client::Unknown => String::new(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
