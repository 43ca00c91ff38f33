//! `tintype serve`: puts the server together, runs it, and takes it apart in order.

mod ground;
mod plugins;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::ArgMatches;
use prometheus_client::registry::Registry as Metrics;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::ground::Ground;
use self::plugins::Plugins;
use super::{settings, stores};
use crate::auth::{Keys, Limits, Quota};
use crate::blob::{BlobStore, FileSync, FolderBlobs, Location, ObjectBlobs};
use crate::callback::Sender;
use crate::config::{self, Config};
use crate::control::Control;
use crate::data_folder::{FORMAT, Paths};
use crate::figures;
use crate::harden::{self, Needs};
use crate::http::{self, App, Certificate, Server};
use crate::plugin::{CompiledCode, Registry};
use crate::store::postgres::{PostgresStore, Settings};
use crate::store::sled::{self, SledOptions, SledStore};
use crate::task::{self, Parts, Recovered, TaskStore, Tasks, WorkerOptions, Workers};
use crate::telemetry;
use crate::trace::Tracer;

/// A run ends within some milliseconds of being interrupted; its task's way back is one write.
const WAY_BACK: Duration = Duration::from_secs(5);
/// Least time for answers that are on their way when the last task has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Most time for the last spans to reach their collector.
const LAST_SPANS: Duration = Duration::from_secs(2);
/// File descriptors for what isn't a connection: a picture for some of the requests, the store, plugins.
pub(super) const OTHER_FILES: u64 = 1000;
/// What a process does of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Takes tasks, and runs them unless `no_workers` says otherwise.
    Serve,
    /// Runs tasks that others take.
    Work,
}

pub(super) fn run(matches: &ArgMatches, role: Role) -> anyhow::Result<()> {
    let config = Config::load(&settings::gather(matches)?)?;
    if role == Role::Work {
        anyhow::ensure!(
            config.storage.store.database().is_some(),
            "`tintype work` runs tasks that other servers take: set store to the database that they share \
             (postgres://…), or use `tintype serve`"
        );
        anyhow::ensure!(
            !config.tasks.no_workers,
            "`tintype work` does nothing but run tasks: unset no_workers, or use `tintype serve`"
        );
    }
    telemetry::start(&config.log)?;
    raise_file_limit(config.http.max_connections.get());
    // The process counts from here, and not from when its plugins are compiled.
    let metrics = figures::registry();
    let ground = Ground::prepare(&config)?;
    // While this is the only thread: those that it starts are confined with it.
    let confined = config.process.harden.then(|| harden::confine(&Needs::of(&config)));
    match &confined {
        Some(confined) => confined.report(),
        None => tracing::info!("not confined: harden is off"),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("tintype")
        .build()
        .context("no threads can be started")?;
    let served = runtime.block_on(serve(Arc::new(config), role, ground, metrics));
    // Nothing that matters runs any more; what still blocks would only delay the exit.
    runtime.shutdown_background();
    served
}

/// Takes as many file descriptors as the system gives: most systems' soft limit of 1024 is for programs
/// that use `select`, and far below the connections that may be open.
fn raise_file_limit(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let given = setrlimit(Resource::Nofile, raised).map_or(limit.current, |()| limit.maximum);
    let wanted = connections as u64 + OTHER_FILES;
    if let Some(given) = given.filter(|given| *given < wanted) {
        tracing::warn!(
            given,
            wanted,
            "there are fewer file descriptors than max_connections may need; raise the limit (ulimit -n)"
        );
    }
}

async fn serve(config: Arc<Config>, role: Role, ground: Ground, metrics: Metrics) -> anyhow::Result<()> {
    // Before anything that takes time: a signal during start-up counts too.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let hangup = signal(SignalKind::hangup())?;
    let Ground { listening, certificate, data, format, compiled, sender, tracer, exporter } = ground;
    let server = Server::new(listening, certificate.clone(), &config.http)?;
    if let Some(exporter) = exporter {
        tokio::spawn(exporter.run());
    }
    if let Some(certificate) = certificate {
        tokio::spawn(follow_certificate(certificate, signal(SignalKind::hangup())?));
    }
    let paths = data.paths().clone();
    let Assembled { app, plugins } = {
        let (config, paths) = (Arc::clone(&config), paths.clone());
        tokio::task::spawn_blocking(move || {
            assemble(config, &paths, format, compiled, sender, tracer, metrics)
        })
        .await??
    };
    let tasks = Arc::clone(&app.tasks);
    for (owner, count) in tasks.unfinished().await? {
        let owner = owner.and_then(|owner| owner.parse().ok());
        (0..count).for_each(|_| app.quota.opened(owner));
    }
    let options = WorkerOptions {
        workers: config.tasks.workers(),
        deadline: config.plugins.deadline,
        heartbeat: config.tasks.lease / 3,
    };
    tokio::spawn(Arc::clone(&tasks).follow_news());
    let workers = Arc::new(Workers::new(Arc::clone(&tasks), options));
    let working = if config.tasks.no_workers {
        tracing::info!("tasks are taken and not run: no_workers is set");
        tokio::spawn(std::future::ready(()))
    } else {
        tokio::spawn(Arc::clone(&workers).run())
    };
    tokio::spawn(task::sweep(Arc::clone(&tasks), config.tasks.retention));
    tokio::spawn(task::sweep_orphans(Arc::clone(&tasks)));
    tokio::spawn(task::watch_disk(Arc::clone(&tasks)));
    tokio::spawn(plugins.follow(Arc::clone(&tasks), hangup));
    if let Some(sender) = &app.sender {
        tokio::spawn(http::announce(Arc::clone(&tasks), Arc::clone(sender), app.figures.clone()));
    }

    let control = paths.control();
    let control = Control::bind(&control).with_context(|| format!("control socket {}", control.display()))?;
    let controlling = tokio::spawn(control.serve(Arc::clone(&tasks)));

    let address = server.address();
    tracing::info!(%address, "ready: listening on {}", server.url());
    let (stop, stopped) = oneshot::channel::<()>();
    let router = match role {
        Role::Serve => http::router(app),
        Role::Work => http::watching_router(app),
    };
    let mut serving = tokio::spawn(server.serve(router, async move {
        // A sender that is gone means the same as its word.
        let _ = stopped.await;
    }));

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: finishing what is open");
    let deadline = Instant::now() + config.http.drain_timeout;
    // New tasks are refused from here on; polls are still answered, and readiness says why.
    tasks.drain();
    finish_work(&workers, working, deadline).await;
    // The server may have ended already, with its task.
    let _ = stop.send(());
    if timeout_at(deadline.max(Instant::now() + LAST_ANSWERS), &mut serving).await.is_err() {
        tracing::warn!("not every request was answered in time");
        serving.abort();
    }
    controlling.abort();
    tasks.tracer().flush(LAST_SPANS).await;
    if let Err(error) = tasks.settle().await {
        // It was said when it failed; the next start finds what was acknowledged.
        tracing::error!(%error, "the last changes could not be recorded");
    }
    tracing::info!("stopped");
    // Until here nobody else could touch the folder.
    drop(data);
    Ok(())
}

/// Waits for the running tasks; what hasn't ended at the deadline goes back into the queue.
async fn finish_work(workers: &Workers, mut working: JoinHandle<()>, deadline: Instant) {
    if timeout_at(deadline, &mut working).await.is_err() {
        tracing::warn!("not everything finished in time; running tasks go back into the queue");
        workers.interrupt_all();
        if timeout_at(Instant::now() + WAY_BACK, working).await.is_err() {
            tracing::error!("a run did not end; its task runs again at the next start");
        }
    }
}

/// What a server is made of.
struct Assembled {
    app: App,
    plugins: Plugins,
}

fn assemble(
    config: Arc<Config>,
    paths: &Paths,
    format: u32,
    compiled: CompiledCode,
    sender: Option<Arc<Sender>>,
    tracer: Tracer,
    mut metrics: Metrics,
) -> anyhow::Result<Assembled> {
    let keys = Arc::new(Keys::open(&config.auth.keys_file(&config.storage))?);
    let limits = Limits::from_settings(&config.auth);
    let quota = match config.storage.store.database() {
        Some(_) => Quota::beside_store(limits),
        None => Quota::new(limits),
    };
    let (plugins, registry) = Plugins::load(&config, compiled)?;
    let counted = http::Figures::default();
    let own = figures::own(&mut metrics);
    plugins.register(own);
    counted.register(own);
    tracer.register(own);
    let tasks = open_tasks(&config, paths, registry, &quota, &keys, tracer, own)?;
    if format < FORMAT {
        // The store brings itself up when it is opened.
        paths.write_format()?;
        tracing::info!(from = format, to = FORMAT, "the data folder was brought up to this version's format");
    }
    let metrics = Arc::new(metrics);
    let app = App { tasks, config, keys, quota, figures: counted, metrics, sender };
    Ok(Assembled { app, plugins })
}

fn open_tasks(
    config: &Config,
    paths: &Paths,
    registry: Registry,
    quota: &Arc<Quota>,
    keys: &Arc<Keys>,
    tracer: Tracer,
    metrics: &mut Metrics,
) -> anyhow::Result<Arc<Tasks>> {
    let (store, recovered) = match stores::database(config) {
        Some(settings) => (open_database(paths, &settings, metrics)?, Recovered::default()),
        None => open_embedded(config, paths, metrics)?,
    };
    if recovered.requeued + recovered.interrupted > 0 {
        let (requeued, interrupted) = (recovered.requeued, recovered.interrupted);
        tracing::warn!(requeued, interrupted, "the server died while these tasks ran");
    }
    let (quota, keys) = (Arc::clone(quota), Arc::clone(keys));
    let blobs = match &config.storage.blobs {
        Some(location) => open_objects(location, paths, &*store, metrics)?,
        None => open_folder(config, paths, metrics)?,
    };
    let tasks = Tasks::new(Parts {
        store,
        blobs,
        registry,
        max_queue: config.tasks.max_queue.get(),
        min_free_space: config.storage.min_free_space.0,
        workers: config.tasks.workers(),
        on_end: Box::new(move |owner| quota.closed(owner.and_then(|owner| owner.parse().ok()))),
        key_name: Box::new(move |owner| keys.name_of(owner.parse().ok()?)),
        tracer,
    })?;
    tasks.figures().recovered(recovered);
    task::register(&tasks, metrics);
    Ok(tasks)
}

/// The store in the data folder, and what became of tasks that ran when its last process died.
fn open_embedded(
    config: &Config,
    paths: &Paths,
    metrics: &mut Metrics,
) -> anyhow::Result<(Arc<dyn TaskStore>, Recovered)> {
    let elsewhere = paths.tasks_elsewhere();
    anyhow::ensure!(
        !elsewhere.exists(),
        "the tasks of this data folder's pictures are in a database (so says {}), and pictures without tasks are \
         deleted: set store again, or choose another data_dir",
        elsewhere.display()
    );
    let options = SledOptions {
        durability: match config.storage.durability {
            config::Durability::Full => sled::Durability::Full,
            config::Durability::Relaxed => sled::Durability::Relaxed(config.storage.flush_every),
        },
        cache: config.storage.store_cache.0,
        max_queue: config.tasks.max_queue.get(),
        workers: config.tasks.workers(),
        max_attempts: config.tasks.max_attempts.get(),
        lease: config.tasks.lease,
    };
    let (store, recovered) = SledStore::open(&paths.tasks(), &options)?;
    store.figures().register(metrics);
    Ok((Arc::new(store), recovered))
}

/// The store that other servers may share.
fn open_database(
    paths: &Paths,
    settings: &Settings,
    metrics: &mut Metrics,
) -> anyhow::Result<Arc<dyn TaskStore>> {
    let tasks = paths.tasks();
    anyhow::ensure!(
        !tasks.exists(),
        "there are tasks in {}, and pictures without tasks are deleted: unset store, or choose another data_dir",
        tasks.display()
    );
    let elsewhere = paths.tasks_elsewhere();
    std::fs::write(&elsewhere, "The tasks are in the database that the setting store names.\n")
        .with_context(|| elsewhere.display().to_string())?;
    // This thread may wait; those of the runtime work meanwhile.
    let store = tokio::runtime::Handle::current().block_on(PostgresStore::open(settings))?;
    store.register(metrics);
    Ok(Arc::new(store))
}

/// The pictures in the data folder.
fn open_folder(config: &Config, paths: &Paths, metrics: &mut Metrics) -> anyhow::Result<Arc<dyn BlobStore>> {
    let elsewhere = paths.blobs_elsewhere();
    anyhow::ensure!(
        !elsewhere.exists(),
        "the pictures of this data folder's tasks are in an object store (so says {}): set blobs again, or choose \
         another data_dir",
        elsewhere.display()
    );
    let file_sync = match config.storage.durability {
        config::Durability::Full => FileSync::Each,
        config::Durability::Relaxed => FileSync::Elsewhere,
    };
    let blobs = FolderBlobs::open(&paths.blobs(), file_sync)?;
    blobs.register(metrics);
    Ok(Arc::new(blobs))
}

/// The pictures in an object store, which other servers of the same tasks may share.
fn open_objects(
    location: &Location,
    paths: &Paths,
    store: &dyn TaskStore,
    metrics: &mut Metrics,
) -> anyhow::Result<Arc<dyn BlobStore>> {
    let folder = paths.blobs();
    anyhow::ensure!(
        !folder.exists(),
        "there are pictures in {}, and tasks whose pictures are missing are broken: unset blobs, or choose another \
         data_dir",
        folder.display()
    );
    let blobs = ObjectBlobs::new(location.clone(), &paths.staging()).context("blobs")?;
    blobs.clear_staging()?;
    // This thread may wait; those of the runtime work meanwhile.
    tokio::runtime::Handle::current().block_on(async {
        blobs.check().await.context("blobs")?;
        let identity = match store.identity().await? {
            Some(identity) => identity,
            None => paths.identity()?,
        };
        blobs.belong_to(&identity).await.context("blobs")?;
        anyhow::Ok(())
    })?;
    let elsewhere = paths.blobs_elsewhere();
    std::fs::write(&elsewhere, "The pictures are in the object store that the setting blobs names.\n")
        .with_context(|| elsewhere.display().to_string())?;
    tracing::info!(%location, "pictures are in an object store: a 202 is worth what its acknowledgement is");
    blobs.register(metrics);
    Ok(Arc::new(blobs))
}

/// Reads the certificate again whenever it is told to. Who is connected notices nothing.
async fn follow_certificate(certificate: Arc<Certificate>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        let read = Arc::clone(&certificate);
        match tokio::task::spawn_blocking(move || read.read_again()).await {
            Ok(Ok(())) => tracing::info!("the certificate was read again"),
            Ok(Err(error)) => tracing::error!("the certificate stays as it was: {error}"),
            Err(panic) => tracing::error!(%panic, "the certificate stays as it was"),
        }
    }
}
