//! The stores that the settings name, for every command that opens them.

use crate::config::Config;
use crate::store::postgres::Settings;

/// The database of the tasks, unless they are in the data folder.
pub(super) fn database(config: &Config) -> Option<Settings> {
    let (storage, tasks) = (&config.storage, &config.tasks);
    Some(Settings {
        url: storage.store.database()?.to_owned(),
        connections: storage.store_connections.get(),
        migrate: storage.store_migrate,
        accept_unsafe: storage.store_accept_unsafe,
        max_queue: tasks.max_queue.get(),
        workers: tasks.workers(),
        max_attempts: tasks.max_attempts.get(),
        lease: tasks.lease,
    })
}

/// The same for who hands out no task and ends none.
pub(super) fn database_to_read(config: &Config) -> Option<Settings> {
    let settings = database(config)?;
    Some(Settings { max_queue: u64::MAX, workers: 1, max_attempts: u32::MAX, ..settings })
}
