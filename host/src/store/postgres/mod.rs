//! Tasks in PostgreSQL, for several processes that share them.
//!
//! What must hold for all of them is in the database, and so is time: no node's clock decides anything. A
//! node keeps to itself only what it has in hand, and what it will have written a moment later: what its
//! clients have used, and how far its attempts are.

mod callbacks;
mod chores;
mod claim;
mod core;
mod database;
mod end;
mod examine;
mod expire;
mod hints;
mod list;
mod migrations;
mod moving;
mod open;
mod promise;
mod rows;
mod submit;
mod transfer;
mod usage;

#[cfg(test)]
pub(in crate::store) mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use self::core::Core;
use self::database::{Again, Database, bind};
pub use self::examine::Examined;
use self::hints::Hints;
pub use self::open::{OpenError, Settings, files};
pub use self::promise::PromiseError;
use crate::digest::Digest;
use crate::task::{
    Bound, DueCallback, Entry, Lookup, NewTask, News, Outcome, Page, Query, Record, Recovered, StoreError,
    Submitted, TaskId, TaskStore,
};

/// See the module.
pub struct PostgresStore {
    core: Arc<Core>,
    background: Vec<JoinHandle<()>>,
}

/// The versions of a schema, the oldest first, and whether each has been applied.
pub type Versions = Vec<(&'static str, bool)>;

impl PostgresStore {
    /// Opens the store, and makes its schema or brings it up where it may. What other processes run is left
    /// alone.
    ///
    /// # Errors
    /// The database cannot be reached, or is not what it must be.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let options = open::options(&settings.url)?;
        open::prepare(&options, settings).await?;
        moving::refuse_moving(&options).await?;
        let (hints, outbox) = Hints::new();
        let core = Arc::new(Core::new(Database::new(options, settings), settings, hints));
        chores::look(&core).await.map_err(|error| OpenError::Schema(error.to_string()))?;
        let background = vec![
            tokio::spawn(hints::tell(Arc::clone(&core), outbox)),
            tokio::spawn(hints::listen(Arc::clone(&core))),
            tokio::spawn(chores::run(Arc::clone(&core))),
        ];
        Ok(Self { core, background })
    }

    /// Opens the store to look at what is in it. Servers work with it meanwhile.
    ///
    /// # Errors
    /// The database cannot be reached, or is not what it must be.
    pub async fn open_to_look(settings: &Settings) -> Result<Self, OpenError> {
        let options = open::options(&settings.url)?.application_name(open::LOOKS);
        open::prepare(&options, &Settings { migrate: false, ..settings.clone() }).await?;
        moving::refuse_moving(&options).await?;
        let (hints, _) = Hints::new();
        let core = Arc::new(Core::new(Database::new(options, settings), settings, hints));
        Ok(Self { core, background: vec![] })
    }

    /// Has `registry` show what is counted, by the names that the embedded store has for it.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("store");
        let help = "Time until a change of the task store is answered";
        registry.register_with_unit("commit_duration", help, Unit::Seconds, self.core.commit.clone());
    }

    /// What there is to know of a database before a server works with it.
    ///
    /// # Errors
    /// It cannot be reached, or is none that this version can work with.
    pub async fn examine(url: &str) -> Result<Examined, OpenError> {
        examine::examine(url).await
    }

    /// Opens the store to carry its tasks to another one, or those of another one into it: as `why` says, and
    /// until [`end_move`](Self::end_move) no server will work with them. A move that was broken off goes on
    /// under the same words; tasks are carried in the order of ids, so that it goes on behind the newest.
    ///
    /// # Errors
    /// The database cannot be reached or is not what it must be, servers work with it, it is part of another
    /// move, or it `must_be_new` and isn't.
    pub async fn open_to_move(settings: &Settings, why: &str, must_be_new: bool) -> Result<Self, OpenError> {
        let options = open::options(&settings.url)?.application_name(moving::NAME);
        open::prepare(&options, settings).await?;
        let place = || open::place(&options);
        let known = moving::mark(&options).await?;
        match &known {
            Some(known) if known != why => {
                return Err(OpenError::Moving { place: place(), why: known.clone() });
            }
            Some(_) => {}
            // Before anything is looked at, so that no server starts that nobody sees.
            None => moving::set(&options, Some(why)).await?,
        }
        let servers = moving::servers(&options).await?;
        let (hints, _) = Hints::new();
        let core = Arc::new(Core::new(Database::new(options.clone(), settings), settings, hints));
        chores::look(&core).await.map_err(|error| OpenError::Schema(error.to_string()))?;
        let is_refused = if servers > 0 {
            Some(OpenError::Served(servers, place()))
        } else if must_be_new && known.is_none() && core.seen().newest.is_some() {
            Some(OpenError::NotEmpty(place()))
        } else {
            None
        };
        match is_refused {
            Some(refused) => {
                if known.is_none() {
                    moving::set(&options, None).await?;
                }
                Err(refused)
            }
            None => Ok(Self { core, background: vec![] }),
        }
    }

    /// Ends what [`open_to_move`](Self::open_to_move) began: servers may work with the tasks, unless they
    /// have gone to where this says.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn end_move(settings: &Settings, gone: Option<&str>) -> Result<(), OpenError> {
        moving::set(&open::options(&settings.url)?.application_name(moving::NAME), gone).await
    }

    /// The schema's versions, and which of them the database has.
    ///
    /// # Errors
    /// The database cannot be reached, or a newer version has changed it.
    pub async fn versions(url: &str) -> Result<Versions, OpenError> {
        let mut look = open::look(&open::options(url)?, false).await?;
        let found = migrations::status(&mut look.connection).await?.found;
        database::close(look.connection).await;
        open::known(found)?;
        Ok(migrations::list(found).collect())
    }

    /// Brings the schema to this version; gives what was applied.
    ///
    /// # Errors
    /// The database cannot be reached or changed, or a newer version has changed it.
    pub async fn migrate(url: &str) -> Result<Vec<&'static str>, OpenError> {
        let mut look = open::look(&open::options(url)?, false).await?;
        let applied = migrations::apply(&mut look.connection).await?;
        database::close(look.connection).await;
        open::known(applied.found)?;
        Ok(applied.new)
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        for task in &self.background {
            task.abort();
        }
    }
}

#[async_trait]
impl TaskStore for PostgresStore {
    async fn submit(&self, task: NewTask) -> Result<Submitted, StoreError> {
        self.core.counted(submit::submit(&self.core, task)).await
    }

    async fn knows_key(&self, owner: Option<&str>, key: Digest) -> Result<bool, StoreError> {
        let sql = "SELECT FROM tintype.keys WHERE owner = $1 AND key = $2 AND expires > clock_timestamp()";
        let arguments = bind![owner.unwrap_or_default(), key.as_bytes().as_slice()];
        Ok(self.core.database.ask(sql, arguments, Again::Harmless).await?.first().is_some())
    }

    async fn get(&self, id: TaskId) -> Result<Lookup, StoreError> {
        end::get(&self.core, id).await
    }

    async fn list(&self, query: Query) -> Result<Page, StoreError> {
        list::page(&self.core, &query).await
    }

    async fn claim(&self, limit: usize, idle: bool, bounds: Vec<Bound>) -> Result<Vec<Record>, StoreError> {
        claim::claim(&self.core, limit, idle, bounds).await
    }

    fn has_run(&self, id: TaskId, took: Duration) {
        self.core.usage().has_run(id, took);
    }

    async fn renew(&self, id: TaskId, attempt: u32) -> Result<(), StoreError> {
        end::renew(&self.core, id, attempt).await
    }

    async fn release(&self, id: TaskId, attempt: u32) -> Result<(), StoreError> {
        self.core.counted(end::release(&self.core, id, attempt)).await
    }

    async fn finish(
        &self,
        id: TaskId,
        attempt: u32,
        outcome: Outcome,
        _now: Timestamp,
    ) -> Result<Record, StoreError> {
        self.core.counted(end::finish(&self.core, id, attempt, outcome)).await
    }

    async fn cancel(&self, id: TaskId, _now: Timestamp) -> Result<Record, StoreError> {
        self.core.counted(end::cancel(&self.core, id)).await
    }

    async fn delete(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        Ok(self.core.counted(end::delete(&self.core, &[id])).await?.pop())
    }

    async fn delete_all(&self, ids: &[TaskId]) -> Result<Vec<Record>, StoreError> {
        end::delete(&self.core, ids).await
    }

    async fn ended_ago(&self, age: Duration, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        list::ended_ago(&self.core, age, limit).await
    }

    async fn forget(&self, age: Duration, limit: usize) -> Result<usize, StoreError> {
        list::forget(&self.core, age, limit).await
    }

    async fn expire(&self) -> Result<Recovered, StoreError> {
        expire::expire(&self.core).await
    }

    async fn due_callbacks(&self, limit: usize) -> Result<(Vec<DueCallback>, Option<Duration>), StoreError> {
        callbacks::due(&self.core, limit).await
    }

    async fn settle_callback(
        &self,
        callback: DueCallback,
        again: Option<Duration>,
    ) -> Result<(), StoreError> {
        callbacks::settle(&self.core, callback.task, again).await
    }

    async fn export(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        transfer::export(&self.core, after, limit).await
    }

    async fn import(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        transfer::import(&self.core, entries).await
    }

    async fn settle(&self) -> Result<(), StoreError> {
        chores::write(&self.core).await
    }

    async fn unfinished(&self) -> Result<Vec<(Option<String>, u64)>, StoreError> {
        list::unfinished(&self.core).await
    }

    fn queued(&self) -> u64 {
        self.core.waiting()
    }

    fn oldest_waiting(&self) -> Result<Option<Duration>, StoreError> {
        Ok(self.core.seen().oldest.as_ref().map(|oldest| oldest.waited + oldest.looked.elapsed()))
    }

    fn ahead_of(&self, record: &Record) -> u64 {
        self.core.ahead_of(record)
    }

    fn newest(&self) -> Result<Option<TaskId>, StoreError> {
        Ok(self.core.seen().newest)
    }

    fn failure(&self) -> Option<String> {
        self.core.database.unreachable().map(|problem| format!("the database cannot be reached: {problem}"))
    }

    async fn identity(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT id::text AS id FROM tintype.identity";
        let answer = self.core.database.ask(sql, database::bind![], database::Again::Harmless).await?;
        answer.first().map(|row| rows::column(row, "id")).transpose()
    }

    fn can_run(&self, operations: Vec<String>) {
        self.core.can_run(operations);
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn news(&self) -> Option<broadcast::Receiver<News>> {
        Some(self.core.hints.subscribe())
    }

    fn has_progressed(&self, id: TaskId, progress: f32) {
        self.core.has_progressed(id, progress);
    }

    fn progress_elsewhere(&self, id: TaskId) -> Option<f32> {
        self.core.progress_elsewhere(id)
    }
}
