//! Tasks that are on their way to another store, or from one: no server may work with them meanwhile, nor
//! afterwards where they have gone.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};

use super::database;
use super::open::{self, OpenError, failed};

/// What such a process calls itself, so that it isn't taken for a server.
pub(super) const NAME: &str = "tintype, moving";

/// Refuses a database whose tasks are on their way, or have gone.
pub(super) async fn refuse_moving(options: &PgConnectOptions) -> Result<(), OpenError> {
    match mark(options).await? {
        Some(why) => Err(OpenError::Moving { place: open::place(options), why }),
        None => Ok(()),
    }
}

/// The mark of the database.
pub(super) async fn mark(options: &PgConnectOptions) -> Result<Option<String>, OpenError> {
    let mut connection = options.connect().await.map_err(failed)?;
    let row = sqlx::query("SELECT moving FROM tintype.identity").fetch_one(&mut connection).await;
    let mark = row.and_then(|row| row.try_get("moving")).map_err(failed);
    database::close(connection).await;
    mark
}

/// Changes the mark.
pub(super) async fn set(options: &PgConnectOptions, mark: Option<&str>) -> Result<(), OpenError> {
    let mut connection = options.connect().await.map_err(failed)?;
    let set =
        sqlx::query("UPDATE tintype.identity SET moving = $1").bind(mark).execute(&mut connection).await;
    database::close(connection).await;
    set.map(drop).map_err(failed)
}

/// How many connections of servers there are.
pub(super) async fn servers(options: &PgConnectOptions) -> Result<i64, OpenError> {
    let mut connection = options.connect().await.map_err(failed)?;
    let row = sqlx::query(
        "SELECT count(*) AS servers FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = $1",
    )
    .bind(open::SERVER)
    .fetch_one(&mut connection)
    .await;
    let servers = row.and_then(|row| row.try_get("servers")).map_err(failed);
    database::close(connection).await;
    servers
}
