//! Accepting a task: its record, its place in the queue, its idempotency key and the limits, in one
//! transaction.
//!
//! Nearly always that is one statement. Where a limit is near, or the key is known, a transaction with
//! locks takes its place.
//!
//! A lost connection leaves open whether a task was accepted. The same task can be sent again without harm,
//! because its id is there once or not at all; so that is done until there is an answer, or the patience
//! has run out.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::core::{Core, line, shard};
use super::database::{Again, Transaction, bind};
use super::end::get;
use super::rows::{column, encode, long, now, seconds, uuid};
use crate::task::{Idempotency, Lookup, NewTask, News, Record, StoreError, Submitted};

/// How near to `max_queue` submissions begin to wait for each other, so that no more are accepted. Farther
/// away they don't, and all that are under way together are fewer: a database has some hundred connections.
const NEAR: u64 = 2000;
/// For so long a submission goes on trying.
const PATIENCE: Duration = Duration::from_secs(12);
/// How often a key that appears while it is looked at is looked at again.
const LOOKS: u32 = 3;

/// What the lock for a nearly full queue, and one owner's, are numbers of.
const QUEUE_LOCK: &str = "tintype queue";
const OWNER_LOCK: &str = "tintype owner ";

const ACCEPT: &str = concat!(
    "WITH room AS (
         SELECT coalesce(sum(waiting), 0)::bigint AS waiting FROM tintype.tallies
     ), k AS (
         INSERT INTO tintype.keys (owner, key, task, fingerprint, expires)
         SELECT $2, $5, $1, $10, clock_timestamp() + make_interval(secs => $11)
         FROM room WHERE $5::bytea IS NOT NULL AND waiting < $9
         ON CONFLICT (owner, key) DO NOTHING
         RETURNING task
     ), t AS (
         INSERT INTO tintype.tasks (id, owner, operations, record, submitted, idempotency_key, announced)
         SELECT $1, $2, $3, $4, ",
    now!(),
    ", $5, $6
         FROM room WHERE waiting < $9 AND ($5::bytea IS NULL OR EXISTS (SELECT FROM k))
         ON CONFLICT (id) DO NOTHING
         RETURNING ticket, submitted
     ), q AS (
         INSERT INTO tintype.queue (id, client, ticket, base, operations, attempts, crashes)
         SELECT $1, $7, t.ticket, r.last_value, $3, 0, 0 FROM t, tintype.reached r
     ), n AS (
         UPDATE tintype.tallies SET waiting = waiting + 1 WHERE shard = $8 AND EXISTS (SELECT FROM t)
     )
     SELECT room.waiting, t.ticket, (extract(epoch FROM t.submitted) * 1000)::bigint AS submitted
     FROM room LEFT JOIN t ON true"
);

/// A task on its way in.
struct Newcomer {
    record: Record,
    /// As it will be kept.
    bytes: Vec<u8>,
    line: String,
    idempotency: Option<Idempotency>,
    most_open: Option<u64>,
}

/// Accepts a task, unless its request was accepted before.
pub(super) async fn submit(core: &Core, task: NewTask) -> Result<Submitted, StoreError> {
    let newcomer = Newcomer::of(task)?;
    let id = newcomer.record.id;
    let until = Instant::now() + PATIENCE;
    // Whether an earlier try may have been carried out.
    let mut in_doubt = false;
    let submitted = loop {
        if in_doubt && let Lookup::Found(record) = get(core, id).await? {
            break Submitted::New(*record);
        }
        match once(core, &newcomer).await {
            Err(StoreError::Unavailable(_)) if Instant::now() < until => in_doubt = true,
            done => break done?,
        }
    };
    if let Submitted::New(_) = &submitted {
        core.usage().has_come(&newcomer.line, Instant::now());
        let mut seen = core.seen();
        seen.newest = seen.newest.max(Some(id));
        drop(seen);
        core.hints.tell(News::Waiting);
    }
    Ok(submitted)
}

async fn once(core: &Core, newcomer: &Newcomer) -> Result<Submitted, StoreError> {
    let far = core.max_queue.saturating_sub(NEAR);
    if newcomer.most_open.is_none() && core.waiting() < far {
        let accepted = core.database.ask(ACCEPT, newcomer.arguments(far), Again::Never).await?;
        if let Some(record) = newcomer.accepted(core, accepted.first())? {
            return Ok(Submitted::New(record));
        }
    }
    for _ in 0..LOOKS {
        if let Some(submitted) = carefully(core, newcomer).await? {
            return Ok(submitted);
        }
    }
    Err(StoreError::Unavailable("its idempotency key was used by several requests at once".to_owned()))
}

/// The same with locks, in this order: owner, queue, key. None if another request with the key came first.
async fn carefully(core: &Core, newcomer: &Newcomer) -> Result<Option<Submitted>, StoreError> {
    let mut transaction = core.database.begin().await?;
    match judge(core, newcomer, &mut transaction).await {
        Ok(Ok(record)) => {
            transaction.commit().await?;
            Ok(Some(Submitted::New(*record)))
        }
        Ok(Err(otherwise)) => {
            transaction.roll_back().await;
            match otherwise {
                Otherwise::Own(task) => found(core, task, Submitted::New).await,
                Otherwise::Repeats(task) => found(core, task, Submitted::Before).await,
                Otherwise::Again => Ok(None),
            }
        }
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}

/// Why a task that is no refusal was not written.
enum Otherwise {
    /// It was accepted by an earlier try.
    Own(Uuid),
    /// Another task has its key and its fingerprint.
    Repeats(Uuid),
    /// Its key has appeared meanwhile.
    Again,
}

/// Looks under locks, and writes what may be committed.
async fn judge(
    core: &Core,
    newcomer: &Newcomer,
    transaction: &mut Transaction<'_>,
) -> Result<Result<Box<Record>, Otherwise>, StoreError> {
    if newcomer.most_open.is_some() {
        lock(transaction, &format!("{OWNER_LOCK}{}", newcomer.owner())).await?;
    }
    let far = core.max_queue.saturating_sub(NEAR);
    if far == 0 || waiting(core, transaction).await? >= far {
        lock(transaction, QUEUE_LOCK).await?;
    }
    if let Some(idempotency) = &newcomer.idempotency {
        match known(transaction, newcomer.owner(), idempotency).await? {
            Some((task, _)) if task == uuid(newcomer.record.id) => return Ok(Err(Otherwise::Own(task))),
            Some((task, true)) => return Ok(Err(Otherwise::Repeats(task))),
            Some((_, false)) => return Err(StoreError::KeyReused),
            None => {}
        }
    }
    if let Some(most) = newcomer.most_open {
        let sql = "SELECT count(*) AS open FROM (
                       SELECT FROM tintype.tasks WHERE owner = $1 AND ended IS NULL LIMIT $2
                   ) AS unfinished";
        let rows = transaction.ask(sql, bind![newcomer.owner(), long(most)]).await?;
        let open: i64 = rows.first().map_or(Ok(0), |row| column(row, "open"))?;
        if open >= long(most) {
            return Err(StoreError::OverQuota(most));
        }
    }
    let rows = transaction.ask(ACCEPT, newcomer.arguments(core.max_queue)).await?;
    match newcomer.accepted(core, rows.first())? {
        Some(record) => Ok(Ok(Box::new(record))),
        None if core.waiting() >= core.max_queue => Err(StoreError::Full),
        None => Ok(Err(Otherwise::Again)),
    }
}

async fn lock(transaction: &mut Transaction<'_>, what: &str) -> Result<(), StoreError> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    transaction.ask(sql, bind![what]).await.map(drop)
}

async fn waiting(core: &Core, transaction: &mut Transaction<'_>) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(waiting), 0)::bigint AS waiting FROM tintype.tallies";
    let rows = transaction.ask(sql, bind![]).await?;
    core.now_waiting(rows.first().map_or(Ok(0), |row| column(row, "waiting"))?);
    Ok(core.waiting())
}

/// The task that has the key, and whether it is the same request. A key whose time is over, or whose task is
/// gone, is taken away.
async fn known(
    transaction: &mut Transaction<'_>,
    owner: &str,
    idempotency: &Idempotency,
) -> Result<Option<(Uuid, bool)>, StoreError> {
    let (key, fingerprint) = (idempotency.key.as_bytes().as_slice(), idempotency.fingerprint);
    let sql = "SELECT k.task, k.fingerprint, k.expires > clock_timestamp() AND t.id IS NOT NULL AS holds
               FROM tintype.keys k LEFT JOIN tintype.tasks t ON t.id = k.task
               WHERE k.owner = $1 AND k.key = $2 FOR UPDATE OF k";
    let rows = transaction.ask(sql, bind![owner, key]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if column(row, "holds")? {
        let before: &[u8] = column(row, "fingerprint")?;
        return Ok(Some((column(row, "task")?, before == fingerprint.as_bytes())));
    }
    let sql = "DELETE FROM tintype.keys WHERE owner = $1 AND key = $2";
    transaction.ask(sql, bind![owner, key]).await?;
    Ok(None)
}

async fn found(
    core: &Core,
    task: Uuid,
    submitted: impl FnOnce(Record) -> Submitted,
) -> Result<Option<Submitted>, StoreError> {
    let Some(id) = crate::task::TaskId::from_slice(task.as_bytes()) else { return Ok(None) };
    match get(core, id).await? {
        Lookup::Found(record) => Ok(Some(submitted(*record))),
        // It was deleted in this moment, and its key with it.
        Lookup::Gone(_) | Lookup::Unknown => Ok(None),
    }
}

impl Newcomer {
    fn of(task: NewTask) -> Result<Self, StoreError> {
        let (idempotency, most_open) = (task.idempotency.clone(), task.most_open);
        // Its ticket, and when it was submitted, are the database's to say.
        let record = task.into_record(0);
        let (bytes, line) = (encode(&record)?, line(&record));
        Ok(Self { record, bytes, line, idempotency, most_open })
    }

    fn owner(&self) -> &str {
        self.record.owner.as_deref().unwrap_or_default()
    }

    fn arguments(&self, most: u64) -> Result<sqlx::postgres::PgArguments, StoreError> {
        let idempotency = self.idempotency.as_ref();
        let key = idempotency.map(|idempotency| idempotency.key.as_bytes().as_slice());
        let fingerprint = idempotency.map(|idempotency| idempotency.fingerprint.as_bytes().as_slice());
        let lifetime = idempotency.map(|idempotency| seconds(idempotency.lifetime));
        bind![
            uuid(self.record.id),
            self.owner(),
            &self.record.operations,
            self.bytes.as_slice(),
            key,
            self.record.callback.is_some(),
            self.line.as_str(),
            shard(self.record.id),
            long(most),
            fingerprint,
            lifetime,
        ]
    }

    /// The record as it was accepted, if it was.
    fn accepted(
        &self,
        core: &Core,
        row: Option<&sqlx::postgres::PgRow>,
    ) -> Result<Option<Record>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let (waiting, ticket): (i64, Option<i64>) = (column(row, "waiting")?, column(row, "ticket")?);
        core.now_waiting(waiting + i64::from(ticket.is_some()));
        let Some(ticket) = ticket else { return Ok(None) };
        let submitted: i64 = column(row, "submitted")?;
        let submitted = jiff::Timestamp::from_millisecond(submitted).unwrap_or(self.record.submitted);
        let ticket = u64::try_from(ticket).unwrap_or_default();
        Ok(Some(Record { ticket, submitted, ..self.record.clone() }))
    }
}
