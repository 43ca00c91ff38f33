//! Fills a store with tasks that are over, each by the way that every task goes: submitted, claimed,
//! finished. Many at once, so that they share their flushes. There are no pictures: nobody fetches them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use jiff::Timestamp;
use tintype::digest::Digest;
use tintype::store::sled::{Durability, SledOptions, SledStore};
use tintype::task::{BlobInfo, DetailsAt, IdSource, NewTask, Outcome, StoreError, TaskId, TaskStore as _};
use tokio::task::JoinSet;

/// Tasks at once.
pub const AT_ONCE: u64 = 2000;

/// Adds `count` tasks to the store in `folder` and gives the ids of `sample` of them.
pub fn fill(folder: &Path, count: u64, sample: usize) -> anyhow::Result<Vec<String>> {
    let options = SledOptions {
        cache: 512 << 20,
        max_queue: AT_ONCE * 2,
        workers: usize::try_from(AT_ONCE)?,
        max_attempts: 2,
        lease: Duration::from_secs(3600),
        durability: Durability::Full,
    };
    let store = Arc::new(SledStore::open(folder, &options)?.0);
    let ids = IdSource::after(store.newest()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let all = runtime.block_on(async {
        let mut all: Vec<TaskId> = vec![];
        for begun in (0..count).step_by(usize::try_from(AT_ONCE)?) {
            let many = AT_ONCE.min(count - begun);
            all.extend(work_off(&store, &ids, many).await?);
            let done = begun + many;
            if done.is_multiple_of(100_000) {
                eprintln!("{done} tasks");
            }
        }
        anyhow::Ok(all)
    })?;
    let chosen = fastrand::choose_multiple(all, sample);
    Ok(chosen.into_iter().map(|id| id.to_string()).collect())
}

/// Submits so many tasks, claims them and finishes them.
pub async fn work_off(store: &Arc<SledStore>, ids: &IdSource, many: u64) -> anyhow::Result<Vec<TaskId>> {
    let mut submitted = vec![];
    let mut submitting = JoinSet::new();
    for _ in 0..many {
        let (store, task) = (Arc::clone(store), new_task(ids));
        submitted.push(task.id);
        submitting.spawn(async move { store.submit(task).await.map(drop) });
    }
    settled(submitting).await?;
    let claimed = store.claim(usize::try_from(many)?, true, vec![]).await?;
    ensure!(claimed.len() as u64 == many, "{} of {many} tasks could be claimed", claimed.len());
    let mut finishing = JoinSet::new();
    for record in claimed {
        let store = Arc::clone(store);
        finishing.spawn(async move {
            let result = Outcome::Ok(vec![blob("image/jpeg", record.id)]);
            store.finish(record.id, record.attempts, result, Timestamp::now()).await.map(drop)
        });
    }
    settled(finishing).await?;
    Ok(submitted)
}

/// Waits for all, of which none may fail.
pub async fn settled(mut all: JoinSet<Result<(), StoreError>>) -> anyhow::Result<()> {
    while let Some(one) = all.join_next().await {
        one??;
    }
    Ok(())
}

/// A task as long as most are.
pub fn new_task(ids: &IdSource) -> NewTask {
    let id = ids.next();
    // As long as a description of one operation with an output is.
    let details = r#"{"description":{"operations":[{"name":"resize","params":[{"name":"width","value":"320"},{"name":"fit","value":"contain"}]}],"output":{"type":"image/jpeg","params":[]}},"attachments":[]}"#;
    NewTask {
        most_open: None,
        id,
        submitted: Timestamp::now(),
        operations: vec!["resize".to_owned()],
        details: DetailsAt::Inline(details.to_owned()),
        input: blob("image/png", id),
        attachments: 0,
        owner: None,
        address: None,
        callback: None,
        idempotency: None,
        trace: None,
    }
}

/// What a record says of a picture.
pub fn blob(media_type: &str, id: TaskId) -> BlobInfo {
    BlobInfo { media_type: media_type.to_owned(), size: 123_456, digest: Digest::of(id.as_bytes()) }
}
