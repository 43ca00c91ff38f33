//! Turns by themselves, with moments that are made up.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::id::IdSource;

const MOST: usize = 100;

/// Turns, and a clock that only tests move.
struct Play {
    turns: Turns,
    ids: IdSource,
    now: Instant,
}

fn play(workers: usize) -> Play {
    Play { turns: Turns::new(workers), ids: IdSource::after(None), now: Instant::now() }
}

fn client(name: &str) -> Client {
    Client::Key(name.into())
}

impl Play {
    fn comes(&mut self, name: &str) -> TaskId {
        let id = self.ids.next();
        self.turns.join(&client(name), id, self.now);
        id
    }

    fn come(&mut self, name: &str, count: usize) {
        for _ in 0..count {
            self.comes(name);
        }
    }

    /// Hands out the next task, and says whose it is.
    fn handed_out(&mut self) -> Option<(TaskId, String)> {
        let turn = self.turns.next(None, MOST, self.now)?;
        let Client::Key(name) = turn.client.clone() else { panic!("{turn:?}") };
        self.turns.hand_out(&turn, self.now);
        Some((turn.id, name.to_string()))
    }

    fn at_hand(&self, name: &str) -> TaskId {
        *self.turns.at_hand.iter().find(|(_, at_hand)| at_hand.client == client(name)).unwrap().0
    }

    fn ran(&mut self, id: TaskId, took: Duration) {
        self.now += took;
        self.turns.has_run(id, took, self.now);
        self.turns.has_gone(id, self.now);
    }

    /// One worker works alone until `until` has passed; gives the time that each of `names` had.
    fn work(&mut self, until: Duration, took: impl Fn(&str) -> Duration, names: [&str; 2]) -> [Duration; 2] {
        let (mut had, end) = ([Duration::ZERO; 2], self.now + until);
        while self.now < end {
            let (id, name) = self.handed_out().unwrap();
            let took = took(&name);
            self.ran(id, took);
            had[names.iter().position(|known| *known == name).unwrap()] += took;
        }
        had
    }
}

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn one_clients_tasks_are_in_the_order_of_submission() {
    let mut play = play(9);
    let ids: Vec<TaskId> = (0..5).map(|_| play.comes("ada")).collect();
    let handed: Vec<TaskId> = (0..5).map(|_| play.handed_out().unwrap().0).collect();
    assert_eq!(handed, ids);
    assert_eq!(play.handed_out(), None);
}

#[test]
fn what_was_given_back_is_first_again() {
    let mut play = play(9);
    let (first, second) = (play.comes("ada"), play.comes("ada"));
    assert_eq!(play.handed_out().unwrap().0, first);
    play.turns.has_gone(first, play.now);
    play.turns.join(&client("ada"), first, play.now);
    assert_eq!(play.turns.ahead_of(&client("ada"), second), 1);
    assert_eq!(play.handed_out().unwrap().0, first);
}

#[test]
fn clients_share_the_time_and_not_the_number_of_tasks() {
    let mut play = play(1);
    play.come("long", 1000);
    play.come("short", 10_000);
    let took = |name: &str| if name == "long" { SECOND } else { 10 * MS };
    let [long, short] = play.work(100 * SECOND, took, ["long", "short"]);
    let ratio = long.as_secs_f64() / short.as_secs_f64();
    assert!((0.9..1.1).contains(&ratio), "{long:?} and {short:?}");
}

#[test]
fn whoever_comes_later_does_not_wait_for_those_who_came_before_in_numbers() {
    let mut play = play(1);
    play.come("many", 10_000);
    let took = |_: &str| 10 * MS;
    play.work(10 * SECOND, took, ["many", "few"]);
    let few = play.comes("few");
    let next: Vec<TaskId> = (0..2)
        .map(|_| {
            let (id, _) = play.handed_out().unwrap();
            play.ran(id, 10 * MS);
            id
        })
        .collect();
    assert!(next.contains(&few));
}

#[test]
fn time_that_a_client_did_not_want_is_not_saved_up() {
    let mut play = play(1);
    play.come("steady", 10_000);
    play.comes("comes and goes");
    let took = |_: &str| 10 * MS;
    play.work(30 * SECOND, took, ["steady", "comes and goes"]);
    play.come("comes and goes", 10_000);
    let [steady, other] = play.work(10 * SECOND, took, ["steady", "comes and goes"]);
    assert!(steady.abs_diff(other) < SECOND, "{steady:?} and {other:?}");
}

/// Two workers; a client with tasks of ten seconds has been learned of.
fn with_a_long_client() -> Play {
    let mut play = play(2);
    play.come("long", 100);
    let (id, _) = play.handed_out().unwrap();
    play.ran(id, 10 * SECOND);
    play
}

#[test]
fn a_long_client_has_every_worker_while_nobody_else_comes() {
    let mut play = with_a_long_client();
    assert!(play.handed_out().is_some() && play.handed_out().is_some());
    assert_eq!(play.handed_out(), None, "and no more than there are");
}

#[test]
fn one_worker_is_kept_from_long_clients_while_others_come() {
    let mut play = with_a_long_client();
    play.comes("short");
    assert_eq!(play.handed_out().unwrap().1, "short");
    assert_eq!(play.handed_out().unwrap().1, "long");
    let (short, _) = {
        (
            play.turns
                .at_hand
                .iter()
                .find(|(_, at)| at.client == client("short"))
                .map(|(id, _)| *id)
                .unwrap(),
            (),
        )
    };
    play.ran(short, MS);
    assert_eq!(play.handed_out(), None, "the last worker waits for the next short one");
    play.comes("short");
    assert_eq!(play.handed_out().unwrap().1, "short");
    play.now += LANE;
    assert_eq!(play.handed_out(), None, "both workers have a task");
    play.ran(play.at_hand("short"), MS);
    assert_eq!(play.handed_out().unwrap().1, "long", "nobody has come for a minute");
}

#[test]
fn two_long_clients_leave_that_worker_too() {
    let mut play = play(2);
    for name in ["one", "two"] {
        play.come(name, 100);
        let (id, _) = play.handed_out().unwrap();
        play.ran(id, 10 * SECOND);
    }
    play.comes("short");
    let mut names = vec![];
    while let Some((id, name)) = play.handed_out() {
        if name == "short" {
            play.ran(id, MS);
        }
        names.push(name);
    }
    names.sort();
    assert!(names == ["one", "short"] || names == ["short", "two"], "{names:?}");
}

#[test]
fn only_quick_tasks_are_handed_out_before_a_worker_is_free_and_as_many_as_will_soon_have_one() {
    for (took, ahead) in [(MS, 2 * MOST_AT_HAND), (20 * MS, 4), (60 * MS, 2)] {
        let mut play = play(2);
        play.come("quick", 100);
        let first = play.handed_out().unwrap().0;
        let second = play.handed_out().unwrap().0;
        assert_eq!(play.handed_out(), None, "nothing is known yet");
        play.ran(first, took);
        // What it took is known now, but the second was charged before.
        while play.handed_out().is_some() {}
        assert_eq!(play.turns.at_hand.len(), ahead, "{took:?}");
        assert!(play.turns.at_hand.contains_key(&second));
    }
}

#[test]
fn what_is_at_hand_is_forgotten_when_it_has_run() {
    let mut play = play(1);
    play.come("quick", 100);
    for _ in 0..50 {
        let (id, _) = play.handed_out().unwrap();
        play.ran(id, 20 * MS);
    }
    assert_eq!(play.turns.soon, Duration::ZERO);
}

#[test]
fn quick_tasks_do_not_keep_others_waiting_for_room() {
    let mut play = play(1);
    play.come("quick", 100);
    let (id, _) = play.handed_out().unwrap();
    play.ran(id, MS);
    let (first, second) = (play.handed_out().unwrap().0, play.handed_out().unwrap().0);
    play.comes("other");
    assert_eq!(play.handed_out(), None);
    play.ran(first, MS);
    assert_eq!(play.handed_out(), None, "it is the other one's turn, and there is no room yet");
    play.ran(second, MS);
    assert_eq!(play.handed_out().unwrap().1, "other");
}

#[test]
fn who_is_passed_over_hides_nobody() {
    let mut play = play(9);
    let (a, b) = (play.comes("ada"), play.comes("ada"));
    let (c, d) = (play.comes("bob"), play.comes("bob"));
    let mut seen = vec![];
    let mut last = None;
    while let Some(turn) = play.turns.next(last.as_ref(), MOST, play.now) {
        seen.push(turn.id);
        last = Some(turn);
    }
    assert_eq!(seen, [a, b, c, d]);
    let first = play.turns.next(None, 1, play.now).unwrap();
    assert_eq!(
        play.turns.next(Some(&first), 1, play.now).unwrap().id,
        c,
        "of one client not more than so many"
    );
}

#[test]
fn a_task_that_waits_no_more_has_no_turn() {
    let mut play = play(9);
    let (first, second) = (play.comes("ada"), play.comes("ada"));
    play.turns.leave(&client("ada"), first, play.now);
    assert_eq!(play.handed_out().unwrap().0, second);
    assert_eq!(play.turns.clients_waiting(), 0);
}

#[test]
fn clients_that_are_gone_are_forgotten_and_those_that_wait_are_not() {
    let mut play = play(9);
    play.comes("waits");
    for number in 0..20 * SWEEP_AT {
        let name = number.to_string();
        let id = play.comes(&name);
        play.turns.leave(&client(&name), id, play.now);
        play.now += 100 * MS;
    }
    assert!(play.turns.clients.len() <= 2 * SWEEP_AT, "{}", play.turns.clients.len());
    assert_eq!(play.handed_out().unwrap().1, "waits");
}

/// A million waiting tasks must not make a turn slower than ten thousand: only the logarithm grows.
#[test]
fn a_turn_costs_about_the_same_however_many_wait() {
    let cost = |waiting: usize| {
        let mut play = play(9);
        for number in 0..waiting {
            play.comes(&(number % 1000).to_string());
        }
        (0..5)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..1000 {
                    let (id, _) = play.handed_out().unwrap();
                    play.ran(id, MS);
                }
                began.elapsed()
            })
            .min()
            .unwrap()
    };
    let (few, many) = (cost(10_000), cost(1_000_000));
    // Caches of the processor make some difference; walking the queue would make a hundredfold one.
    assert!(many < few * 20, "{few:?} and {many:?} for a thousand turns");
}

#[test]
fn a_turn_is_taken_even_if_another_task_of_its_client_has_run_meanwhile() {
    let mut play = play(9);
    play.come("ada", 3);
    let (first, _) = play.handed_out().unwrap();
    let turn = play.turns.next(None, MOST, play.now).unwrap();
    play.ran(first, SECOND);
    play.turns.hand_out(&turn, play.now);
    assert_ne!(play.handed_out().unwrap().0, turn.id);
}
