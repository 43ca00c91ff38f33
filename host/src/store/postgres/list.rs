//! Walking through many tasks: lists for clients, and what is only kept for a time.

use std::time::Duration;

use uuid::Uuid;

use super::core::Core;
use super::database::{Again, bind};
use super::rows::{column, count, id, limit as rows_limit, of_records, owner, record, seconds, uuid};
use crate::task::{Page, Query, StateFilter, StoreError, TaskId};

/// Most tasks that one page looks at for an operation, as in the embedded store.
const MOST_LOOKED_AT: usize = 10_000;

/// The page of what `$looked` looks at. One statement for each state, because each has an index.
macro_rules! page {
    ($($looked:expr),+) => {
        concat!(
            "WITH looked AS (",
            $($looked,)+
            "), fit AS (
                 SELECT id FROM looked WHERE $4::text IS NULL OR $4 = ANY (operations)
                 ORDER BY id DESC LIMIT $5
             ), looks AS (
                 SELECT count(*) AS many, (SELECT id FROM looked ORDER BY id LIMIT 1) AS last FROM looked
             )
             SELECT r.*, looks.many, looks.last FROM looks LEFT JOIN (
                 SELECT ",
            of_records!(),
            " FROM tintype.records WHERE id IN (SELECT id FROM fit)
             ) r ON true ORDER BY r.id DESC"
        )
    };
}
/// The newest of one owner's tasks for which `$fits` holds.
macro_rules! newest {
    ($fits:expr) => {
        concat!(
            "SELECT id, operations FROM tintype.tasks t WHERE owner = $1 AND id < $2 AND ",
            $fits,
            " ORDER BY id DESC LIMIT $3"
        )
    };
}

const ALL: &str = page!(newest!("true"));
const PENDING: &str = page!(newest!("ended IS NULL"));
const QUEUED: &str =
    page!(newest!("ended IS NULL AND EXISTS (SELECT FROM tintype.queue q WHERE q.id = t.id)"));
const RUNNING: &str =
    page!(newest!("ended IS NULL AND EXISTS (SELECT FROM tintype.leases l WHERE l.id = t.id)"));
const OK: &str = page!(newest!("ended IS NOT NULL AND outcome = 'ok'"));
const CANCELLED: &str = page!(newest!("ended IS NOT NULL AND outcome = 'cancelled'"));
const FAILED: &str = page!(
    "SELECT * FROM ((",
    newest!("ended IS NOT NULL AND outcome = 'failed'"),
    ") UNION ALL (",
    newest!("ended IS NOT NULL AND outcome = 'cancelled'"),
    ")) either ORDER BY id DESC LIMIT $3"
);

/// The newest tasks that `query` asks for.
pub(super) async fn page(core: &Core, query: &Query) -> Result<Page, StoreError> {
    let sql = match query.state {
        None => ALL,
        Some(StateFilter::Pending) => PENDING,
        Some(StateFilter::Queued) => QUEUED,
        Some(StateFilter::Running) => RUNNING,
        Some(StateFilter::Ok) => OK,
        Some(StateFilter::Failed) => FAILED,
        Some(StateFilter::Cancelled) => CANCELLED,
    };
    let looks = if query.operation.is_some() { MOST_LOOKED_AT.max(query.limit) } else { query.limit + 1 };
    let arguments = bind![
        query.owner.as_deref().unwrap_or_default(),
        query.after.map_or(Uuid::max(), uuid),
        rows_limit(looks),
        query.operation.as_deref(),
        rows_limit(query.limit + 1),
    ];
    let answer = core.database.ask_planned(sql, arguments).await?;
    let mut page = Page::default();
    for row in &answer.rows {
        if page.records.len() == query.limit {
            page.next = page.records.last().map(|record| record.id);
            return Ok(page);
        }
        if column::<Option<Uuid>>(row, "id")?.is_some() {
            page.records.push(record(row)?);
        }
    }
    if let Some(row) = answer.first()
        && count(row, "many")? == looks as u64
    {
        page.next = Some(id(row, "last")?);
    }
    Ok(page)
}

/// By `statement_timestamp`, which stands still for a statement, because an index is not searched for what may
/// be another moment for each row: all of it would be read.
pub(super) const ENDED_AGO: &str = "SELECT id FROM tintype.tasks
     WHERE ended <= statement_timestamp() - make_interval(secs => $1)
     ORDER BY ended LIMIT $2";

/// The same.
pub(super) const FORGET: &str = "DELETE FROM tintype.gone WHERE id IN (
         SELECT id FROM tintype.gone WHERE since <= statement_timestamp() - make_interval(secs => $1)
         ORDER BY since LIMIT $2 FOR UPDATE SKIP LOCKED
     ) RETURNING id";

/// Tasks that ended so long ago, the oldest first.
pub(super) async fn ended_ago(core: &Core, age: Duration, limit: usize) -> Result<Vec<TaskId>, StoreError> {
    let answer =
        core.database.ask(ENDED_AGO, bind![seconds(age), rows_limit(limit)], Again::Harmless).await?;
    answer.rows.iter().map(|row| id(row, "id")).collect()
}

/// Forgets that there were tasks which are gone so long; gives how many.
pub(super) async fn forget(core: &Core, age: Duration, limit: usize) -> Result<usize, StoreError> {
    let answer = core.database.ask(FORGET, bind![seconds(age), rows_limit(limit)], Again::Harmless).await?;
    Ok(answer.rows.len())
}

/// How many unfinished tasks each owner has.
pub(super) async fn unfinished(core: &Core) -> Result<Vec<(Option<String>, u64)>, StoreError> {
    let sql = "SELECT owner, count(*) AS many FROM tintype.tasks WHERE ended IS NULL
               GROUP BY owner ORDER BY owner COLLATE \"C\"";
    let answer = core.database.ask(sql, bind![], Again::Harmless).await?;
    let mut counts = vec![];
    for row in &answer.rows {
        counts.push((owner(row, "owner")?, count(row, "many")?));
    }
    Ok(counts)
}
