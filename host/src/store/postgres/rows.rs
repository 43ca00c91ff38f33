//! Rows and what they stand for.
//!
//! The record is kept as it was accepted; the row tells what has become of it. Every moment is the
//! database's.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::task::{Outcome, Record, State, StoreError, TaskId};

/// What [`record`] reads, of `tintype.records` or of `tintype.tasks` with these names.
macro_rules! of_records {
    () => {
        "id, ticket, record, (extract(epoch FROM submitted) * 1000)::bigint AS submitted, attempts, crashes, \
         running, progress, (extract(epoch FROM completed) * 1000)::bigint AS completed, ending"
    };
}
pub(super) use of_records;

/// The same, of a row of `tintype.tasks` that is over.
macro_rules! of_ended {
    () => {
        "id, ticket, record, (extract(epoch FROM submitted) * 1000)::bigint AS submitted, attempts, crashes, \
         false AS running, NULL::real AS progress, \
         (extract(epoch FROM completed) * 1000)::bigint AS completed, ending"
    };
}
pub(super) use of_ended;

/// The heads of all lines, one after the other, as `line` of a recursive statement: each is found by the index
/// behind the one before, so that no other row is read.
macro_rules! heads_of_lines {
    () => {
        "line AS (
             (SELECT client, id, base, ticket FROM tintype.queue ORDER BY client, ticket LIMIT 1)
             UNION ALL
             SELECT next.client, next.id, next.base, next.ticket FROM line CROSS JOIN LATERAL (
                 SELECT client, id, base, ticket FROM tintype.queue q WHERE q.client > line.client
                 ORDER BY client, ticket LIMIT 1
             ) next
         )"
    };
}
pub(super) use heads_of_lines;

/// Has the end of the tasks `t` announced, if somebody wants to be told.
macro_rules! announce {
    () => {
        "INSERT INTO tintype.callbacks (task, due, attempts, ended)
         SELECT id, clock_timestamp(), 0, clock_timestamp() FROM t WHERE announced"
    };
}
pub(super) use announce;

/// Now, as clients see it: in milliseconds.
macro_rules! now {
    () => {
        "date_trunc('milliseconds', clock_timestamp())"
    };
}
pub(super) use now;

/// A column of a row that must be there.
pub(super) fn column<'r, T>(row: &'r PgRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(name).map_err(|error| StoreError::Failed(error.to_string()))
}

/// The task's id.
pub(super) fn id(row: &PgRow, name: &str) -> Result<TaskId, StoreError> {
    let uuid: Uuid = column(row, name)?;
    TaskId::from_slice(uuid.as_bytes())
        .ok_or_else(|| StoreError::Failed(format!("{uuid} is no id of a task")))
}

/// Whose a task is, or was.
pub(super) fn owner(row: &PgRow, name: &str) -> Result<Option<String>, StoreError> {
    let owner: String = column(row, name)?;
    Ok((!owner.is_empty()).then_some(owner))
}

/// A number that is never below zero.
pub(super) fn count(row: &PgRow, name: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(column::<i64>(row, name)?).unwrap_or_default())
}

pub(super) fn small(row: &PgRow, name: &str) -> Result<u32, StoreError> {
    Ok(u32::try_from(column::<i32>(row, name)?).unwrap_or_default())
}

/// The record as it stands.
pub(super) fn record(row: &PgRow) -> Result<Record, StoreError> {
    let id = id(row, "id")?;
    let mut record: Record = decode(id, column(row, "record")?)?;
    record.ticket = count(row, "ticket")?;
    record.submitted = moment(column(row, "submitted")?);
    record.attempts = small(row, "attempts")?;
    record.crashes = small(row, "crashes")?;
    record.state = match column::<Option<i64>>(row, "completed")? {
        Some(completed) => {
            let ending: Option<&[u8]> = column(row, "ending")?;
            let outcome: Outcome = decode(id, ending.unwrap_or_default())?;
            State::Finished { completed: moment(completed).max(record.submitted), outcome }
        }
        None if column(row, "running")? => State::Running,
        None => State::Queued,
    };
    Ok(record)
}

fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn decode<T: DeserializeOwned>(id: TaskId, bytes: &[u8]) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|error| StoreError::Unreadable { id, problem: error.to_string() })
}

pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec_named(value).map_err(|error| StoreError::Failed(error.to_string()))
}

/// How an outcome is called where tasks are listed by it.
pub(super) fn word(outcome: &Outcome) -> &'static str {
    use crate::task::FailureCode;
    match outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Failed(failure) if failure.code == FailureCode::Cancelled => "cancelled",
        Outcome::Failed(_) => "failed",
    }
}

pub(super) fn uuid(id: TaskId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

pub(super) fn uuids(ids: &[TaskId]) -> Vec<Uuid> {
    ids.iter().copied().map(uuid).collect()
}

/// Seconds, as `make_interval` takes them. A hundred years are for ever.
pub(super) fn seconds(time: Duration) -> f64 {
    const FOR_EVER: f64 = 100.0 * 366.0 * 86_400.0;
    time.as_secs_f64().min(FOR_EVER)
}

pub(super) fn from_seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}

pub(super) fn from_micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

pub(super) fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(super) fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn limit(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
