//! The one thread that writes, so that async callers never wait for a disk on their own thread and
//! transactions never meet.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::commit::GroupCommit;
use super::trees::{Trees, guarded};
use crate::task::StoreError;

type Job = Box<dyn FnOnce(&Trees, &GroupCommit) + Send>;

pub(super) struct Writer {
    /// Taken when the value is dropped: that ends the thread.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(trees: Arc<Trees>, commit: Arc<GroupCommit>) -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let work = move || {
            while let Ok(job) = inbox.recv() {
                let _turn = commit.turn();
                job(&trees, &commit);
            }
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(work)
            .expect("a thread can be started at start-up");
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    /// Runs `job` on the writing thread and gives its answer once what it wrote is durable. A job
    /// that fails has written nothing and is answered at once.
    pub(super) async fn durably<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Trees) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.durably_then(job, |_| ()).await
    }

    /// The same, with something to do when it is durable, even if the caller has gone by then.
    pub(super) async fn durably_then<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Trees) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |trees, commit| {
            if let Some(error) = commit.failure() {
                // A receiver that is gone has been cancelled and wants no answer.
                let _ = answer.send(Err(error));
                return;
            }
            match guarded(|| job(trees)) {
                Ok(value) => commit.when_durable(Box::new(move |settled| {
                    if settled.is_ok() {
                        then(&value);
                    }
                    let _ = answer.send(settled.map(|()| value));
                })),
                Err(error) => {
                    if let StoreError::Failed(_) = &error {
                        // sled itself refused: nothing that follows can be trusted.
                        commit.fail(error.clone());
                    }
                    let _ = answer.send(Err(error));
                }
            }
        });
        let stopped = || StoreError::Failed("its writing thread has stopped".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(job).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
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
