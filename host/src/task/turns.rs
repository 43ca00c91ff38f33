//! Whose turn it is: the waiting tasks, fair between clients by what each has used of the workers.
//! In memory alone; what waits is the store's to remember. Knows no store and no clock: moments are handed in.
//!
//! Every client has used so much time of workers, and the one that has used least comes next
//! (start-time fair queueing: Goyal, Vin, Cheng, 1996). A task is charged by the mean of its client's
//! last runs when it is handed out, and by what it took when it has run. Whoever comes back after a pause
//! begins where the others are: time that nobody wanted is not saved up.
//!
//! Nothing that runs is interrupted for somebody else, so fair turns alone would let tasks of ten seconds
//! hold every worker while others wait for ten milliseconds. So one worker, where there are several, is
//! kept from clients whose tasks take long, as long as others came lately.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::id::TaskId;

/// What a client's run is taken to last before anything is known.
pub(crate) const FIRST_GUESS: Duration = Duration::from_millis(100);
/// The newest run's part in a client's mean is one of this many: about the last ten runs count.
const MEAN_OF: u32 = 5;
/// A client whose runs take longer than this on average is a long one: what people notice as waiting.
pub(crate) const LONG: Duration = Duration::from_secs(1);
/// Tasks of clients whose runs are shorter than this are handed out before a worker is free, so that no
/// worker waits while a store makes a claim durable, which takes some milliseconds: as many as will have a
/// worker within this time. It is also how much later another client's task can begin for that.
pub(crate) const QUICK: Duration = Duration::from_millis(50);
/// Tasks that may be at hand for each worker, however quick they are: if the server dies, that is counted
/// against each of them, and they run one by one at the next start.
pub(crate) const MOST_AT_HAND: usize = 16;
/// For so long after a task of another client the last worker is kept from long ones: people who send
/// a picture now and then come again within a minute or not soon.
pub(crate) const LANE: Duration = Duration::from_secs(60);
/// An idle client is remembered for so long where there are many.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Some hundred KiB. Idle clients are looked for at this many, and then at twice what remained.
const SWEEP_AT: usize = 1024;

/// Between whom turns are fair.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Whoever has this API key.
    Key(Arc<str>),
    /// Whoever sends from this address, without a key.
    Address(IpAddr),
    /// All of whom neither is known.
    Unknown,
}

/// The waiting tasks of all clients, and what is known of those that are at work.
#[derive(Debug)]
pub struct Turns {
    workers: usize,
    clients: HashMap<Client, Line>,
    /// The clients for whom something waits, whoever has used least first.
    order: BTreeMap<Place, Client>,
    /// The same, of those whose runs take long.
    long_order: BTreeMap<Place, Client>,
    at_hand: HashMap<TaskId, AtHand>,
    /// For how long these will have a worker, those that are not quick until then counted as if they were.
    soon: Duration,
    /// How many of these are long clients'.
    long_at_hand: usize,
    /// What the client that came last to its turn had used.
    reached: Duration,
    /// The last one to come whose runs are not long, and when.
    came: Option<(Client, Instant)>,
    sweep_at: usize,
}

/// What a client has used, and the oldest of its tasks that wait.
pub type Place = (Duration, TaskId);

/// One client's tasks.
#[derive(Debug)]
struct Line {
    /// Each with its number in the line.
    waiting: BTreeMap<TaskId, i64>,
    used: Duration,
    /// Of the last runs.
    mean: Option<Duration>,
    at_hand: usize,
    seen: Instant,
}

/// A task that was handed out and has not run yet.
#[derive(Debug)]
struct AtHand {
    client: Client,
    charged: Duration,
}

/// A task whose turn it is, if nothing stands against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The task.
    pub id: TaskId,
    client: Client,
    place: Place,
    /// Tasks of the same client that were passed over.
    passed: usize,
}

impl Line {
    fn is_long(&self) -> bool {
        self.mean.is_some_and(|mean| mean > LONG)
    }

    fn is_quick(&self) -> bool {
        self.mean.is_some_and(|mean| mean < QUICK)
    }

    /// How many workers it has for long.
    fn long_at_hand(&self) -> usize {
        if self.is_long() { self.at_hand } else { 0 }
    }

    fn place(&self) -> Option<Place> {
        self.waiting.first_key_value().map(|(head, _)| (self.used, *head))
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.at_hand == 0
    }
}

impl Turns {
    /// Of tasks for so many workers.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self {
            workers: workers.max(1),
            clients: HashMap::new(),
            order: BTreeMap::new(),
            long_order: BTreeMap::new(),
            at_hand: HashMap::new(),
            soon: Duration::ZERO,
            long_at_hand: 0,
            reached: Duration::ZERO,
            came: None,
            sweep_at: SWEEP_AT,
        }
    }

    /// A task waits from now on. Of one client the oldest is first, whenever it came: one that was given
    /// back has not lost its place.
    pub fn join(&mut self, client: &Client, id: TaskId, now: Instant) {
        self.sweep(now);
        let reached = self.reached;
        self.change(client, now, |line| {
            if line.is_idle() {
                line.used = line.used.max(reached);
            }
            let number = match (line.waiting.first_key_value(), line.waiting.last_key_value()) {
                (Some((head, number)), _) if id < *head => number - 1,
                (_, Some((_, number))) => number + 1,
                _ => 0,
            };
            line.waiting.insert(id, number);
        });
        if !self.clients.get(client).is_some_and(Line::is_long) {
            self.came = Some((client.clone(), now));
        }
    }

    /// A task waits no more, and was not handed out.
    pub fn leave(&mut self, client: &Client, id: TaskId, now: Instant) {
        self.change(client, now, |line| {
            line.waiting.remove(&id);
        });
    }

    /// The task whose turn it is, or after one that was passed over the next one. None, if nobody waits
    /// who may have a worker.
    #[must_use]
    pub fn next(&self, passed_over: Option<&Turn>, most_passed: usize, now: Instant) -> Option<Turn> {
        let closed = self.lane_is_closed(now);
        let may = |turn: &Turn| !(closed && self.long_order.contains_key(&turn.place));
        let beside = passed_over.and_then(|turn| self.behind(turn, most_passed)).filter(may);
        let turn = beside.or_else(|| self.first_after(passed_over.map(|turn| turn.place), closed))?;
        let line = self.clients.get(&turn.client)?;
        let ahead = line.is_quick() && self.soon < QUICK.saturating_mul(self.workers as u32);
        let room = if ahead { self.workers * MOST_AT_HAND } else { self.workers };
        // Whoever's turn it is has it, if only when there is room: those who need less must not keep it
        // waiting for ever.
        (self.at_hand.len() < room).then_some(turn)
    }

    /// There is no such task after all.
    pub fn strike(&mut self, turn: &Turn, now: Instant) {
        self.leave(&turn.client, turn.id, now);
    }

    /// A task is handed out.
    pub fn hand_out(&mut self, turn: &Turn, now: Instant) {
        // Not by its place: others of the client's may have run since it was looked at.
        let client = turn.client.clone();
        self.reached = self.reached.max(turn.place.0);
        let mut charged = Duration::ZERO;
        self.change(&client, now, |line| {
            line.waiting.remove(&turn.id);
            // A turn for nothing would be taken again and again.
            charged = line.mean.unwrap_or(FIRST_GUESS).max(Duration::from_micros(1));
            line.used += charged;
            line.at_hand += 1;
        });
        self.soon += charged.min(QUICK);
        self.at_hand.insert(turn.id, AtHand { client, charged });
    }

    /// A task that was handed out has had a worker for this long.
    pub fn has_run(&mut self, id: TaskId, took: Duration, now: Instant) {
        let Some(charged) = self.take_back(id, now) else { return };
        self.change(&charged.client, now, |line| {
            line.used = (line.used + took).saturating_sub(charged.charged);
            line.mean = Some(line.mean.map_or(took, |mean| mean - mean / MEAN_OF + took / MEAN_OF));
        });
        let is_long = |client: &Client| self.clients.get(client).is_some_and(Line::is_long);
        if self.came.as_ref().is_some_and(|(client, _)| is_long(client)) {
            self.came = None;
        }
    }

    /// A task that was handed out is at hand no more; if it has not run, its charge is kept.
    pub fn has_gone(&mut self, id: TaskId, now: Instant) {
        self.take_back(id, now);
    }

    /// About how many tasks come before this one: for each one before it in its line one of every client.
    #[must_use]
    pub fn ahead_of(&self, client: &Client, id: TaskId) -> u64 {
        let Some(line) = self.clients.get(client) else { return 0 };
        let number = line.waiting.get(&id).zip(line.waiting.first_key_value());
        let before = number.map_or(0, |(number, (_, head))| number.abs_diff(*head));
        before.saturating_mul(self.clients_waiting() as u64)
    }

    /// For how many clients something waits.
    #[must_use]
    pub fn clients_waiting(&self) -> usize {
        self.order.len() + self.long_order.len()
    }

    /// Changes a line, and its place in the order with it.
    fn change(&mut self, client: &Client, now: Instant, change: impl FnOnce(&mut Line)) {
        let line = self.clients.entry(client.clone()).or_insert_with(|| Line {
            waiting: BTreeMap::new(),
            used: Duration::ZERO,
            mean: None,
            at_hand: 0,
            seen: now,
        });
        line.seen = now;
        if let Some(place) = line.place() {
            self.order.remove(&place);
            self.long_order.remove(&place);
        }
        self.long_at_hand -= line.long_at_hand();
        change(line);
        self.long_at_hand += line.long_at_hand();
        if let Some(place) = line.place() {
            let order = if line.is_long() { &mut self.long_order } else { &mut self.order };
            order.insert(place, client.clone());
        }
    }

    fn take_back(&mut self, id: TaskId, now: Instant) -> Option<AtHand> {
        let at_hand = self.at_hand.remove(&id)?;
        self.soon = self.soon.saturating_sub(at_hand.charged.min(QUICK));
        self.change(&at_hand.client, now, |line| line.at_hand = line.at_hand.saturating_sub(1));
        Some(at_hand)
    }

    /// The next task of the same client.
    fn behind(&self, turn: &Turn, most_passed: usize) -> Option<Turn> {
        let passed = turn.passed + 1;
        if passed >= most_passed {
            return None;
        }
        let line = self.clients.get(&turn.client)?;
        let (id, _) = line.waiting.range((Excluded(turn.id), Unbounded)).next()?;
        Some(Turn { id: *id, passed, ..turn.clone() })
    }

    /// The first task of the next client.
    fn first_after<'a>(&'a self, place: Option<Place>, closed: bool) -> Option<Turn> {
        let after = place.map_or(Unbounded, Excluded);
        let first = |order: &'a BTreeMap<Place, Client>| order.range((after, Unbounded)).next();
        let long = if closed { None } else { first(&self.long_order) };
        let (place, client) = first(&self.order).into_iter().chain(long).min_by_key(|(place, _)| **place)?;
        Some(Turn { id: place.1, client: client.clone(), place: *place, passed: 0 })
    }

    /// Whether the workers that are left are for others than long clients.
    fn lane_is_closed(&self, now: Instant) -> bool {
        let came = self.came.as_ref().is_some_and(|(_, when)| now.saturating_duration_since(*when) < LANE);
        self.workers > 1 && self.long_at_hand + 1 >= self.workers && came
    }

    /// Forgets clients that are gone, where there are many: what is known of one that comes again is
    /// learned from its next run.
    fn sweep(&mut self, now: Instant) {
        if self.clients.len() >= self.sweep_at {
            let gone = |line: &Line| line.is_idle() && now.saturating_duration_since(line.seen) > REMEMBERED;
            self.clients.retain(|_, line| !gone(line));
            self.sweep_at = SWEEP_AT.max(2 * self.clients.len());
        }
    }
}

#[cfg(test)]
mod tests;
