//! Handing tasks from one store to another.

use std::time::Duration;

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::core::{Core, line, shard};
use super::database::{Transaction, bind};
use super::rows::{
    column, encode, from_seconds, id, limit as rows_limit, long, of_records, owner, record, seconds, signed,
    small, uuid, word,
};
use crate::digest::Digest;
use crate::task::{
    Entry, Idempotency, KeptTask, News, PendingAnnouncement, Record, State, StoreError, TaskId,
};

const EXPORT: &str = concat!(
    "WITH ids AS (
         SELECT * FROM (
             (SELECT id, false AS is_gone FROM tintype.tasks WHERE id > $1 ORDER BY id LIMIT $2)
             UNION ALL
             (SELECT id, true FROM tintype.gone WHERE id > $1 ORDER BY id LIMIT $2)
         ) either ORDER BY id LIMIT $2
     )
     SELECT ids.id AS entry, ids.is_gone, r.*, g.owner AS former,
            extract(epoch FROM clock_timestamp() - g.since)::float8 AS gone_ago,
            extract(epoch FROM clock_timestamp() - t.ended)::float8 AS ended_ago,
            k.key, k.fingerprint, extract(epoch FROM k.expires - clock_timestamp())::float8 AS lifetime,
            c.attempts AS announced, extract(epoch FROM c.due - clock_timestamp())::float8 AS due_in
     FROM ids
     LEFT JOIN tintype.gone g ON ids.is_gone AND g.id = ids.id
     LEFT JOIN tintype.tasks t ON NOT ids.is_gone AND t.id = ids.id
     LEFT JOIN tintype.keys k ON k.owner = t.owner AND k.key = t.idempotency_key AND k.task = t.id
     LEFT JOIN tintype.callbacks c ON c.task = t.id
     LEFT JOIN (SELECT ",
    of_records!(),
    " FROM tintype.records WHERE id IN (SELECT id FROM ids)) r ON r.id = t.id
     ORDER BY ids.id"
);

const TASK: &str = "INSERT INTO tintype.tasks
         (id, ticket, owner, operations, record, submitted, idempotency_key, announced, attempts, crashes,
          ended, completed, outcome, ending)
     VALUES ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), $7, $8, $9, $10,
             clock_timestamp() - make_interval(secs => $11), to_timestamp($12::float8 / 1000), $13, $14)";

/// The next `limit` entries in the order of their ids.
pub(super) async fn export(
    core: &Core,
    after: Option<TaskId>,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let arguments = bind![after.map_or(Uuid::nil(), uuid), rows_limit(limit)];
    let answer = core.database.ask_planned(EXPORT, arguments).await?;
    let mut entries = vec![];
    for row in &answer.rows {
        match entry(row) {
            Ok(entry) => entries.push(entry),
            Err(StoreError::Unreadable { id, problem }) => entries.push(Entry::Unreadable { id, problem }),
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

fn entry(row: &PgRow) -> Result<Entry, StoreError> {
    if column(row, "is_gone")? {
        let ago = from_seconds(column(row, "gone_ago")?);
        return Ok(Entry::Gone { id: id(row, "entry")?, owner: owner(row, "former")?, ago });
    }
    let record = record(row)?;
    let idempotency = match column::<Option<&[u8]>>(row, "key")? {
        Some(key) => Some(Idempotency {
            key: digest(key)?,
            fingerprint: digest(column(row, "fingerprint")?)?,
            lifetime: from_seconds(column(row, "lifetime")?),
        }),
        None => None,
    };
    let announcement = match column::<Option<i32>>(row, "announced")? {
        Some(_) => Some(PendingAnnouncement {
            attempts: small(row, "announced")?,
            due_in: from_seconds(column(row, "due_in")?),
        }),
        None => None,
    };
    let ended_ago = column::<Option<f64>>(row, "ended_ago")?.map(from_seconds);
    Ok(Entry::Task(Box::new(KeptTask { record, ended_ago, idempotency, announcement })))
}

fn digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Failed("a digest has 32 bytes".to_owned()))?;
    Ok(Digest::from_bytes(bytes))
}

/// Writes entries of another store, all or none. What ran there waits here.
pub(super) async fn import(core: &Core, entries: Vec<Entry>) -> Result<(), StoreError> {
    let mut transaction = core.database.begin().await?;
    let (mut waiting, mut newest) = (0, None);
    for entry in entries {
        newest = newest.max(Some(entry.id()));
        match entry {
            Entry::Task(kept) => waiting += usize::from(task(&mut transaction, *kept).await?),
            Entry::Gone { id, owner, ago } => {
                let sql = "INSERT INTO tintype.gone (id, owner, since)
                           VALUES ($1, $2, clock_timestamp() - make_interval(secs => $3))";
                let owner = owner.unwrap_or_default();
                transaction.ask(sql, bind![uuid(id), owner, seconds(ago)]).await?;
            }
            Entry::Unreadable { id, problem } => return Err(StoreError::Unreadable { id, problem }),
        }
    }
    if let Some(newest) = newest.filter(|_| waiting > 0) {
        let sql = "UPDATE tintype.tallies SET waiting = waiting + $2 WHERE shard = $1";
        transaction.ask(sql, bind![shard(newest), rows_limit(waiting)]).await?;
    }
    transaction.commit().await?;
    core.more_wait(waiting);
    let mut seen = core.seen();
    seen.newest = seen.newest.max(newest);
    drop(seen);
    core.hints.tell(News::Waiting);
    Ok(())
}

/// One task; gives whether it waits.
async fn task(transaction: &mut Transaction<'_>, kept: KeptTask) -> Result<bool, StoreError> {
    let KeptTask { mut record, ended_ago, idempotency, announcement } = kept;
    if let State::Running = record.state {
        record.state = State::Queued;
    }
    insert(transaction, &record, ended_ago).await?;
    let (id, owner) = (uuid(record.id), record.owner.as_deref().unwrap_or_default());
    let is_waiting = matches!(record.state, State::Queued);
    if is_waiting {
        let sql = "INSERT INTO tintype.queue (id, client, ticket, base, operations, attempts, crashes)
                   SELECT $1, $2, $3, last_value, $4, $5, $6 FROM tintype.reached";
        let arguments = bind![
            id,
            line(&record),
            long(record.ticket),
            &record.operations,
            signed(record.attempts),
            signed(record.crashes),
        ];
        transaction.ask(sql, arguments).await?;
    }
    if let Some(Idempotency { key, fingerprint, lifetime }) = idempotency {
        let sql = "INSERT INTO tintype.keys (owner, key, task, fingerprint, expires)
                   VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))";
        let (key, fingerprint) = (key.as_bytes().as_slice(), fingerprint.as_bytes().as_slice());
        transaction.ask(sql, bind![owner, key, id, fingerprint, seconds(lifetime)]).await?;
    }
    if let Some(PendingAnnouncement { attempts, due_in }) = announcement {
        let sql = "INSERT INTO tintype.callbacks (task, due, attempts, ended)
                   VALUES ($1, clock_timestamp() + make_interval(secs => $2), $3,
                           clock_timestamp() - make_interval(secs => $4))";
        let ended_ago = seconds(ended_ago.unwrap_or_default());
        transaction.ask(sql, bind![id, seconds(due_in), signed(attempts), ended_ago]).await?;
    }
    Ok(is_waiting)
}

/// The record, with the ticket that it has; those of tasks to come are greater.
async fn insert(
    transaction: &mut Transaction<'_>,
    record: &Record,
    ended_ago: Option<Duration>,
) -> Result<(), StoreError> {
    let (completed, outcome, ending) = match &record.state {
        State::Finished { completed, outcome } => {
            (Some(completed.as_millisecond()), Some(word(outcome)), Some(encode(outcome)?))
        }
        State::Queued | State::Running => (None, None, None),
    };
    // It tells of the beginning alone: the columns tell the rest.
    let bytes = encode(&Record { state: State::Queued, attempts: 0, crashes: 0, ..record.clone() })?;
    let key = record.idempotency_key;
    let arguments = bind![
        uuid(record.id),
        long(record.ticket),
        record.owner.as_deref().unwrap_or_default(),
        &record.operations,
        bytes,
        record.submitted.as_millisecond(),
        key.as_ref().map(|key| key.as_bytes().as_slice()),
        record.callback.is_some(),
        signed(record.attempts),
        signed(record.crashes),
        ended_ago.filter(|_| record.is_over()).map(seconds),
        completed,
        outcome,
        ending,
    ];
    transaction.ask(TASK, arguments).await?;
    let sql = "SELECT setval(sequence, $1) FROM pg_get_serial_sequence('tintype.tasks', 'ticket') AS sequence
               WHERE $1 > coalesce(pg_sequence_last_value(sequence::regclass), 0)";
    transaction.ask(sql, bind![long(record.ticket)]).await.map(drop)
}
