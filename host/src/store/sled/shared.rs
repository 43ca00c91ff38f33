//! What the writing thread and the readers both look at, and the two changes that need most of it:
//! accepting a task and handing one out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::pending::Pending;
use super::trees::{self, Batch, KeyUse};
use crate::task::{Bound, NewTask, Record, StoreError, Submitted, TaskId, Turn, Turns};

/// How many tasks a claim looks at for one whose plugins are not busy.
const MOST_PASSED_OVER: usize = 1000;
/// How many of them may be one client's, where several wait: nobody's busy plugins hide the others.
const MOST_OF_ONE: usize = 100;

/// What the writer's jobs and the readers both look at.
pub(super) struct Shared {
    /// Tasks of which a change is written but not yet durable, as they were before, none if they were
    /// not: a reader who saw the change could be contradicted by a power cut.
    pub(super) unsettled: Mutex<HashMap<TaskId, Option<Record>>>,
    /// Until when each running task belongs to its attempt. Monotonic time: no clock change ends a lease.
    pub(super) leases: Mutex<HashMap<TaskId, (u32, Instant)>>,
    /// The store's own.
    pub(super) clock: Arc<Clock>,
    pub(super) queued: AtomicU64,
    pub(super) next_ticket: AtomicU64,
    /// Knows of everything in the queue's tree: the thread that writes changes both.
    pub(super) turns: Mutex<Turns>,
}

impl Shared {
    pub(super) fn unsettled(&self) -> MutexGuard<'_, HashMap<TaskId, Option<Record>>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn leases(&self) -> MutexGuard<'_, HashMap<TaskId, (u32, Instant)>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record as readers may see it. They look into the tree first: whoever finds a change there finds
    /// it here too, until it is durable.
    pub(super) fn visible(&self, id: TaskId, stored: Option<Record>) -> Option<Record> {
        self.unsettled().get(&id).cloned().unwrap_or(stored)
    }

    /// Writes what changes a task, hidden from readers until [`settle`](Self::settle).
    pub(super) fn apply_hidden<'a>(
        &self,
        pending: &Pending<'a>,
        id: TaskId,
        before: Option<Record>,
        batch: Batch<'a>,
    ) -> Result<(), StoreError> {
        self.unsettled().insert(id, before);
        pending.apply(batch).inspect_err(|_| self.settle(id))
    }

    /// What was written is durable.
    pub(super) fn settle(&self, id: TaskId) {
        self.unsettled().remove(&id);
    }

    /// Writes a new task, unless its request was accepted before.
    pub(super) fn accept(
        &self,
        pending: &Pending<'_>,
        task: NewTask,
        max_queue: u64,
    ) -> Result<Submitted, StoreError> {
        let trees = pending.trees;
        if let Some(idempotency) = &task.idempotency
            && let Some(used) = pending.key_use(task.owner.as_deref(), idempotency.key)?
            && used.expires > self.clock.now()
            && let Some(record) = pending.get(used.task)?
        {
            return if used.fingerprint == idempotency.fingerprint {
                Ok(Submitted::Before(record))
            } else {
                Err(StoreError::KeyReused)
            };
        }
        if self.queued.load(Ordering::Relaxed) >= max_queue {
            return Err(StoreError::Full);
        }
        let idempotency = task.idempotency.clone();
        let record = task.into_record(self.next_ticket.fetch_add(1, Ordering::Relaxed));
        let mut batch = Batch::default().record(trees, &record, self.clock.now());
        let owner = record.owner.as_deref();
        if owner.is_some() {
            batch = batch.put(&trees.owned, trees::owned_key(owner, record.id.as_bytes()), &[]);
        }
        if let Some(idempotency) = idempotency {
            let used = KeyUse {
                task: record.id,
                fingerprint: idempotency.fingerprint,
                expires: self.clock.now().after(idempotency.lifetime),
            };
            batch = batch.write(&trees.keys, trees::owned_key(owner, idempotency.key.as_bytes()), &used);
        }
        self.apply_hidden(pending, record.id, None, batch)?;
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.turns().join(&record.client(), record.id, Instant::now());
        Ok(Submitted::New(record))
    }

    /// Hands out the tasks whose turn it is.
    pub(super) fn claim(
        &self,
        pending: &Pending<'_>,
        limit: usize,
        idle: bool,
        mut bounds: Vec<Bound>,
        lease: Duration,
    ) -> Result<Vec<Record>, StoreError> {
        let trees = pending.trees;
        let mut claimed: Vec<Record> = vec![];
        let mut passed_over: Option<Turn> = None;
        for _ in 0..limit.max(MOST_PASSED_OVER) {
            if claimed.len() == limit {
                break;
            }
            let now = Instant::now();
            let turn = {
                let turns = self.turns();
                let of_one = if turns.clients_waiting() > 1 { MOST_OF_ONE } else { MOST_PASSED_OVER };
                turns.next(passed_over.as_ref(), of_one, now)
            };
            let Some(turn) = turn else { break };
            let Some(mut record) = pending.get(turn.id)? else {
                pending.apply(Batch::default().remove(&trees.queue, turn.id.as_bytes()))?;
                self.turns().strike(&turn, now);
                self.queued.fetch_sub(1, Ordering::Relaxed);
                continue;
            };
            if bounds.iter().any(|bound| bound.left == 0 && bound.concerns(&record.operations)) {
                passed_over = Some(turn);
                continue;
            }
            let alone = record.is_suspect();
            if alone && !(idle && claimed.is_empty()) {
                break;
            }
            let Ok(attempt) = record.claim() else { break };
            pending.apply(Batch::default().record(trees, &record, self.clock.now()))?;
            self.leases().insert(turn.id, (attempt, now + lease));
            self.queued.fetch_sub(1, Ordering::Relaxed);
            self.turns().hand_out(&turn, now);
            for bound in bounds.iter_mut().filter(|bound| bound.concerns(&record.operations)) {
                bound.left = bound.left.saturating_sub(1);
            }
            claimed.push(record);
            if alone {
                break;
            }
        }
        Ok(claimed)
    }
}
