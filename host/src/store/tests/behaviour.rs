//! A task's life, whatever keeps it.

use super::*;
use crate::task::{Callback, Entry, Idempotency, Query, State, StateFilter, StoreError};

pub(super) async fn only_the_attempt_that_holds_a_task_can_end_it(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
    let id = submit(&*store, &ids).await.id;
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
    let State::Finished { outcome, .. } = get(&*store, id).await.state else { panic!() };
    assert_eq!(outcome, failed_outcome());
}

pub(super) async fn what_ran_when_the_process_died_waits_again_and_the_second_time_ends(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let ids = IdSource::after(None);
    let store = place.open().await;
    let first = submit(&*store, &ids).await.id;
    let second = submit(&*store, &ids).await.id;
    store.claim(1, true, vec![]).await.unwrap();
    drop(store);

    let (store, recovered) = place.open_after_death().await;
    assert_eq!(recovered, Recovered { requeued: 1, interrupted: 0 });
    assert_eq!(store.newest().unwrap(), Some(second));
    assert!(store.claim(9, false, vec![]).await.unwrap().is_empty(), "a suspect is not run beside others");
    let alone: Vec<TaskId> = store.claim(9, true, vec![]).await.unwrap().iter().map(|task| task.id).collect();
    assert_eq!(alone, [first], "a suspect runs alone");
    drop(store);

    let (store, recovered) = place.open_after_death().await;
    assert_eq!(recovered, Recovered { requeued: 0, interrupted: 1 });
    let State::Finished { outcome: Outcome::Failed(failure), .. } = get(&*store, first).await.state else {
        panic!()
    };
    assert_eq!(failure.code, FailureCode::Interrupted);
    assert_eq!(store.claim(9, true, vec![]).await.unwrap().first().map(|task| task.id), Some(second));
}

pub(super) async fn a_full_queue_takes_no_more(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let ids = IdSource::after(None);
    let store = place.open_with(Options { max_queue: 2, ..Options::default() }).await;
    submit(&*store, &ids).await;
    submit(&*store, &ids).await;
    assert!(matches!(store.submit(new_task(&ids)).await, Err(StoreError::Full)));
    store.claim(1, true, vec![]).await.unwrap();
    submit(&*store, &ids).await;
}

pub(super) async fn a_lease_that_runs_out_puts_the_task_back(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let ids = IdSource::after(None);
    let store = place.open_with(Options { lease: Duration::from_nanos(1), ..Options::default() }).await;
    let id = submit(&*store, &ids).await.id;
    store.claim(1, true, vec![]).await.unwrap();
    assert_eq!(store.expire().await.unwrap(), Recovered { requeued: 1, interrupted: 0 });
    assert_eq!(store.queued(), 1);
    assert!(matches!(store.finish(id, 1, failed_outcome(), Timestamp::now()).await, Err(StoreError::Fenced)));
    assert_eq!(store.claim(1, true, vec![]).await.unwrap().first().map(|task| task.attempts), Some(2));
}

pub(super) async fn the_number_of_tasks_ahead_survives_a_restart(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let ids = IdSource::after(None);
    let store = place.open().await;
    for _ in 0..4 {
        submit(&*store, &ids).await;
    }
    store.claim(1, true, vec![]).await.unwrap();
    store.finish(store.newest().unwrap().unwrap(), 9, failed_outcome(), Timestamp::now()).await.unwrap_err();
    drop(store);
    let (store, _) = place.open_after_death().await;
    let last = get(&*store, store.newest().unwrap().unwrap()).await;
    assert_eq!(store.ahead_of(&last), 3);
    assert_eq!(submit(&*store, &ids).await.ticket, last.ticket + 1);
}

pub(super) async fn a_cancelled_task_is_over_and_its_worker_is_fenced_off(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
    let (running, waiting) = (submit(&*store, &ids).await.id, submit(&*store, &ids).await.id);
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

pub(super) async fn a_deleted_task_is_remembered_as_gone_for_a_time_and_its_owner_with_it(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
    let task = NewTask { owner: Some("ada".to_owned()), ..new_task(&ids) };
    let id = task.id;
    store.submit(task).await.unwrap();
    assert!(store.delete(id).await.unwrap().is_none(), "a task that is not over stays");
    store.cancel(id, Timestamp::now()).await.unwrap();
    assert!(store.ended_ago(Duration::from_secs(60), 9).await.unwrap().is_empty());
    assert_eq!(ended_by_now(&*store).await, [id]);
    assert_eq!(store.delete(id).await.unwrap().map(|record| record.id), Some(id));
    assert!(matches!(store.get(id).await.unwrap(), Lookup::Gone(Some(owner)) if owner == "ada"));
    assert!(ended_by_now(&*store).await.is_empty());
    assert_eq!(store.newest().unwrap(), Some(id), "ids go on after what is gone");
    assert_eq!(store.forget(Duration::from_secs(60), 9).await.unwrap(), 0);
    wait_for(|| async { store.forget(Duration::ZERO, 9).await.unwrap() == 1 }).await;
    assert!(matches!(store.get(id).await.unwrap(), Lookup::Unknown));
}

pub(super) async fn the_same_request_twice_is_one_task_and_another_with_its_key_is_refused(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
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

pub(super) async fn lists_are_newest_first_filtered_and_cut_into_pages(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
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

pub(super) async fn an_announcement_is_due_from_the_end_until_it_is_settled(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let ids = IdSource::after(None);
    let store = place.open().await;
    let callback = Callback { url: "https://a.example/".to_owned(), public_url: "http://h".to_owned() };
    let task = NewTask { callback: Some(callback), ..new_task(&ids) };
    let id = task.id;
    store.submit(task).await.unwrap();
    assert!(store.due_callbacks(9).await.unwrap().0.is_empty());
    store.cancel(id, Timestamp::now()).await.unwrap();
    drop(store);

    let store = place.open().await;
    let (mut due, _) = store.due_callbacks(9).await.unwrap();
    store.settle_callback(due.remove(0), Some(Duration::from_secs(60))).await.unwrap();
    let (due, next) = store.due_callbacks(9).await.unwrap();
    assert!(due.is_empty());
    let next = next.unwrap();
    assert!(next > Duration::from_secs(50) && next <= Duration::from_secs(60), "{next:?}");
    let exported = store.export(None, 9).await.unwrap();
    let Entry::Task(kept) = &exported[0] else { panic!("{exported:?}") };
    assert_eq!(kept.announcement.unwrap().attempts, 1);
    let Some(other) = Place::new(kind).await else { return };
    let store = other.open().await;
    let Entry::Task(mut kept) = exported.into_iter().next().unwrap() else { panic!() };
    kept.announcement.as_mut().unwrap().due_in = Duration::ZERO;
    store.import(vec![Entry::Task(kept)]).await.unwrap();
    let (mut due, _) = store.due_callbacks(9).await.unwrap();
    assert_eq!((due[0].task, due[0].attempts), (id, 1));
    store.settle_callback(due.remove(0), None).await.unwrap();
    assert_eq!(store.due_callbacks(9).await.unwrap().1, None);
}

pub(super) async fn another_store_takes_everything_over_and_what_ran_waits_there(kind: Kind) {
    let (Some(place), Some(other)) = (Place::new(kind).await, Place::new(kind).await) else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
    let with_key = NewTask {
        owner: Some("ada".to_owned()),
        idempotency: Some(Idempotency {
            key: Digest::of(b"key"),
            fingerprint: Digest::of(b"request"),
            lifetime: Duration::from_secs(60),
        }),
        ..new_task(&ids)
    };
    let (running, waiting) = (with_key.id, submit_two(&*store, &ids, with_key.clone()).await);
    let (over, deleted) = (submit(&*store, &ids).await.id, submit(&*store, &ids).await.id);
    assert_eq!(store.claim(1, true, vec![]).await.unwrap()[0].id, running);
    store.cancel(over, Timestamp::now()).await.unwrap();
    store.cancel(deleted, Timestamp::now()).await.unwrap();
    store.delete(deleted).await.unwrap();

    // Page by page, as a backup reads it.
    let copy = other.open().await;
    let mut after = None;
    loop {
        let page = store.export(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id());
        copy.import(page).await.unwrap();
    }
    assert_eq!(copy.queued(), 2);
    drop(copy);
    let copy = other.open().await;
    let claimed = copy.claim(9, true, vec![]).await.unwrap();
    assert_eq!(
        claimed.iter().map(|task| (task.id, task.attempts)).collect::<Vec<_>>(),
        [(running, 2), (waiting, 1)]
    );
    assert_eq!(get(&*copy, over).await, get(&*store, over).await);
    assert_eq!(ended_by_now(&*copy).await, [over]);
    assert!(matches!(copy.get(deleted).await.unwrap(), Lookup::Gone(None)));
    let again = NewTask { id: ids.next(), ..with_key };
    assert!(matches!(copy.submit(again).await.unwrap(), Submitted::Before(record) if record.id == running));
}

async fn submit_two(store: &dyn TaskStore, ids: &IdSource, first: NewTask) -> TaskId {
    store.submit(first).await.unwrap();
    submit(store, ids).await.id
}
