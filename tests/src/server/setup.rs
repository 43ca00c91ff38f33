//! How a server is started.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Server;
use super::command::{binary, run, target, without_settings};
use super::process::Process;
use crate::{Faults, Guest};

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    bare: bool,
    /// Names of the guests that are built for the tests.
    built: Vec<&'static str>,
    plugins: Vec<(String, Vec<u8>)>,
    keys: Vec<String>,
    under: Vec<String>,
    only_works: bool,
    /// Another binary than the one that is tested.
    build: Option<PathBuf>,
    pub(super) faults: bool,
}

impl Setup {
    /// Sets a setting by its flag.
    #[must_use]
    pub fn with(mut self, flag: &str, value: impl ToString) -> Self {
        let flag = format!("--{flag}");
        match self.flags.iter().position(|known| *known == flag) {
            Some(at) => self.flags[at + 1] = value.to_string(),
            None => self.flags.extend([flag, value.to_string()]),
        }
        self
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known.strip_prefix("--") == Some(flag))
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts a server that runs what others take.
    #[must_use]
    pub fn only_works(mut self) -> Self {
        self.only_works = true;
        self
    }

    /// Starts this binary instead of the one that is tested.
    #[must_use]
    pub fn build(mut self, binary: &Path) -> Self {
        self.build = Some(binary.to_owned());
        self
    }

    /// Leaves the bundled plugins out.
    #[must_use]
    pub fn without_bundled(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Drops the hostile plugin in beside the bundled ones.
    #[must_use]
    pub fn hostile(self) -> Self {
        self.built("hostile")
    }

    /// Drops the plugin in that tries everything that there is in WASI.
    #[must_use]
    pub fn wasi(self) -> Self {
        self.built("wasi")
    }

    /// Drops a plugin in that a test has written.
    #[must_use]
    pub fn guest(self, guest: &Guest) -> Self {
        self.plugin(&format!("{}.wasm", guest.name()), &guest.build())
    }

    /// Drops a plugin of `tests/guests/` in.
    #[must_use]
    pub fn built(mut self, name: &'static str) -> Self {
        self.built.push(name);
        self
    }

    /// Puts a file into the plugins folder.
    #[must_use]
    pub fn plugin(mut self, file: &str, content: &[u8]) -> Self {
        self.plugins.push((file.to_owned(), content.to_vec()));
        self
    }

    /// Makes an API key of this name before the server starts.
    #[must_use]
    pub fn key(mut self, name: &str) -> Self {
        self.keys.push(name.to_owned());
        self
    }

    /// Starts the server with this soft limit of open files.
    #[must_use]
    pub fn file_limit(self, files: u32) -> Self {
        self.under(&["sh", "-c", &format!("ulimit -S -n {files} && exec \"$0\" \"$@\"")])
    }

    /// Starts the server by this command line, which is followed by the server's own and must become
    /// its process.
    #[must_use]
    pub fn under(mut self, command: &[&str]) -> Self {
        self.under = command.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Lets its files and its clock be tampered with: see [`Server::faults`].
    #[must_use]
    pub fn faults(mut self) -> Self {
        self.faults = true;
        self
    }

    /// Starts a server with a data folder of its own.
    #[must_use]
    pub fn start(self) -> Server {
        self.start_in(TempDir::new().unwrap())
    }

    /// Starts a server in this folder, which may have `data` in it.
    #[must_use]
    pub fn start_in(self, folder: TempDir) -> Server {
        self.try_start_in(folder).unwrap_or_else(|no_start| panic!("{no_start}"))
    }

    /// The same, for a server that may end instead of getting ready.
    ///
    /// # Errors
    /// It did; its folder and its log are left.
    pub fn try_start_in(self, folder: TempDir) -> Result<Server, NoStart> {
        self.furnish(folder.path());
        let keys = self.keys.iter().map(|name| (name.clone(), new_key(folder.path(), &[name]))).collect();
        match Process::begin(&folder, &self) {
            Ok(process) => Ok(Server { process, folder, setup: self, keys }),
            Err(log) => Err(NoStart { folder, log }),
        }
    }

    /// A folder for a server, with its plugins in it.
    #[must_use]
    pub fn folder(&self) -> TempDir {
        let folder = TempDir::new().unwrap();
        self.furnish(folder.path());
        folder
    }

    /// Puts the plugins into a server's folder.
    fn furnish(&self, folder: &Path) {
        let plugins = folder.join("plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        if !self.bare {
            copy_components(&target().join("plugins"), &plugins);
        }
        for name in &self.built {
            copy(&built(name), &plugins.join(format!("{name}.wasm")));
        }
        for (file, content) in &self.plugins {
            std::fs::write(plugins.join(file), content).unwrap();
        }
    }

    fn binary(&self) -> PathBuf {
        self.build.clone().unwrap_or_else(binary)
    }

    /// The command that starts a server on such a folder.
    #[must_use]
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = match self.under.split_first() {
            Some((program, arguments)) => {
                let mut command = without_settings(Command::new(program));
                command.args(arguments).arg(self.binary());
                command
            }
            None => without_settings(Command::new(self.binary())),
        };
        command
            .arg(if self.only_works { "work" } else { "serve" })
            .arg("--data-dir")
            .arg(folder.join("data"))
            .arg("--plugins-dir")
            .arg(folder.join("plugins"))
            // Shared by all tests, or each would compile the plugins anew.
            .arg("--compiled-dir")
            .arg(target().join("compiled-for-tests"))
            .args(["--log-format", "json"])
            .args(if self.has("listen") { [].as_slice() } else { &["--listen", "127.0.0.1:0"] })
            .args(&self.flags)
            .envs(self.environment.iter().cloned())
            .current_dir(folder)
            .stdin(Stdio::null());
        if self.faults {
            // What steers the faults lies outside of what a confined server may open.
            command.args(["--harden", "false"]).envs(Faults::of(folder).environment());
        }
        command
    }
}

/// What a server leaves that ended before it was ready.
#[derive(Debug)]
pub struct NoStart {
    /// With `data` in it.
    pub folder: TempDir,
    /// The lines of its log.
    pub log: Vec<String>,
}

impl fmt::Display for NoStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no start:\n{}", self.log.join("\n"))
    }
}

/// Makes an API key with the real command, and gives its text.
pub(super) fn new_key(folder: &Path, arguments: &[&str]) -> String {
    let ended = run(&[&["key", "new"], arguments].concat(), &[], folder);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.output.trim_end().to_owned()
}

/// The file of a plugin of `tests/guests/`.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    target().join("guests").join(format!("{name}.wasm"))
}

fn copy_components(from: &Path, to: &Path) {
    let entries = std::fs::read_dir(from)
        .unwrap_or_else(|error| panic!("{}: {error}; run `make build guests`", from.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            copy(&path, &to.join(path.file_name().unwrap()));
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to)
        .unwrap_or_else(|error| panic!("{}: {error}; run `make build guests`", from.display()));
}
