//! Announces the ends of tasks: one POST of the final JSON status to whoever a task names.
//!
//! What is due is in the task store, so nothing is forgotten when the server stops. Receivers are
//! slow, gone or hostile: each may have a few deliveries under way and no more, and none holds up
//! the others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::figures::{Announced, Figures};
use super::public_url::PublicUrl;
use super::status;
use crate::callback::{Delivery, Outcome, Sender, next_attempt};
use crate::task::{Callback, DueCallback, Record, Status, Tasks};
use crate::trace::{Kind, Span};

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
pub async fn announce(tasks: Arc<Tasks>, sender: Arc<Sender>, figures: Figures) {
    let mut under_way = UnderWay::default();
    loop {
        let pause = match begin_due(&tasks, &sender, &figures, &mut under_way).await {
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
    figures: &Figures,
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
            let (tasks, sender, figures) = (Arc::clone(tasks), Arc::clone(sender), figures.clone());
            let delivery = deliver(tasks, sender, figures, callback, target, record);
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
    figures: Figures,
    callback: DueCallback,
    target: Callback,
    record: Record,
) {
    let (began, since) = (Instant::now(), SystemTime::now());
    let request = record.trace;
    let is_traced = request.is_some_and(|context| tasks.tracer().wants(&context));
    let trace = if is_traced { request.map(|context| context.child()) } else { request };
    let (task, attempt) = (record.id, callback.attempts.saturating_add(1));
    let status = Status { record, time_left: Duration::ZERO, progress: None };
    let delivery = Delivery {
        url: target.url,
        // One task has one end: the receiver knows a repetition by this.
        webhook_id: task.to_string(),
        timestamp: Timestamp::now(),
        body: status::json(&status, &PublicUrl::known(&target.public_url)).to_string().into(),
        trace,
    };
    let outcome = sender.send(&delivery).await;
    let is_delivered = matches!(outcome, Outcome::Delivered);
    if let (true, Some(context)) = (is_traced, trace) {
        let span = Span::new(context, request, "callback", since)
            .kind(Kind::Client)
            .with("http.request.method", "POST")
            .with("tintype.task", task.to_string())
            .with("tintype.attempt", attempt);
        tasks.tracer().take(match &outcome {
            Outcome::Delivered => span,
            Outcome::Refused(_) => span.failed("refused"),
            Outcome::Retry { .. } => span.failed("not-delivered"),
        });
    }
    let again = match outcome {
        Outcome::Delivered => {
            figures.announced(Announced::Delivered);
            None
        }
        Outcome::Refused(reason) => {
            figures.announced(Announced::GivenUp);
            tracing::warn!(%task, attempt, %reason, "the end cannot be announced");
            None
        }
        Outcome::Retry { reason, asked } => {
            let again = next_attempt(attempt, callback.waited + began.elapsed(), asked);
            figures.announced(match again {
                Some(_) => Announced::Retried,
                None => Announced::GivenUp,
            });
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
