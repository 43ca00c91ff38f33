//! Who waits for news of a task, and how the news reaches them. Nobody waits, nothing is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::id::TaskId;

/// Where other processes work with the same tasks too, news may be lost: after this long without any it is
/// time to look.
const LOOK: Duration = Duration::from_secs(2);

/// The tasks that somebody waits for.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    waited_for: Mutex<HashMap<TaskId, watch::Sender<()>>>,
    /// Whether news may be lost.
    are_hints: bool,
}

/// A wait for news of one task. News that comes between two waits is not lost, and several pieces
/// of news are one.
#[derive(Debug)]
pub struct Subscription {
    id: TaskId,
    watchers: Arc<Watchers>,
    news: watch::Receiver<()>,
}

impl Watchers {
    /// Of a store that other processes may share.
    pub(super) fn of(is_shared: bool) -> Self {
        Self { are_hints: is_shared, ..Self::default() }
    }

    pub(super) fn subscribe(self: &Arc<Self>, id: TaskId) -> Subscription {
        let news = self.lock().entry(id).or_insert_with(|| watch::channel(()).0).subscribe();
        Subscription { id, watchers: Arc::clone(self), news }
    }

    /// Says that something about the task has changed.
    pub(super) fn tell(&self, id: TaskId) {
        if let Some(sender) = self.lock().get(&id) {
            sender.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, watch::Sender<()>>> {
        self.waited_for.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// Waits for news since the last wait, or since the subscription. Where news may be lost, time is news.
    pub async fn news(&mut self) {
        if self.watchers.are_hints {
            // Either way it is time to look.
            let _ = tokio::time::timeout(LOOK, self.changed()).await;
        } else {
            self.changed().await;
        }
    }

    async fn changed(&mut self) {
        if self.news.changed().await.is_err() {
            // The sender lives as long as any subscription, so this is never reached; waiting is safe.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut watchers = self.watchers.lock();
        // This receiver is still counted.
        if watchers.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            watchers.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::IdSource;

    #[tokio::test]
    async fn news_reach_all_who_wait_and_nothing_is_kept_afterwards() {
        let (watchers, id) = (Arc::new(Watchers::default()), IdSource::after(None).next());
        let (mut one, mut two) = (watchers.subscribe(id), watchers.subscribe(id));
        watchers.tell(id);
        watchers.tell(id);
        one.news().await;
        two.news().await;
        drop(one);
        assert_eq!(watchers.lock().len(), 1);
        watchers.tell(id);
        two.news().await;
        drop(two);
        assert!(watchers.lock().is_empty());
    }
}
