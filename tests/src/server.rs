//! The real binary, started for one test and gone with it.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Client, Faults};

/// How long anything may take before a test gives up: far more than a busy machine needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    hostile: bool,
    plugins: Vec<(String, Vec<u8>)>,
    keys: Vec<String>,
    under: Vec<String>,
    faults: bool,
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

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Drops the hostile plugin in beside the bundled one.
    #[must_use]
    pub fn hostile(mut self) -> Self {
        self.hostile = true;
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
        copy_components(&target().join("plugins"), &plugins);
        if self.hostile {
            copy_components(&target().join("guests"), &plugins);
        }
        for (file, content) in &self.plugins {
            std::fs::write(plugins.join(file), content).unwrap();
        }
    }

    /// The command that starts a server on such a folder.
    #[must_use]
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = match self.under.split_first() {
            Some((program, arguments)) => {
                let mut command = without_settings(Command::new(program));
                command.args(arguments).arg(binary());
                command
            }
            None => tintype(),
        };
        command
            .arg("serve")
            .args(["--listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(folder.join("data"))
            .arg("--plugins-dir")
            .arg(folder.join("plugins"))
            // Shared by all tests, or each would compile the plugins anew.
            .arg("--compiled-dir")
            .arg(target().join("compiled-for-tests"))
            .args(["--log-format", "json"])
            .args(&self.flags)
            .envs(self.environment.iter().cloned())
            .current_dir(folder)
            .stdin(Stdio::null());
        if self.faults {
            command.envs(Faults::of(folder).environment());
        }
        command
    }
}

/// Makes an API key with the real command, and gives its text.
fn new_key(folder: &Path, arguments: &[&str]) -> String {
    let ended = run(&[&["key", "new"], arguments].concat(), &[], folder);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.output.trim_end().to_owned()
}

fn copy_components(from: &Path, to: &Path) {
    let entries = std::fs::read_dir(from)
        .unwrap_or_else(|error| panic!("{}: {error}; run `make build guests`", from.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// Where the build leaves its results.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
}

/// The binary under test.
#[must_use]
pub fn binary() -> PathBuf {
    target().join("release/tintype")
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

/// A running server.
pub struct Server {
    process: Process,
    folder: TempDir,
    setup: Setup,
    keys: Vec<(String, String)>,
}

/// One life of a server. It ends with the value.
struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    address: String,
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
        let folders = folders.map(|folder| folder.unwrap().path()).filter(|folder| !folder.ends_with("tmp"));
        folders.map(|folder| std::fs::read_dir(folder).unwrap().count()).sum()
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

impl Process {
    /// Starts the binary and waits until it is ready.
    fn begin(folder: &TempDir, setup: &Setup) -> Result<Self, Vec<String>> {
        let child = setup.command(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
        let mut process = Self { child, log: Arc::default(), address: String::new() };
        let ready = follow(&mut process.child, Arc::clone(&process.log));
        match ready.recv_timeout(PATIENCE) {
            Ok(address) => process.address = address,
            Err(RecvTimeoutError::Disconnected) => return Err(process.log.lock().unwrap().clone()),
            // The log is printed when the process is dropped by the panic.
            Err(RecvTimeoutError::Timeout) => panic!("the server did not become ready"),
        }
        Ok(process)
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log.lock().unwrap().join("\n"));
        }
    }
}

/// The binary, without the settings of whoever runs the tests.
fn tintype() -> Command {
    without_settings(Command::new(binary()))
}

fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TINTYPE_")) {
        command.env_remove(name);
    }
    command
}

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code, none after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// Runs the binary with these arguments in `folder` until it ends.
#[must_use]
pub fn run(arguments: &[&str], environment: &[(&str, &str)], folder: &Path) -> Ended {
    let mut command = tintype();
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), output: text(&output.stdout), errors: text(&output.stderr) }
}

fn follow(child: &mut Child, log: Arc<Mutex<Vec<String>>>) -> Receiver<String> {
    let (ready, when_ready) = mpsc::channel();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on http://") {
                let address: String =
                    rest.chars().take_while(|c| c.is_ascii_digit() || ".:[]".contains(*c)).collect();
                let _ = ready.send(address);
            }
            log.lock().unwrap().push(line);
        }
    });
    when_ready
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
