//! Handing tasks from one store to another: for backups, and for moving to another kind of store.

use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::clock::Moment;
use super::pending::Pending;
use super::shared::Shared;
use super::trees::{self, Announcement, Batch, KeyUse, Tombstone, Trees};
use crate::task::{Entry, Idempotency, KeptTask, PendingAnnouncement, Record, State, StoreError, TaskId};

/// The next `limit` entries in the order of their ids.
pub(super) fn export(
    trees: &Trees,
    shared: &Shared,
    after: Option<TaskId>,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut ids: Vec<(TaskId, bool)> = vec![];
    for (tree, is_task) in [(&trees.tasks, true), (&trees.gone, false)] {
        let start = after.as_ref().map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_bytes()));
        let rest = tree.range::<&[u8; 16], _>((start, Bound::Unbounded));
        for id in trees::ids(rest).take(limit) {
            ids.push((id?, is_task));
        }
    }
    ids.sort_unstable();
    ids.truncate(limit);
    let now = shared.clock.now();
    let mut entries = vec![];
    for (id, is_task) in ids {
        let entry = if is_task { task(trees, shared, id, now) } else { tombstone(trees, id, now) };
        match entry {
            Ok(entry) => entries.extend(entry),
            Err(StoreError::Unreadable { id, problem }) => entries.push(Entry::Unreadable { id, problem }),
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

fn task(trees: &Trees, shared: &Shared, id: TaskId, now: Moment) -> Result<Option<Entry>, StoreError> {
    let Some((stored, ended)) = trees.get_with_end(id)? else { return Ok(None) };
    let Some(record) = shared.visible(id, Some(stored)) else { return Ok(None) };
    let idempotency = match record.idempotency_key {
        Some(key) => {
            trees.key_use(record.owner.as_deref(), key)?.filter(|used| used.task == id).map(|used| {
                Idempotency { key, fingerprint: used.fingerprint, lifetime: used.expires.since(now) }
            })
        }
        None => None,
    };
    let announcement =
        if record.is_over() && record.callback.is_some() { announcement(trees, id, now)? } else { None };
    let ended_ago = ended.filter(|_| record.is_over()).map(|ended| now.since(ended));
    Ok(Some(Entry::Task(Box::new(KeptTask { record, ended_ago, idempotency, announcement }))))
}

fn announcement(trees: &Trees, id: TaskId, now: Moment) -> Result<Option<PendingAnnouncement>, StoreError> {
    for entry in &trees.callbacks {
        let (key, value) = entry.map_err(|error| trees::failed(&error))?;
        if let Some((due, task)) = trees::split_timed_key(&key)
            && task == id
        {
            let attempts = Announcement::from_bytes(&value, due).attempts;
            return Ok(Some(PendingAnnouncement { attempts, due_in: due.since(now) }));
        }
    }
    Ok(None)
}

fn tombstone(trees: &Trees, id: TaskId, now: Moment) -> Result<Option<Entry>, StoreError> {
    let tombstone = trees.tombstone(id)?;
    Ok(tombstone.map(|gone| Entry::Gone { id, owner: gone.owner, ago: now.since(gone.since) }))
}

/// Writes entries of another store, all or none.
pub(super) fn import(pending: &Pending<'_>, shared: &Shared, entries: Vec<Entry>) -> Result<(), StoreError> {
    let trees = pending.trees;
    let now = shared.clock.now();
    let mut batch = Batch::default();
    let mut queued = vec![];
    for entry in entries {
        match entry {
            Entry::Task(kept) => {
                let KeptTask { mut record, ended_ago, idempotency, announcement } = *kept;
                // Whoever ran it works for the other store.
                if let State::Running = record.state {
                    record.state = State::Queued;
                }
                if let State::Queued = record.state {
                    queued.push((record.client(), record.id));
                }
                batch = import_task(batch, trees, &record, now.before(ended_ago.unwrap_or_default()));
                if let Some(idempotency) = idempotency {
                    let used = KeyUse {
                        task: record.id,
                        fingerprint: idempotency.fingerprint,
                        expires: now.after(idempotency.lifetime),
                    };
                    let key = trees::owned_key(record.owner.as_deref(), idempotency.key.as_bytes());
                    batch = batch.write(&trees.keys, key, &used);
                }
                if let Some(announcement) = announcement {
                    let ended = now.before(ended_ago.unwrap_or_default());
                    let key = trees::timed_key(now.after(announcement.due_in), record.id);
                    let announcement = Announcement { ended, attempts: announcement.attempts };
                    batch = batch.put(&trees.callbacks, key, &announcement.to_bytes());
                }
            }
            Entry::Gone { id, owner, ago } => {
                let since = now.before(ago);
                batch = batch.write(&trees.gone, id.as_bytes(), &Tombstone { owner, since }).put(
                    &trees.deleted,
                    trees::timed_key(since, id),
                    &[],
                );
            }
            Entry::Unreadable { id, problem } => return Err(StoreError::Unreadable { id, problem }),
        }
    }
    pending.apply(batch)?;
    shared.queued.fetch_add(queued.len() as u64, Ordering::Relaxed);
    let mut turns = shared.turns();
    for (client, id) in queued {
        turns.join(&client, id, Instant::now());
    }
    drop(turns);
    Ok(())
}

fn import_task<'a>(batch: Batch<'a>, trees: &'a Trees, record: &Record, ended: Moment) -> Batch<'a> {
    let owner = record.owner.as_deref();
    let batch = batch.record_without_announcement(trees, record, ended);
    match owner {
        Some(_) => batch.put(&trees.owned, trees::owned_key(owner, record.id.as_bytes()), &[]),
        None => batch,
    }
}
