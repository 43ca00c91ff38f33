//! Looking for pictures that belong to no task.
//!
//! A crash between a picture and its record, or between a record's deletion and its pictures', leaves
//! pictures behind that nobody will ever ask for: they are deleted. But the picture of a task that was
//! accepted long before the last one and is unknown now has no innocent explanation: the task store
//! has lost the record. Such a picture is set aside and spoken of loudly.

use std::sync::Arc;
use std::time::Duration;

use super::record::{Record, State};
use super::service::Tasks;
use super::store::{Lookup, StoreError};
use crate::blob::{BlobError, BlobKey, Listed, Part, Period};
use crate::id::TaskId;

/// Time between two sweeps. At the first, right after the start, everything older than this process is
/// looked at; later ones find what could not be deleted when it should have been.
const PERIOD: Duration = Duration::from_secs(3600);

/// How much older than the newest task a picture without record must be to count as evidence of a
/// loss. What was under way when a server died is seconds old; a slow disk may hold it up for longer.
const SUSPICIOUS: Duration = Duration::from_secs(600);

/// How far the clocks of processes that share a store, and the ids that they give, may be apart.
const SKEW: Duration = Duration::from_secs(3600);

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Swept {
    /// Pictures that were deleted.
    deleted: u64,
    /// Pictures that were set aside because their task is lost.
    set_aside: u64,
    /// Files that are not the server's. They are left alone.
    strays: u64,
}

/// Sweeps for as long as the server runs. To be called before the first task can come.
pub fn sweep_orphans(tasks: Arc<Tasks>) -> impl Future<Output = ()> {
    // Whatever comes has a greater id.
    let mut until = end(&tasks);
    async move {
        let mut newest = tasks.store.newest().ok().flatten();
        let mut period = tokio::time::interval(PERIOD);
        loop {
            period.tick().await;
            // Whatever is on its way at the next sweep will be older than that one's end.
            let next = end(&tasks);
            match sweep_once(&tasks, until, newest.unwrap_or(until)).await {
                Ok(swept) => report(swept),
                Err(error) => tracing::error!(%error, "the orphan sweep broke off"),
            }
            (until, newest) = (next, Some(next));
        }
    }
}

/// Of tasks with ids up to this one none is being accepted any more.
fn end(tasks: &Tasks) -> TaskId {
    let next = tasks.ids.next();
    if tasks.store.is_shared() || tasks.blobs.is_shared() { next.long_before(SKEW) } else { next }
}

fn report(swept: Swept) {
    let Swept { deleted, set_aside, strays } = swept;
    tracing::info!(deleted, set_aside, strays, "orphan sweep done");
    if set_aside > 0 {
        tracing::error!(
            set_aside,
            "there are pictures of accepted tasks that the task store does not know: it has lost records. \
             The pictures are in blobs/lost; `tintype doctor` says more"
        );
    }
}

/// Why a sweep could not go on.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// Looks at every picture of tasks up to `until`, none of which is being accepted any more. `newest` is
/// the last task that was accepted before, as far as is known.
async fn sweep_once(tasks: &Tasks, until: TaskId, newest: TaskId) -> Result<Swept, SweepError> {
    let mut swept = Swept::default();
    for period in tasks.blobs.periods().await? {
        if period > Period::of(until) {
            break;
        }
        let mut keys = vec![];
        for listed in tasks.blobs.list(period).await? {
            match listed {
                Listed::Blob(key) if key.task <= until => keys.push(key),
                Listed::Blob(_) => {}
                Listed::Stray(name) => {
                    tracing::warn!(%period, name, "a file among the pictures is not the server's");
                    swept.strays += 1;
                }
            }
        }
        for key in keys {
            // The record after the list: a result that is in the list was begun before, and its attempt
            // is in the record.
            tokio::task::consume_budget().await;
            match fate(key, tasks.store.get(key.task).await?, newest) {
                Fate::Keep => {}
                Fate::Delete => {
                    tasks.blobs.delete(&[key]).await?;
                    swept.deleted += 1;
                }
                Fate::SetAside => {
                    tracing::error!(task = %key.task, %key, "the record of this picture's task is lost");
                    tasks.blobs.set_aside(key).await?;
                    swept.set_aside += 1;
                }
            }
        }
        if period < Period::of(until) {
            tasks.blobs.tidy(period).await?;
        }
    }
    Ok(swept)
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Keep,
    Delete,
    SetAside,
}

fn fate(key: BlobKey, task: Lookup, newest: TaskId) -> Fate {
    match task {
        Lookup::Found(record) if is_wanted(key, &record) => Fate::Keep,
        Lookup::Found(_) | Lookup::Gone(_) => Fate::Delete,
        // An accepted task always has its input.
        Lookup::Unknown if key.part == Part::Input && is_long_before(key.task, newest) => Fate::SetAside,
        Lookup::Unknown => Fate::Delete,
    }
}

/// Whether the task has this picture, or its present attempt may be about to.
fn is_wanted(key: BlobKey, record: &Record) -> bool {
    let is_being_made = match key.part {
        Part::Result { attempt, .. } => record.state == State::Running && attempt == record.attempts,
        _ => false,
    };
    is_being_made || record.blobs().contains(&key)
}

fn is_long_before(task: TaskId, newest: TaskId) -> bool {
    let age = newest.millis().saturating_sub(task.millis());
    u128::from(age) > SUSPICIOUS.as_millis()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::Timestamp;

    use super::*;
    use crate::digest::Digest;
    use crate::id::IdSource;
    use crate::task::record::tests::queued;
    use crate::task::{BlobInfo, Outcome};

    fn result(attempt: u32) -> Part {
        Part::Result { attempt, number: 1 }
    }

    #[test]
    fn a_task_keeps_its_own_and_the_results_of_its_present_attempt() {
        let mut record = queued();
        let fate_of = |record: &Record, part| {
            fate(BlobKey { task: record.id, part }, Lookup::Found(Box::new(record.clone())), record.id)
        };
        assert_eq!(fate_of(&record, Part::Input), Fate::Keep);
        assert_eq!(fate_of(&record, Part::Attachment(1)), Fate::Delete);
        record.claim().unwrap();
        assert_eq!(fate_of(&record, result(1)), Fate::Keep, "it may be about to be recorded");
        record.release(1).unwrap();
        assert_eq!(fate_of(&record, result(1)), Fate::Delete, "the next attempt makes its own");
        let attempt = record.claim().unwrap();
        assert_eq!(fate_of(&record, result(1)), Fate::Delete, "the first attempt is over");
        assert_eq!(fate_of(&record, result(2)), Fate::Keep, "it may be about to be recorded");
        let info = BlobInfo { media_type: "image/png".to_owned(), size: 1, digest: Digest::of(b"1") };
        record.finish(attempt, Outcome::Ok(vec![info]), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(fate_of(&record, result(1)), Fate::Delete);
        assert_eq!(fate_of(&record, result(2)), Fate::Keep);
        assert_eq!(fate_of(&record, Part::Result { attempt: 2, number: 2 }), Fate::Delete);
    }

    #[test]
    fn what_belongs_to_no_task_is_deleted_unless_it_tells_of_a_loss() {
        let ids = IdSource::after(None);
        let task = ids.next();
        let key = |part| BlobKey { task, part };
        let soon = ids.next();
        let later = {
            let bytes = u128::from_be_bytes(*soon.as_bytes()) + ((SUSPICIOUS.as_millis() + 1) << 80);
            TaskId::from_slice(&bytes.to_be_bytes()).unwrap()
        };
        assert_eq!(
            fate(key(Part::Input), Lookup::Unknown, soon),
            Fate::Delete,
            "its server died before the 202"
        );
        assert_eq!(fate(key(Part::Input), Lookup::Unknown, later), Fate::SetAside);
        assert_eq!(fate(key(result(1)), Lookup::Unknown, later), Fate::Delete, "the input tells all");
        assert_eq!(
            fate(key(Part::Input), Lookup::Gone(None), later),
            Fate::Delete,
            "it was deleted by request"
        );
    }
}
