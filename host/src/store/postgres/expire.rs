//! Leases that ran out: the node that had them may have died of their tasks.
//!
//! The database decides by its clock. After it was restarted, or was out of reach, the nodes that live
//! first get time to renew what they hold.

use sqlx::postgres::PgRow;

use super::core::{Core, shard};
use super::database::{Again, Transaction, bind};
use super::rows::{announce, column, encode, id, now, seconds, signed, small, uuid, word};
use crate::task::{News, Outcome, Recovered, StoreError, TaskId};

/// Leases in one transaction.
const MOST: i64 = 100;

macro_rules! dead {
    () => {
        "SELECT id, attempt, crashes, node = $2 AS own FROM tintype.leases
         WHERE until <= clock_timestamp()
           AND pg_postmaster_start_time() + make_interval(secs => $1) <= clock_timestamp()
         ORDER BY id LIMIT $3"
    };
}
const DEAD: &str = dead!();
const DEAD_AND_FREE: &str = concat!(dead!(), " FOR UPDATE SKIP LOCKED");

const REQUEUE: &str = "WITH l AS (
         DELETE FROM tintype.leases WHERE id = $1 RETURNING *
     ), q AS (
         INSERT INTO tintype.queue (id, client, ticket, base, operations, attempts, crashes)
         SELECT id, client, ticket, base, operations, attempt, $2 FROM l
     )
     SELECT FROM l";

const INTERRUPT: &str = concat!(
    "WITH l AS (
         DELETE FROM tintype.leases WHERE id = $1 RETURNING attempt
     ), t AS (
         UPDATE tintype.tasks SET attempts = l.attempt, crashes = $2, ended = clock_timestamp(),
             completed = greatest(",
    now!(),
    ", submitted), outcome = $3, ending = $4
         FROM l WHERE tasks.id = $1
         RETURNING tasks.id, announced
     ) ",
    announce!()
);

/// Puts such tasks back into the queue, or ends those that were interrupted too often.
pub(super) async fn expire(core: &Core) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    if core.database.was_lost_within(core.lease) {
        return Ok(recovered);
    }
    loop {
        // Nearly always there is none, and that takes no transaction.
        let found = core.database.ask(DEAD, limits(core), Again::Harmless).await?.rows.len();
        if found == 0 {
            return Ok(recovered);
        }
        let mut transaction = core.database.begin().await?;
        let rows = transaction.ask(DEAD_AND_FREE, limits(core)).await?;
        let mut ends = vec![];
        for row in &rows {
            ends.push(one(core, &mut transaction, row).await?);
        }
        let requeued = ends.iter().filter(|(_, is_over)| !is_over).count();
        if requeued > 0 {
            let any = ends.first().map_or(0, |(id, _)| shard(*id));
            let sql = "UPDATE tintype.tallies SET waiting = waiting + $2 WHERE shard = $1";
            transaction.ask(sql, bind![any, i64::try_from(requeued).unwrap_or_default()]).await?;
        }
        transaction.commit().await?;
        recovered.requeued += requeued as u64;
        recovered.interrupted += (ends.len() - requeued) as u64;
        core.more_wait(requeued);
        for (id, is_over) in ends {
            core.usage().has_gone(id);
            let news = if is_over { News::Ended(id) } else { News::Changed(id) };
            core.hints.tell(news);
            core.hints.hear(news);
        }
        if requeued > 0 {
            core.hints.tell(News::Waiting);
        }
        // Another node has the rest in hand.
        if rows.len() < found {
            return Ok(recovered);
        }
    }
}

fn limits(core: &Core) -> Result<sqlx::postgres::PgArguments, StoreError> {
    bind![seconds(core.lease), core.node, MOST]
}

/// One task; gives whether it is over now.
async fn one(
    core: &Core,
    transaction: &mut Transaction<'_>,
    row: &PgRow,
) -> Result<(TaskId, bool), StoreError> {
    let (id, own): (TaskId, bool) = (id(row, "id")?, column(row, "own")?);
    // Whoever looks is alive.
    let crashes = small(row, "crashes")?.saturating_add(u32::from(!own));
    if crashes < core.max_attempts {
        transaction.ask(REQUEUE, bind![uuid(id), signed(crashes)]).await?;
        return Ok((id, false));
    }
    let outcome = Outcome::interrupted(crashes);
    let ending = encode(&outcome)?;
    transaction.ask(INTERRUPT, bind![uuid(id), signed(crashes), word(&outcome), ending.as_slice()]).await?;
    Ok((id, true))
}
