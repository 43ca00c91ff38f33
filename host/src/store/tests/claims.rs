//! Which tasks are handed out, and in which order.

use super::*;
use crate::task::Bound;

pub(super) async fn tasks_are_handed_out_in_the_order_of_submission(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
    let mut submitted = vec![];
    for _ in 0..5 {
        submitted.push(submit(&*store, &ids).await.id);
    }
    assert_eq!(store.queued(), 5);
    let mut claimed: Vec<TaskId> =
        store.claim(3, true, vec![]).await.unwrap().iter().map(|task| task.id).collect();
    claimed.extend(store.claim(3, false, vec![]).await.unwrap().iter().map(|task| task.id));
    assert_eq!(claimed, submitted);
    assert_eq!(store.queued(), 0);
}

pub(super) async fn a_task_whose_plugin_is_busy_is_passed_over_and_keeps_its_place(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
    let mut submitted = vec![];
    for operation in ["slow", "slow", "fast", "slow", "fast"] {
        let task = NewTask { operations: vec!["first".to_owned(), operation.to_owned()], ..new_task(&ids) };
        submitted.push(task.id);
        store.submit(task).await.unwrap();
    }
    let claimed = async |limit, bounds: &[(&str, usize)]| -> Vec<TaskId> {
        let bounds =
            bounds.iter().map(|(name, left)| Bound { operations: vec![(*name).to_owned()], left: *left });
        store.claim(limit, true, bounds.collect()).await.unwrap().iter().map(|task| task.id).collect()
    };
    assert_eq!(claimed(9, &[("first", 0)]).await, []);
    assert_eq!(claimed(1, &[("slow", 0)]).await, [submitted[2]]);
    assert_eq!(claimed(9, &[("slow", 1), ("first", 9)]).await, [submitted[0], submitted[4]]);
    assert_eq!(claimed(9, &[("slow", 9), ("first", 1)]).await, [submitted[1]]);
    assert_eq!(claimed(9, &[]).await, [submitted[3]]);
}

fn of(owner: &str, ids: &IdSource) -> NewTask {
    NewTask { owner: Some(owner.to_owned()), ..new_task(ids) }
}

fn whose(claimed: &[Record]) -> Vec<&str> {
    claimed.iter().map(|task| task.owner.as_deref().unwrap_or_default()).collect()
}

pub(super) async fn clients_take_turns_and_after_a_restart_too(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
    for owner in ["many", "many", "many", "few"] {
        store.submit(of(owner, &ids)).await.unwrap();
    }
    assert_eq!(whose(&store.claim(2, true, vec![]).await.unwrap()), ["many", "few"]);
    store.submit(of("few", &ids)).await.unwrap();
    drop(store);

    // What was claimed ran when the process died: it is run alone, one after the other.
    let (store, _) = place.open_after_death().await;
    for _ in 0..2 {
        let suspect = store.claim(9, true, vec![]).await.unwrap();
        assert!(suspect.len() == 1 && suspect[0].is_suspect(), "{suspect:?}");
        store.has_run(suspect[0].id, Duration::from_millis(1));
        store.finish(suspect[0].id, suspect[0].attempts, failed_outcome(), Timestamp::now()).await.unwrap();
    }
    assert_eq!(whose(&store.claim(2, true, vec![]).await.unwrap()).len(), 2);
}

pub(super) async fn clients_without_a_key_are_told_apart_by_their_address(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let (store, ids) = (place.open().await, IdSource::after(None));
    for last in [1, 1, 1, 2] {
        let address = Some(std::net::Ipv4Addr::new(192, 0, 2, last).into());
        store.submit(NewTask { address, ..new_task(&ids) }).await.unwrap();
    }
    let claimed = store.claim(2, true, vec![]).await.unwrap();
    let last: Vec<String> = claimed.iter().map(|task| task.address.unwrap().to_string()).collect();
    assert_eq!(last, ["192.0.2.1", "192.0.2.2"]);
}

pub(super) async fn no_more_is_handed_out_than_there_are_workers_for(kind: Kind) {
    let Some(place) = Place::new(kind).await else { return };
    let ids = IdSource::after(None);
    let store = place.open_with(Options { workers: 1, ..Options::default() }).await;
    let (first, second) = (submit(&*store, &ids).await, submit(&*store, &ids).await);
    assert_eq!(store.claim(9, true, vec![]).await.unwrap()[0].id, first.id);
    assert!(store.claim(9, false, vec![]).await.unwrap().is_empty());
    // Its worker is free before its end is written.
    store.has_run(first.id, Duration::from_secs(1));
    assert_eq!(store.claim(9, false, vec![]).await.unwrap()[0].id, second.id);
    // Whoever never said that a worker is free has ended the task at least.
    store.finish(second.id, 1, failed_outcome(), Timestamp::now()).await.unwrap();
    submit(&*store, &ids).await;
    assert_eq!(store.claim(9, false, vec![]).await.unwrap().len(), 1);
}
