//! Handing out tasks: a look at the heads of all lines, a choice, and a statement that takes what was
//! chosen unless another node was faster.
//!
//! Nobody waits for anybody: what another node is just taking is skipped, and looked at no more.

use std::sync::atomic::Ordering;
use std::time::Instant;

use sqlx::postgres::PgRow;

use super::core::{Core, shard};
use super::database::{Again, bind};
use super::end::release_unknown;
use super::rows::{
    column, from_micros, heads_of_lines, id, limit as rows_limit, micros, record, seconds, small, uuid, uuids,
};
use super::usage::{Candidate, Charge, Pick};
use crate::task::{Bound, LONG, Record, StoreError, TaskId};

/// How often the queue is looked at for one claim where other nodes take what was chosen.
const LOOKS: u32 = 5;
/// Most tasks that one look shows.
const MOST_CANDIDATES: usize = 1000;

/// The first tasks in the lines of the clients who have used least. A task whose plugin is busy, or isn't
/// here, is passed over, and of one line no more than 1000: like the embedded store. A hundred lines are
/// looked at for even one task, because all of the first may be passed over.
const LOOK: &str = concat!(
    "WITH RECURSIVE ",
    heads_of_lines!(),
    ", own AS (
        SELECT client, base, delta, mean FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
            AS own (client, base, delta, mean)
    ), head AS (
        SELECT line.client, line.ticket, coalesce(c.mean, own.mean) AS mean,
               greatest(coalesce(c.used, 0), line.base, coalesce(own.base, 0)) + coalesce(own.delta, 0) AS used
        FROM line
        LEFT JOIN tintype.clients c ON c.client = line.client
        LEFT JOIN own ON own.client = line.client
        WHERE $5 OR coalesce(c.mean, own.mean, 0) <= $6
        ORDER BY used, line.ticket
        LIMIT greatest($8, 100)
    )
    SELECT w.id, w.operations, w.crashes, head.client, head.used, head.mean
    FROM head CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT q.id, q.operations, q.crashes, q.ticket FROM tintype.queue q
            WHERE q.client = head.client ORDER BY q.ticket LIMIT 1000
        ) first
        WHERE NOT first.operations && $7::text[] AND first.id <> ALL ($9::uuid[])
          AND ($11::text[] IS NULL OR first.operations <@ $11)
        ORDER BY first.ticket
        LIMIT $8
    ) w
    ORDER BY head.used, head.ticket, head.client, w.ticket
    LIMIT $10"
);

/// All are taken from one row of the tallies: their sum alone counts, and two nodes that each changed
/// several rows would wait for each other.
const TAKE: &str = "WITH free AS (
        SELECT id FROM tintype.queue WHERE id = ANY ($1) FOR UPDATE SKIP LOCKED
    ), taken AS (
        DELETE FROM tintype.queue q USING free WHERE q.id = free.id RETURNING q.*
    ), lease AS (
        INSERT INTO tintype.leases
            (id, client, ticket, base, operations, attempt, crashes, node, until)
        SELECT id, client, ticket, base, operations, attempts + 1, crashes, $2,
               clock_timestamp() + make_interval(secs => $3)
        FROM taken
        RETURNING id, attempt, crashes
    ), tally AS (
        UPDATE tintype.tallies SET waiting = waiting - (SELECT count(*) FROM taken)
        WHERE shard = $4 AND EXISTS (SELECT FROM taken)
    )
    SELECT t.id, t.ticket, t.record, (extract(epoch FROM t.submitted) * 1000)::bigint AS submitted,
           lease.attempt AS attempts, lease.crashes, true AS running, NULL::real AS progress,
           NULL::bigint AS completed, NULL::bytea AS ending
    FROM lease JOIN tintype.tasks t ON t.id = lease.id";

/// Hands out the tasks whose turn it is.
pub(super) async fn claim(
    core: &Core,
    limit: usize,
    idle: bool,
    mut bounds: Vec<Bound>,
) -> Result<Vec<Record>, StoreError> {
    if core.in_doubt.load(Ordering::Relaxed) {
        release_unknown(core).await?;
        core.in_doubt.store(false, Ordering::Relaxed);
    }
    let mut claimed: Vec<Record> = vec![];
    let mut not_here: Vec<TaskId> = vec![];
    for _ in 0..LOOKS {
        let wanted = limit - claimed.len();
        let candidates = look(core, wanted, &bounds, &not_here).await?;
        let idle = idle && claimed.is_empty();
        let before = bounds.clone();
        let picks = core.usage().pick(candidates, wanted, idle, &mut bounds, Instant::now());
        if picks.is_empty() {
            break;
        }
        let taken = take(core, &picks).await?;
        let missed: Vec<TaskId> =
            picks.iter().map(|pick| pick.id).filter(|id| taken.iter().all(|task| task.id != *id)).collect();
        hand_out(core, picks, &taken);
        if missed.is_empty() {
            claimed.extend(taken);
            break;
        }
        bounds = before;
        for bound in &mut bounds {
            let of_bound = taken.iter().filter(|task| bound.concerns(&task.operations)).count();
            bound.left = bound.left.saturating_sub(of_bound);
        }
        let alone = taken.iter().any(Record::is_suspect);
        claimed.extend(taken);
        not_here.extend(missed);
        if alone {
            break;
        }
    }
    core.fewer_wait(claimed.len());
    Ok(claimed)
}

/// What may be handed out, in the order in which it should be.
async fn look(
    core: &Core,
    wanted: usize,
    bounds: &[Bound],
    not_here: &[TaskId],
) -> Result<Vec<Candidate>, StoreError> {
    let (own, open) = {
        let usage = core.usage();
        (usage.unwritten(), usage.lane_is_open(Instant::now()))
    };
    let clients: Vec<&str> = own.keys().map(String::as_str).collect();
    let of_own = |value: fn(&Charge) -> i64| own.values().map(value).collect::<Vec<i64>>();
    let means: Vec<Option<i64>> = own.values().map(|charge| charge.mean().map(micros)).collect();
    let busy: Vec<&str> = bounds
        .iter()
        .filter(|bound| bound.left == 0)
        .flat_map(|bound| bound.operations.iter().map(String::as_str))
        .collect();
    let arguments = bind![
        &clients,
        of_own(|charge| charge.base),
        of_own(|charge| charge.delta),
        means,
        open,
        micros(LONG),
        &busy,
        rows_limit(wanted),
        uuids(not_here),
        rows_limit(MOST_CANDIDATES),
        core.runnable(),
    ];
    let answer = core.database.ask(LOOK, arguments, Again::Harmless).await?;
    answer.rows.iter().map(candidate).collect()
}

fn candidate(row: &PgRow) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        id: id(row, "id")?,
        client: column(row, "client")?,
        operations: column(row, "operations")?,
        is_suspect: small(row, "crashes")? > 0,
        used: column(row, "used")?,
        mean: column::<Option<i64>>(row, "mean")?.map(from_micros),
    })
}

/// Takes those that are still there. If nobody knows whether it happened, the next claim finds out.
async fn take(core: &Core, picks: &[Pick]) -> Result<Vec<Record>, StoreError> {
    let ids: Vec<_> = picks.iter().map(|pick| uuid(pick.id)).collect();
    let from = picks.first().map_or(0, |pick| shard(pick.id));
    let arguments = bind![ids, core.node, seconds(core.lease), from];
    core.in_doubt.store(true, Ordering::Relaxed);
    let answer = core.counted(core.database.ask(TAKE, arguments, Again::Never)).await?;
    core.in_doubt.store(false, Ordering::Relaxed);
    let mut taken = vec![];
    for row in &answer.rows {
        match record(row) {
            Ok(task) => taken.push(task),
            // It runs here and nobody runs it: its lease runs out, until it ends as interrupted.
            Err(StoreError::Unreadable { id, problem }) => {
                tracing::error!(task = %id, problem, "the record of a task cannot be read");
            }
            Err(error) => return Err(error),
        }
    }
    // As they were chosen.
    taken.sort_by_key(|task| picks.iter().position(|pick| pick.id == task.id));
    Ok(taken)
}

fn hand_out(core: &Core, picks: Vec<Pick>, taken: &[Record]) {
    let now = Instant::now();
    let mut usage = core.usage();
    for pick in picks {
        if let Some(task) = taken.iter().find(|task| task.id == pick.id) {
            usage.hand_out(pick, task.attempts, now);
        }
    }
}
