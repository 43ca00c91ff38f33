//! The real binary on a data folder and a port of its own, gone with the value.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Longest wait for a server to become ready; a store of millions of records may take its time.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often its log is looked at meanwhile. It bounds how exactly the start is known.
const PAUSE: Duration = Duration::from_millis(1);

/// A set of flags of `tintype serve`, under a name.
#[derive(Clone, Debug)]
pub struct Setup {
    /// For tables.
    pub name: String,
    /// As they are given to the server.
    pub flags: Vec<String>,
}

impl std::str::FromStr for Setup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, flags) = text.split_once('=').unwrap_or((text, ""));
        if name.is_empty() || name.starts_with('-') {
            return Err("a setup is NAME, or NAME=FLAGS: 'small=--store-cache 8MiB'".to_owned());
        }
        Ok(Self { name: name.to_owned(), flags: flags.split_whitespace().map(str::to_owned).collect() })
    }
}

/// A running server.
pub struct Server {
    child: Child,
    /// Host and port.
    pub address: String,
    /// From its start until it said that it is ready.
    pub start: Duration,
}

impl Server {
    /// Starts the server on `folder` and waits until it is ready.
    pub fn start(folder: &Path, setup: &Setup) -> anyhow::Result<Self> {
        let binary = target().join("release/tintype");
        let plugins = prepare(folder)?;
        let path = folder.join("log");
        let mut command = Command::new(&binary);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TINTYPE_"))
        {
            command.env_remove(name);
        }
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--data-dir"])
            .arg(folder.join("data"))
            .arg("--plugins-dir")
            .arg(plugins)
            .arg("--compiled-dir")
            .arg(target().join("compiled-for-bench"))
            .args(&setup.flags)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // A file, as an operator has it: to read a pipe would cost the generator time.
            .stderr(File::create(&path)?);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("{}: run `make build`", binary.display()))?;
        let mut server = Self { child, address: String::new(), start: Duration::ZERO };
        loop {
            if let Some(address) = listening(&fs::read_to_string(&path)?) {
                server.address = address;
                server.start = began.elapsed();
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                bail!("{:?} did not become ready:\n{}", setup, fs::read_to_string(&path)?);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server and ends it again, so that no measured start is the one that compiles the plugins.
pub fn warm_up(setup: &Setup) -> anyhow::Result<()> {
    Server::start(folder()?.path(), setup).map(drop)
}

/// All that were made, until [`remove_folders`].
static FOLDERS: Mutex<Vec<tempfile::TempDir>> = Mutex::new(vec![]);

/// A folder for one server on the disk that is to be measured. A temporary folder is often in memory,
/// where an fsync costs nothing; `target` is where the project lies.
///
/// It stays until everything is measured: ext4 without a journal passes over inodes that were freed in the
/// last half minute, one by one, so that whoever makes files after a folder of thousands was deleted does
/// it at several times the cost.
pub fn folder() -> anyhow::Result<Folder> {
    let made = tempfile::Builder::new()
        .prefix("tintype-bench-")
        .tempdir_in(target())
        .with_context(|| format!("a folder in {}", target().display()))?;
    let folder = Folder(made.path().to_owned());
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    Ok(folder)
}

/// See [`folder`].
pub struct Folder(PathBuf);

impl Folder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Removes every [`folder`]: the last thing that a bench does.
pub fn remove_folders() {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn prepare(folder: &Path) -> anyhow::Result<PathBuf> {
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins)?;
    for built in ["plugins/standard.wasm", "guests/hostile.wasm", "guests/wasi.wasm"] {
        let from = target().join(built);
        let name = from.file_name().context("a plugin has a name")?;
        fs::copy(&from, plugins.join(name))
            .with_context(|| format!("{}: run `make build guests`", from.display()))?;
    }
    Ok(plugins)
}

/// Where cargo builds, and whatever is made here is kept.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
}

fn listening(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("listening on http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:[]".contains(c)))?;
    Some(rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_setup_is_a_name_and_flags() {
        let setup: Setup = "relaxed=--durability relaxed --workers 1".parse().unwrap();
        assert_eq!((setup.name.as_str(), setup.flags.len()), ("relaxed", 4));
        assert_eq!("default".parse::<Setup>().unwrap().flags, [""; 0]);
        "--durability=full".parse::<Setup>().unwrap_err();
    }

    #[test]
    fn the_address_is_read_from_a_line_that_is_whole() {
        assert_eq!(listening("{\"message\":\"ready: listening on http://127.0.0.1:80"), None);
        let whole = "{\"message\":\"ready: listening on http://127.0.0.1:8080\",\"target\":1}\n";
        assert_eq!(listening(whole).as_deref(), Some("127.0.0.1:8080"));
    }
}
