//! Carrying tasks from one end to the other in the order of their ids, pictures before the records that speak
//! of them; then a look at both ends.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::super::pictures::{self, Picture};
use super::ends::End;
use crate::blob::{BlobKey, BlobStore, Expected};
use crate::task::{Entry, Record, State, TaskId, TaskStore};

/// Tasks that are carried together: their records are one transaction, and what is done again after a death.
const PAGE: usize = 500;
/// Pictures on their way at once: an object store takes its time for each. Each is whole in memory.
const AT_ONCE: usize = 16;
/// Between two words about how far it is.
const WORD: Duration = Duration::from_secs(5);

/// What was carried, now and before, as a look at both ends has shown.
#[derive(Debug, Default)]
pub(super) struct Carried {
    waiting: u64,
    ok: u64,
    failed: u64,
    gone: u64,
    pictures: u64,
    bytes: u64,
    /// What was damaged or missing at the end where it came from, a line each.
    pub(super) damaged: Vec<String>,
    /// What is not the same at both ends, a line each.
    pub(super) differences: Vec<String>,
}

impl Carried {
    /// Whether all that could be read is at the other end.
    pub(super) fn is_whole(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiting, ok, failed, gone, pictures, bytes, .. } = self;
        let tasks = waiting + ok + failed;
        write!(
            f,
            "{tasks} tasks ({waiting} not over, {ok} OK, {failed} FAILED), {gone} that are gone, {pictures} pictures \
             with {bytes} bytes; every record is the same at both ends, and every picture has its digest"
        )
    }
}

/// Carries everything that is not there yet, and looks at both ends.
pub(super) async fn all(from: &dyn End, to: &dyn End) -> anyhow::Result<Carried> {
    let damaged = carry(from, to).await?;
    compare(from, to, &damaged).await
}

/// What could not be read.
#[derive(Default)]
struct Damaged {
    pictures: HashSet<BlobKey>,
}

async fn carry(from: &dyn End, to: &dyn End) -> anyhow::Result<Damaged> {
    let mut damaged = Damaged::default();
    let mut progress = Progress::new("carried");
    // Whatever is there came in this order, with its pictures before it.
    let mut after = to.tasks().newest()?;
    loop {
        let entries = from.tasks().export(after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = Some(last.id());
        let mut wanted = vec![];
        for entry in &entries {
            if let Entry::Task(kept) = entry {
                wanted.extend(pictures::of(from.blobs(), &kept.record).await?);
            }
        }
        let mut carrying = stream::iter(wanted)
            .map(|(key, expected)| async move { Ok((key, picture(from, to, key, expected.as_ref()).await?)) })
            .buffer_unordered(AT_ONCE);
        while let Some((key, bytes)) = carrying.try_next().await.map_err(|error: anyhow::Error| error)? {
            match bytes {
                Some(bytes) => progress.pictures(1, bytes),
                None => drop(damaged.pictures.insert(key)),
            }
        }
        let readable: Vec<Entry> =
            entries.into_iter().filter(|entry| !matches!(entry, Entry::Unreadable { .. })).collect();
        progress.tasks(readable.len());
        to.tasks().import(readable).await?;
    }
    Ok(damaged)
}

/// Carries a picture; gives its size, or nothing if it is not as it should be.
async fn picture(
    from: &dyn End,
    to: &dyn End,
    key: BlobKey,
    expected: Option<&Expected>,
) -> anyhow::Result<Option<u64>> {
    let Some(expected) = expected else { return Ok(None) };
    let Picture::Good(bytes) = pictures::read(from.blobs(), key, expected).await? else { return Ok(None) };
    let mut writer = to.blobs().writer();
    writer.write(bytes.into()).await?;
    let staged = writer.finish().await?;
    to.blobs().keep(vec![(key, staged)]).await.with_context(|| format!("keeping picture {key}"))?;
    Ok(Some(expected.size))
}

/// Reads both ends from the beginning.
async fn compare(from: &dyn End, to: &dyn End, damaged: &Damaged) -> anyhow::Result<Carried> {
    let mut carried = Carried::default();
    let mut progress = Progress::new("compared");
    let mut after = None;
    loop {
        let theirs = from.tasks().export(after, PAGE).await?;
        let last = theirs.last().map(Entry::id);
        let mut ours = page_until(to.tasks(), after, last).await?.into_iter().peekable();
        for entry in theirs {
            let id = entry.id();
            while let Some(other) = ours.next_if(|other| other.id() < id) {
                carried
                    .differences
                    .push(format!("task {} is not where it should have come from", other.id()));
            }
            if let Entry::Unreadable { problem, .. } = &entry {
                carried.damaged.push(format!("task {id} cannot be read: {problem}"));
                continue;
            }
            match ours.next_if(|other| other.id() == id) {
                Some(other) if is_same(&entry, &other) => {
                    progress.tasks(1);
                    carried.count(&entry);
                    if let Entry::Task(kept) = &other {
                        look_at_pictures(
                            from,
                            to.blobs(),
                            &kept.record,
                            damaged,
                            &mut carried,
                            &mut progress,
                        )
                        .await?;
                    }
                }
                Some(_) => carried.differences.push(format!("task {id} is not the same")),
                None => carried.differences.push(format!("task {id} was not carried")),
            }
        }
        for other in ours {
            carried.differences.push(format!("task {} is not where it should have come from", other.id()));
        }
        if last.is_none() {
            return Ok(carried);
        }
        after = last;
    }
}

/// Entries after `after`, up to `last`, or all that there are.
async fn page_until(
    tasks: &dyn TaskStore,
    after: Option<TaskId>,
    last: Option<TaskId>,
) -> anyhow::Result<Vec<Entry>> {
    // As many as there are in between at the other end, and some that should not be here.
    let mut entries = tasks.export(after, 2 * PAGE).await?;
    if let Some(last) = last {
        entries.retain(|entry| entry.id() <= last);
    }
    Ok(entries)
}

/// Whether what was carried is what was to be. What ran waits, and how long ago something was is counted on.
fn is_same(one: &Entry, other: &Entry) -> bool {
    match (one, other) {
        (Entry::Task(one), Entry::Task(other)) => {
            waiting(&one.record) == waiting(&other.record)
                && one.idempotency.as_ref().map(|used| (used.key, used.fingerprint))
                    == other.idempotency.as_ref().map(|used| (used.key, used.fingerprint))
                && one.announcement.map(|due| due.attempts) == other.announcement.map(|due| due.attempts)
        }
        (Entry::Gone { owner, .. }, Entry::Gone { owner: same, .. }) => owner == same,
        _ => false,
    }
}

fn waiting(record: &Record) -> Record {
    let state = match &record.state {
        State::Running => State::Queued,
        state => state.clone(),
    };
    Record { state, ..record.clone() }
}

async fn look_at_pictures(
    from: &dyn End,
    to: &dyn BlobStore,
    record: &Record,
    damaged: &Damaged,
    carried: &mut Carried,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let wanted = pictures::of(to, record).await?;
    let mut looks = stream::iter(wanted)
        .map(|(key, expected)| async move {
            let Some(expected) = expected else { return anyhow::Ok((key, None)) };
            let is_good = matches!(pictures::read(to, key, &expected).await?, Picture::Good(_));
            Ok((key, is_good.then_some(expected.size)))
        })
        .buffer_unordered(AT_ONCE);
    while let Some((key, size)) = looks.try_next().await? {
        match size {
            Some(size) => {
                carried.pictures += 1;
                carried.bytes += size;
                progress.pictures(1, size);
            }
            None if damaged.pictures.contains(&key) || !is_good(from, record, key).await? => {
                carried.damaged.push(format!("picture {key} is damaged or missing"));
            }
            None => carried.differences.push(format!("picture {key} is not the same")),
        }
    }
    Ok(())
}

/// Whether a picture is as it should be where it came from: an earlier call may have found it damaged.
async fn is_good(from: &dyn End, record: &Record, key: BlobKey) -> anyhow::Result<bool> {
    let known = pictures::of(from.blobs(), record).await?;
    let expected = known.into_iter().find(|(known, _)| *known == key).and_then(|(_, expected)| expected);
    match expected {
        Some(expected) => Ok(matches!(pictures::read(from.blobs(), key, &expected).await?, Picture::Good(_))),
        None => Ok(false),
    }
}

impl Carried {
    fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::Task(kept) => match &kept.record.state {
                State::Queued | State::Running => self.waiting += 1,
                State::Finished { outcome: crate::task::Outcome::Ok(_), .. } => self.ok += 1,
                State::Finished { .. } => self.failed += 1,
            },
            Entry::Gone { .. } => self.gone += 1,
            Entry::Unreadable { .. } => {}
        }
    }
}

/// Says now and then how far it is.
struct Progress {
    what: &'static str,
    tasks: usize,
    pictures: u64,
    bytes: u64,
    said: Instant,
}

impl Progress {
    fn new(what: &'static str) -> Self {
        Self { what, tasks: 0, pictures: 0, bytes: 0, said: Instant::now() }
    }

    fn tasks(&mut self, tasks: usize) {
        self.tasks += tasks;
        self.say();
    }

    fn pictures(&mut self, pictures: u64, bytes: u64) {
        self.pictures += pictures;
        self.bytes += bytes;
        self.say();
    }

    fn say(&mut self) {
        if self.said.elapsed() > WORD {
            self.said = Instant::now();
            let Self { what, tasks, pictures, bytes, .. } = self;
            eprintln!("{what}: {tasks} tasks, {pictures} pictures, {} MB", *bytes / 1_000_000);
        }
    }
}
