//! The store's behaviour, restarts included.
#![allow(clippy::unwrap_used)]

mod claims;

use super::*;
use crate::digest::Digest;
use crate::task::{
    BlobInfo, Bound, Callback, DetailsAt, Failure, FailureCode, IdSource, Idempotency, StateFilter,
};

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

fn new_task(ids: &IdSource) -> NewTask {
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
    }
}

async fn submit(store: &SledStore, ids: &IdSource) -> Record {
    match store.submit(new_task(ids)).await.unwrap() {
        Submitted::New(record) => record,
        Submitted::Before(record) => panic!("{record:?} was there before"),
    }
}

async fn get(store: &SledStore, id: TaskId) -> Record {
    match store.get(id).await.unwrap() {
        Lookup::Found(record) => *record,
        other => panic!("{other:?}"),
    }
}

fn failed_outcome() -> Outcome {
    Outcome::Failed(Failure::new(FailureCode::InvalidImage, "Invalid image format."))
}

#[tokio::test]
async fn only_the_attempt_that_holds_a_task_can_end_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let id = submit(&store, &ids).await.id;
    store.claim(1, true, vec![]).await.unwrap();
    store.release(id, 1).await.unwrap();
    store.claim(1, true, vec![]).await.unwrap();
    let late = store.finish(id, 1, Outcome::Ok(vec![]), Timestamp::now()).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
    assert!(matches!(store.renew(id, 1).await, Err(StoreError::Fenced)));
    store.renew(id, 2).await.unwrap();
    store.finish(id, 2, failed_outcome(), Timestamp::now()).await.unwrap();
    let again = store.finish(id, 2, Outcome::Ok(vec![]), Timestamp::now()).await;
    assert!(matches!(again, Err(StoreError::Fenced)), "a final state is final");
    let State::Finished { outcome, .. } = get(&store, id).await.state else { panic!() };
    assert_eq!(outcome, failed_outcome());
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

#[tokio::test]
async fn what_ran_when_the_process_died_waits_again_and_the_second_time_ends() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let store = open(dir.path());
    let first = submit(&store, &ids).await.id;
    let second = submit(&store, &ids).await.id;
    store.claim(1, true, vec![]).await.unwrap();
    drop(store);

    let (store, recovered) = SledStore::open(dir.path(), &options()).unwrap();
    assert_eq!(recovered, Recovered { requeued: 1, interrupted: 0 });
    assert_eq!(store.newest().unwrap(), Some(second));
    assert!(store.claim(9, false, vec![]).await.unwrap().is_empty(), "a suspect is not run beside others");
    let alone: Vec<TaskId> = store.claim(9, true, vec![]).await.unwrap().iter().map(|task| task.id).collect();
    assert_eq!(alone, [first], "a suspect runs alone");
    drop(store);

    let (store, recovered) = SledStore::open(dir.path(), &options()).unwrap();
    assert_eq!(recovered, Recovered { requeued: 0, interrupted: 1 });
    let State::Finished { outcome: Outcome::Failed(failure), .. } = get(&store, first).await.state else {
        panic!()
    };
    assert_eq!(failure.code, FailureCode::Interrupted);
    assert_eq!(store.claim(9, true, vec![]).await.unwrap().first().map(|task| task.id), Some(second));
}

#[tokio::test]
async fn a_full_queue_takes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let (store, _) = SledStore::open(dir.path(), &SledOptions { max_queue: 2, ..options() }).unwrap();
    submit(&store, &ids).await;
    submit(&store, &ids).await;
    assert!(matches!(store.submit(new_task(&ids)).await, Err(StoreError::Full)));
    store.claim(1, true, vec![]).await.unwrap();
    submit(&store, &ids).await;
}

#[tokio::test]
async fn a_lease_that_runs_out_puts_the_task_back() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let (store, _) =
        SledStore::open(dir.path(), &SledOptions { lease: Duration::from_nanos(1), ..options() }).unwrap();
    let id = submit(&store, &ids).await.id;
    store.claim(1, true, vec![]).await.unwrap();
    assert_eq!(store.expire().await.unwrap(), 1);
    assert_eq!(store.queued(), 1);
    assert!(matches!(store.finish(id, 1, failed_outcome(), Timestamp::now()).await, Err(StoreError::Fenced)));
    assert_eq!(store.claim(1, true, vec![]).await.unwrap().first().map(|task| task.attempts), Some(2));
}

#[tokio::test]
async fn the_number_of_tasks_ahead_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let store = open(dir.path());
    for _ in 0..4 {
        submit(&store, &ids).await;
    }
    store.claim(1, true, vec![]).await.unwrap();
    store.finish(store.newest().unwrap().unwrap(), 9, failed_outcome(), Timestamp::now()).await.unwrap_err();
    drop(store);
    let store = open(dir.path());
    let last = get(&store, store.newest().unwrap().unwrap()).await;
    assert_eq!(store.ahead_of(&last), 3);
    assert_eq!(submit(&store, &ids).await.ticket, last.ticket + 1);
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
async fn a_cancelled_task_is_over_and_its_worker_is_fenced_off() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let (running, waiting) = (submit(&store, &ids).await.id, submit(&store, &ids).await.id);
    store.claim(1, true, vec![]).await.unwrap();
    for id in [running, waiting] {
        let cancelled = store.cancel(id, Timestamp::now()).await.unwrap();
        assert!(cancelled.is_over());
        assert!(matches!(store.cancel(id, Timestamp::now()).await, Err(StoreError::Over)));
    }
    assert!(matches!(
        store.finish(running, 1, failed_outcome(), Timestamp::now()).await,
        Err(StoreError::Fenced)
    ));
    assert_eq!(store.queued(), 0);
    assert!(store.claim(9, true, vec![]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_deleted_task_is_remembered_as_gone_for_a_time_and_its_owner_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let task = NewTask { owner: Some("ada".to_owned()), ..new_task(&ids) };
    let id = task.id;
    store.submit(task).await.unwrap();
    assert!(store.delete(id).await.unwrap().is_none(), "a task that is not over stays");
    store.cancel(id, Timestamp::now()).await.unwrap();
    assert!(store.ended_ago(Duration::from_secs(60), 9).await.unwrap().is_empty());
    assert_eq!(ended_by_now(&store).await, [id]);
    assert_eq!(store.delete(id).await.unwrap().map(|record| record.id), Some(id));
    assert!(matches!(store.get(id).await.unwrap(), Lookup::Gone(Some(owner)) if owner == "ada"));
    assert!(ended_by_now(&store).await.is_empty());
    assert_eq!(store.newest().unwrap(), Some(id), "ids go on after what is gone");
    assert_eq!(store.forget(Duration::from_secs(60), 9).await.unwrap(), 0);
    wait_for(|| async { store.forget(Duration::ZERO, 9).await.unwrap() == 1 }).await;
    assert!(matches!(store.get(id).await.unwrap(), Lookup::Unknown));
}

#[tokio::test]
async fn the_same_request_twice_is_one_task_and_another_with_its_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let with_key = |fingerprint: &[u8], owner: Option<&str>| NewTask {
        owner: owner.map(str::to_owned),
        idempotency: Some(Idempotency {
            key: Digest::of(b"key"),
            fingerprint: Digest::of(fingerprint),
            lifetime: Duration::from_secs(60),
        }),
        ..new_task(&ids)
    };
    let Submitted::New(first) = store.submit(with_key(b"a", None)).await.unwrap() else { panic!() };
    let Submitted::Before(again) = store.submit(with_key(b"a", None)).await.unwrap() else { panic!() };
    assert_eq!(again.id, first.id);
    assert!(matches!(store.submit(with_key(b"b", None)).await, Err(StoreError::KeyReused)));
    assert!(
        matches!(store.submit(with_key(b"b", Some("ada"))).await, Ok(Submitted::New(_))),
        "keys are an owner's own"
    );
    assert_eq!(store.queued(), 2);

    store.cancel(first.id, Timestamp::now()).await.unwrap();
    store.delete(first.id).await.unwrap();
    assert!(
        matches!(store.submit(with_key(b"b", None)).await, Ok(Submitted::New(_))),
        "a key goes with its task"
    );
}

#[tokio::test]
async fn lists_are_newest_first_filtered_and_cut_into_pages() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let mut mine = vec![];
    for number in 0..10 {
        let owner = (number % 2 == 0).then(|| "ada".to_owned());
        let task = NewTask { owner: owner.clone(), ..new_task(&ids) };
        if owner.is_some() {
            mine.push(task.id);
        }
        store.submit(task).await.unwrap();
    }
    mine.reverse();
    let query = |after, limit| Query { owner: Some("ada".to_owned()), after, limit, ..Query::default() };
    let mut pages = vec![];
    let mut after = None;
    loop {
        let page = store.list(query(after, 2)).await.unwrap();
        pages.extend(page.records.iter().map(|record| record.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, mine);
    assert_eq!(
        store.list(Query { limit: 100, ..Query::default() }).await.unwrap().records.len(),
        5,
        "nobody's"
    );
    store.cancel(mine[0], Timestamp::now()).await.unwrap();
    let cancelled = Query { state: Some(StateFilter::Cancelled), ..query(None, 100) };
    assert_eq!(
        store.list(cancelled).await.unwrap().records.iter().map(|record| record.id).collect::<Vec<_>>(),
        [mine[0]]
    );
    assert_eq!(store.unfinished().await.unwrap(), [(None, 5), (Some("ada".to_owned()), 4)]);
}

#[tokio::test]
async fn an_announcement_is_due_from_the_end_until_it_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let ids = IdSource::after(None);
    let store = open(dir.path());
    let callback = Callback { url: "https://a.example/".to_owned(), public_url: "http://h".to_owned() };
    let task = NewTask { callback: Some(callback), ..new_task(&ids) };
    let id = task.id;
    store.submit(task).await.unwrap();
    assert!(store.due_callbacks(9).await.unwrap().0.is_empty());
    store.cancel(id, Timestamp::now()).await.unwrap();
    drop(store);

    let store = open(dir.path());
    let (mut due, _) = store.due_callbacks(9).await.unwrap();
    store.settle_callback(due.remove(0), Some(Duration::from_secs(60))).await.unwrap();
    let (due, next) = store.due_callbacks(9).await.unwrap();
    assert!(due.is_empty());
    let next = next.unwrap();
    assert!(next > Duration::from_secs(50) && next <= Duration::from_secs(60), "{next:?}");
    let exported = store.export(None, 9).await.unwrap();
    let Entry::Task(kept) = &exported[0] else { panic!("{exported:?}") };
    assert_eq!(kept.announcement.unwrap().attempts, 1);
    let other = tempfile::tempdir().unwrap();
    let store = open(other.path());
    let Entry::Task(mut kept) = exported.into_iter().next().unwrap() else { panic!() };
    kept.announcement.as_mut().unwrap().due_in = Duration::ZERO;
    store.import(vec![Entry::Task(kept)]).await.unwrap();
    let (mut due, _) = store.due_callbacks(9).await.unwrap();
    assert_eq!((due[0].task, due[0].attempts), (id, 1));
    store.settle_callback(due.remove(0), None).await.unwrap();
    assert_eq!(store.due_callbacks(9).await.unwrap().1, None);
}

#[tokio::test]
async fn another_store_takes_everything_over_and_what_ran_waits_there() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let with_key = NewTask {
        owner: Some("ada".to_owned()),
        idempotency: Some(Idempotency {
            key: Digest::of(b"key"),
            fingerprint: Digest::of(b"request"),
            lifetime: Duration::from_secs(60),
        }),
        ..new_task(&ids)
    };
    let (running, waiting) = (with_key.id, submit_two(&store, &ids, with_key.clone()).await);
    let (over, deleted) = (submit(&store, &ids).await.id, submit(&store, &ids).await.id);
    assert_eq!(store.claim(1, true, vec![]).await.unwrap()[0].id, running);
    store.cancel(over, Timestamp::now()).await.unwrap();
    store.cancel(deleted, Timestamp::now()).await.unwrap();
    store.delete(deleted).await.unwrap();

    // Page by page, as a backup reads it.
    let copy = open(other.path());
    let mut after = None;
    loop {
        let page = store.export(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id());
        copy.import(page).await.unwrap();
    }
    assert_eq!(copy.queued(), 2);
    drop(copy);
    let copy = open(other.path());
    let claimed = copy.claim(9, true, vec![]).await.unwrap();
    assert_eq!(
        claimed.iter().map(|task| (task.id, task.attempts)).collect::<Vec<_>>(),
        [(running, 2), (waiting, 1)]
    );
    assert_eq!(get(&copy, over).await, get(&store, over).await);
    assert_eq!(ended_by_now(&copy).await, [over]);
    assert!(matches!(copy.get(deleted).await.unwrap(), Lookup::Gone(None)));
    let again = NewTask { id: ids.next(), ..with_key };
    assert!(matches!(copy.submit(again).await.unwrap(), Submitted::Before(record) if record.id == running));
}

async fn submit_two(store: &SledStore, ids: &IdSource, first: NewTask) -> TaskId {
    store.submit(first).await.unwrap();
    submit(store, ids).await.id
}

/// The store's clock has milliseconds, and an end in this one is not yet over.
async fn ended_by_now(store: &SledStore) -> Vec<TaskId> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    store.ended_ago(Duration::ZERO, 9).await.unwrap()
}

async fn wait_for<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    while !condition().await {
        tokio::task::yield_now().await;
    }
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
