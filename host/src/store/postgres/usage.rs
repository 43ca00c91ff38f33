//! What clients use of this process's workers: whose turn it is among the tasks that a look at the queue
//! has found, and what is to be charged to them. Knows no database and no clock.
//!
//! The rules are those of [`Turns`](crate::task::Turns), which has them for a store of one process. What
//! is other here: the used time of all nodes stands in a table, and what this one adds is written there a
//! moment later. So on its own a node is exactly fair; of what others have handed out in that moment it
//! doesn't know yet. Which worker is kept from long clients is for each node to say of its own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::task::{Bound, FIRST_GUESS, LANE, LONG, MOST_AT_HAND, QUICK, TaskId};

/// The newest run's part in a client's mean is one of this many.
const MEAN_OF: f64 = 5.0;

/// See the module.
#[derive(Debug)]
pub(super) struct Usage {
    workers: usize,
    /// What was handed out and has not run yet.
    at_hand: HashMap<TaskId, AtHand>,
    /// Every attempt of this process that has not ended.
    held: HashMap<TaskId, u32>,
    /// What is not in the table yet.
    unwritten: BTreeMap<String, Charge>,
    /// The last client to come whose runs are not long, and when.
    came: Option<(String, Instant)>,
}

#[derive(Debug)]
struct AtHand {
    client: String,
    charged: Duration,
    is_long: bool,
}

/// What is to be added to a client's account.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Charge {
    /// Where its account begins, if it is lower.
    pub(super) base: i64,
    /// Microseconds; below zero where runs took less than they were charged with.
    pub(super) delta: i64,
    /// Runs, and how long they took together.
    pub(super) runs: u32,
    pub(super) took: Duration,
}

/// A task that waits, as a look at the queue shows it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) id: TaskId,
    pub(super) client: String,
    pub(super) operations: Vec<String>,
    pub(super) is_suspect: bool,
    /// What its client has used, in microseconds.
    pub(super) used: i64,
    pub(super) mean: Option<Duration>,
}

/// A task whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) id: TaskId,
    pub(super) client: String,
    charge: Duration,
    is_long: bool,
    /// What the client had used before.
    pub(super) used: i64,
}

impl Usage {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers: workers.max(1),
            at_hand: HashMap::new(),
            held: HashMap::new(),
            unwritten: BTreeMap::new(),
            came: None,
        }
    }

    /// Whether tasks of long clients may be handed out, or the worker that is left is for others.
    pub(super) fn lane_is_open(&self, now: Instant) -> bool {
        self.lane_is_open_beside(self.long_at_hand(), now)
    }

    fn lane_is_open_beside(&self, long: usize, now: Instant) -> bool {
        let came = self.came.as_ref().is_some_and(|(_, when)| now.saturating_duration_since(*when) < LANE);
        !(self.workers > 1 && long + 1 >= self.workers && came)
    }

    fn long_at_hand(&self) -> usize {
        self.at_hand.values().filter(|at_hand| at_hand.is_long).count()
    }

    /// Which of the tasks to hand out. `candidates` are in the order of the clients' accounts, and within
    /// a client in the order of submission.
    pub(super) fn pick(
        &self,
        candidates: Vec<Candidate>,
        limit: usize,
        idle: bool,
        bounds: &mut [Bound],
        now: Instant,
    ) -> Vec<Pick> {
        let mut lines: Vec<(i64, VecDeque<Candidate>)> = vec![];
        for candidate in candidates {
            match lines
                .iter_mut()
                .find(|(_, line)| line.front().is_some_and(|c| c.client == candidate.client))
            {
                Some((_, line)) => line.push_back(candidate),
                None => lines.push((candidate.used, VecDeque::from([candidate]))),
            }
        }
        let mut picks: Vec<Pick> = vec![];
        let mut long = self.long_at_hand();
        let mut soon: Duration = self.at_hand.values().map(|at_hand| at_hand.charged.min(QUICK)).sum();
        while picks.len() < limit {
            let open = self.lane_is_open_beside(long, now);
            // Of equals the first in the look is the one whose task came first.
            let turn = lines
                .iter_mut()
                .filter(|(_, line)| line.front().is_some_and(|head| open || !is_long(head.mean)))
                .min_by_key(|(used, _)| *used);
            let Some((used, line)) = turn else { break };
            let Some(head) = line.front() else { break };
            let quick = head.mean.is_some_and(|mean| mean < QUICK);
            let ahead = quick && soon < QUICK.saturating_mul(self.workers as u32);
            let room = if ahead { self.workers * MOST_AT_HAND } else { self.workers };
            // Whoever's turn it is has it, if only when there is room.
            if self.at_hand.len() + picks.len() >= room {
                break;
            }
            if bounds.iter().any(|bound| bound.left == 0 && bound.concerns(&head.operations)) {
                line.pop_front();
                continue;
            }
            let alone = head.is_suspect;
            if alone && !(idle && picks.is_empty()) {
                break;
            }
            let Some(head) = line.pop_front() else { break };
            // A turn for nothing would be taken again and again.
            let charge = head.mean.unwrap_or(FIRST_GUESS).max(Duration::from_micros(1));
            for bound in bounds.iter_mut().filter(|bound| bound.concerns(&head.operations)) {
                bound.left = bound.left.saturating_sub(1);
            }
            long += usize::from(is_long(head.mean));
            soon += charge.min(QUICK);
            picks.push(Pick {
                id: head.id,
                client: head.client,
                charge,
                is_long: is_long(head.mean),
                used: *used,
            });
            *used = used.saturating_add(micros(charge));
            if alone {
                break;
            }
        }
        picks
    }

    /// A task was handed out for an attempt.
    pub(super) fn hand_out(&mut self, pick: Pick, attempt: u32, now: Instant) {
        let charge = self.unwritten.entry(pick.client.clone()).or_default();
        charge.base = charge.base.max(pick.used);
        // What is unwritten already is part of what the client has used.
        charge.base = charge.base.saturating_sub(charge.delta.max(0));
        charge.delta = charge.delta.saturating_add(micros(pick.charge));
        self.held.insert(pick.id, attempt);
        if !pick.is_long {
            self.came = Some((pick.client.clone(), now));
        }
        let Pick { id, client, charge, is_long, .. } = pick;
        self.at_hand.insert(id, AtHand { client, charged: charge, is_long });
    }

    /// A client has sent a task to this node.
    pub(super) fn has_come(&mut self, client: &str, now: Instant) {
        let is_known_as_long =
            self.at_hand.values().any(|at_hand| at_hand.is_long && at_hand.client == client);
        if !is_known_as_long {
            self.came = Some((client.to_owned(), now));
        }
    }

    /// A task that was handed out has had a worker for this long.
    pub(super) fn has_run(&mut self, id: TaskId, took: Duration) {
        let Some(at_hand) = self.at_hand.remove(&id) else { return };
        let charge = self.unwritten.entry(at_hand.client.clone()).or_default();
        charge.delta = charge.delta.saturating_add(micros(took)).saturating_sub(micros(at_hand.charged));
        charge.runs = charge.runs.saturating_add(1);
        charge.took = charge.took.saturating_add(took);
        if took > LONG && self.came.as_ref().is_some_and(|(client, _)| *client == at_hand.client) {
            self.came = None;
        }
    }

    /// An attempt is over, or has passed on.
    pub(super) fn has_gone(&mut self, id: TaskId) {
        self.at_hand.remove(&id);
        self.held.remove(&id);
    }

    /// Every attempt of this process that has not ended.
    pub(super) fn held(&self) -> Vec<TaskId> {
        self.held.keys().copied().collect()
    }

    /// Whether an attempt of this process at the task has not ended.
    pub(super) fn holds(&self, id: TaskId) -> bool {
        self.held.contains_key(&id)
    }

    /// What is not in the table yet.
    pub(super) fn unwritten(&self) -> BTreeMap<String, Charge> {
        self.unwritten.clone()
    }

    /// So much of it is there now.
    pub(super) fn written(&mut self, charges: &BTreeMap<String, Charge>) {
        for (client, written) in charges {
            let Some(charge) = self.unwritten.get_mut(client) else { continue };
            charge.delta = charge.delta.saturating_sub(written.delta);
            charge.runs = charge.runs.saturating_sub(written.runs);
            charge.took = charge.took.saturating_sub(written.took);
            if charge.delta == 0 && charge.runs == 0 {
                self.unwritten.remove(client);
            }
        }
    }
}

impl Charge {
    /// How long its runs took on average, if there were any.
    pub(super) fn mean(&self) -> Option<Duration> {
        (self.runs > 0).then(|| self.took / self.runs)
    }

    /// The part of the mean before that remains in the one after.
    pub(super) fn keep(&self) -> f64 {
        (1.0 - 1.0 / MEAN_OF).powf(f64::from(self.runs))
    }
}

fn is_long(mean: Option<Duration>) -> bool {
    mean.is_some_and(|mean| mean > LONG)
}

fn micros(time: Duration) -> i64 {
    super::rows::micros(time)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::task::IdSource;

    struct Queue {
        ids: IdSource,
        waiting: Vec<Candidate>,
    }

    impl Queue {
        fn new() -> Self {
            Self { ids: IdSource::after(None), waiting: vec![] }
        }

        fn add(&mut self, client: &str, mean: Option<Duration>, many: usize) {
            for _ in 0..many {
                self.waiting.push(Candidate {
                    id: self.ids.next(),
                    client: client.to_owned(),
                    operations: vec!["resize".to_owned()],
                    is_suspect: false,
                    used: 0,
                    mean,
                });
            }
        }

        /// The clients whose turn it is.
        fn take(&mut self, usage: &mut Usage, limit: usize, now: Instant) -> Vec<(TaskId, String)> {
            let picks = usage.pick(self.waiting.clone(), limit, true, &mut [], now);
            self.waiting.retain(|candidate| picks.iter().all(|pick| pick.id != candidate.id));
            let taken = picks.iter().map(|pick| (pick.id, pick.client.clone())).collect();
            picks.into_iter().for_each(|pick| usage.hand_out(pick, 1, now));
            taken
        }
    }

    fn whose(taken: &[(TaskId, String)]) -> Vec<&str> {
        taken.iter().map(|(_, client)| client.as_str()).collect()
    }

    #[test]
    fn clients_take_turns_within_one_look() {
        let (mut queue, mut usage, now) = (Queue::new(), Usage::new(4), Instant::now());
        queue.add("many", None, 3);
        queue.add("few", None, 1);
        assert_eq!(whose(&queue.take(&mut usage, 9, now)), ["many", "few", "many", "many"]);
    }

    #[test]
    fn one_worker_is_kept_from_long_clients_for_a_minute_after_another_came() {
        let (mut queue, mut usage, now) = (Queue::new(), Usage::new(3), Instant::now());
        queue.add("long", Some(Duration::from_secs(10)), 9);
        usage.has_come("short", now);
        assert_eq!(whose(&queue.take(&mut usage, 9, now)), ["long", "long"]);
        assert_eq!(whose(&queue.take(&mut usage, 9, now + LANE)), ["long"]);
    }

    #[test]
    fn quick_tasks_are_taken_as_many_as_will_soon_have_a_worker() {
        for (mean, room) in [(1, 2 * MOST_AT_HAND), (20, 5), (60, 2)] {
            let (mut queue, mut usage, now) = (Queue::new(), Usage::new(2), Instant::now());
            queue.add("quick", Some(Duration::from_millis(mean)), 99);
            let taken = queue.take(&mut usage, 99, now);
            assert_eq!(taken.len(), room, "{mean}");
            usage.has_run(taken[0].0, Duration::from_millis(mean));
            assert_eq!(queue.take(&mut usage, 99, now).len(), 1);
            usage.has_gone(taken[1].0);
            assert_eq!(queue.take(&mut usage, 99, now).len(), 1);
        }
    }

    #[test]
    fn what_is_charged_is_corrected_by_what_it_took_and_kept_until_it_is_written() {
        let (mut queue, mut usage, now) = (Queue::new(), Usage::new(2), Instant::now());
        queue.add("one", None, 1);
        let taken = queue.take(&mut usage, 1, now);
        assert_eq!(usage.unwritten().get("one").map(|charge| charge.delta), Some(100_000));
        let early = usage.unwritten();
        usage.has_run(taken[0].0, Duration::from_millis(30));
        usage.written(&early);
        let rest = usage.unwritten();
        let charge = rest.get("one").unwrap();
        assert_eq!((charge.delta, charge.mean()), (-70_000, Some(Duration::from_millis(30))));
        usage.written(&rest);
        assert!(usage.unwritten().is_empty());
        assert!(usage.holds(taken[0].0), "its end is still to be written");
    }
}
