//! Several stores with one database, as several processes have them.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::store::tests::{failed_outcome, get, new_task, submit};
use crate::task::{
    Callback, IdSource, Idempotency, Lookup, NewTask, News, Recovered, State, StoreError, Submitted, TaskId,
    TaskStore,
};

/// Waits for news of another node, and passes over what is no such news.
async fn heard(news: &mut tokio::sync::broadcast::Receiver<News>, wanted: News) {
    let heard = async { while news.recv().await.unwrap() != wanted {} };
    tokio::time::timeout(Duration::from_secs(20), heard).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_ends_once_when_one_of_three_nodes_dies() {
    const TASKS: usize = 60;
    let Some(database) = TestDatabase::new().await else { return };
    let ids = IdSource::after(None);
    let dying = database.open().await;
    for _ in 0..TASKS {
        submit(&dying, &ids).await;
    }
    let held: Vec<TaskId> = dying.claim(4, true, vec![]).await.unwrap().iter().map(|task| task.id).collect();
    assert_eq!(held.len(), 4);

    let ended = Arc::new(std::sync::Mutex::new(vec![]));
    let mut nodes = vec![];
    for _ in 0..2 {
        let (store, ended) = (database.open_impatient().await, Arc::clone(&ended));
        nodes.push(tokio::spawn(async move {
            // A node that has worked off what it had is idle, and may take suspects.
            while ended.lock().unwrap().len() < TASKS {
                let claimed = store.claim(3, true, vec![]).await.unwrap();
                let idle = claimed.is_empty();
                for task in claimed {
                    store.has_run(task.id, Duration::from_millis(1));
                    match store.finish(task.id, task.attempts, failed_outcome(), Timestamp::now()).await {
                        Ok(record) => ended.lock().unwrap().push(record.id),
                        Err(StoreError::Fenced) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                if idle {
                    store.expire().await.unwrap();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }));
    }
    // It is silent from now on, and its leases run out.
    database.end_leases().await;
    for node in nodes {
        tokio::time::timeout(Duration::from_secs(60), node).await.unwrap().unwrap();
    }
    let ended = ended.lock().unwrap().clone();
    assert_eq!(ended.len(), TASKS);
    assert_eq!(ended.iter().collect::<HashSet<_>>().len(), TASKS, "none ended twice");
    for id in held {
        let late = dying.finish(id, 1, failed_outcome(), Timestamp::now()).await;
        assert!(matches!(late, Err(StoreError::Fenced)), "it came back too late");
        assert!(matches!(dying.renew(id, 1).await, Err(StoreError::Fenced)));
    }
}

#[tokio::test]
async fn opening_leaves_alone_what_other_nodes_run_and_a_lease_that_ran_out_counts_as_a_crash() {
    let Some(database) = TestDatabase::new().await else { return };
    let ids = IdSource::after(None);
    let one = database.open().await;
    let id = submit(&one, &ids).await.id;
    one.claim(1, true, vec![]).await.unwrap();
    let two = database.open_impatient().await;
    assert_eq!(two.expire().await.unwrap(), Recovered::default());
    assert!(two.claim(1, true, vec![]).await.unwrap().is_empty());
    one.renew(id, 1).await.unwrap();

    database.end_leases().await;
    assert_eq!(two.expire().await.unwrap(), Recovered { requeued: 1, interrupted: 0 });
    assert!(matches!(one.renew(id, 1).await, Err(StoreError::Fenced)));
    assert!(one.claim(9, false, vec![]).await.unwrap().is_empty(), "a suspect is not run beside others");
    let again = one.claim(9, true, vec![]).await.unwrap();
    assert_eq!((again[0].attempts, again[0].crashes), (2, 1));
    database.end_leases().await;
    assert_eq!(two.expire().await.unwrap(), Recovered { requeued: 0, interrupted: 1 });
    let over = get(&two, id).await;
    assert!(over.is_over() && over.crashes == 2, "{over:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_hears_of_what_another_does_and_sees_how_far_it_is() {
    let Some(database) = TestDatabase::new().await else { return };
    let (one, two, ids) = (database.open().await, database.open().await, IdSource::after(None));
    let mut news = two.news().unwrap();
    // It listens from here on.
    heard(&mut news, News::Waiting).await;
    let id = submit(&one, &ids).await.id;
    heard(&mut news, News::Waiting).await;
    assert_eq!(two.claim(1, true, vec![]).await.unwrap()[0].id, id);
    let mut news_of_two = one.news().unwrap();
    two.has_progressed(id, 0.25);
    heard(&mut news_of_two, News::Changed(id)).await;
    assert_eq!(get(&one, id).await.state, State::Running);
    assert_eq!(one.progress_elsewhere(id), Some(0.25));
    one.cancel(id, Timestamp::now()).await.unwrap();
    heard(&mut news, News::Ended(id)).await;
    let late = two.finish(id, 1, failed_outcome(), Timestamp::now()).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_to_two_nodes_at_once_is_one_task() {
    let Some(database) = TestDatabase::new().await else { return };
    let (one, two, ids) = (database.open().await, database.open().await, IdSource::after(None));
    for round in 0..20_u8 {
        let with_key = || NewTask {
            idempotency: Some(Idempotency {
                key: crate::digest::Digest::of(&[round]),
                fingerprint: crate::digest::Digest::of(b"request"),
                lifetime: Duration::from_secs(60),
            }),
            ..new_task(&ids)
        };
        let (first, second) = tokio::join!(one.submit(with_key()), two.submit(with_key()));
        let id = |submitted: Submitted| match submitted {
            Submitted::New(record) => (true, record.id),
            Submitted::Before(record) => (false, record.id),
        };
        let (first, second) = (id(first.unwrap()), id(second.unwrap()));
        assert_eq!(first.1, second.1);
        assert!(first.0 != second.0, "one of the two is new");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_full_for_all_nodes_however_many_submit_at_once() {
    let Some(database) = TestDatabase::new().await else { return };
    let settings = Settings { max_queue: 10, ..database.settings() };
    let one = Arc::new(PostgresStore::open(&settings).await.unwrap());
    let two = Arc::new(PostgresStore::open(&settings).await.unwrap());
    let ids = Arc::new(IdSource::after(None));
    let mut submissions = vec![];
    for number in 0..30 {
        let store = Arc::clone(if number % 2 == 0 { &one } else { &two });
        let ids = Arc::clone(&ids);
        submissions.push(tokio::spawn(async move { store.submit(new_task(&ids)).await }));
    }
    let mut accepted = 0;
    for submission in submissions {
        match submission.await.unwrap() {
            Ok(_) => accepted += 1,
            Err(error) => assert!(matches!(error, StoreError::Full), "{error}"),
        }
    }
    assert_eq!(accepted, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_has_no_more_unfinished_tasks_than_it_may_on_all_nodes_together() {
    let Some(database) = TestDatabase::new().await else { return };
    let (one, two) = (Arc::new(database.open().await), Arc::new(database.open().await));
    let ids = Arc::new(IdSource::after(None));
    let mut submissions = vec![];
    for number in 0..12 {
        let store = Arc::clone(if number % 2 == 0 { &one } else { &two });
        let ids = Arc::clone(&ids);
        submissions.push(tokio::spawn(async move {
            let task = NewTask { owner: Some("ada".to_owned()), most_open: Some(3), ..new_task(&ids) };
            store.submit(task).await
        }));
    }
    let mut accepted = vec![];
    for submission in submissions {
        match submission.await.unwrap() {
            Ok(Submitted::New(record)) => accepted.push(record.id),
            other => assert!(matches!(other, Err(StoreError::OverQuota(3))), "{other:?}"),
        }
    }
    assert_eq!(accepted.len(), 3);
    two.cancel(accepted[0], Timestamp::now()).await.unwrap();
    let task = NewTask { owner: Some("ada".to_owned()), most_open: Some(3), ..new_task(&ids) };
    one.submit(task).await.unwrap();
}

#[tokio::test]
async fn an_announcement_is_made_by_one_node_and_passes_on_when_that_dies() {
    let Some(database) = TestDatabase::new().await else { return };
    let (one, two, ids) = (database.open().await, database.open().await, IdSource::after(None));
    let callback = Callback { url: "https://a.example/".to_owned(), public_url: "http://h".to_owned() };
    let task = NewTask { callback: Some(callback), ..new_task(&ids) };
    let id = task.id;
    one.submit(task).await.unwrap();
    two.cancel(id, Timestamp::now()).await.unwrap();
    assert_eq!(one.due_callbacks(9).await.unwrap().0.len(), 1);
    assert!(two.due_callbacks(9).await.unwrap().0.is_empty(), "it is in the other's hands");
    drop(one);
    database.run("UPDATE tintype.callbacks SET held = clock_timestamp()").await;
    let (mut due, _) = two.due_callbacks(9).await.unwrap();
    two.settle_callback(due.remove(0), None).await.unwrap();
    assert!(two.due_callbacks(9).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_lost_connection_is_no_lost_store() {
    let Some(database) = TestDatabase::new().await else { return };
    let (store, ids) = (database.open().await, IdSource::after(None));
    let id = submit(&store, &ids).await.id;
    for _ in 0..3 {
        database
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
        assert!(matches!(store.get(id).await.unwrap(), Lookup::Found(_)));
        submit(&store, &ids).await;
    }
    assert_eq!(store.failure(), None);
    assert_eq!(store.claim(9, true, vec![]).await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_has_what_it_confirmed_and_goes_on_with_the_same_stores() {
    let Some((mut cluster, database)) = TestDatabase::alone().await else { return };
    let (store, ids) = (database.open().await, IdSource::after(None));
    let mut accepted = vec![];
    for _ in 0..20 {
        accepted.push(submit(&store, &ids).await.id);
    }
    let running = store.claim(1, true, vec![]).await.unwrap()[0].id;
    cluster.crash();
    // Sent while there is nobody, carried out when there is somebody.
    let finish = store.finish(running, 1, failed_outcome(), Timestamp::now());
    let (finished, ()) = tokio::join!(finish, async { cluster.start() });
    assert!(finished.unwrap().is_over());
    for id in accepted {
        get(&store, id).await;
    }
    assert_eq!(store.failure(), None);
    let claimed = store.claim(9, true, vec![]).await.unwrap();
    assert_eq!(claimed.len(), 9);
    database.end_leases().await;
    assert_eq!(store.expire().await.unwrap(), Recovered::default(), "there is time to renew them");
}

#[tokio::test]
async fn what_clients_have_used_on_one_node_counts_on_the_others() {
    let Some(database) = TestDatabase::new().await else { return };
    let (one, two, ids) = (database.open().await, database.open().await, IdSource::after(None));
    let of = |owner: &str| NewTask { owner: Some(owner.to_owned()), ..new_task(&ids) };
    one.submit(of("much")).await.unwrap();
    let claimed = one.claim(1, true, vec![]).await.unwrap();
    one.has_run(claimed[0].id, Duration::from_secs(60));
    one.finish(claimed[0].id, 1, failed_outcome(), Timestamp::now()).await.unwrap();
    for owner in ["much", "little"] {
        one.submit(of(owner)).await.unwrap();
    }
    one.settle().await.unwrap();
    let next = two.claim(1, true, vec![]).await.unwrap();
    assert_eq!(next[0].owner.as_deref(), Some("little"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_takes_only_tasks_that_it_has_the_plugins_for() {
    let Some(database) = TestDatabase::new().await else { return };
    let (ids, poor, rich) = (IdSource::after(None), database.open().await, database.open().await);
    let of = |operations: &[&str]| {
        let operations = operations.iter().map(|name| (*name).to_owned()).collect();
        NewTask { operations, ..new_task(&ids) }
    };
    let rotate = of(&["resize", "rotate"]);
    let resize = of(&["resize"]);
    for task in [&rotate, &resize] {
        poor.submit(task.clone()).await.unwrap();
    }
    poor.can_run(vec!["resize".to_owned(), "crop".to_owned()]);
    rich.can_run(vec!["resize".to_owned(), "rotate".to_owned()]);
    let claimed = poor.claim(9, true, vec![]).await.unwrap();
    assert_eq!(claimed.iter().map(|task| task.id).collect::<Vec<_>>(), [resize.id]);
    assert!(poor.claim(9, true, vec![]).await.unwrap().is_empty());
    assert_eq!(rich.claim(9, true, vec![]).await.unwrap()[0].id, rotate.id);
}
