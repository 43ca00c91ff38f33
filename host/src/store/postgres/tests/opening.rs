//! Which databases are taken, and how their schema comes about.

use super::*;
use crate::store::postgres::OpenError;

#[tokio::test]
async fn nodes_that_start_at_once_make_one_schema() {
    let Some(database) = TestDatabase::new().await else { return };
    let (one, two, three) = tokio::join!(database.open(), database.open(), database.open());
    drop((one, two, three));
    let versions = PostgresStore::versions(database.url()).await.unwrap();
    assert!(!versions.is_empty() && versions.iter().all(|(_, applied)| *applied), "{versions:?}");
    assert!(PostgresStore::migrate(database.url()).await.unwrap().is_empty(), "nothing is left to do");
}

#[tokio::test]
async fn a_schema_is_made_only_where_it_may_be() {
    let Some(database) = TestDatabase::new().await else { return };
    let settings = Settings { migrate: false, ..database.settings() };
    let refused = PostgresStore::open(&settings).await.err().unwrap();
    assert!(matches!(refused, OpenError::Older { found: 0, .. }), "{refused}");
    assert!(refused.to_string().contains("tintype migrate"));
    assert_eq!(
        PostgresStore::versions(database.url()).await.unwrap(),
        [("0001_tasks", false), ("0002_moving", false)]
    );
    assert_eq!(PostgresStore::migrate(database.url()).await.unwrap(), ["0001_tasks", "0002_moving"]);
    PostgresStore::open(&settings).await.unwrap();
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_refused() {
    let Some(database) = TestDatabase::new().await else { return };
    drop(database.open().await);
    database.run("INSERT INTO tintype.migrations (version, name) VALUES (99, 'from the future')").await;
    let refused = PostgresStore::open(&database.settings()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }), "{refused}");
    assert!(PostgresStore::versions(database.url()).await.is_err());
}

#[tokio::test]
async fn a_database_that_confirms_before_it_has_written_is_refused_unless_that_is_accepted() {
    let Some(database) = TestDatabase::new().await else { return };
    database
        .run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$")
        .await;
    let refused = PostgresStore::open(&database.settings()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Promise(_)), "{refused}");
    assert!(refused.to_string().contains("synchronous_commit = on"), "{refused}");
    PostgresStore::open(&Settings { accept_unsafe: true, ..database.settings() }).await.unwrap();
}

#[tokio::test]
async fn neither_an_address_that_is_none_nor_a_server_that_lets_nobody_in_shows_a_password() {
    let Some(database) = TestDatabase::new().await else { return };
    let wrong = database.url().replace("tintype@", "nobody:hushhush@");
    let refused = PostgresStore::versions(&wrong).await.err().unwrap();
    assert!(matches!(refused, OpenError::Unreachable { .. }), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("hushhush"));
    let refused = PostgresStore::versions("postgres://a:hushhush@host:port/x").await.err().unwrap();
    assert!(matches!(refused, OpenError::Address(_)), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("hushhush"), "{refused}");
}
