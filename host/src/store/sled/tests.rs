//! The store's behaviour, restarts included.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::digest::Digest;
use crate::task::{BlobInfo, DescriptionAt, Failure, FailureCode, IdSource};

fn options() -> SledOptions {
    SledOptions { cache: 8 << 20, max_queue: 100, max_attempts: 2, lease: Duration::from_secs(30) }
}

fn open(folder: &Path) -> SledStore {
    SledStore::open(folder, &options()).unwrap().0
}

fn new_task(ids: &IdSource) -> NewTask {
    NewTask {
        id: ids.next(),
        submitted: Timestamp::now(),
        operations: vec!["resize".to_owned()],
        description: DescriptionAt::Inline("{}".to_owned()),
        input: BlobInfo { media_type: "image/png".to_owned(), size: 3, digest: Digest::of(b"png") },
        attachments: vec![],
    }
}

fn failed_outcome() -> Outcome {
    Outcome::Failed(Failure::new(FailureCode::InvalidImage, "Invalid image format."))
}

#[tokio::test]
async fn tasks_are_handed_out_in_the_order_of_submission() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let mut submitted = vec![];
    for _ in 0..5 {
        submitted.push(store.submit(new_task(&ids)).await.unwrap().id);
    }
    assert_eq!(store.queued(), 5);
    let mut claimed: Vec<TaskId> = store.claim(3, true).await.unwrap().iter().map(|task| task.id).collect();
    claimed.extend(store.claim(3, false).await.unwrap().iter().map(|task| task.id));
    assert_eq!(claimed, submitted);
    assert_eq!(store.queued(), 0);
}

#[tokio::test]
async fn only_the_attempt_that_holds_a_task_can_end_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let id = store.submit(new_task(&ids)).await.unwrap().id;
    store.claim(1, true).await.unwrap();
    store.release(id, 1).await.unwrap();
    store.claim(1, true).await.unwrap();
    let late = store.finish(id, 1, Outcome::Ok(vec![]), Timestamp::now()).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
    assert!(matches!(store.renew(id, 1).await, Err(StoreError::Fenced)));
    store.renew(id, 2).await.unwrap();
    store.finish(id, 2, failed_outcome(), Timestamp::now()).await.unwrap();
    let again = store.finish(id, 2, Outcome::Ok(vec![]), Timestamp::now()).await;
    assert!(matches!(again, Err(StoreError::Fenced)), "a final state is final");
    let State::Finished { outcome, .. } = store.get(id).await.unwrap().unwrap().state else { panic!() };
    assert_eq!(outcome, failed_outcome());
}

#[tokio::test]
async fn what_ran_when_the_process_died_waits_again_and_the_second_time_ends() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let store = open(dir.path());
    let first = store.submit(new_task(&ids)).await.unwrap().id;
    let second = store.submit(new_task(&ids)).await.unwrap().id;
    store.claim(1, true).await.unwrap();
    drop(store);

    let (store, recovered) = SledStore::open(dir.path(), &options()).unwrap();
    assert_eq!(recovered, Recovered { requeued: 1, interrupted: 0 });
    assert_eq!(store.newest().unwrap(), Some(second));
    assert!(store.claim(9, false).await.unwrap().is_empty(), "a suspect is not run beside others");
    let alone: Vec<TaskId> = store.claim(9, true).await.unwrap().iter().map(|task| task.id).collect();
    assert_eq!(alone, [first], "a suspect runs alone");
    drop(store);

    let (store, recovered) = SledStore::open(dir.path(), &options()).unwrap();
    assert_eq!(recovered, Recovered { requeued: 0, interrupted: 1 });
    let State::Finished { outcome: Outcome::Failed(failure), .. } =
        store.get(first).await.unwrap().unwrap().state
    else {
        panic!()
    };
    assert_eq!(failure.code, FailureCode::Interrupted);
    assert_eq!(store.claim(9, true).await.unwrap().first().map(|task| task.id), Some(second));
}

#[tokio::test]
async fn a_full_queue_takes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let (store, _) = SledStore::open(dir.path(), &SledOptions { max_queue: 2, ..options() }).unwrap();
    store.submit(new_task(&ids)).await.unwrap();
    store.submit(new_task(&ids)).await.unwrap();
    assert!(matches!(store.submit(new_task(&ids)).await, Err(StoreError::Full)));
    store.claim(1, true).await.unwrap();
    store.submit(new_task(&ids)).await.unwrap();
}

#[tokio::test]
async fn a_lease_that_runs_out_puts_the_task_back() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let (store, _) =
        SledStore::open(dir.path(), &SledOptions { lease: Duration::from_nanos(1), ..options() }).unwrap();
    let id = store.submit(new_task(&ids)).await.unwrap().id;
    store.claim(1, true).await.unwrap();
    assert_eq!(store.expire().await.unwrap(), 1);
    assert_eq!(store.queued(), 1);
    assert!(matches!(store.finish(id, 1, failed_outcome(), Timestamp::now()).await, Err(StoreError::Fenced)));
    assert_eq!(store.claim(1, true).await.unwrap().first().map(|task| task.attempts), Some(2));
}

#[tokio::test]
async fn the_number_of_tasks_ahead_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let store = open(dir.path());
    for _ in 0..4 {
        store.submit(new_task(&ids)).await.unwrap();
    }
    store.claim(1, true).await.unwrap();
    store.finish(store.newest().unwrap().unwrap(), 9, failed_outcome(), Timestamp::now()).await.unwrap_err();
    drop(store);
    let store = open(dir.path());
    let last = store.get(store.newest().unwrap().unwrap()).await.unwrap().unwrap();
    assert_eq!(store.ahead_of(last.ticket), 3);
    assert_eq!(store.submit(new_task(&ids)).await.unwrap().ticket, last.ticket + 1);
}

#[test]
fn a_second_process_is_told_that_the_folder_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let _held = open(dir.path());
    let second = SledStore::open(dir.path(), &options()).err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)), "{second}");
}

#[test]
fn an_unfinished_snapshot_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    std::fs::write(dir.path().join("snap.0000.generating"), b"half").unwrap();
    drop(open(dir.path()));
}
