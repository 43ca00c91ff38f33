//! Announces the ends of tasks: one POST of the final JSON status to whoever a task names.
//!
//! What is due is in the task store, so nothing is forgotten when the server stops. Receivers are
//! slow, gone or hostile: each may have a few deliveries under way and no more, and none holds up
//! the others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::public_url::PublicUrl;
use super::status;
use crate::callback::{Delivery, Outcome, Sender, next_attempt};
use crate::task::{Callback, DueCallback, Record, Status, Tasks};

/// Deliveries under way at once.
const MOST: usize = 64;
/// Deliveries under way at once to one host and port.
const MOST_PER_HOST: usize = 4;
/// Due announcements that are looked at together: more than one slow host's share of them.
const LOOK_AHEAD: usize = 1024;
/// Longest time between two looks.
const PERIOD: Duration = Duration::from_secs(30);
/// Pause after the store could not be read.
const PAUSE: Duration = Duration::from_secs(5);

/// Announces for as long as the server runs.
pub async fn announce(tasks: Arc<Tasks>, sender: Arc<Sender>) {
    let mut under_way = UnderWay::default();
    loop {
        let pause = match begin_due(&tasks, &sender, &mut under_way).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "announcements could not be looked at");
                PAUSE
            }
        };
        tokio::select! {
            () = tasks.announcement_due() => {}
            () = tokio::time::sleep(pause) => {}
            Some(ended) = under_way.deliveries.join_next() => under_way.ended(ended),
            () = tasks.draining() => return,
        }
    }
}

#[derive(Default)]
struct UnderWay {
    deliveries: JoinSet<(Vec<u8>, String)>,
    keys: HashSet<Vec<u8>>,
    by_host: HashMap<String, usize>,
}

impl UnderWay {
    fn takes(&self, key: &[u8], host: &str) -> bool {
        self.deliveries.len() < MOST
            && !self.keys.contains(key)
            && self.by_host.get(host).is_none_or(|count| *count < MOST_PER_HOST)
    }

    fn ended(&mut self, ended: Result<(Vec<u8>, String), tokio::task::JoinError>) {
        match ended {
            Ok((key, host)) => {
                self.keys.remove(&key);
                if let Some(count) = self.by_host.get_mut(&host) {
                    *count -= 1;
                    if *count == 0 {
                        self.by_host.remove(&host);
                    }
                }
            }
            Err(error) => tracing::error!(%error, "a delivery broke"),
        }
    }
}

/// Begins what is due and gives the time until the next look.
async fn begin_due(
    tasks: &Arc<Tasks>,
    sender: &Arc<Sender>,
    under_way: &mut UnderWay,
) -> Result<Duration, crate::task::StoreError> {
    let (due, next) = tasks.due_announcements(LOOK_AHEAD).await?;
    for (callback, record) in due {
        let Some((target, record)) = record.and_then(|record| Some((record.callback.clone()?, record)))
        else {
            // The task was deleted before its end could be announced.
            tasks.settle_announcement(callback, None).await?;
            continue;
        };
        // In its one spelling, so that nobody is counted as several. A URL that is no longer allowed is
        // refused when it is to be sent.
        let host = sender.guard().check(&target.url).map(|url| url.authority()).unwrap_or_default();
        if under_way.takes(&callback.key, &host) {
            under_way.keys.insert(callback.key.clone());
            *under_way.by_host.entry(host.clone()).or_default() += 1;
            let key = callback.key.clone();
            let delivery = deliver(Arc::clone(tasks), Arc::clone(sender), callback, target, record);
            under_way.deliveries.spawn(async move {
                delivery.await;
                (key, host)
            });
        }
    }
    Ok(next.unwrap_or(PERIOD).clamp(Duration::from_millis(100), PERIOD))
}

async fn deliver(
    tasks: Arc<Tasks>,
    sender: Arc<Sender>,
    callback: DueCallback,
    target: Callback,
    record: Record,
) {
    let began = Instant::now();
    let (task, attempt) = (record.id, callback.attempts.saturating_add(1));
    let status = Status { record, time_left: Duration::ZERO, progress: None };
    let delivery = Delivery {
        url: target.url,
        // One task has one end: the receiver knows a repetition by this.
        webhook_id: task.to_string(),
        timestamp: Timestamp::now(),
        body: status::json(&status, &PublicUrl::known(&target.public_url)).to_string().into(),
    };
    let outcome = sender.send(&delivery).await;
    let is_delivered = matches!(outcome, Outcome::Delivered);
    let again = match outcome {
        Outcome::Delivered => None,
        Outcome::Refused(reason) => {
            tracing::warn!(%task, attempt, %reason, "the end cannot be announced");
            None
        }
        Outcome::Retry { reason, asked } => {
            let again = next_attempt(attempt, callback.waited + began.elapsed(), asked);
            tracing::warn!(%task, attempt, %reason, again_in = again.map(tracing::field::debug), "the end was not announced");
            again
        }
    };
    match tasks.settle_announcement(callback, again).await {
        // Only now: before it was recorded it might have been announced again.
        Ok(()) if is_delivered => tracing::info!(%task, attempt, "the end was announced"),
        Ok(()) => {}
        Err(error) => {
            tracing::error!(%task, %error, "what became of an announcement could not be recorded");
        }
    }
}
