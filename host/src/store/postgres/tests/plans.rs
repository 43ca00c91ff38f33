//! How the database finds what a statement asks for.

use super::super::{callbacks, list};
use super::TestDatabase;

/// How the database would go about a statement with these arguments, if it could help reading whole tables.
async fn plan(database: &TestDatabase, sql: &str, arguments: &[&str]) -> String {
    let mut sql = sql.to_owned();
    for (at, argument) in arguments.iter().enumerate() {
        sql = sql.replace(&format!("${}", at + 1), argument);
    }
    let asked = format!("SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN (COSTS off) {sql}");
    let database = database.0.clone();
    tokio::task::spawn_blocking(move || database.ask(&asked)).await.unwrap()
}

#[tokio::test]
async fn what_is_due_or_old_is_found_by_its_time_and_not_by_reading_everything() {
    let Some(database) = TestDatabase::new().await else { return };
    drop(database.open().await);
    let node = "'00000000-0000-0000-0000-000000000000'::uuid";
    let plans = [
        (plan(&database, list::ENDED_AGO, &["60", "100"]).await, "Index Cond: (ended <= "),
        (plan(&database, list::FORGET, &["60", "100"]).await, "Index Cond: (since <= "),
        (plan(&database, callbacks::NEXT, &[]).await, "Index Cond: (due > "),
        (plan(&database, callbacks::NEXT, &[]).await, "Index Cond: (due <= "),
        (plan(&database, callbacks::DUE, &[node, "100", "60"]).await, "Index Cond: (due <= "),
    ];
    for (plan, condition) in plans {
        assert!(plan.contains(condition), "{condition:?} is missing in {plan}");
    }
}
