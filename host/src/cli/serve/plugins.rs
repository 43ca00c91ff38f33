//! The server's plugins: loaded at the start and followed from then on, in the folder of its own or in the
//! place where they are published for many.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry as Metrics;
use tokio::runtime::Handle;
use tokio::signal::unix::Signal;

use crate::blob::Place;
use crate::config::Config;
use crate::plugin::{CompiledCode, Mirror, Patience, PluginFolder, Registry, RunLimits, Sandbox};
use crate::task::Tasks;

/// Time between two looks at the plugins folder: a file is read at the second look that finds it the
/// same, and shall be in use within a second.
const LOOK: Duration = Duration::from_millis(250);
/// The shortest pause between looks at a place, whatever plugins_poll says: each is a request that is paid for.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause after looks at a place that failed: what is mended is in use a minute later, and what is
/// not costs little meanwhile, also where a whole plugin is fetched to see that it is still damaged.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A confined process sees a folder, and not whatever has its name later.
const REPLACED: &str = ". If another folder was put in its place: with harden the server sees the one that was there when it started, \
     so start it again";

/// What is followed.
pub(super) struct Plugins {
    folder: PluginFolder,
    /// What fills the folder, if not the operator.
    mirror: Option<Mirror>,
    poll: Duration,
}

impl Plugins {
    /// Loads them. This thread may wait.
    pub(super) fn load(config: &Config, compiled: CompiledCode) -> anyhow::Result<(Self, Registry)> {
        let plugins = &config.plugins;
        let path = plugins.folder(&config.storage);
        let mirror = match &plugins.plugins_from {
            Some(location) => {
                let place = Place::open(location).context("plugins_from")?;
                let mut mirror = Mirror::new(place, &path, plugins.max_plugin_size.0);
                Handle::current().block_on(fetch(&mut mirror))?;
                Some(mirror)
            }
            None => None,
        };
        let limits = RunLimits::from_settings(plugins);
        let sandbox = Sandbox::new(limits, config.tasks.workers(), plugins.allow_wasi)?;
        let tables = config.plugin_tables.clone();
        let mut folder = PluginFolder::new(&sandbox, compiled, &path, plugins.max_plugin_size.0, tables);
        let registry = folder.look(Patience::AtOnce).with_context(|| {
            format!(
                "plugins_dir {}: create the folder, or name another one with --plugins-dir",
                path.display()
            )
        })?;
        let registry = registry.unwrap_or_default().of_set(mirror.as_ref().and_then(Mirror::serves));
        if registry.plugins().next().is_none() {
            tracing::warn!(folder = %path.display(), "there are no plugins: every task will be refused");
        }
        Ok((Self { folder, mirror, poll: plugins.plugins_poll }, registry))
    }

    /// Has `metrics` show what is counted of them.
    pub(super) fn register(&self, metrics: &mut Metrics) {
        self.folder.sandbox().figures().register(metrics);
        if let Some(mirror) = &self.mirror {
            mirror.figures().register(metrics);
        }
    }

    /// Follows changes for as long as the server runs, and at once when it is told to.
    pub(super) async fn follow(self, tasks: Arc<Tasks>, hangup: Signal) {
        match self.mirror {
            Some(mirror) => follow_place(mirror, self.folder, self.poll, tasks, hangup).await,
            None => follow_folder(self.folder, tasks, hangup).await,
        }
    }
}

/// Fetches what is published. Where that fails, a server that is started again has what it had.
async fn fetch(mirror: &mut Mirror) -> anyhow::Result<()> {
    let Err(error) = mirror.follow().await else {
        report(mirror);
        return Ok(());
    };
    match mirror.take_up().await {
        Ok(true) => {
            tracing::warn!("plugins_from {error}; the plugins that were fetched last are in use");
            report(mirror);
            Ok(())
        }
        Ok(false) => Err(error).context("plugins_from"),
        Err(torn) => Err(error).with_context(|| format!("{torn}, and they cannot be fetched: plugins_from")),
    }
}

/// Operators compare that between servers.
fn report(mirror: &Mirror) {
    if let Some(set) = mirror.serves() {
        tracing::info!(from = %mirror.location(), %set, "this set of plugins is in use");
    }
}

async fn follow_place(
    mut mirror: Mirror,
    mut folder: PluginFolder,
    poll: Duration,
    tasks: Arc<Tasks>,
    mut hangup: Signal,
) {
    let mut failures: u32 = 0;
    let mut said = String::new();
    // Whether the folder has what nobody could read yet.
    let mut unread = false;
    let poll = poll.max(SHORTEST_PAUSE);
    loop {
        let pause = poll.saturating_mul(1 << failures.min(6)).min(LONGEST_PAUSE.max(poll));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = hangup.recv() => {}
        }
        let is_new = match mirror.follow().await {
            Ok(is_new) => is_new,
            Err(error) => {
                failures = failures.saturating_add(1);
                // Once, and not at every look. The words of an outage differ from one to the next.
                let trouble = if error.is_outage() { "outage".to_owned() } else { error.to_string() };
                if trouble != said {
                    tracing::error!("plugins_from {error}; plugins stay as they are");
                    said = trouble;
                }
                continue;
            }
        };
        if failures > 0 {
            tracing::info!(from = %mirror.location(), "plugins are followed again");
            failures = 0;
            said.clear();
        }
        if !is_new && !unread {
            continue;
        }
        // Nobody else changes the folder, and the set is whole: there is nothing to wait for.
        let Some((again, looked)) = look(folder, Patience::AtOnce).await else { return };
        folder = again;
        let was_unread = std::mem::replace(&mut unread, looked.is_err());
        match looked {
            Ok(registry) => {
                if let Some(registry) = registry {
                    tasks.replace_registry(registry.of_set(mirror.serves()));
                }
                report(&mirror);
            }
            // Once, and not at every look.
            Err(error) if !was_unread => {
                tracing::error!(%error, "the fetched plugins cannot be read; plugins stay as they are");
            }
            Err(_) => {}
        }
    }
}

async fn follow_folder(mut folder: PluginFolder, tasks: Arc<Tasks>, mut hangup: Signal) {
    let mut failing = false;
    loop {
        let patience = tokio::select! {
            () = tokio::time::sleep(LOOK) => Patience::Settled,
            _ = hangup.recv() => Patience::AtOnce,
        };
        let Some((again, looked)) = look(folder, patience).await else { return };
        folder = again;
        match looked {
            Ok(Some(registry)) => tasks.replace_registry(registry),
            Ok(None) => {}
            Err(error) => {
                // Once, and not four times a second.
                if !failing {
                    let replaced = error.kind() == io::ErrorKind::PermissionDenied;
                    let advice = if replaced { REPLACED } else { "" };
                    tracing::error!(%error, "the plugins folder cannot be read; plugins stay as they are{advice}");
                }
                failing = true;
                continue;
            }
        }
        failing = false;
    }
}

/// Looks at the folder off the async threads; none after a panic, which is said.
async fn look(
    mut folder: PluginFolder,
    patience: Patience,
) -> Option<(PluginFolder, io::Result<Option<Registry>>)> {
    let looked = tokio::task::spawn_blocking(move || {
        let looked = folder.look(patience);
        (folder, looked)
    });
    match looked.await {
        Ok(looked) => Some(looked),
        Err(panic) => {
            tracing::error!(%panic, "changes in the plugins folder are no longer followed");
            None
        }
    }
}
