//! Walking through many records: lists for clients, and forgetting what is only kept for a time.

use super::clock::Moment;
use super::pending::Pending;
use super::trees::{self, Batch, Trees};
use crate::task::{Page, Query, Record, StoreError, TaskId};

/// Most records that one page looks at. A filter that hardly anything passes gives short pages
/// with a cursor instead of a walk through millions of records.
const MOST_LOOKED_AT: usize = 10_000;

/// The newest tasks that `query` asks for.
pub(super) fn page(
    trees: &Trees,
    query: &Query,
    visible: impl Fn(TaskId, Option<Record>) -> Option<Record>,
) -> Result<Page, StoreError> {
    let mut page = Page::default();
    let owner = query.owner.as_deref();
    let mut last = None;
    for (looked_at, id) in newest_first(trees, owner, query.after).enumerate() {
        let id = id?;
        if page.records.len() == query.limit || looked_at == MOST_LOOKED_AT {
            page.next = last;
            return Ok(page);
        }
        last = Some(id);
        let stored = trees.get(id)?;
        let Some(record) = visible(id, stored) else { continue };
        let fits = record.owner.as_deref() == owner
            && query.state.is_none_or(|state| state.matches(&record))
            && query.operation.as_ref().is_none_or(|name| record.operations.contains(name));
        if fits {
            page.records.push(record);
        }
    }
    Ok(page)
}

/// Ids of one owner's tasks. Those of nobody are not indexed: where nobody has a key, that is all.
fn newest_first(
    trees: &Trees,
    owner: Option<&str>,
    after: Option<TaskId>,
) -> Box<dyn Iterator<Item = Result<TaskId, StoreError>>> {
    let after = after.as_ref().map(TaskId::as_bytes);
    let (tree, prefix) = match owner {
        Some(_) => (&trees.owned, trees::owned_key(owner, &[])),
        None => (&trees.tasks, vec![]),
    };
    let prefix_len = prefix.len();
    let end = match after {
        Some(after) => [prefix.as_slice(), after].concat(),
        // No id begins with 16 bytes of ones.
        None => [prefix.as_slice(), &[u8::MAX; 16]].concat(),
    };
    Box::new(tree.range(prefix..end).rev().filter_map(move |entry| match entry {
        Ok((key, _)) => TaskId::from_slice(key.get(prefix_len..)?).map(Ok),
        Err(error) => Some(Err(trees::failed(&error))),
    }))
}

/// Forgets tombstones of tasks deleted before `before`, the oldest first.
pub(super) fn forget(pending: &Pending<'_>, before: Moment, limit: usize) -> Result<usize, StoreError> {
    let trees = pending.written()?;
    let mut batch = Batch::default();
    let mut forgotten = 0;
    for (key, id) in ids_until(&trees.deleted, before).take(limit).collect::<Result<Vec<_>, _>>()? {
        batch = batch.remove(&trees.deleted, key.as_ref()).remove(&trees.gone, id.as_bytes());
        forgotten += 1;
    }
    if forgotten > 0 {
        pending.apply(batch)?;
    }
    Ok(forgotten)
}

/// The keys of a tree that is in the order of time, up to but not including `end`, and their ids.
pub(super) fn ids_until(
    tree: &sled::Tree,
    end: Moment,
) -> impl Iterator<Item = Result<(sled::IVec, TaskId), StoreError>> {
    tree.range(..trees::time_prefix(end).as_slice()).keys().filter_map(|key| match key {
        Ok(key) => trees::split_timed_key(&key).map(|(_, id)| Ok((key.clone(), id))),
        Err(error) => Some(Err(trees::failed(&error))),
    })
}
