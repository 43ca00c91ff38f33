//! What the server has said of every task, and whether it contradicts itself.
//!
//! Several clients ask at once, and an answer may be noted later than one that was given after it. So
//! an answer contradicts an earlier one only if its question was asked after that one was noted.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::Answer;
use fastrand::Rng;
use serde_json::Value as Json;

use super::recipe::Recipe;

/// Everything that was said.
#[derive(Default)]
pub struct Ledger {
    entries: HashMap<String, Entry>,
    /// Ids in the order of their 202.
    order: Vec<String>,
    /// Those of which nobody was told that they are over.
    open: BTreeSet<String>,
    by_key: HashMap<String, String>,
    /// Requests without a key whose fate nobody knows: so many tasks may exist that no 202 names.
    unknown: usize,
    complaints: Vec<String>,
}

/// A task that has its 202.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What was sent.
    pub recipe: Recipe,
    /// The life in which it was sent for the first time.
    pub since: usize,
    /// Whether somebody wanted it to be cancelled or deleted.
    pub removed: bool,
    over: Option<(Final, Instant)>,
    gone: Option<Instant>,
    has_key: bool,
    history: Vec<String>,
}

/// An end, without the addresses in it: they are others in every life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    pub state: String,
    pub code: String,
    pub detail: String,
    pub completed: String,
    pub results: Vec<Published>,
}

/// A result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub media_type: String,
    pub size: u64,
    pub sha256: String,
}

impl Final {
    /// From the JSON view of a task; none while it is pending.
    pub fn of(status: &Json) -> Option<Self> {
        let text = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
        let results = status["results"].as_array().cloned().unwrap_or_default();
        let published = |result: &Json| Published {
            media_type: result["type"].as_str().unwrap().to_owned(),
            size: result["size"].as_u64().unwrap(),
            sha256: result["sha256"].as_str().unwrap().to_owned(),
        };
        (text("state") != "pending").then(|| Self {
            state: text("state"),
            code: text("code"),
            detail: text("detail"),
            completed: text("completed"),
            results: results.iter().map(published).collect(),
        })
    }
}

impl Entry {
    /// How it ended, as far as anybody was told.
    pub fn end(&self) -> Option<&Final> {
        self.over.as_ref().map(|(end, _)| end)
    }

    /// Whether anybody was told that it is gone.
    pub fn is_gone(&self) -> bool {
        self.gone.is_some()
    }
}

impl Ledger {
    /// A 202 names this task. `since` is the life in which its request was sent first.
    pub fn accepted(&mut self, id: &str, recipe: Recipe, key: Option<&str>, since: usize) {
        if let Some(key) = key {
            let known = self.by_key.entry(key.to_owned()).or_insert_with(|| id.to_owned()).clone();
            if known != id && !self.entries[&known].removed {
                self.complain(&known, &format!("its key has led to {id}"));
            }
        }
        if let Some(entry) = self.entries.get(id) {
            if entry.recipe != recipe || key.is_none() {
                self.complain(id, "it was given out for two requests");
            }
            return;
        }
        let entry = Entry {
            recipe,
            since,
            removed: false,
            over: None,
            gone: None,
            has_key: key.is_some(),
            history: vec![format!("life {since}: accepted")],
        };
        self.entries.insert(id.to_owned(), entry);
        self.order.push(id.to_owned());
        self.open.insert(id.to_owned());
    }

    /// Nobody knows whether a request was accepted.
    pub fn is_unknown(&mut self) {
        self.unknown += 1;
    }

    /// How many such requests there were.
    pub fn unknown(&self) -> usize {
        self.unknown
    }

    /// Somebody is about to cancel or delete this task.
    pub fn removes(&mut self, id: &str) {
        self.entries.get_mut(id).unwrap().removed = true;
    }

    /// An answer about this task to a question that was asked at `asked`.
    pub fn said(&mut self, id: &str, answer: &Answer, asked: Instant, life: usize) {
        let now = Instant::now();
        let entry = self.entries.get_mut(id).unwrap();
        let end = (answer.code == 200).then(|| answer.json()).and_then(|status| Final::of(&status));
        let word = end.as_ref().map_or("", |end| end.state.as_str());
        entry.history.push(format!("life {life}: {} {word}", answer.code));
        let was_over = entry.over.as_ref().is_some_and(|(_, noted)| *noted < asked);
        let was_gone = entry.gone.is_some_and(|noted| noted < asked);
        let complaint = match (answer.code, end) {
            (200, _) if was_gone => Some("it was gone, and is back"),
            (200, None) if was_over => Some("it was over, and is pending again"),
            (200, None) => None,
            (200, Some(end)) => {
                let known = entry.over.get_or_insert_with(|| (end.clone(), now));
                (known.0 != end).then_some("it has two different ends")
            }
            (204 | 410, _) => {
                entry.gone.get_or_insert(now);
                (!entry.removed).then_some("it is gone, and nobody wanted that")
            }
            _ => Some("this is no answer that it may have"),
        };
        if entry.over.is_some() || entry.gone.is_some() {
            self.open.remove(id);
        }
        if let Some(complaint) = complaint {
            self.complain(id, &format!("{complaint}: {answer:?}"));
        }
    }

    /// Something is wrong with this task.
    pub fn complain(&mut self, id: &str, complaint: &str) {
        let known = self.entries.get(id);
        self.complaints.push(format!("{id}: {complaint}\n{known:#?}"));
    }

    /// Everything that was wrong.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// # Panics
    /// Something was wrong.
    pub fn assert_no_complaints(&self) {
        let complaints = &self.complaints;
        let shown = complaints[..complaints.len().min(5)].join("\n");
        assert!(complaints.is_empty(), "{} complaints, such as\n{shown}", complaints.len());
    }

    /// How many tasks are not over, as far as anybody was told.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// The oldest of them.
    pub fn oldest_open(&self) -> Option<String> {
        self.open.first().cloned()
    }

    /// Any task, one of the latest rather than one of the others.
    pub fn any(&self, rng: &mut Rng) -> Option<String> {
        let from = if rng.bool() { 0 } else { self.order.len().saturating_sub(100) };
        rng.choice(&self.order[from..]).cloned()
    }

    /// Any task that was sent with a key and that nobody wanted to be removed.
    pub fn any_with_key(&self, rng: &mut Rng) -> Option<Recipe> {
        let entry = &self.entries[&self.any(rng)?];
        (entry.has_key && !entry.removed).then_some(entry.recipe)
    }

    /// All tasks with their 202, in the order of those.
    pub fn entries(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.order.iter().map(|id| (id, &self.entries[id]))
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }
}
