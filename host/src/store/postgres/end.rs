//! A task as it stands, and the ways in which an attempt or a task ends.
//!
//! Each is one statement, which changes nothing unless the attempt holds the task. Where its answer was
//! lost and it is sent again, what it finds tells whether the first was carried out.

use uuid::Uuid;

use super::core::{Core, shard};
use super::database::{Again, Answer, bind};
use super::rows::{
    announce, column, encode, id as id_of, now, of_ended, of_records, owner, record, seconds, signed, small,
    uuid, uuids, word,
};
use crate::task::{Lookup, News, Outcome, Record, State, StoreError, TaskId};

/// How often a task that is just passing from the queue to a node, or back, is looked at again.
const LOOKS: u32 = 10;

const GET: &str = concat!(
    "SELECT r.*, g.id IS NOT NULL AS is_gone, g.owner AS former FROM (SELECT 1) one
     LEFT JOIN (SELECT ",
    of_records!(),
    " FROM tintype.records WHERE id = $1) r ON true
     LEFT JOIN tintype.gone g ON g.id = $1"
);

const FINISH: &str = concat!(
    "WITH l AS (
         DELETE FROM tintype.leases WHERE id = $1 AND attempt = $2 RETURNING attempt, crashes
     ), t AS (
         UPDATE tintype.tasks SET attempts = l.attempt, crashes = l.crashes, ended = clock_timestamp(),
             completed = greatest(",
    now!(),
    ", submitted), outcome = $3, ending = $4
         FROM l WHERE tasks.id = $1
         RETURNING tasks.*
     ), c AS (
         ",
    announce!(),
    "
     )
     SELECT ",
    of_ended!(),
    " FROM t"
);

const CANCEL: &str = concat!(
    "WITH q AS (
         DELETE FROM tintype.queue WHERE id = $1 RETURNING attempts, crashes
     ), l AS (
         DELETE FROM tintype.leases WHERE id = $1 RETURNING attempt AS attempts, crashes
     ), n AS (
         UPDATE tintype.tallies SET waiting = waiting - 1 WHERE shard = $3 AND EXISTS (SELECT FROM q)
     ), t AS (
         UPDATE tintype.tasks SET attempts = was.attempts, crashes = was.crashes, ended = clock_timestamp(),
             completed = greatest(",
    now!(),
    ", submitted), outcome = 'cancelled', ending = $2
         FROM (SELECT * FROM q UNION ALL SELECT * FROM l) was WHERE tasks.id = $1
         RETURNING tasks.*
     ), c AS (
         ",
    announce!(),
    "
     )
     SELECT ",
    of_ended!(),
    ", EXISTS (SELECT FROM q) AS waited FROM t"
);

const RELEASE: &str = "WITH l AS (
         DELETE FROM tintype.leases WHERE id = $1 AND attempt = $2 RETURNING *
     ), q AS (
         INSERT INTO tintype.queue (id, client, ticket, base, operations, attempts, crashes)
         SELECT id, client, ticket, base, operations, attempt, crashes FROM l
     )
     UPDATE tintype.tallies SET waiting = waiting + 1 WHERE shard = $3 AND EXISTS (SELECT FROM l)
     RETURNING shard";

const DELETE: &str = concat!(
    "WITH t AS (
         DELETE FROM tintype.tasks WHERE id = ANY ($1) AND ended IS NOT NULL RETURNING *
     ), g AS (
         INSERT INTO tintype.gone (id, owner, since) SELECT id, owner, clock_timestamp() FROM t
         ON CONFLICT (id) DO NOTHING
     ), k AS (
         DELETE FROM tintype.keys USING t
         WHERE keys.owner = t.owner AND keys.key = t.idempotency_key AND keys.task = t.id
     )
     SELECT ",
    of_ended!(),
    " FROM t"
);

/// A task as it stands.
pub(super) async fn get(core: &Core, id: TaskId) -> Result<Lookup, StoreError> {
    let answer = core.database.ask(GET, bind![uuid(id)], Again::Harmless).await?;
    let Some(row) = answer.first() else { return Ok(Lookup::Unknown) };
    if column::<Option<Uuid>>(row, "id")?.is_some() {
        let record = record(row)?;
        let progress: Option<f32> = column(row, "progress")?;
        let is_elsewhere = record.state == State::Running && !core.usage().holds(id);
        core.is_elsewhere(id, progress.filter(|_| is_elsewhere));
        return Ok(Lookup::Found(Box::new(record)));
    }
    if column(row, "is_gone")? {
        return Ok(Lookup::Gone(owner(row, "former")?));
    }
    Ok(Lookup::Unknown)
}

/// Prolongs the lease of an attempt.
pub(super) async fn renew(core: &Core, id: TaskId, attempt: u32) -> Result<(), StoreError> {
    let sql = "UPDATE tintype.leases SET until = clock_timestamp() + make_interval(secs => $4)
               WHERE id = $1 AND attempt = $2 AND node = $3 RETURNING id";
    let arguments = bind![uuid(id), signed(attempt), core.node, seconds(core.lease)];
    let answer = core.database.ask(sql, arguments, Again::Harmless).await?;
    if answer.rows.is_empty() {
        core.usage().has_gone(id);
        return Err(StoreError::Fenced);
    }
    Ok(())
}

/// Ends a task by the attempt that holds it.
pub(super) async fn finish(
    core: &Core,
    id: TaskId,
    attempt: u32,
    outcome: Outcome,
) -> Result<Record, StoreError> {
    let ending = encode(&outcome)?;
    let arguments = bind![uuid(id), signed(attempt), word(&outcome), ending.as_slice()];
    let answer = core.database.ask(FINISH, arguments, Again::Harmless).await?;
    core.usage().has_gone(id);
    if let Some(row) = answer.first() {
        let record = record(row)?;
        core.hints.tell(News::Ended(id));
        return Ok(record);
    }
    // An earlier call, or this one before its connection was lost, may have ended it the same way.
    if let Lookup::Found(record) = get(core, id).await?
        && record.attempts == attempt
        && matches!(&record.state, State::Finished { outcome: ended, .. } if *ended == outcome)
    {
        core.hints.tell(News::Ended(id));
        return Ok(*record);
    }
    Err(StoreError::Fenced)
}

/// Ends a task that is not over, whoever holds it.
pub(super) async fn cancel(core: &Core, id: TaskId) -> Result<Record, StoreError> {
    let outcome = Outcome::cancelled();
    let ending = encode(&outcome)?;
    for _ in 0..LOOKS {
        let arguments = bind![uuid(id), ending.as_slice(), shard(id)];
        let answer = core.database.ask(CANCEL, arguments, Again::Harmless).await?;
        if let Some(row) = answer.first() {
            let record = record(row)?;
            if column(row, "waited")? {
                core.fewer_wait(1);
            }
            return Ok(cancelled(core, record));
        }
        match get(core, id).await? {
            // It was neither here nor there for the statement: it passed on meanwhile.
            Lookup::Found(record) if !record.is_over() => {}
            Lookup::Found(record)
                if answer.repeated
                    && matches!(&record.state, State::Finished { outcome: ended, .. } if *ended == outcome) =>
            {
                return Ok(cancelled(core, *record));
            }
            Lookup::Found(_) | Lookup::Gone(_) | Lookup::Unknown => return Err(StoreError::Over),
        }
    }
    Err(StoreError::Unavailable(format!("task {id} passes from hand to hand")))
}

fn cancelled(core: &Core, record: Record) -> Record {
    core.usage().has_gone(record.id);
    core.hints.tell(News::Ended(record.id));
    record
}

/// Gives a task back to the head of its line.
pub(super) async fn release(core: &Core, id: TaskId, attempt: u32) -> Result<(), StoreError> {
    let answer = give_back(core, id, attempt).await?;
    core.usage().has_gone(id);
    if answer.rows.is_empty() && !answer.repeated {
        return Err(StoreError::Fenced);
    }
    core.more_wait(1);
    core.hints.tell(News::Waiting);
    core.hints.tell(News::Changed(id));
    Ok(())
}

async fn give_back(core: &Core, id: TaskId, attempt: u32) -> Result<Answer, StoreError> {
    core.database.ask(RELEASE, bind![uuid(id), signed(attempt), shard(id)], Again::Harmless).await
}

/// Gives back what was handed to this process without its knowledge, because the answer was lost.
pub(super) async fn release_unknown(core: &Core) -> Result<(), StoreError> {
    let sql = "SELECT id, attempt FROM tintype.leases WHERE node = $1 AND id <> ALL ($2)";
    let held = core.usage().held();
    let answer = core.database.ask(sql, bind![core.node, uuids(&held)], Again::Harmless).await?;
    for row in &answer.rows {
        give_back(core, id_of(row, "id")?, small(row, "attempt")?).await?;
    }
    Ok(())
}

/// Forgets tasks that are over, but for the fact that they were.
pub(super) async fn delete(core: &Core, ids: &[TaskId]) -> Result<Vec<Record>, StoreError> {
    // Sent again it finds nothing; what belonged to the tasks is swept later.
    let answer = core.database.ask(DELETE, bind![uuids(ids)], Again::Harmless).await?;
    let mut deleted = vec![];
    for row in &answer.rows {
        let record = record(row)?;
        core.hints.tell(News::Ended(record.id));
        deleted.push(record);
    }
    Ok(deleted)
}
