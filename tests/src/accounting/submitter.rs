//! A client that goes on whatever happens to the server: submits, asks, repeats, cancels, deletes, and
//! notes every word that it gets.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Answer;
use crate::client::path;
use crate::server::PATIENCE;
use fastrand::Rng;

use super::ledger::Ledger;
use super::lives::Seen;
use super::recipe::Recipe;
use super::wire::{Said, Wire};

/// Tasks that may be open before clients rather ask than submit: the end of the loop should not be one
/// long wait for a queue.
const MOST_OPEN: usize = 300;
/// Between two looks for a server that is not there, or for the end of a task: clients that do nothing
/// but ask would take the processor from the server.
const PAUSE: Duration = Duration::from_millis(1);

/// See the module.
pub struct Submitter<'a> {
    seen: &'a Seen,
    ledger: &'a Mutex<Ledger>,
    stop: &'a AtomicBool,
    rng: Rng,
    /// Whether the server may be without its store for a while, and say so.
    outages: bool,
    /// Requests with a key whose fate is not known, and the life in which they were sent first: they are
    /// repeated until it is.
    unsure: Vec<(Recipe, usize)>,
}

impl<'a> Submitter<'a> {
    /// A client of the server that is seen like this, until it is told to stop.
    pub fn new(seen: &'a Seen, ledger: &'a Mutex<Ledger>, stop: &'a AtomicBool, rng: Rng) -> Self {
        Self { seen, ledger, stop, rng, outages: false, unsure: vec![] }
    }

    /// One whose server may be without its store for a while, and say so.
    pub fn bearing_outages(self) -> Self {
        Self { outages: true, ..self }
    }

    /// Works until it is told to stop, and until the fate of all that it sent with a key is known; when
    /// there is no server any more, it never will be.
    pub fn run(mut self) {
        let mut wire: Option<Wire> = None;
        let mut stopping: Option<Instant> = None;
        loop {
            let is_stopping = self.stop.load(Ordering::Relaxed);
            if is_stopping && (self.unsure.is_empty() || self.seen.life().is_none()) {
                return;
            }
            if is_stopping && stopping.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                let mut ledger = self.ledger.lock().unwrap();
                return ledger.complain("a submission", "will never have another answer than 409 or 503");
            }
            if wire.as_ref().map(|wire| wire.life) != self.seen.life() {
                wire = self.seen.wire();
            }
            let Some(wire) = &wire else {
                thread::sleep(PAUSE);
                continue;
            };
            match self.unsure.pop() {
                Some((recipe, since)) => self.submit(wire, recipe, true, since),
                None if is_stopping => {}
                None => self.do_anything(wire),
            }
        }
    }

    fn do_anything(&mut self, wire: &Wire) {
        let (any, open, is_full) = {
            let ledger = self.ledger.lock().unwrap();
            (ledger.any(&mut self.rng), ledger.oldest_open(), ledger.open() >= MOST_OPEN)
        };
        match (any, open, self.rng.u32(0..600)) {
            (Some(id), _, 0) => self.remove(wire, &id),
            (Some(_), _, 1..40) => {
                let again = self.ledger.lock().unwrap().any_with_key(&mut self.rng);
                if let Some(recipe) = again {
                    self.submit(wire, recipe, true, wire.life);
                }
            }
            (Some(id), _, 40..120) => self.ask(wire, &id),
            (_, Some(id), choice) if choice < 300 || is_full => self.ask(wire, &id),
            _ => {
                let (recipe, has_key) = (Recipe(self.rng.u64(..)), self.rng.bool());
                self.submit(wire, recipe, has_key, wire.life);
            }
        }
    }

    fn submit(&mut self, wire: &Wire, recipe: Recipe, has_key: bool, since: usize) {
        let key = has_key.then(|| format!("key-{:016x}", recipe.0));
        let said = wire.submit(&recipe.make().message, key.as_deref());
        let mut ledger = self.ledger.lock().unwrap();
        match said {
            Said::Answer(answer) if answer.code == 202 => {
                let task = path(answer.header("location").unwrap());
                ledger.accepted(task.rsplit('/').next().unwrap(), recipe, key.as_deref(), since);
            }
            // The connection that broke before is not given up yet on the other side.
            Said::Answer(answer) if answer.code == 409 && has_key => self.unsure.push((recipe, since)),
            // It may have been kept all the same.
            Said::Answer(answer) if self.is_outage(&answer) && has_key => self.unsure.push((recipe, since)),
            Said::Answer(answer) if self.is_outage(&answer) => ledger.is_unknown(),
            Said::Answer(answer) => ledger.complain("a submission", &format!("was refused: {answer:?}")),
            Said::NotSent | Said::Unknown if has_key => self.unsure.push((recipe, since)),
            Said::NotSent => {}
            Said::Unknown => ledger.is_unknown(),
        }
    }

    fn ask(&mut self, wire: &Wire, id: &str) {
        let asked = Instant::now();
        let said = wire.get(&format!("/images/task/{id}?redirect=false"));
        self.note(id, said, asked, wire.life);
        thread::sleep(PAUSE);
    }

    fn remove(&mut self, wire: &Wire, id: &str) {
        self.ledger.lock().unwrap().removes(id);
        let asked = Instant::now();
        let said = wire.delete(&format!("/images/task/{id}"));
        self.note(id, said, asked, wire.life);
    }

    fn note(&self, id: &str, said: Said, asked: Instant, life: usize) {
        match said {
            Said::Answer(answer) if !self.is_outage(&answer) => {
                self.ledger.lock().unwrap().said(id, &answer, asked, life);
            }
            _ => {}
        }
    }

    fn is_outage(&self, answer: &Answer) -> bool {
        self.outages && answer.code == 503
    }
}

/// Tells submitters to stop, however their test ends.
pub struct StopOnDrop<'a>(pub &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
