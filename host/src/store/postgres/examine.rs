//! What a person wants to know of a database before a server works with it.

use std::fmt;

use sqlx::{PgConnection, Row as _};

use super::database;
use super::migrations;
use super::moving;
use super::open::{self, Look, OpenError};
use super::promise::Promise;

/// A database as it is found. Nothing in it is changed by looking.
#[derive(Debug)]
pub struct Examined {
    place: String,
    version: String,
    promise: Promise,
    /// Version of the schema; 0 if there is none.
    schema: i32,
    /// Why no server may work with the tasks, if that is so.
    moving: Option<String>,
    /// Whether this role may make the schema, or change it.
    may_migrate: bool,
    /// Connections that this role may have, with those that it has.
    connections: i64,
}

impl fmt::Display for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tasks are in {}, PostgreSQL {}: {}", self.place, self.version, self.promise)
    }
}

/// Looks at the database of this URL.
///
/// # Errors
/// It cannot be reached, is too old, or a newer version has changed the schema.
pub(super) async fn examine(url: &str) -> Result<Examined, OpenError> {
    let options = open::options(url)?;
    let Look { mut connection, version, promise } = open::look(&options, false).await?;
    let found = async {
        let schema = migrations::status(&mut connection).await?.found;
        open::known(schema)?;
        let (may_migrate, connections) = rights(&mut connection).await.map_err(open::failed)?;
        Ok::<_, OpenError>((schema, may_migrate, connections))
    }
    .await;
    database::close(connection).await;
    let (schema, may_migrate, connections) = found?;
    // Before that version there was no such mark.
    let moving = if schema < migrations::newest() { None } else { moving::mark(&options).await? };
    Ok(Examined { place: open::place(&options), version, promise, schema, moving, may_migrate, connections })
}

/// Whether the role may make or change the schema, and how many connections it may have.
async fn rights(connection: &mut PgConnection) -> sqlx::Result<(bool, i64)> {
    let row = sqlx::query(
        "SELECT coalesce(
             (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'tintype'),
             has_database_privilege(current_database(), 'CREATE')
         ) AS may_migrate,
         least(
             current_setting('max_connections')::bigint
                 - current_setting('superuser_reserved_connections')::bigint,
             (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
             (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
         ) AS connections",
    )
    .fetch_one(connection)
    .await?;
    Ok((row.try_get("may_migrate")?, row.try_get("connections")?))
}

impl Examined {
    /// What keeps a server with these settings from working with it, and what to change.
    pub fn problems(&self, accept_unsafe: bool, migrate: bool, connections: u32) -> Vec<String> {
        let (place, known) = (&self.place, migrations::newest());
        let mut problems = vec![];
        if let Err(error) = self.promise.check(accept_unsafe) {
            problems.push(error.to_string());
        }
        if self.schema < known && !migrate {
            problems.push(OpenError::Older { found: self.schema, known }.to_string());
        } else if self.schema < known && !self.may_migrate {
            problems.push(format!(
                "the database {place} has version {} of the schema, and this role may not bring it to version {known}: \
                 GRANT CREATE ON DATABASE, or run `tintype migrate` as a role that may",
                self.schema
            ));
        }
        if let Some(why) = &self.moving {
            problems.push(OpenError::Moving { place: place.clone(), why: why.clone() }.to_string());
        }
        // Beside the others there is one that listens.
        let wanted = i64::from(connections) + 1;
        if self.connections < wanted {
            problems.push(format!(
                "the database {place} gives this role {} connections, and one server takes {wanted}: raise \
                 max_connections there (or the limit of the role, or of the database), or lower store_connections",
                self.connections
            ));
        }
        problems
    }
}
