//! Which tasks are handed out, and in which order.

use super::*;

#[tokio::test]
async fn tasks_are_handed_out_in_the_order_of_submission() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
    let mut submitted = vec![];
    for _ in 0..5 {
        submitted.push(submit(&store, &ids).await.id);
    }
    assert_eq!(store.queued(), 5);
    let mut claimed: Vec<TaskId> =
        store.claim(3, true, vec![]).await.unwrap().iter().map(|task| task.id).collect();
    claimed.extend(store.claim(3, false, vec![]).await.unwrap().iter().map(|task| task.id));
    assert_eq!(claimed, submitted);
    assert_eq!(store.queued(), 0);
}

#[tokio::test]
async fn a_task_whose_plugin_is_busy_is_passed_over_and_keeps_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ids) = (open(dir.path()), IdSource::after(None));
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
