//! The account at the end: every 202 against what the server says now, what is on the disk, and what
//! is in its log.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Answer, eventually, pictures};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::ledger::{Entry, Final, Ledger};
use super::lives::{Line, Lives};
use super::recipe::Expected;
use super::wire::{Said, Wire};

/// Tasks that a worker may have at hand, if they are quick: 16 that run or come next, 16 whose results are on
/// their way to the disk.
const AT_HAND: u64 = 32;
/// Time for workers to clear up after tasks that were cancelled.
const SETTLING: Duration = Duration::from_secs(5);

/// How the server was set up, as far as it matters for what may become of a task.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Deaths of the server after which a task that ran each time is given up.
    pub max_attempts: usize,
    /// Tasks that run at once.
    pub workers: u64,
    /// Whether the server deletes orphans when it starts, so that none may be left.
    pub sweeps: bool,
}

/// The last life of a server, or of each of several that share their tasks, and what all of them left.
pub struct Audit<'a> {
    servers: &'a [Lives],
    ledger: &'a mut Ledger,
    rules: Rules,
    wire: Wire,
    /// How each task that exists has ended, those included that no 202 names.
    ends: HashMap<String, Final>,
}

impl<'a> Audit<'a> {
    /// The account of what these servers have done, all of which are ready.
    pub fn new(servers: &'a [Lives], ledger: &'a mut Ledger, rules: Rules) -> Self {
        let wire = servers[0].seen().wire().unwrap();
        Self { servers, ledger, rules, wire, ends: HashMap::new() }
    }

    /// Checks everything of a server with a data folder; what is wrong is in the ledger afterwards.
    pub fn run(mut self) {
        self.check_words();
        self.check_crashes();
        self.check_files();
    }

    /// Checks what servers say whose tasks and pictures are elsewhere.
    pub fn check_words(&mut self) {
        self.wait_until_all_are_over();
        self.read_all_pages();
        self.check_promises();
        self.check_log();
    }

    fn wait_until_all_are_over(&mut self) {
        // The patience is for each by itself: however many wait, one after the other ends.
        while let Some(id) = self.ledger.oldest_open() {
            eventually(
                || {
                    self.ask(&id);
                    let entry = self.ledger.get(&id).unwrap();
                    let is_settled = entry.end().is_some() || entry.is_gone();
                    (is_settled || !self.ledger.complaints().is_empty()).then_some(())
                },
                || format!("{id} is never over"),
            );
            if !self.ledger.complaints().is_empty() {
                return;
            }
        }
    }

    fn ask(&mut self, id: &str) {
        let asked = Instant::now();
        let answer = self.get(&format!("/images/task/{id}?redirect=false"));
        self.ledger.said(id, &answer, asked, self.wire.life);
    }

    fn get(&self, path: &str) -> Answer {
        match self.wire.get(path) {
            Said::Answer(answer) => answer,
            Said::NotSent | Said::Unknown => panic!("{path}: the last server does not answer"),
        }
    }

    /// What the server knows of, tasks included whose 202 got lost.
    fn read_all_pages(&mut self) {
        let mut page = "/images/tasks?limit=100".to_owned();
        let mut unnamed = vec![];
        loop {
            let listed = self.get(&page).json();
            for status in listed["tasks"].as_array().unwrap() {
                let id = status["id"].as_str().unwrap();
                if self.ledger.get(id).is_none() {
                    unnamed.push(id.to_owned());
                }
                self.ends.insert(id.to_owned(), self.end_of(status));
            }
            let Some(next) = listed["next"].as_str() else { break };
            page = crate::client::path(next);
        }
        // A request with a key was repeated until it had a 202: it can have left no task beside that one.
        if unnamed.len() > self.ledger.unknown() {
            let (many, most) = (unnamed.len(), self.ledger.unknown());
            let complaint = format!("{many} tasks have no 202, where at most {most} requests got lost");
            self.ledger.complain(&unnamed[0], &complaint);
        }
    }

    /// How a task of a list has ended, once it has.
    fn end_of(&self, status: &Json) -> Final {
        let path = format!("/images/task/{}?redirect=false", status["id"].as_str().unwrap());
        Final::of(status).unwrap_or_else(|| {
            eventually(|| Final::of(&self.get(&path).json()), || format!("{path} is never over"))
        })
    }

    /// Every 202 has one end, and the right one, and its result is there.
    fn check_promises(&mut self) {
        let ids: Vec<String> = self.ledger.entries().map(|(id, _)| id.clone()).collect();
        for id in &ids {
            self.ask(id);
        }
        let all: Vec<(String, Entry)> =
            self.ledger.entries().map(|(id, entry)| (id.clone(), entry.clone())).collect();
        let deaths = self.servers.iter().map(|lives| lives.count() - 1).sum::<usize>();
        for (id, entry) in all {
            let listed = self.ends.get(&id);
            if entry.is_gone() {
                if listed.is_some() {
                    self.ledger.complain(&id, "it is gone, and in the list");
                }
                continue;
            }
            let Some(end) = listed.filter(|listed| entry.end() == Some(listed)).cloned() else {
                self.ledger.complain(&id, &format!("the list says something else: {listed:?}"));
                continue;
            };
            let expected = entry.recipe.make().expected;
            let verdict = match (end.state.as_str(), end.code.as_str(), &expected) {
                ("FAILED", "cancelled", _) if entry.removed => Ok(()),
                ("FAILED", "interrupted", _) if deaths - entry.since >= self.rules.max_attempts => Ok(()),
                ("FAILED", code, Expected::Failure(reason)) if code == *reason => Ok(()),
                ("OK", _, Expected::Failure(_)) => Err("it should have failed".to_owned()),
                ("OK", _, expected) => self.check_result(&id, &end, expected),
                _ => Err("this is no end that it may have".to_owned()),
            };
            if let Err(complaint) = verdict {
                self.ledger.complain(&id, &complaint);
            }
        }
    }

    fn check_result(&self, id: &str, end: &Final, expected: &Expected) -> Result<(), String> {
        let answer = self.get(&format!("/images/{id}"));
        let [result] = end.results.as_slice() else { return Err("it has not one result".to_owned()) };
        let digest = digest(&answer.body);
        let etag = answer.header("etag").unwrap_or_default();
        if answer.code != 200 || etag != format!("\"{digest}\"") || digest != result.sha256 {
            return Err(format!("its result is another than was said: {digest}, {answer:?}"));
        }
        let is_right = match expected {
            Expected::Bytes(bytes) => answer.body == *bytes,
            Expected::Number => answer.body.len() == 8,
            Expected::Picture(width, height) => {
                let picture = pictures::decode(&answer.body);
                (picture.width(), picture.height()) == (*width, *height)
            }
            Expected::Failure(_) => false,
        };
        if is_right { Ok(()) } else { Err(format!("its result is wrong: {answer:?}")) }
    }

    /// An end is in the log when it is durable, so no task may have two.
    fn check_log(&mut self) {
        let lines = self.lines();
        let mut logged: HashMap<&str, (u64, &str)> = HashMap::new();
        for (id, attempt, word) in lines.iter().filter_map(|line| line.end()) {
            if let Some(before) = logged.insert(id, (attempt, word)) {
                self.ledger.complain(id, &format!("the log ends it twice: {before:?} and {attempt}, {word}"));
            }
        }
        for (id, (_, word)) in &logged {
            let Some(end) = self.ends.get(*id) else { continue };
            let agrees = if *word == "ok" { end.state == "OK" } else { *word == end.code };
            if !agrees {
                self.ledger.complain(id, &format!("the log ends it with {word:?}, the server with {end:?}"));
            }
        }
    }

    /// What the log says of crashes agrees with what was done to the tasks.
    fn check_crashes(&mut self) {
        let recovered: Vec<_> = self.servers.iter().flat_map(Lives::recovered).collect();
        let at_hand = self.rules.workers * AT_HAND;
        if recovered.iter().any(|(requeued, interrupted)| requeued + interrupted > at_hand) {
            self.ledger.complain("the log", &format!("more tasks were at hand than may be: {recovered:?}"));
        }
        let told: u64 = recovered.iter().map(|(_, interrupted)| interrupted).sum();
        let stillborn = self.servers.iter().map(Lives::stillborn).sum::<usize>();
        let untold = at_hand * stillborn as u64;
        let interrupted = self.ends.values().filter(|end| end.code == "interrupted").count() as u64;
        if interrupted > told + untold {
            let complaint =
                format!("{interrupted} tasks are interrupted, the log knows {told}, or {untold} more");
            self.ledger.complain("the log", &complaint);
        }
    }

    /// Every file on the disk is some task's, and every task has its files.
    fn check_files(&mut self) {
        let began = Instant::now();
        let mut found = self.read_blobs();
        // A worker whose task was cancelled may still write a result, which it deletes when it is refused.
        while self.rules.sweeps && !found.orphans.is_empty() && began.elapsed() < SETTLING {
            thread::sleep(Duration::from_millis(50));
            found = self.read_blobs();
        }
        eprintln!("{} orphans", found.orphans.len());
        for name in found.orphans.iter().filter(|_| self.rules.sweeps) {
            self.ledger.complain(name, "this is an orphan");
        }
        for (id, end) in &self.ends {
            if found.results.contains(id) == end.results.is_empty() {
                self.ledger.complain(id, "it has a result and should have none, or none and should have one");
            }
            if !found.inputs.contains(id) {
                self.ledger.complain(id, "its input is not there");
            }
        }
        let data = self.data();
        for left_over in files(&data.join("blobs/tmp")) {
            self.ledger.complain(&left_over.display().to_string(), "this is left over");
        }
        for file in files(&data.join("tasks"))
            .iter()
            .filter(|file| file.extension().is_some_and(|e| e == "generating"))
        {
            self.ledger.complain(&file.display().to_string(), "this is left over");
        }
    }

    fn data(&self) -> PathBuf {
        self.servers[0].folder().join("data")
    }

    fn lines(&self) -> Vec<Line> {
        self.servers.iter().flat_map(Lives::lines).collect()
    }

    fn read_blobs(&self) -> Blobs {
        let lines = self.lines();
        let attempts: HashMap<&str, u64> =
            lines.iter().filter_map(|line| line.end().map(|(id, attempt, _)| (id, attempt))).collect();
        let mut found = Blobs::default();
        let mut results: BTreeMap<(String, u64), PathBuf> = BTreeMap::new();
        for file in files(&self.data().join("blobs")) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            // What is in `tmp` has no id.
            let Some((id, part)) = name.split_once('.') else { continue };
            if !self.ends.contains_key(id) {
                found.orphans.push(name);
            } else if part == "input" {
                found.inputs.insert(id.to_owned());
            } else if let Some(attempt) = part.strip_prefix("result-") {
                // Nothing here has more than one result.
                let attempt = attempt.strip_suffix("-1").unwrap().parse().unwrap();
                results.insert((id.to_owned(), attempt), file);
            }
        }
        // The latest attempt first: when a kill came before its line in the log, it is the one that counts.
        for ((id, attempt), file) in results.into_iter().rev() {
            let published = &self.ends[&id].results;
            // It may be deleted while it is looked at.
            let digest = digest(&fs::read(&file).unwrap_or_default());
            let is_recorded = attempts
                .get(id.as_str())
                .map_or_else(|| !found.results.contains(&id), |recorded| *recorded == attempt);
            if is_recorded && published.iter().any(|result| result.sha256 == digest) {
                found.results.insert(id);
            } else {
                found.orphans.push(file.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
        found
    }
}

/// Files under their tasks' names.
#[derive(Default)]
struct Blobs {
    /// Those that belong to no task, or to an attempt that is not the one that counts.
    orphans: Vec<String>,
    /// Tasks that have their result.
    results: HashSet<String>,
    /// Tasks that have their input.
    inputs: HashSet<String>,
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
