//! The loop that claims tasks, and what happens to each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::at_work::{AtWork, Entry};
use super::failure::{Failure, FailureCode};
use super::figures::Again;
use super::plan::plan;
use super::record::{BlobInfo, Details, DetailsAt, Outcome, Record};
use super::service::{Running, Tasks};
use super::spans::TracedAttempt;
use super::store::{Recovered, StoreError};
use super::turns::MOST_AT_HAND;
use crate::blob::{BlobError, BlobKey, Part};
use crate::id::TaskId;
use crate::plugin::{Ending, Image, Interrupt, Occasion, OnRun, Stopped, Work};

/// Attempts after which a result that cannot be written is the task's failure, and not the disk's.
const MOST_ATTEMPTS: u32 = 10;

/// A task is with the server in three parts: it waits for a worker, it has one and runs, its end is written
/// down. A worker waits for no disk, so beside those that wait and run there may be as many for each whose
/// results are on their way to the disk: the more there are, the more are written together.
const TASKS_PER_WORKER: usize = 2 * MOST_AT_HAND;
/// Bytes of results for each worker that may be on their way while it runs another task. What would be more
/// keeps its worker until it is written, so that what the server takes for running plugins stays what it
/// says it is.
const ON_THEIR_WAY: usize = 8 << 20;

/// Time between two looks at a queue that others fill too, because what they tell may be lost, and between
/// two tries at a store that is out of reach.
const LOOK: Duration = Duration::from_secs(1);

/// How workers behave.
#[derive(Clone, Copy, Debug)]
pub struct WorkerOptions {
    /// Tasks run at once.
    pub workers: usize,
    /// Longest run of one task's plugins together.
    pub deadline: Duration,
    /// A third of the time after which silence means death: two heartbeats may be lost.
    pub heartbeat: Duration,
}

/// Runs tasks until it is told to stop.
pub struct Workers {
    tasks: Arc<Tasks>,
    options: WorkerOptions,
    /// One for each.
    workers: Arc<Semaphore>,
    /// Bytes of results that may still be on their way to the disk.
    on_their_way: Arc<Semaphore>,
}

/// What becomes of a task whose run is over.
enum Disposition {
    Finished(Outcome),
    /// Somebody else's turn: the disk is full, or the server stops.
    GiveBack,
}

impl Disposition {
    /// How the task ended, if it did.
    fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Finished(outcome) => Some(outcome),
            Self::GiveBack => None,
        }
    }
}

impl Workers {
    /// Workers for `tasks`.
    #[must_use]
    pub fn new(tasks: Arc<Tasks>, options: WorkerOptions) -> Self {
        let workers = Arc::new(Semaphore::new(options.workers));
        let on_their_way = Arc::new(Semaphore::new(options.workers * ON_THEIR_WAY));
        Self { tasks, options, workers, on_their_way }
    }

    /// Works until [`Tasks::drain`] and every running task has ended. The caller bounds how long
    /// that may take, and calls [`Workers::interrupt_all`] then.
    pub async fn run(self: Arc<Self>) {
        let mut running: JoinSet<()> = JoinSet::new();
        let at_work = AtWork::default();
        let mut expiry = tokio::time::interval(self.options.heartbeat);
        let is_shared = self.tasks.store.is_shared();
        // Whether what runs may take the server down: then nothing is begun beside it.
        let mut suspect_runs = false;
        loop {
            suspect_runs &= !running.is_empty();
            let blocked = suspect_runs || self.tasks.disk.trouble().is_some();
            // The store hands out more than there are workers only of what is quick.
            let soon = (self.options.workers * MOST_AT_HAND).saturating_sub(at_work.count());
            let open = (self.options.workers * TASKS_PER_WORKER).saturating_sub(running.len());
            let free = if blocked { 0 } else { soon.min(open) };
            if self.tasks.is_draining() {
                if running.join_next().await.is_none() {
                    return;
                }
                continue;
            }
            let claimed = if free == 0 {
                Ok(vec![])
            } else {
                let bounds = at_work.left_of(self.tasks.registry().bounds());
                self.tasks.store.claim(free, running.is_empty(), bounds).await
            };
            let claimed = claimed.unwrap_or_else(|error| {
                tracing::error!(%error, "no task could be claimed");
                vec![]
            });
            let idle = claimed.is_empty();
            for record in claimed {
                suspect_runs |= record.is_suspect();
                let entry = at_work.enter(&record);
                running.spawn(Arc::clone(&self).work(record, entry));
            }
            if !idle {
                continue;
            }
            tokio::select! {
                // A task that came, or a worker that became free, since the queue was looked at has left
                // its word here.
                () = self.tasks.waiting.notified() => {}
                Some(_) = running.join_next() => {}
                () = tokio::time::sleep(LOOK), if is_shared => {}
                _ = expiry.tick() => self.expire().await,
            }
        }
    }

    /// Interrupts every run; their tasks go back into the queue.
    pub fn interrupt_all(&self) {
        self.tasks.interrupt_all();
    }

    async fn expire(&self) {
        match self.tasks.store.expire().await {
            Ok(Recovered { requeued: 0, interrupted: 0 }) => {}
            Ok(Recovered { requeued, interrupted }) => {
                self.tasks.figures.requeued(Again::LeaseExpired, requeued);
                tracing::warn!(requeued, interrupted, "leases ran out: tasks wait again, or are over");
                if interrupted > 0 {
                    self.tasks.may_be_due();
                }
            }
            Err(error) => tracing::error!(%error, "leases could not be looked at"),
        }
    }

    /// Everything that happens to one claimed task. A panic on the way is the server's fault, and
    /// one FAILED task.
    async fn work(self: Arc<Self>, record: Record, at_work: Entry) {
        let began = Instant::now();
        let interrupt = Arc::new(Interrupt::default());
        let running = self.tasks.has_begun(record.id, &interrupt);
        self.tasks.figures.begun();
        let traced = TracedAttempt::begin(self.tasks.tracer(), &record);
        let on_run = traced.as_ref().map(TracedAttempt::on_run);

        let attempt = tokio::spawn(Arc::clone(&self).attempt(record.clone(), running, at_work, on_run));
        let abort = attempt.abort_handle();
        let disposition = tokio::select! {
            ended = attempt => ended.unwrap_or_else(|panic| Disposition::Finished(internal(&record, &panic))),
            () = self.keep_lease(&record) => {
                // Somebody else has the task now: stop, and say nothing.
                interrupt.cancel();
                abort.abort();
                self.tasks.has_stopped(record.id);
                return;
            }
        };
        self.tasks.figures.attempted(began.elapsed());
        if let Some(traced) = traced {
            traced.end(&record, disposition.outcome());
        }
        self.end(&record, disposition, began.elapsed()).await;
        self.tasks.has_stopped(record.id);
    }

    /// Renews the lease for as long as that works.
    async fn keep_lease(&self, record: &Record) {
        loop {
            tokio::time::sleep(self.options.heartbeat).await;
            if let Err(StoreError::Fenced) = self.tasks.store.renew(record.id, record.attempts).await {
                tracing::warn!(task = %record.id, attempt = record.attempts, "the lease was lost");
                return;
            }
        }
    }

    async fn attempt(
        self: Arc<Self>,
        record: Record,
        running: Arc<Running>,
        at_work: Entry,
        on_run: Option<OnRun>,
    ) -> Disposition {
        let worker = Arc::clone(&self.workers).acquire_owned().await;
        let worker = (worker, self.tasks.figures.busy());
        if self.tasks.is_draining() {
            return Disposition::GiveBack;
        }
        let began = Instant::now();
        let processed = self.process(&record, &running, on_run).await;
        self.tasks.store.has_run(record.id, began.elapsed());
        drop(at_work);
        self.tasks.waiting.notify_one();
        let images = match processed {
            Ok(images) => images,
            Err(Stop::Failed(failure)) => return Disposition::Finished(Outcome::Failed(failure)),
            Err(Stop::Interrupted) => return Disposition::GiveBack,
            Err(Stop::Blob(error @ BlobError::Unavailable { .. })) => {
                self.tasks.blobs_failed(&error, 0);
                return Disposition::GiveBack;
            }
            Err(Stop::Blob(error)) => return Disposition::Finished(internal(&record, &error)),
        };
        let size = images.iter().map(|image| image.bytes.len() as u64).sum();
        let _until_written = self.goes_on(size).ok_or(worker);
        match self.publish(&record, images).await {
            Ok(outcome) => Disposition::Finished(outcome),
            Err(error) => {
                self.tasks.blobs_failed(&error, size);
                tracing::error!(task = %record.id, %error, "the result could not be written");
                match error {
                    // There will be room some day.
                    BlobError::NoSpace | BlobError::Unavailable { .. } => Disposition::GiveBack,
                    _ if record.attempts < MOST_ATTEMPTS => Disposition::GiveBack,
                    error => Disposition::Finished(internal(&record, &error)),
                }
            }
        }
    }

    /// Takes room for results that are on their way to the disk while their worker goes on, if there is.
    fn goes_on(&self, size: u64) -> Option<OwnedSemaphorePermit> {
        let size = u32::try_from(size).ok()?;
        Arc::clone(&self.on_their_way).try_acquire_many_owned(size).ok()
    }

    /// Runs a task's plugins.
    async fn process(
        &self,
        record: &Record,
        running: &Arc<Running>,
        on_run: Option<OnRun>,
    ) -> Result<Vec<Image>, Stop> {
        let details = self.details(record).await?;
        let cids: Vec<&str> = details.attachments.iter().map(|attachment| attachment.cid.as_str()).collect();
        // Planned anew: the plugins may be others than when the task was accepted.
        let registry = self.tasks.registry_of(record.owner.as_deref());
        let pipeline = plan(&registry, &details.description, &cids)
            .map_err(|error| Stop::Failed(Failure::of_plan(&error)))?;

        if let (1, Some(first)) = (record.attempts, pipeline.stages().first()) {
            // None, where the clock was set back meanwhile.
            let waited = Timestamp::now().duration_since(record.submitted);
            first.plugin.has_waited(Duration::try_from(waited).unwrap_or_default());
        }
        let input = self.picture(record, Part::Input, &record.input).await?;
        let mut attachments = vec![];
        for (number, attachment) in (1..).zip(&details.attachments) {
            attachments.push(self.picture(record, Part::Attachment(number), &attachment.blob).await?);
        }
        // The queue knows operations alone: several plugins can offer one, and a codec none.
        let slots = pipeline.slots(&running.interrupt).await;
        let slots = slots.map_err(|ending| self.stop(record, Stopped::by_nobody(ending)))?;
        let (tasks, id, running) = (Arc::clone(&self.tasks), record.id, Arc::clone(running));
        let deadline = self.options.deadline;
        let run = move || {
            let interrupt = Arc::clone(&running.interrupt);
            pipeline.run(
                Work { input, attachments },
                &Occasion {
                    subject: &id.to_string(),
                    interrupt: &interrupt,
                    deadline,
                    on_progress: Arc::new(move |done| tasks.has_progressed(id, &running, done)),
                    on_run,
                },
            )
        };
        let ended = tokio::task::spawn_blocking(run).await;
        drop(slots);
        match ended {
            Ok(Ok(developed)) => Ok(developed.images),
            Ok(Err(stopped)) => Err(self.stop(record, stopped)),
            Err(panic) => Err(Stop::Failed(internal_failure(record, &panic))),
        }
    }

    fn stop(&self, record: &Record, stopped: Stopped) -> Stop {
        match stopped.ending {
            Ending::Cancelled if self.tasks.is_draining() => Stop::Interrupted,
            Ending::Internal(error) => Stop::Failed(internal_failure(record, &error)),
            ending => Stop::Failed(Failure::of_ending(&stopped.plugin, ending, stopped.deadline)),
        }
    }

    async fn details(&self, record: &Record) -> Result<Details, Stop> {
        let unreadable = |error: serde_json::Error| Stop::Failed(internal_failure(record, &error));
        match &record.details {
            DetailsAt::Inline(json) => serde_json::from_str(json).map_err(unreadable),
            DetailsAt::Blob(info) => {
                let image = self.picture(record, Part::Details, info).await?;
                serde_json::from_slice(&image.bytes).map_err(unreadable)
            }
        }
    }

    /// Bytes of the task, which must be those that were accepted.
    async fn picture(&self, record: &Record, part: Part, info: &BlobInfo) -> Result<Image, Stop> {
        let key = BlobKey { task: record.id, part };
        let bytes = self.tasks.blobs.read(key, &info.expected()).await.map_err(Stop::Blob)?;
        Ok(Image { media_type: info.media_type.clone(), bytes })
    }

    async fn publish(&self, record: &Record, images: Vec<Image>) -> Result<Outcome, BlobError> {
        let mut blobs = vec![];
        let mut infos = vec![];
        for (number, image) in (1..).zip(images) {
            let mut writer = self.tasks.blobs.writer();
            writer.write(image.bytes.into()).await?;
            let staged = writer.finish().await?;
            infos.push(BlobInfo { media_type: image.media_type, size: staged.size, digest: staged.digest });
            blobs.push((
                BlobKey { task: record.id, part: Part::Result { attempt: record.attempts, number } },
                staged,
            ));
        }
        self.tasks.blobs.keep(blobs).await?;
        Ok(Outcome::Ok(infos))
    }

    /// An end that the store cannot record, such as one with too many results, must not become a task
    /// that is run again for ever.
    async fn finish(&self, record: &Record, outcome: Outcome) -> Result<(), StoreError> {
        let (store, id, attempt) = (&self.tasks.store, record.id, record.attempts);
        let results = match &outcome {
            Outcome::Ok(results) => u32::try_from(results.len()).unwrap_or(u32::MAX),
            Outcome::Failed(_) => 0,
        };
        let ended = loop {
            match store.finish(id, attempt, outcome.clone(), Timestamp::now()).await {
                Err(error @ StoreError::TooLarge(_)) => {
                    break store.finish(id, attempt, internal(record, &error), Timestamp::now()).await;
                }
                // What was worked for is kept until it can be told, or somebody else has the task.
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(LOOK).await,
                ended => break ended,
            }
        };
        if let Err(StoreError::Fenced) = ended {
            // Whoever has the task now makes results of its own; those of this attempt are nobody's.
            let keys: Vec<BlobKey> = (1..=results)
                .map(|number| BlobKey { task: id, part: Part::Result { attempt, number } })
                .collect();
            self.tasks.discard(&keys).await;
        }
        self.tasks.has_ended(&ended?);
        Ok(())
    }

    /// A task that is not given back counts as one that took its server down.
    async fn release(&self, id: TaskId, attempt: u32) -> Result<(), StoreError> {
        loop {
            match self.tasks.store.release(id, attempt).await {
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(LOOK).await,
                released => return released,
            }
        }
    }

    async fn end(&self, record: &Record, disposition: Disposition, took: Duration) {
        let (task, attempt) = (record.id, record.attempts);
        let (ended, outcome, detail) = match disposition {
            Disposition::GiveBack => {
                self.tasks.figures.requeued(Again::GivenBack, 1);
                (self.release(task, attempt).await, "given-back", None)
            }
            Disposition::Finished(outcome) => {
                self.tasks.estimates.learn(&record.operations, took);
                let (word, detail) = match &outcome {
                    Outcome::Ok(_) => ("ok", None),
                    Outcome::Failed(failure) => (failure.code.as_str(), Some(failure.detail.clone())),
                };
                (self.finish(record, outcome).await, word, detail)
            }
        };
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (operations, owner) = (record.operations.join(","), record.owner.as_deref());
        match ended {
            Ok(()) => {
                tracing::info!(%task, attempt, outcome, detail, ms, operations, owner, "an attempt is over");
            }
            Err(StoreError::Fenced) => {
                tracing::warn!(%task, attempt, outcome, detail, ms, operations, owner, "an attempt came too late");
            }
            Err(error) => {
                tracing::error!(%task, attempt, outcome, detail, ms, operations, owner, %error, "an end could not be recorded");
            }
        }
    }
}

/// Why a task has no images.
enum Stop {
    Failed(Failure),
    /// Because the server stops.
    Interrupted,
    Blob(BlobError),
}

fn internal(record: &Record, error: &dyn std::fmt::Display) -> Outcome {
    Outcome::Failed(internal_failure(record, error))
}

/// A client gets a number to ask the operator about, and nothing of the inside.
fn internal_failure(record: &Record, error: &dyn std::fmt::Display) -> Failure {
    let incident = uuid::Uuid::new_v4();
    tracing::error!(task = %record.id, %incident, "a fault of the server: {error}");
    Failure::new(FailureCode::Internal, &incident.to_string())
}
