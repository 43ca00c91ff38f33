//! The one thread that writes, so that async callers never wait for a disk on their own thread and
//! transactions never meet. What has come while it flushed is the next group.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use super::commit::{Committer, Durability, Failure};
use super::pending::Pending;
use super::trees::{Trees, guarded};
use crate::figures::Latency;
use crate::group_commit;
use crate::task::StoreError;

/// Most jobs of one group: it bounds how long the first waits for the last, and what one transaction
/// holds.
const MOST_IN_GROUP: usize = 256;

/// Told how it went once what a job wrote is as durable as the operator wants it.
type Waiter = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Writes, and says who waits for that; none who has been answered.
type Write = Box<dyn FnOnce(&Pending<'_>) -> Option<Waiter> + Send>;

enum Job {
    Write(Write),
    /// Waits until everything before it is durable, in a relaxed store too.
    Settle(Waiter),
}

pub(super) struct Writer {
    /// Taken when the value is dropped: that ends the thread.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    failure: Failure,
    /// How long changes took.
    answered: Latency,
}

impl Writer {
    /// Starts the writing thread, which ends when the value is dropped.
    pub(super) fn start(trees: Arc<Trees>, committer: Committer, answered: Latency) -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let failure = committer.failure.clone();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(&trees, committer, &inbox))
            .expect("a thread can be started at start-up");
        Self { jobs: Some(jobs), thread: Some(thread), failure, answered }
    }

    /// Runs `job` on the writing thread and gives its answer once what it wrote is durable. A job
    /// that fails has written nothing and is answered at once.
    pub(super) async fn durably<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Pending<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.durably_then(job, |_| ()).await
    }

    /// The same, with something to do when it is durable, even if the caller has gone by then.
    pub(super) async fn durably_then<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Pending<'_>) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let (answer, answered) = oneshot::channel();
        let failure = self.failure.clone();
        self.send(Job::Write(Box::new(move |pending| {
            let done = failure.get().map_or_else(|| guarded(|| job(pending)), Err);
            match done {
                Ok(value) => Some(Box::new(move |settled| {
                    if settled.is_ok() {
                        then(&value);
                    }
                    // A receiver that is gone has been cancelled and wants no answer.
                    let _ = answer.send(settled.map(|()| value));
                })),
                Err(error) => {
                    if let StoreError::Failed(_) = &error {
                        // sled itself refused: nothing that follows can be trusted.
                        failure.set(error.clone());
                    }
                    let _ = answer.send(Err(error));
                    None
                }
            }
        })))?;
        let answer = answered.await.map_err(|_| stopped())?;
        self.answered.observe(began.elapsed());
        answer
    }

    /// Waits until everything written before is durable, and sees to it that this is soon.
    pub(super) async fn settle(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Settle(Box::new(move |settled| {
            // A receiver that is gone wants no answer.
            let _ = answer.send(settled);
        })))?;
        answered.await.map_err(|_| stopped())?
    }

    /// The error that ended the store.
    pub(super) fn failure(&self) -> &Failure {
        &self.failure
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // Its panic has been answered with errors already.
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Failed("its writing thread has stopped".to_owned())
}

fn work(trees: &Trees, mut committer: Committer, inbox: &Receiver<Job>) {
    // When a relaxed store flushes what it has written; none if nothing is unflushed.
    let mut due: Option<Instant> = None;
    loop {
        let first = match due {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        let group = match first {
            Ok(first) => {
                std::iter::once(first).chain(inbox.try_iter().take(MOST_IN_GROUP - 1)).collect::<Vec<_>>()
            }
            Err(RecvTimeoutError::Timeout) => vec![],
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let now = due.is_some_and(|due| due <= Instant::now());
        let jobs = group.len();
        due = commit(trees, &mut committer, group, due, now);
        group_commit::pause_after(jobs);
    }
    if due.is_some() {
        commit(trees, &mut committer, vec![], due, true);
    }
    committer.close();
}

/// Does what a group of jobs wants, flushes if that is to be done, and gives the time of the next flush.
fn commit(
    trees: &Trees,
    committer: &mut Committer,
    group: Vec<Job>,
    mut due: Option<Instant>,
    mut now: bool,
) -> Option<Instant> {
    let failure = committer.failure.clone();
    let (mut written, mut settled): (Vec<Waiter>, Vec<Waiter>) = (vec![], vec![]);
    let pending = Pending::on(trees);
    for job in group {
        match job {
            Job::Write(job) => written.extend(job(&pending)),
            Job::Settle(waiter) => settled.push(waiter),
        }
    }
    let mut outcome = failure.get().map_or(Ok(()), Err);
    if outcome.is_ok() && pending.has_changed() {
        outcome = committer.write(&pending);
        drop(pending);
        match committer.durability {
            Durability::Full => now = true,
            Durability::Relaxed(pause) => due = due.or_else(|| Some(Instant::now() + pause)),
        }
    } else {
        drop(pending);
    }
    if let Durability::Relaxed(_) = committer.durability {
        let outcome = outcome.clone();
        written.drain(..).for_each(|waiter| waiter(outcome.clone()));
        now |= !settled.is_empty() && due.is_some();
    }
    if outcome.is_ok() && now {
        outcome = committer.flush();
        due = None;
    }
    // After an error of the disk nothing is known of what reached it.
    let outcome = outcome.map_err(|error| failure.set(error));
    written.into_iter().chain(settled).for_each(|waiter| waiter(outcome.clone()));
    due
}
