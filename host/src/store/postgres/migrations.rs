//! The schema and its versions. A version is one file, applied once and in order, whoever comes first.

use sqlx::{PgConnection, Row as _};

use super::open::{OpenError, failed};

/// Every version, in order; the first is 1. One that was released is never changed.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_tasks", include_str!("migrations/0001_tasks.sql")),
    ("0002_moving", include_str!("migrations/0002_moving.sql")),
];

/// Who holds this lock changes the schema; the others wait. Any number will do that nobody else has: the
/// word "tintype" in ASCII.
const LOCK: i64 = 0x0074_696e_7479_7065;

/// What is known of a schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    /// Its version; 0 if there is none.
    pub(super) found: i32,
    /// What was applied just now.
    pub(super) new: Vec<&'static str>,
}

/// The version that this program works with.
pub(super) fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Every version's name, and whether a schema of version `found` has it.
pub(super) fn list(found: i32) -> impl Iterator<Item = (&'static str, bool)> {
    (1..).zip(MIGRATIONS).map(move |(version, (name, _))| (*name, version <= found))
}

/// The schema as it is.
pub(super) async fn status(connection: &mut PgConnection) -> Result<Applied, OpenError> {
    let exists = "SELECT to_regclass('tintype.migrations') IS NOT NULL AS there";
    let row = sqlx::query(exists).fetch_one(&mut *connection).await.map_err(failed)?;
    if !row.try_get::<bool, _>("there").map_err(failed)? {
        return Ok(Applied::default());
    }
    let newest = "SELECT coalesce(max(version), 0) AS found FROM tintype.migrations";
    let row = sqlx::query(newest).fetch_one(connection).await.map_err(failed)?;
    Ok(Applied { found: row.try_get("found").map_err(failed)?, new: vec![] })
}

/// Brings the schema to this version, all or nothing. Several nodes may try at once.
pub(super) async fn apply(connection: &mut PgConnection) -> Result<Applied, OpenError> {
    let before = status(connection).await?;
    if before.found >= newest() {
        return Ok(before);
    }
    run(connection, "BEGIN").await?;
    let applied = in_turn(connection).await;
    run(connection, if applied.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    applied
}

async fn in_turn(connection: &mut PgConnection) -> Result<Applied, OpenError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    // `IF NOT EXISTS` still asks for the right to make it.
    let there = sqlx::query("SELECT to_regnamespace('tintype') IS NOT NULL AS there")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if !there.try_get::<bool, _>("there").map_err(failed)? {
        run(connection, "CREATE SCHEMA tintype").await?;
    }
    run(
        connection,
        "CREATE TABLE IF NOT EXISTS tintype.migrations (
             version integer PRIMARY KEY,
             name text NOT NULL,
             applied timestamptz NOT NULL DEFAULT clock_timestamp()
         )",
    )
    .await?;
    // Somebody else may have had the lock before.
    let mut applied = status(connection).await?;
    for (version, (name, sql)) in (1..).zip(MIGRATIONS) {
        if version <= applied.found {
            continue;
        }
        run(connection, sql).await?;
        sqlx::query("INSERT INTO tintype.migrations (version, name) VALUES ($1, $2)")
            .bind(version)
            .bind(*name)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        applied.found = version;
        applied.new.push(name);
    }
    Ok(applied)
}

async fn run(connection: &mut PgConnection, sql: &'static str) -> Result<(), OpenError> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop).map_err(failed)
}
