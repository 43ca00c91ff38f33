//! One server after another on the same data: started, killed with no word of warning, started again.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::eventually;
use crate::server::Setup;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::wire::Wire;

/// All lives of a server.
pub struct Lives {
    setup: Setup,
    folder: TempDir,
    seen: Arc<Seen>,
    process: Option<Process>,
    /// When each life began, the first one at 0.
    began: Vec<Instant>,
}

struct Process {
    child: Child,
    reader: JoinHandle<()>,
}

/// What is known of the server by its log, while it runs and afterwards.
#[derive(Default)]
pub struct Seen {
    lines: Mutex<Vec<Line>>,
    ends: AtomicUsize,
    /// Host and port, while it is ready.
    address: Mutex<Option<(usize, String)>>,
}

/// A line of the log.
#[derive(Clone, Debug)]
pub struct Line {
    /// Of which life.
    pub life: usize,
    /// When it was read.
    pub at: Instant,
    /// Its fields.
    pub fields: Json,
}

impl Line {
    /// The task that this line says to have ended, with the attempt and how; what was given back or came
    /// too late has not ended.
    pub fn end(&self) -> Option<(&str, u64, &str)> {
        let [task, outcome, level] = ["task", "outcome", "level"].map(|name| self.fields[name].as_str());
        let attempt = self.fields["attempt"].as_u64()?;
        (level? == "INFO" && outcome? != "given-back").then_some((task?, attempt, outcome?))
    }

    fn says(&self, words: &str) -> bool {
        self.fields["message"].as_str().is_some_and(|message| message.contains(words))
    }
}

impl Seen {
    /// Requests to the server, if it is ready.
    pub fn wire(&self) -> Option<Wire> {
        let address = self.address.lock().unwrap();
        address.as_ref().map(|(life, address)| Wire::to(address, *life))
    }

    /// The life that is ready.
    pub fn life(&self) -> Option<usize> {
        self.address.lock().unwrap().as_ref().map(|(life, _)| *life)
    }

    /// How many tasks have ended in all lives.
    pub fn ends(&self) -> usize {
        self.ends.load(Ordering::Relaxed)
    }

    /// Takes in a line of the log.
    pub fn read(&self, life: usize, line: &str) {
        let Ok(fields) = serde_json::from_str::<Json>(line) else {
            // The last words of a process that was killed in the middle of them.
            return;
        };
        let line = Line { life, at: Instant::now(), fields };
        if line.says("listening on http://") {
            let address = line.fields["address"].as_str().unwrap().to_owned();
            *self.address.lock().unwrap() = Some((life, address));
        }
        if line.end().is_some() {
            self.ends.fetch_add(1, Ordering::Relaxed);
        }
        self.lines.lock().unwrap().push(line);
    }
}

impl Lives {
    /// A server with a folder of its own, not started yet.
    pub fn new(setup: Setup) -> Self {
        let folder = setup.folder();
        Self { setup, folder, seen: Arc::default(), process: None, began: vec![] }
    }

    /// What is known of it.
    pub fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen)
    }

    /// Starts the next life, and does not wait for it.
    pub fn begin(&mut self) {
        let life = self.began.len();
        let mut child = self.setup.command(self.folder.path()).stderr(Stdio::piped()).spawn().unwrap();
        self.began.push(Instant::now());
        let (seen, errors) = (Arc::clone(&self.seen), BufReader::new(child.stderr.take().unwrap()));
        let reader = thread::spawn(move || {
            errors.lines().map_while(Result::ok).for_each(|line| seen.read(life, &line));
        });
        self.process = Some(Process { child, reader });
    }

    /// Waits until it takes requests.
    pub fn wait_until_ready(&mut self) {
        let process = self.process.as_mut().unwrap();
        eventually(
            || {
                let ended = process.child.try_wait().unwrap();
                assert!(
                    ended.is_none(),
                    "it ended by itself: {ended:?}; {:?}",
                    self.seen.lines.lock().unwrap()
                );
                self.seen.life()
            },
            || "the server is not ready again".to_owned(),
        );
    }

    /// Ends this life at once, and reads its last words.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        process.child.kill().unwrap();
        self.bury(process);
    }

    /// Tells it to end, and waits until it has.
    pub fn drain(&mut self) {
        let process = self.process.take().unwrap();
        let pid = Pid::from_raw(i32::try_from(process.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert_eq!(self.bury(process), Some(0), "it ends well when it is told to");
    }

    fn bury(&mut self, mut process: Process) -> Option<i32> {
        let ended = process.child.wait().unwrap();
        process.reader.join().unwrap();
        *self.seen.address.lock().unwrap() = None;
        ended.code()
    }

    /// The next lives are of this build.
    pub fn change_build(&mut self, binary: &Path) {
        self.setup = self.setup.clone().build(binary);
    }

    /// The folder with `data` in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The number of lives that have begun.
    pub fn count(&self) -> usize {
        self.began.len()
    }

    /// Its log so far.
    pub fn lines(&self) -> Vec<Line> {
        self.seen.lines.lock().unwrap().clone()
    }

    /// Waits until this life has said so.
    pub fn wait_for_log(&self, words: &str) {
        let life = self.count() - 1;
        let says = || {
            let lines = self.seen.lines.lock().unwrap();
            lines.iter().any(|line| line.life == life && line.says(words)).then_some(())
        };
        eventually(says, || format!("no line of the log says {words:?}"));
    }

    /// From the start of each life until it was ready, where it came to that.
    pub fn times_to_ready(&self) -> Vec<Duration> {
        self.times_to(|line| line.says("ready: listening on"))
    }

    /// From the start of each life until it had ended a task again that ran when an earlier one died.
    pub fn times_to_go_on(&self) -> Vec<Duration> {
        self.times_to(|line| line.end().is_some_and(|(_, attempt, _)| attempt > 1))
    }

    fn times_to(&self, is_it: impl Fn(&Line) -> bool) -> Vec<Duration> {
        let mut first: HashMap<usize, Duration> = HashMap::new();
        for line in self.lines().iter().filter(|line| is_it(line)) {
            first.entry(line.life).or_insert_with(|| line.at - self.began[line.life]);
        }
        first.into_values().collect()
    }

    /// How many tasks each life found that ran when the one before died, and how many of them it ended
    /// as interrupted; nothing of a life that did not live to say so.
    pub fn recovered(&self) -> Vec<(u64, u64)> {
        let lines = self.lines();
        let found = lines.iter().filter(|line| line.says("the server died while these tasks ran"));
        let count = |line: &Line, name: &str| line.fields[name].as_u64().unwrap();
        found.map(|line| (count(line, "requeued"), count(line, "interrupted"))).collect()
    }

    /// Lives that ended before they were ready.
    pub fn stillborn(&self) -> usize {
        self.count() - self.times_to_ready().len()
    }
}

impl Drop for Lives {
    fn drop(&mut self) {
        self.kill();
    }
}
