//! Announcements that are to be made, each by one node at a time.

use std::time::Duration;

use super::core::Core;
use super::database::{Again, bind};
use super::rows::{column, from_seconds, id, limit as rows_limit, seconds, small, uuid};
use crate::task::{DueCallback, StoreError, TaskId};

/// How long an announcement is left to the node that has looked at it last. It looks again while it is
/// at it; a node that died loses its announcements to the others after this.
const HELD: Duration = Duration::from_secs(60);

/// By `statement_timestamp`, as an index can be searched for.
pub(super) const DUE: &str = "WITH due AS (
         SELECT task FROM tintype.callbacks
         WHERE due <= statement_timestamp() AND (node = $1 OR held IS NULL OR held <= clock_timestamp())
         ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED
     )
     UPDATE tintype.callbacks c SET node = $1, held = clock_timestamp() + make_interval(secs => $3)
     FROM due WHERE c.task = due.task
     RETURNING c.task, c.attempts, c.due,
               extract(epoch FROM clock_timestamp() - c.ended)::float8 AS waited";

/// Nearly always nothing is due, and that writes nothing.
pub(super) const NEXT: &str = "SELECT (SELECT extract(epoch FROM due - clock_timestamp())::float8
                  FROM tintype.callbacks WHERE due > statement_timestamp() ORDER BY due LIMIT 1) AS next,
           EXISTS (SELECT FROM tintype.callbacks WHERE due <= statement_timestamp()) AS is_due";

/// Announcements that are due, and the time until the next one will be.
pub(super) async fn due(
    core: &Core,
    limit: usize,
) -> Result<(Vec<DueCallback>, Option<Duration>), StoreError> {
    let answer = core.database.ask(NEXT, bind![], Again::Harmless).await?;
    let Some(row) = answer.first() else { return Ok((vec![], None)) };
    let next = column::<Option<f64>>(row, "next")?.map(from_seconds);
    if !column::<bool>(row, "is_due")? {
        return Ok((vec![], next));
    }
    let arguments = bind![core.node, rows_limit(limit), seconds(HELD)];
    let answer = core.database.ask(DUE, arguments, Again::Harmless).await?;
    let mut due = vec![];
    for row in &answer.rows {
        let task = id(row, "task")?;
        due.push(DueCallback {
            key: task.as_bytes().to_vec(),
            task,
            attempts: small(row, "attempts")?,
            waited: from_seconds(column(row, "waited")?),
        });
    }
    due.sort_by_key(|callback| std::cmp::Reverse(callback.waited));
    Ok((due, next))
}

/// What became of an announcement. One that another node has settled since is left alone.
pub(super) async fn settle(core: &Core, task: TaskId, again: Option<Duration>) -> Result<(), StoreError> {
    let (sql, arguments) = match again {
        Some(again) => (
            "UPDATE tintype.callbacks SET attempts = attempts + 1, node = NULL, held = NULL,
                 due = clock_timestamp() + make_interval(secs => $3)
             WHERE task = $1 AND node = $2",
            bind![uuid(task), core.node, seconds(again)],
        ),
        None => ("DELETE FROM tintype.callbacks WHERE task = $1 AND node = $2", bind![uuid(task), core.node]),
    };
    // Sent again it finds that it is no longer this node's.
    core.database.ask(sql, arguments, Again::Harmless).await.map(drop)
}
