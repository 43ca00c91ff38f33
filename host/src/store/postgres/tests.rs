//! What is PostgreSQL's alone: several processes with one database, its settings, its absence. What every
//! store does is tested in `store/tests/`.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // the black-box tests do more with it
mod cluster;
mod nodes;
mod opening;
mod plans;

use std::time::Duration;

use self::cluster::{Cluster, Database};
use super::{PostgresStore, Settings};

/// A database of a test's own, and the stores on it.
pub(in crate::store) struct TestDatabase(Database);

impl TestDatabase {
    /// One, where there is PostgreSQL.
    pub(in crate::store) async fn new() -> Option<Self> {
        let database = || Cluster::shared().map(Cluster::database);
        tokio::task::spawn_blocking(database).await.unwrap().map(Self)
    }

    /// One on a server of its own, that a test can take away.
    async fn alone() -> Option<(Cluster, Self)> {
        let cluster = tokio::task::spawn_blocking(Cluster::own).await.unwrap()?;
        let database = cluster.database();
        Some((cluster, Self(database)))
    }

    /// Does something that the store would not.
    pub(in crate::store) async fn run(&self, sql: &'static str) {
        let database = self.0.clone();
        tokio::task::spawn_blocking(move || database.run(sql)).await.unwrap();
    }

    pub(in crate::store) fn url(&self) -> &str {
        &self.0.url
    }

    pub(in crate::store) fn settings(&self) -> Settings {
        Settings {
            url: self.0.url.clone(),
            connections: 4,
            migrate: true,
            accept_unsafe: false,
            max_queue: 100,
            workers: 10,
            max_attempts: 2,
            lease: Duration::from_secs(30),
        }
    }

    pub(in crate::store) async fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.settings()).await.unwrap()
    }

    /// A node that lets leases run out at once.
    pub(in crate::store) async fn open_impatient(&self) -> PostgresStore {
        let settings = Settings { lease: Duration::from_nanos(1), ..self.settings() };
        PostgresStore::open(&settings).await.unwrap()
    }

    /// All leases run out, as if their time had passed.
    pub(in crate::store) async fn end_leases(&self) {
        self.run("UPDATE tintype.leases SET until = clock_timestamp()").await;
    }
}
