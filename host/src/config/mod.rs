//! What an operator can set: one struct per concern, one entry per setting.
//!
//! An entry is the only place that holds a setting's name, type, default and help. From it come the
//! flag `--max-image-size`, the variable `TINTYPE_MAX_IMAGE_SIZE`, the key `max_image_size` of
//! `tintype.toml`, the text of `serve --help` and the output of `tintype config`. Flags win over the
//! environment, that over the file, that over the default.

mod sources;
mod value;

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

pub use sources::{ConfigError, Origin, Sources};
pub use value::{ByteSize, SettingValue};

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
        /// Scheme, host and path under which clients reach the server, such as
        /// https://pictures.example.org; by default the request's own Host.
        public_url: Option<String> = "",
        /// Proxies, by IP address, whose Forwarded and X-Forwarded-* headers are believed.
        trusted_proxies: Vec<IpAddr> = "",
        /// Serve everybody on an address that is not loopback.
        allow_anonymous: bool = "false",
        /// Connections open at once; further ones wait to be accepted.
        max_connections: NonZeroUsize = "12000",
        /// Time for a request's head to arrive, and for the next one on an idle connection.
        header_timeout: Duration = "15s",
        /// Longest pause between two pieces of a request's body.
        body_timeout: Duration = "30s",
        /// Longest time for a whole upload.
        upload_timeout: Duration = "15m",
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
        /// How often a task is begun when the server dies while running it.
        max_attempts: NonZeroU32 = "2",
        /// Time after which a task whose worker gave no sign of life is run again.
        lease: Duration = "30s",
    }

    /// Where tasks and pictures are kept.
    storage: Storage {
        /// Folder for tasks, pictures and compiled plugins.
        data_dir: PathBuf = "data",
        /// Memory for the task store's cache.
        store_cache: ByteSize = "32MiB",
        /// Space to leave free on the disk; below it tasks are refused with 507.
        min_free_space: ByteSize = "64MiB",
    }

    /// The sandbox that every plugin runs in.
    plugins: Plugins {
        /// Folder with the plugins, each a WebAssembly component in a file NAME.wasm.
        plugins_dir: PathBuf = "plugins",
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

    /// What the server says about itself.
    log: Log {
        /// Which lines: a level, or directives such as info,tintype::plugin=debug.
        log: String = "info",
        /// human, json, or auto: human on a terminal, json otherwise.
        log_format: LogFormat = "auto",
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
        let config = Self::resolve(sources)?;
        if !config.http.listen.ip().is_loopback() && !config.http.allow_anonymous {
            return Err(sources.wrong(
                "listen",
                &config.http.listen.show(),
                "a loopback address: everybody who can reach another one could use this server. \
                 Set allow_anonymous = true if that is wanted",
            ));
        }
        if let Some(url) = &config.http.public_url
            && !is_public_url(url)
        {
            return Err(sources.wrong(
                "public_url",
                url,
                "an http or https URL without query or fragment, such as https://pictures.example.org",
            ));
        }
        // wasmtime's linear memories are 32 bit.
        if config.plugins.memory.0 > 4 << 30 {
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

impl Plugins {
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
