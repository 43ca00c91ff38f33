//! What a server reaches by the network: its database, its object store, the place of its plugins.

use anyhow::Context as _;

use super::super::stores;
use super::Findings;
use crate::blob::{Engine, Location, ObjectBlobs, Place};
use crate::config::Config;
use crate::data_folder::Paths;
use crate::plugin::Mirror;
use crate::store::postgres::PostgresStore;
use crate::task::TaskStore as _;

pub(super) fn examine(config: &Config, findings: &mut Findings) {
    let storage = &config.storage;
    if storage.store.database().is_none() && storage.blobs.is_none() && config.plugins.plugins_from.is_none()
    {
        return;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return findings.problem(format!("no connection can be made: {error}")),
    };
    runtime.block_on(async {
        let is_there = match storage.store.database() {
            Some(url) => database(config, url, findings).await,
            None => true,
        };
        if let Some(location) = &storage.blobs {
            objects(config, location, is_there, findings).await;
        }
        if let Some(location) = &config.plugins.plugins_from {
            published(config, location, findings).await;
        }
    });
}

/// Gives whether it is one that a server would work with.
async fn database(config: &Config, url: &str, findings: &mut Findings) -> bool {
    let storage = &config.storage;
    let examined = match PostgresStore::examine(url).await {
        Ok(examined) => examined,
        Err(error) => {
            findings.problem(error);
            return false;
        }
    };
    let connections = storage.store_connections.get();
    let problems = examined.problems(storage.store_accept_unsafe, storage.store_migrate, connections);
    let is_good = problems.is_empty();
    problems.into_iter().for_each(|problem| findings.problem(problem));
    findings.remark(&examined);
    is_good
}

async fn objects(config: &Config, location: &Location, has_tasks: bool, findings: &mut Findings) {
    // The server makes its folder.
    if location.engine() == Engine::Folder && !location.folder().is_some_and(|folder| folder.exists()) {
        return;
    }
    let looked = async {
        let blobs = ObjectBlobs::new(location.clone(), &Paths::of(&config.storage.data_dir).staging())?;
        blobs.check().await?;
        if has_tasks && let Some(identity) = identity(config).await? {
            blobs.is_free_for(&identity).await?;
        }
        anyhow::Ok(())
    };
    match looked.await.context("blobs") {
        Ok(()) => {
            findings.remark(format!("pictures are in {location}: a probe was written, read and deleted"))
        }
        Err(error) => findings.problem(format!("{error:#}")),
    }
}

/// By which the tasks are known, if there are any by now.
async fn identity(config: &Config) -> anyhow::Result<Option<String>> {
    match stores::database(config) {
        Some(settings) => match PostgresStore::open_to_look(&settings).await {
            Ok(store) => Ok(store.identity().await?),
            // It is made at the first start.
            Err(_) => Ok(None),
        },
        None => Ok(Paths::of(&config.storage.data_dir).known_identity()?),
    }
}

async fn published(config: &Config, location: &Location, findings: &mut Findings) {
    let plugins = &config.plugins;
    let looked = async {
        let folder = plugins.folder(&config.storage);
        let mirror = Mirror::new(Place::open(location)?, &folder, plugins.max_plugin_size.0);
        anyhow::Ok(mirror.published().await?)
    };
    match looked.await.context("plugins_from") {
        Ok(files) => findings.remark(format!("{files} files of plugins are published in {location}")),
        Err(error) => findings.problem(format!("{error:#}")),
    }
}
