//! The real binary, started for one test and gone with it.

mod command;
mod process;
mod setup;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use self::command::{Ended, begin, binary, run, target};
use self::process::Process;
use self::setup::new_key;
pub use self::setup::{NoStart, Setup, built};
use crate::{Client, Faults};

/// How long anything may take before a test gives up: far more than a busy machine needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    process: Process,
    folder: TempDir,
    setup: Setup,
    keys: Vec<(String, String)>,
}

impl Server {
    /// A server with the bundled plugin and default settings.
    #[must_use]
    pub fn new() -> Self {
        Setup::default().start()
    }

    /// A client of this server.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.process.address))
    }

    /// The text of the API key of this name.
    #[must_use]
    pub fn key(&self, name: &str) -> &str {
        &self.keys.iter().find(|(known, _)| known == name).unwrap().1
    }

    /// A client with the API key of this name.
    #[must_use]
    pub fn client_of(&self, name: &str) -> Client {
        self.client().with_key(self.key(name))
    }

    /// Makes another API key beside the running server, and gives its text.
    #[must_use]
    pub fn new_key(&self, arguments: &[&str]) -> String {
        new_key(self.folder(), arguments)
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.process.address
    }

    /// The folder with `data` and `plugins` in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The number of its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    /// Lines of the log so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.process.log.lock().unwrap().clone()
    }

    /// Waits until a line of the log contains `text`.
    pub fn wait_for_log(&self, text: &str) -> String {
        eventually(
            || self.log().into_iter().find(|line| line.contains(text)),
            || format!("no log line with {text:?}"),
        )
    }

    /// A line of `/proc/PID/task/THREAD/status` of each of its threads.
    #[must_use]
    pub fn of_threads(&self, field: &str) -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.child.id())).unwrap();
        // A thread may have ended since.
        let statuses =
            threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("status")).ok());
        statuses
            .filter_map(|status| {
                let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
                Some(value.trim().to_owned())
            })
            .collect()
    }

    /// Bytes of memory that the process has resident.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most that it had since it started, or since [`forget_peak`](Self::forget_peak).
    #[must_use]
    pub fn peak_resident(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Begins anew to look for the peak (proc(5), `clear_refs`).
    pub fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.process.child.id()), "5").unwrap();
    }

    fn memory(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib << 10
    }

    /// Connections that the process has open, and a few sockets of its own.
    #[must_use]
    pub fn sockets(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.process.child.id())).unwrap();
        let targets = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Files that the process may have open.
    #[must_use]
    pub fn open_files(&self) -> u64 {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.process.child.id())).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Kills the process, with no word of warning, and starts another one on the same data.
    #[must_use]
    pub fn kill_and_restart(self) -> Self {
        let Self { process, folder, setup, keys } = self;
        drop(process);
        let process = Process::begin(&folder, &setup);
        let process = process.unwrap_or_else(|log| panic!("no start:\n{}", log.join("\n")));
        Self { process, folder, setup, keys }
    }

    /// Kills the process if it still runs, and tries to start another one on the same data.
    ///
    /// # Errors
    /// The lines of its log, if it ended instead of getting ready.
    pub fn try_restart(&mut self) -> Result<(), Vec<String>> {
        self.process.end();
        self.process = Process::begin(&self.folder, &self.setup)?;
        Ok(())
    }

    /// What can be done to its files and its clock, if it was [set up](Setup::faults) for that.
    #[must_use]
    pub fn faults(&self) -> Faults {
        assert!(self.setup.faults, "without Setup::faults() no rule would be followed");
        Faults::of(self.folder())
    }

    /// Ends the server and leaves its folder.
    #[must_use]
    pub fn into_folder(self) -> TempDir {
        self.folder
    }

    /// Whether the process runs.
    pub fn is_alive(&mut self) -> bool {
        self.process.child.try_wait().unwrap().is_none()
    }

    /// The same, with another value of a setting from now on.
    #[must_use]
    pub fn kill_and_restart_with(mut self, flag: &str, value: impl ToString) -> Self {
        self.setup = self.setup.with(flag, value);
        self.kill_and_restart()
    }

    /// Kills the process, throws its data away, and starts another one on what a backup gives back.
    #[must_use]
    pub fn kill_and_restore(mut self, backup: &Path) -> Self {
        self.kill();
        let data = self.folder().join("data");
        std::fs::remove_dir_all(&data).unwrap();
        let data = data.display().to_string();
        let restored =
            run(&["restore", &backup.display().to_string(), "--data-dir", &data], &[], self.folder());
        assert_eq!(restored.code, Some(0), "{restored:?}");
        self.kill_and_restart()
    }

    /// Starts again on the same data, after the process has ended by itself.
    #[must_use]
    pub fn restart(mut self) -> Self {
        self.wait();
        self.kill_and_restart()
    }

    /// Kills the process, with no word of warning. The data stay.
    pub fn kill(&mut self) {
        self.process.child.kill().unwrap();
        self.process.child.wait().unwrap();
    }

    /// Takes a plugin's file away.
    pub fn remove_plugin(&self, file: &str) {
        std::fs::remove_file(self.folder().join("plugins").join(file)).unwrap();
    }

    /// Files of uploads that are not accepted yet.
    #[must_use]
    pub fn unfinished_uploads(&self) -> usize {
        std::fs::read_dir(self.folder().join("data/blobs/tmp")).unwrap().count()
    }

    /// Files of pictures that were accepted or made.
    #[must_use]
    pub fn kept_pictures(&self) -> usize {
        let folders = std::fs::read_dir(self.folder().join("data/blobs")).unwrap();
        let is_own = |folder: &PathBuf| folder.ends_with("tmp") || folder.ends_with("journal");
        let folders = folders.map(|folder| folder.unwrap().path()).filter(|folder| !is_own(folder));
        folders.map(|folder| std::fs::read_dir(folder).unwrap().count()).sum()
    }

    /// Takes the journal of pictures away from a server that was killed, as if their files had been on the
    /// disk for long: then what happens to a file is not mended from the journal.
    pub fn forget_journal(&self) {
        std::fs::remove_dir_all(self.folder().join("data/blobs/journal")).unwrap();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the process to end and gives its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        eventually(|| self.process.child.try_wait().unwrap(), || "the server does not end".to_owned()).code()
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

/// Asks again and again until there is an answer.
pub fn eventually<T>(mut ask: impl FnMut() -> Option<T>, complaint: impl FnOnce() -> String) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{}", complaint());
        std::thread::sleep(Duration::from_millis(5));
    }
}
