//! `tintype serve`: puts the server together, runs it, and takes it apart in order.

use std::sync::Arc;

use anyhow::Context as _;
use clap::ArgMatches;
use tokio::signal::unix::{SignalKind, signal};

use super::settings;
use crate::blob::FolderBlobs;
use crate::config::Config;
use crate::http::{self, App, Server};
use crate::plugin::{CompiledCode, Registry, RunLimits, Sandbox};
use crate::store::sled::{SledOptions, SledStore};
use crate::task::{Parts, Tasks, WorkerOptions, Workers};
use crate::telemetry;

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let config = Config::load(&settings::gather(matches)?)?;
    telemetry::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("tintype")
        .build()
        .context("no threads can be started")?;
    let served = runtime.block_on(serve(Arc::new(config)));
    // Nothing that matters runs any more; what still blocks would only delay the exit.
    runtime.shutdown_background();
    served
}

async fn serve(config: Arc<Config>) -> anyhow::Result<()> {
    // Before anything that takes time: a signal during start-up counts too.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Before the data folder is touched: of two servers the second leaves without a trace.
    let server = Server::bind(&config.http).await?;

    let assembled = {
        let config = Arc::clone(&config);
        tokio::task::spawn_blocking(move || assemble(&config)).await??
    };
    let app = App { tasks: Arc::clone(&assembled), config: Arc::clone(&config) };
    let options = WorkerOptions {
        workers: config.tasks.workers(),
        deadline: config.plugins.deadline,
        heartbeat: config.tasks.lease / 3,
    };
    let workers = Arc::new(Workers::new(Arc::clone(&assembled), options));
    let working = tokio::spawn(Arc::clone(&workers).run());

    let address = server.address();
    tracing::info!(%address, "ready: listening on http://{address}");
    let stop = {
        let tasks = Arc::clone(&assembled);
        async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping: finishing what is open");
            tasks.drain();
        }
    };
    let (stopped, when_stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(http::router(app), async move {
        stop.await;
        // The receiver waits for this as long as the server runs.
        let _ = stopped.send(());
    }));
    // Either word ends the wait: a signal, or the end of the server itself.
    let _ = when_stopped.await;

    let mut working = working;
    let drained = tokio::time::timeout(config.http.drain_timeout, async {
        let _ = serving.await;
        (&mut working).await
    });
    if drained.await.is_err() {
        tracing::warn!("not everything finished in time; running tasks go back into the queue");
        workers.interrupt_all();
        // A run ends within some milliseconds; its task's way back is one write.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), working).await;
    }
    drop(workers);
    tracing::info!("stopped");
    Ok(())
}

fn assemble(config: &Config) -> anyhow::Result<Arc<Tasks>> {
    let data = &config.storage.data_dir;
    std::fs::create_dir_all(data).with_context(|| format!("data_dir {}", data.display()))?;
    let (store, recovered) = SledStore::open(
        &data.join("tasks"),
        &SledOptions {
            cache: config.storage.store_cache.0,
            max_queue: config.tasks.max_queue.get(),
            max_attempts: config.tasks.max_attempts.get(),
            lease: config.tasks.lease,
        },
    )?;
    if recovered.requeued + recovered.interrupted > 0 {
        let (requeued, interrupted) = (recovered.requeued, recovered.interrupted);
        tracing::warn!(requeued, interrupted, "the server died while these tasks ran");
    }
    let blobs = FolderBlobs::open(&data.join("blobs"))?;

    let plugins = &config.plugins;
    let limits = RunLimits {
        deadline: plugins.deadline,
        memory: plugins.memory.as_usize(),
        stack: plugins.stack.as_usize(),
        max_output: plugins.max_output.as_usize(),
        max_pixels: plugins.max_pixels.get(),
        max_side: plugins.max_side.get(),
        max_frames: plugins.max_frames.get(),
    };
    let sandbox = Sandbox::new(limits, config.tasks.workers(), plugins.allow_wasi)?;
    let compiled = CompiledCode::open(&plugins.compiled_dir(&config.storage));
    let registry = Registry::load(&sandbox, &compiled, &plugins.plugins_dir, plugins.max_plugin_size.0)
        .with_context(|| {
            format!(
                "plugins_dir {}: create the folder, or name another one with --plugins-dir",
                plugins.plugins_dir.display()
            )
        })?;
    if registry.plugins().next().is_none() {
        tracing::warn!(folder = %plugins.plugins_dir.display(), "there are no plugins: every task will be refused");
    }
    Ok(Tasks::new(Parts {
        store: Arc::new(store),
        blobs: Arc::new(blobs),
        registry,
        max_queue: config.tasks.max_queue.get(),
        min_free_space: config.storage.min_free_space.0,
        workers: config.tasks.workers(),
    })?)
}
