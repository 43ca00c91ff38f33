//! What an operator can set: one struct per concern, one entry per setting.
//!
//! An entry is the only place that holds a setting's name, type, default and help. From it come the
//! flag `--max-image-size`, the variable `TINTYPE_MAX_IMAGE_SIZE`, the key `max_image_size` of
//! `tintype.toml`, the text of `serve --help` and the output of `tintype config`. Flags win over the
//! environment, that over the file, that over the default.
//!
//! The file may also have the tables `[plugin.NAME]` and `[presets.NAME]`. They are not settings of the
//! server: `plugin/settings/` reads them.

pub mod located;
pub(crate) mod nearest;
mod sources;
mod task_store;
mod value;

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

pub use sources::{ConfigError, Origin, Sources, TABLES};
pub use task_store::TaskStoreAt;
pub use value::{ByteSize, Ratio, Secret, SettingValue};

pub use crate::blob::Location as BlobsAt;
use crate::callback::HostRule;
use crate::plugin::PluginTables;

/// What is known of a setting before it has a value.
#[derive(Debug)]
pub struct Setting {
    /// As in the file: lower case, words joined by `_`.
    pub name: &'static str,
    /// The text of the default, empty where there is none.
    pub default: &'static str,
    /// For people.
    pub help: &'static str,
}

impl Setting {
    /// The name of the flag, without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Whether it is true or false, so that the flag alone can say yes.
    #[must_use]
    pub fn is_switch(&self) -> bool {
        matches!(self.default, "true" | "false")
    }

    /// The name of the environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("TINTYPE_{}", self.name.to_uppercase())
    }
}

macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $field:ident: $section:ident {
            $( $(#[doc = $help:literal])+ $name:ident: $type:ty = $default:expr, )+
        }
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug)]
            pub struct $section {
                $( $(#[doc = $help])+ pub $name: $type, )+
            }
        )+

        /// Everything that can be set, by concern.
        #[derive(Clone, Debug)]
        pub struct Config {
            $( $(#[doc = $about])+ pub $field: $section, )+
            /// What the file says of single plugins, and the presets of the whole server.
            pub plugin_tables: PluginTables,
        }

        impl Config {
            /// Every setting, by concern, in the order in which help shows them.
            pub const SECTIONS: &[(&str, &[Setting])] = &[
                $((
                    concat!($($about),+),
                    &[$( Setting { name: stringify!($name), default: $default, help: concat!($($help),+) }, )+],
                ),)+
            ];

            fn resolve(sources: &Sources) -> Result<Self, ConfigError> {
                Ok(Self {
                    $( $field: $section { $( $name: sources.value(stringify!($name), $default)?, )+ }, )+
                    plugin_tables: PluginTables::read(sources)?,
                })
            }

            /// The effective value of every setting, as text.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, String)> {
                vec![$( $( (stringify!($name), self.$field.$name.show()), )+ )+]
            }
        }
    };
}

settings! {
    /// Listening and patience with clients.
    http: Http {
        /// Address and port to listen on. Without API keys only a loopback address is allowed.
        listen: SocketAddr = "127.0.0.1:8080",
        /// PEM file with the server's certificate and those of its issuers: with it the server speaks HTTPS. SIGHUP reads it again.
        tls_cert: Option<PathBuf> = "",
        /// PEM file with the private key of tls_cert.
        tls_key: Option<PathBuf> = "",
        /// Scheme, host and path under which clients reach the server, such as
        /// https://pictures.example.org; by default the request's own Host.
        public_url: Option<String> = "",
        /// Proxies, by IP address, whose Forwarded and X-Forwarded-* headers are believed.
        trusted_proxies: Vec<IpAddr> = "",
        /// Serve everybody on an address that is not loopback.
        allow_anonymous: bool = "false",
        /// Whether / is the web console.
        console: bool = "true",
        /// Connections open at once; further ones wait to be accepted.
        max_connections: NonZeroUsize = "12000",
        /// Time for a request's head to arrive, and for the next one on an idle connection.
        header_timeout: Duration = "15s",
        /// Longest pause between two pieces of a request's body.
        body_timeout: Duration = "30s",
        /// Longest pause in which a client takes nothing of its answer.
        write_timeout: Duration = "30s",
        /// Longest time for a whole upload.
        upload_timeout: Duration = "15m",
        /// Longest time for which an answer is held back for a client that prefers to wait.
        max_wait: Duration = "60s",
        /// On SIGTERM, time for open requests and running tasks to finish.
        drain_timeout: Duration = "30s",
    }

    /// What a task may ask for and how it is treated.
    tasks: Tasks {
        /// Bytes of an uploaded image or attachment.
        max_image_size: ByteSize = "64MiB",
        /// Bytes of a whole request.
        max_request_size: ByteSize = "256MiB",
        /// Tasks waiting to run; further ones are refused with 503.
        max_queue: NonZeroU64 = "100000",
        /// Tasks run at once; by default one per core.
        workers: Option<NonZeroUsize> = "",
        /// Take tasks and leave running them to the other servers of the same database.
        no_workers: bool = "false",
        /// How often a task is begun when the server dies while running it.
        max_attempts: NonZeroU32 = "2",
        /// Time for which tasks that are over and their results are kept.
        retention: Duration = "24h",
        /// Time after which a task whose worker gave no sign of life is run again.
        lease: Duration = "30s",
    }

    /// Who may submit, and how much.
    auth: Auth {
        /// File with the API keys, changed by `tintype key`; by default keys.toml inside data_dir. While there is one every request needs a key.
        keys_file: Option<PathBuf> = "",
        /// Tasks that each caller may submit a minute; by default as many as it likes.
        quota_per_minute: Option<NonZeroU32> = "",
        /// Unfinished tasks that each caller may have; by default as many as it likes.
        quota_open: Option<NonZeroU32> = "",
    }

    /// Telling others that a task has ended.
    callback: Callback {
        /// Where callbacks may go, by default nowhere: hooks.example.org, *.example.org, addresses and ranges, with :PORT if it is not 443; by https, or by http where written http://HOST:PORT.
        callback_hosts: Vec<HostRule> = "",
        /// What callbacks are signed with: whsec_ and the base64 of 24 to 64 bytes; several while they change. Others can see a flag: better a variable or callback_secret_file.
        callback_secret: Vec<Secret> = "",
        /// File with what callbacks are signed with, one a line.
        callback_secret_file: Option<PathBuf> = "",
    }

    /// Where tasks and pictures are kept.
    storage: Storage {
        /// Folder for tasks, pictures and compiled plugins.
        data_dir: PathBuf = "data",
        /// Where tasks are: sled, in data_dir, for one server; or a PostgreSQL database that several servers share, such as postgres://USER@HOST/DATABASE. Others can see a flag: better a variable.
        store: TaskStoreAt = "sled",
        /// Connections to the database, beside one that listens.
        store_connections: NonZeroU32 = "10",
        /// Whether the server brings the database's schema to its version; otherwise `tintype migrate` does.
        store_migrate: bool = "true",
        /// Use a database that can lose what it confirmed: with fsync or synchronous_commit off.
        store_accept_unsafe: bool = "false",
        /// Where pictures are, by default in data_dir: an object store that several servers share, as s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER. Its credentials come from the usual variables of each engine, such as AWS_ACCESS_KEY_ID.
        blobs: Option<BlobsAt> = "",
        /// full: a 202 survives a power cut. relaxed: everything is flushed every flush_every, and a crash or power cut may take away what was accepted or ended since.
        durability: Durability = "full",
        /// Time between two flushes where durability is relaxed.
        flush_every: Duration = "100ms",
        /// Memory for the task store's cache.
        store_cache: ByteSize = "32MiB",
        /// Space to leave free on the disk; below it tasks are refused with 507.
        min_free_space: ByteSize = "64MiB",
    }

    /// The sandbox that every plugin runs in.
    plugins: Plugins {
        /// Folder with the plugins, each a WebAssembly component in a file NAME.wasm.
        plugins_dir: PathBuf = "plugins",
        /// Where plugins are published for many servers with `tintype plugin publish`, in place of plugins_dir: an object store as in blobs, such as s3://BUCKET/PREFIX. Each server keeps a copy in data_dir.
        plugins_from: Option<BlobsAt> = "",
        /// Time between two looks at plugins_from.
        plugins_poll: Duration = "10s",
        /// Folder for compiled plugins; by default inside data_dir. Never point it at a folder that others can write.
        compiled_dir: Option<PathBuf> = "",
        /// Longest run of one task's plugins together.
        deadline: Duration = "30s",
        /// Memory of one run, all linear memories together.
        memory: ByteSize = "512MiB",
        /// Stack of one run.
        stack: ByteSize = "1MiB",
        /// Bytes of all results of one run.
        max_output: ByteSize = "256MiB",
        /// Pixels, width times height, of a picture that a plugin may decode or make.
        max_pixels: NonZeroU64 = "100000000",
        /// Pixels along either side.
        max_side: NonZeroU32 = "65535",
        /// Frames of an animation.
        max_frames: NonZeroU32 = "1000",
        /// Bytes of a plugin's file.
        max_plugin_size: ByteSize = "64MiB",
        /// Whether plugins may import WASI 0.2 (with nothing in it: no files, no network, no environment).
        allow_wasi: bool = "true",
    }

    /// What the process itself may do.
    process: Process {
        /// Close to the process, as far as its kernel can, what a server does not need: other files (landlock) and system calls (seccomp).
        harden: bool = "true",
    }

    /// What the server says about itself.
    log: Log {
        /// Which lines: a level, or directives such as info,tintype::plugin=debug.
        log: String = "info",
        /// human, json, or auto: human on a terminal, json otherwise.
        log_format: LogFormat = "auto",
    }

    /// Traces for an OpenTelemetry collector.
    otlp: Otlp {
        /// Where traces are sent by OTLP over HTTP, such as http://127.0.0.1:4318; by default nowhere.
        otlp_endpoint: Option<String> = "",
        /// Headers for the collector, each NAME=VALUE. Others can see a flag: better a variable.
        otlp_headers: Vec<Secret> = "",
        /// Part of the traces that is sent, from 0 to 1, of those whose client has not decided it.
        otlp_sample_ratio: Ratio = "1",
    }
}

/// Most bytes of memory of one run: wasmtime's linear memories are 32 bit.
pub const MOST_MEMORY: u64 = 4 << 30;

/// What a 202 is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives a power cut.
    Full,
    /// It is flushed a little later.
    Relaxed,
}

impl SettingValue for Durability {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            "relaxed" => Ok(Self::Relaxed),
            _ => Err("full or relaxed".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Full => "full",
            Self::Relaxed => "relaxed",
        }
        .to_owned()
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a terminal.
    Human,
    /// One JSON object a line.
    Json,
    /// [`Human`](Self::Human) on a terminal, else [`Json`](Self::Json).
    Auto,
}

impl SettingValue for LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            "auto" => Ok(Self::Auto),
            _ => Err("human, json or auto".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Auto => "auto",
        }
        .to_owned()
    }
}

impl Config {
    /// Reads every setting and checks what they must be together.
    ///
    /// # Errors
    /// The first value that is wrong, with where it stands and the rule that it breaks.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let config = Self::read(sources)?;
        if !config.http.listen.ip().is_loopback()
            && !config.http.allow_anonymous
            && !config.auth.keys_file(&config.storage).exists()
        {
            return Err(sources.wrong(
                "listen",
                &config.http.listen.show(),
                "a loopback address: everybody who can reach another one could use this server. \
                 Make an API key with `tintype key new NAME`, or set allow_anonymous = true if that is wanted",
            ));
        }
        Ok(config)
    }

    /// As [`load`](Self::load), for commands that don't serve: without a look at who could come in.
    ///
    /// # Errors
    /// As there.
    pub fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let config = Self::resolve(sources)?;
        if let Some(url) = &config.http.public_url
            && !is_public_url(url)
        {
            return Err(sources.wrong(
                "public_url",
                url,
                "an http or https URL without query or fragment, such as https://pictures.example.org",
            ));
        }
        let http = &config.http;
        for (name, one, other) in
            [("tls_cert", &http.tls_cert, &http.tls_key), ("tls_key", &http.tls_key, &http.tls_cert)]
        {
            if let (Some(path), None) = (one, other) {
                let other = if name == "tls_cert" { "tls_key" } else { "tls_cert" };
                return Err(sources.wrong(name, &path.show(), &format!("set together with {other}")));
            }
        }
        if config.storage.store == TaskStoreAt::Sled && config.tasks.no_workers {
            let wanted = "false where store is sled: nobody else could run the tasks";
            return Err(sources.wrong("no_workers", "true", wanted));
        }
        if config.storage.blobs.is_some() && config.storage.durability == Durability::Relaxed {
            return Err(sources.wrong("durability", "relaxed", "full where blobs is set"));
        }
        if config.storage.store != TaskStoreAt::Sled && config.storage.durability == Durability::Relaxed {
            return Err(sources.wrong("durability", "relaxed", "full where store is a database"));
        }
        if config.plugins.memory.0 > MOST_MEMORY {
            return Err(sources.wrong("memory", &config.plugins.memory.show(), "at most 4GiB"));
        }
        if config.plugins.stack.0 < 64 << 10 || config.plugins.stack.0 > 64 << 20 {
            return Err(sources.wrong("stack", &config.plugins.stack.show(), "from 64KiB to 64MiB"));
        }
        Ok(config)
    }
}

fn is_public_url(url: &str) -> bool {
    let Ok(uri) = url.parse::<::http::Uri>() else { return false };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some()
        && !url.contains(['?', '#'])
}

impl Auth {
    /// Where the API keys are kept.
    #[must_use]
    pub fn keys_file(&self, storage: &Storage) -> PathBuf {
        self.keys_file.clone().unwrap_or_else(|| storage.data_dir.join("keys.toml"))
    }
}

impl Plugins {
    /// Where plugins are loaded from: the folder of the server's own, or its copy of those that are published.
    #[must_use]
    pub fn folder(&self, storage: &Storage) -> PathBuf {
        match &self.plugins_from {
            Some(_) => storage.data_dir.join("plugins.fetched"),
            None => self.plugins_dir.clone(),
        }
    }

    /// Where compiled plugins are kept.
    #[must_use]
    pub fn compiled_dir(&self, storage: &Storage) -> PathBuf {
        self.compiled_dir.clone().unwrap_or_else(|| storage.data_dir.join("compiled"))
    }
}

impl Tasks {
    /// How many tasks run at once.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.map_or_else(
            || std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            NonZeroUsize::get,
        )
    }
}
