//! What every store does, restarts included: one suite, run on each of them. What only one of them does is
//! tested beside it.
#![allow(clippy::unwrap_used)]

mod behaviour;
mod claims;

use std::time::Duration;

use jiff::Timestamp;

use super::postgres::tests::TestDatabase;
use super::postgres::{PostgresStore, Settings};
use super::sled::{Durability, SledOptions, SledStore};
use crate::digest::Digest;
use crate::task::{
    BlobInfo, DetailsAt, Failure, FailureCode, IdSource, Lookup, NewTask, Outcome, Record, Recovered,
    Submitted, TaskId, TaskStore,
};

/// The stores that there are.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Sled,
    Postgres,
}

/// Where the tasks of a test are kept.
enum Place {
    Folder(tempfile::TempDir),
    Database(TestDatabase),
}

/// What tests want to be otherwise.
#[derive(Clone, Debug)]
struct Options {
    max_queue: u64,
    workers: usize,
    lease: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_queue: 100, workers: 10, lease: Duration::from_secs(30) }
    }
}

impl Place {
    /// A new one. None where the machine cannot have such a store.
    async fn new(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sled => Some(Self::Folder(tempfile::tempdir().unwrap())),
            Kind::Postgres => TestDatabase::new().await.map(Self::Database),
        }
    }

    async fn open(&self) -> Box<dyn TaskStore> {
        self.open_with(Options::default()).await
    }

    async fn open_with(&self, options: Options) -> Box<dyn TaskStore> {
        self.open_and_recover(options).await.0
    }

    /// Opens it after its last process has died.
    async fn open_after_death(&self) -> (Box<dyn TaskStore>, Recovered) {
        if let Self::Database(database) = self {
            // Its leases run out, and another node notices that.
            database.end_leases().await;
            let recovered = database.open_impatient().await.expire().await.unwrap();
            return (self.open().await, recovered);
        }
        self.open_and_recover(Options::default()).await
    }

    async fn open_and_recover(&self, options: Options) -> (Box<dyn TaskStore>, Recovered) {
        let Options { max_queue, workers, lease } = options;
        match self {
            Self::Folder(folder) => {
                let options = SledOptions {
                    cache: 8 << 20,
                    max_queue,
                    workers,
                    max_attempts: 2,
                    lease,
                    durability: Durability::Full,
                };
                let (store, recovered) = SledStore::open(folder.path(), &options).unwrap();
                (Box::new(store), recovered)
            }
            Self::Database(database) => {
                let settings = Settings { max_queue, workers, lease, ..database.settings() };
                (Box::new(PostgresStore::open(&settings).await.unwrap()), Recovered::default())
            }
        }
    }
}

pub(in crate::store) fn new_task(ids: &IdSource) -> NewTask {
    NewTask {
        id: ids.next(),
        submitted: Timestamp::now(),
        operations: vec!["resize".to_owned()],
        details: DetailsAt::Inline("{}".to_owned()),
        input: BlobInfo { media_type: "image/png".to_owned(), size: 3, digest: Digest::of(b"png") },
        attachments: 0,
        owner: None,
        address: None,
        callback: None,
        trace: None,
        idempotency: None,
        most_open: None,
    }
}

pub(in crate::store) async fn submit(store: &dyn TaskStore, ids: &IdSource) -> Record {
    match store.submit(new_task(ids)).await.unwrap() {
        Submitted::New(record) => record,
        Submitted::Before(record) => panic!("{record:?} was there before"),
    }
}

pub(in crate::store) async fn get(store: &dyn TaskStore, id: TaskId) -> Record {
    match store.get(id).await.unwrap() {
        Lookup::Found(record) => *record,
        other => panic!("{other:?}"),
    }
}

pub(in crate::store) fn failed_outcome() -> Outcome {
    Outcome::Failed(Failure::new(FailureCode::InvalidImage, "Invalid image format."))
}

/// The store's clock may have milliseconds, and an end in this one is not yet over.
async fn ended_by_now(store: &dyn TaskStore) -> Vec<TaskId> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    store.ended_ago(Duration::ZERO, 9).await.unwrap()
}

async fn wait_for<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    while !condition().await {
        tokio::task::yield_now().await;
    }
}

/// One test of each behaviour for each kind of store.
macro_rules! on_every_store {
    ($($group:ident: $($behaviour:ident),+ $(,)?);+ $(;)?) => {
        mod on_sled {
            $($(
                #[tokio::test]
                async fn $behaviour() {
                    super::$group::$behaviour(super::Kind::Sled).await;
                }
            )+)+
        }

        mod on_postgres {
            $($(
                #[tokio::test]
                async fn $behaviour() {
                    super::$group::$behaviour(super::Kind::Postgres).await;
                }
            )+)+
        }
    };
}

on_every_store! {
    behaviour:
        only_the_attempt_that_holds_a_task_can_end_it,
        what_ran_when_the_process_died_waits_again_and_the_second_time_ends,
        a_full_queue_takes_no_more,
        a_lease_that_runs_out_puts_the_task_back,
        the_number_of_tasks_ahead_survives_a_restart,
        a_cancelled_task_is_over_and_its_worker_is_fenced_off,
        a_deleted_task_is_remembered_as_gone_for_a_time_and_its_owner_with_it,
        the_same_request_twice_is_one_task_and_another_with_its_key_is_refused,
        lists_are_newest_first_filtered_and_cut_into_pages,
        an_announcement_is_due_from_the_end_until_it_is_settled,
        another_store_takes_everything_over_and_what_ran_waits_there;
    claims:
        tasks_are_handed_out_in_the_order_of_submission,
        a_task_whose_plugin_is_busy_is_passed_over_and_keeps_its_place,
        clients_take_turns_and_after_a_restart_too,
        clients_without_a_key_are_told_apart_by_their_address,
        no_more_is_handed_out_than_there_are_workers_for;
}
