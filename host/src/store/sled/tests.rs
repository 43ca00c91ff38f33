//! What is sled's alone: its folder, its clock, its files. What every store does is tested in `store/tests/`.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::digest::Digest;
use crate::store::tests::{failed_outcome, get, submit};
use crate::task::{BlobInfo, IdSource};

fn options() -> SledOptions {
    SledOptions {
        cache: 8 << 20,
        max_queue: 100,
        workers: 10,
        max_attempts: 2,
        lease: Duration::from_secs(30),
        durability: Durability::Full,
    }
}

fn open(folder: &Path) -> SledStore {
    SledStore::open(folder, &options()).unwrap().0
}

#[tokio::test]
async fn an_end_that_is_too_long_to_be_recorded_is_refused_and_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let id = submit(&store, &ids).await.id;
    store.claim(1, true, vec![]).await.unwrap();
    let result = BlobInfo { media_type: "a".repeat(10_000), size: 1, digest: Digest::of(b"a") };
    let long = store.finish(id, 1, Outcome::Ok(vec![result]), Timestamp::now()).await;
    assert!(matches!(long, Err(StoreError::TooLarge(10_000..))), "{long:?}");
    assert!(store.failure().is_none());
    store.finish(id, 1, failed_outcome(), Timestamp::now()).await.unwrap();
    assert!(get(&store, id).await.is_over());
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

#[tokio::test]
async fn time_in_which_the_store_is_closed_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let store = open(dir.path());
    let id = submit(&store, &ids).await.id;
    store.cancel(id, Timestamp::now()).await.unwrap();
    let closed_at = store.shared.clock.now();
    drop(store);
    std::thread::sleep(Duration::from_millis(300));
    let store = open(dir.path());
    assert!(store.shared.clock.now().since(closed_at) < Duration::from_millis(250));
}

#[test]
fn a_store_that_lost_its_end_is_refused_until_the_loss_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ids = IdSource::after(None);
    let store = open(dir.path());
    runtime.block_on(submit(&store, &ids));
    drop(store);
    let early = copy_of(dir.path());
    let store = open(dir.path());
    runtime.block_on(submit(&store, &ids));
    drop(store);

    // sled's files as they were, the witness as it is.
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "durable" && path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    for entry in std::fs::read_dir(early.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "durable" && path.is_file() {
            std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let refused = SledStore::open(dir.path(), &options()).err().unwrap();
    assert!(matches!(refused, OpenError::Lost { .. }), "{refused}");
    assert!(matches!(SledStore::open(dir.path(), &options()), Err(OpenError::Lost { .. })), "again");
    SledStore::accept_loss(dir.path()).unwrap();
    assert_eq!(open(dir.path()).queued(), 1);
}

fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    copy
}

#[tokio::test]
async fn a_relaxed_store_answers_at_once_and_flushes_when_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let relaxed = SledOptions { durability: Durability::Relaxed(Duration::from_secs(3600)), ..options() };
    let (store, _) = SledStore::open(dir.path(), &relaxed).unwrap();
    let id = submit(&store, &ids).await.id;
    let witnessed = || std::fs::read(dir.path().join("durable")).unwrap();
    let before = witnessed();
    store.settle().await.unwrap();
    assert_ne!(witnessed(), before, "without waiting for its hour");
    let last = submit(&store, &ids).await.id;
    drop(store);
    let store = open(dir.path());
    assert_eq!((get(&store, id).await.id, get(&store, last).await.id), (id, last));
}

#[tokio::test]
async fn a_store_from_before_format_1_is_read_and_forgets_its_tombstones_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let store = open(dir.path());
    let (over, deleted) = (submit(&store, &ids).await, submit(&store, &ids).await);
    store.cancel(over.id, Timestamp::now()).await.unwrap();
    store.cancel(deleted.id, Timestamp::now()).await.unwrap();
    store.delete(deleted.id).await.unwrap();
    // As it was: no moment before the record, no index of tombstones, no commits.
    let value = store.trees.tasks.get(over.id.as_bytes()).unwrap().unwrap();
    store.trees.tasks.insert(over.id.as_bytes(), &value[8..]).unwrap();
    store.trees.deleted.clear().unwrap();
    drop(store);
    {
        let db = sled::open(dir.path()).unwrap();
        db.open_tree("notes").unwrap().clear().unwrap();
        db.flush().unwrap();
    }
    SledStore::accept_loss(dir.path()).unwrap();

    let store = open(dir.path());
    assert!(get(&store, over.id).await.is_over());
    assert_eq!(store.delete(over.id).await.unwrap().map(|record| record.id), Some(over.id));
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(store.forget(Duration::ZERO, 9).await.unwrap(), 2);
    assert!(matches!(store.get(deleted.id).await.unwrap(), Lookup::Unknown));
}

#[tokio::test]
async fn a_record_from_before_there_were_addresses_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let id = submit(&store, &ids).await.id;
    let bytes = store.trees.tasks.get(id.as_bytes()).unwrap().unwrap();
    // A task without an address is written as it was before: old servers read it, and new ones theirs.
    assert!(!bytes.windows(7).any(|window| window == b"address"));
    assert_eq!(get(&store, id).await.address, None);
}
