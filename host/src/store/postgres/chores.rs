//! What a node does beside its calls, every second: it writes what it has in memory alone, and looks at
//! the figures that are asked for all the time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::core::{Core, Oldest};
use super::database::{Again, bind};
use super::rows::{column, count, heads_of_lines, id, micros, uuid};
use crate::task::{News, StoreError, TaskId};

/// How much a crash makes fair turns forget, how late a client sees the progress of a task that runs
/// elsewhere, and how old the figures of the queue are.
const PERIOD: Duration = Duration::from_secs(1);
/// Lines whose heads are remembered for estimates.
const LINES: i64 = 1000;
/// Accounts of clients that nobody has seen for so long are forgotten: the same as clients that are new.
const FORGET: &str = "DELETE FROM tintype.clients WHERE seen < clock_timestamp() - interval '1 hour'
     AND NOT EXISTS (SELECT FROM tintype.queue q WHERE q.client = clients.client)";
/// Looks between two of these.
const FORGET_EVERY: u32 = 600;

/// Sorted, because two nodes that write the same accounts in other orders would wait for each other.
const CHARGE: &str = "INSERT INTO tintype.clients AS c (client, used, mean, seen)
     SELECT client, base + delta, took, clock_timestamp()
     FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::float8[])
         AS charge (client, base, delta, took, keep)
     ORDER BY client
     ON CONFLICT (client) DO UPDATE SET
         used = greatest(c.used, (SELECT o.base FROM unnest($1::text[], $2::bigint[]) AS o (client, base)
                                  WHERE o.client = c.client))
             + (SELECT o.delta FROM unnest($1::text[], $3::bigint[]) AS o (client, delta)
                WHERE o.client = c.client),
         mean = CASE WHEN excluded.mean IS NULL THEN c.mean WHEN c.mean IS NULL THEN excluded.mean
             ELSE (SELECT c.mean * o.keep + excluded.mean * (1 - o.keep)
                   FROM unnest($1::text[], $5::float8[]) AS o (client, keep)
                   WHERE o.client = c.client)::bigint END,
         seen = excluded.seen";

/// Whoever comes next begins where the last one has come to.
const REACH: &str = "SELECT setval('tintype.reached', $1) FROM tintype.reached WHERE last_value < $1";

const PROGRESS: &str = "UPDATE tintype.leases l SET progress = p.progress
     FROM unnest($1::uuid[], $2::real[]) AS p (id, progress)
     WHERE l.id = p.id AND l.node = $3 AND l.progress <> p.progress
     RETURNING l.id";

const FIGURES: &str =
    "SELECT (SELECT greatest(coalesce(sum(waiting), 0), 0)::bigint FROM tintype.tallies) AS waiting,
         (SELECT max FROM (
             (SELECT id AS max FROM tintype.tasks ORDER BY id DESC LIMIT 1)
             UNION ALL
             (SELECT id FROM tintype.gone ORDER BY id DESC LIMIT 1)
         ) newest ORDER BY max DESC LIMIT 1) AS newest";

const HEADS: &str = concat!(
    "WITH RECURSIVE ",
    heads_of_lines!(),
    ", heads AS (
         SELECT client, id, ticket FROM line ORDER BY ticket LIMIT $1
     )
     SELECT client, ticket, CASE WHEN ticket = (SELECT min(ticket) FROM heads) THEN (
         SELECT extract(epoch FROM clock_timestamp() - submitted)::float8 FROM tintype.tasks t WHERE t.id = heads.id
     ) END AS waited
     FROM heads"
);

/// Does them for as long as the store is open.
pub(super) async fn run(core: Arc<Core>) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looks: u32 = 0;
    loop {
        period.tick().await;
        // What failed is done the next time; whether the database can be reached is told elsewhere.
        if let Err(error) = write(&core).await {
            tracing::debug!(%error, "what clients have used was not written");
        }
        if let Err(error) = look(&core).await {
            tracing::debug!(%error, "the queue was not looked at");
        }
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(FORGET_EVERY)
            && let Err(error) = core.database.ask(FORGET, bind![], Again::Harmless).await
        {
            tracing::debug!(%error, "old accounts were not forgotten");
        }
    }
}

/// Writes what is in memory alone.
pub(super) async fn write(core: &Core) -> Result<(), StoreError> {
    charge(core).await?;
    progress(core).await
}

async fn charge(core: &Core) -> Result<(), StoreError> {
    let charges = core.usage().unwritten();
    if charges.is_empty() {
        return Ok(());
    }
    let clients: Vec<&str> = charges.keys().map(String::as_str).collect();
    let bases: Vec<i64> = charges.values().map(|charge| charge.base).collect();
    let deltas: Vec<i64> = charges.values().map(|charge| charge.delta).collect();
    let means: Vec<Option<i64>> = charges.values().map(|charge| charge.mean().map(micros)).collect();
    let keeps: Vec<f64> = charges.values().map(super::usage::Charge::keep).collect();
    // If nobody knows whether it was written, it counts as written: no client is charged twice.
    let written =
        core.database.ask(CHARGE, bind![&clients, &bases, deltas, means, keeps], Again::Never).await;
    if !matches!(written, Err(StoreError::Failed(_) | StoreError::NoSpace)) {
        core.usage().written(&charges);
    }
    written?;
    if let Some(reached) = bases.iter().max() {
        core.database.ask(REACH, bind![*reached], Again::Harmless).await?;
    }
    Ok(())
}

async fn progress(core: &Core) -> Result<(), StoreError> {
    let progress = core.take_progress();
    if progress.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = progress.keys().copied().map(uuid).collect();
    let values: Vec<f32> = progress.values().copied().collect();
    let answer = core.database.ask(PROGRESS, bind![ids, values, core.node], Again::Harmless).await?;
    for row in &answer.rows {
        core.hints.tell(News::Changed(id(row, "id")?));
    }
    Ok(())
}

/// Looks at the queue.
pub(super) async fn look(core: &Core) -> Result<(), StoreError> {
    let answer = core.database.ask(FIGURES, bind![], Again::Harmless).await?;
    let Some(row) = answer.first() else { return Ok(()) };
    let waiting: i64 = column(row, "waiting")?;
    core.now_waiting(waiting);
    let newest: Option<TaskId> = match column::<Option<Uuid>>(row, "newest")? {
        Some(_) => Some(id(row, "newest")?),
        None => None,
    };
    let mut heads = HashMap::new();
    let mut oldest = None;
    if waiting > 0 {
        let answer = core.database.ask(HEADS, bind![LINES], Again::Harmless).await?;
        for row in &answer.rows {
            let ticket = count(row, "ticket")?;
            let waited: Option<f64> = column(row, "waited")?;
            if let Some(waited) = waited {
                let waited = Duration::try_from_secs_f64(waited).unwrap_or_default();
                oldest = Some(Oldest { ticket, waited, looked: Instant::now() });
            }
            heads.insert(column(row, "client")?, ticket);
        }
    }
    let mut seen = core.seen();
    seen.newest = seen.newest.max(newest);
    seen.oldest = oldest;
    seen.heads = heads;
    Ok(())
}
