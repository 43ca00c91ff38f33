//! The server is killed again and again while clients work with it; afterwards every 202 is accounted
//! for.
//!
//! `CRASH_KILLS` is how often, `CRASH_SEED` what is sent and when it is killed, as far as that can be
//! repeated: `make crash KILLS=200 SEED=1`.

mod control;

use std::slice;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tintype_tests::accounting::{Audit, Chance, Entry, Ledger, Lives, Rules, StopOnDrop, Submitter};
use tintype_tests::eventually;
use tintype_tests::server::Setup;

/// Clients at once.
const CLIENTS: u64 = 6;
/// Kills when nobody says how many: as many as a test among others may take time for.
const KILLS: u64 = 12;
/// Whether the server sweeps orphans when it starts.
const SWEEPS: bool = true;

#[test]
fn however_often_the_server_is_killed_every_202_ends_once_and_well() {
    crash_loop(Rules { max_attempts: 1_000_000, workers: 2, sweeps: SWEEPS });
}

#[test]
fn however_often_the_server_is_killed_a_task_is_interrupted_only_by_two_deaths() {
    crash_loop(Rules { max_attempts: 2, workers: 2, sweeps: SWEEPS });
}

fn crash_loop(rules: Rules) {
    let chance = Chance::new(KILLS);
    println!("{chance} {rules:?}");
    let mut rng = chance.rng();
    let (lives, mut ledger) = work_under(rules, &mut rng, |lives, ledger, rng| {
        for _ in 0..chance.kills {
            live(lives, rng);
            lives.kill();
            ledger.lock().unwrap().assert_no_complaints();
            lives.begin();
        }
        lives.wait_until_ready();
    });
    wait_for_sweep(&lives);
    Audit::new(slice::from_ref(&lives), &mut ledger, rules).run();
    report(&lives, &ledger);
    ledger.assert_no_complaints();
}

/// Starts a server and clients that work with it, for as long as `fate` does something to it. A server
/// must be ready when that ends.
fn work_under(
    rules: Rules,
    rng: &mut Rng,
    fate: impl FnOnce(&mut Lives, &Mutex<Ledger>, &mut Rng),
) -> (Lives, Ledger) {
    let setup = Setup::default().hostile();
    let setup = setup.with("workers", rules.workers).with("max-attempts", rules.max_attempts);
    let mut lives = Lives::new(setup);
    let (ledger, stop, seen) = (Mutex::new(Ledger::default()), AtomicBool::new(false), lives.seen());
    lives.begin();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let submitter = Submitter::new(&seen, &ledger, &stop, rng.fork());
            scope.spawn(|| submitter.run());
        }
        // Whatever becomes of this thread, the others must not go on for ever.
        let _stop = StopOnDrop(&stop);
        fate(&mut lives, &ledger, rng);
    });
    (lives, ledger.into_inner().unwrap())
}

/// Lets a life go on until a moment that chance has chosen.
fn live(lives: &mut Lives, rng: &mut Rng) {
    let seen = lives.seen();
    let a_moment = |rng: &mut Rng, most: u64| thread::sleep(Duration::from_micros(rng.u64(..most * 1000)));
    match rng.u32(0..10) {
        // While it starts.
        0..2 => a_moment(rng, 60),
        // While what ran when the last one died runs again.
        2..4 => {
            lives.wait_until_ready();
            a_moment(rng, 40);
        }
        // At any moment.
        4..6 => {
            lives.wait_until_ready();
            a_moment(rng, 600);
        }
        // Just when a task has ended, in the middle of many that do.
        _ => {
            lives.wait_until_ready();
            let wanted = seen.ends() + rng.usize(1..150);
            let began = Instant::now();
            // A queue full of slow tasks may not have so many.
            let enough = || (seen.ends() >= wanted || began.elapsed().as_secs() > 1).then_some(());
            eventually(enough, || "no task ends".to_owned());
        }
    }
}

/// Waits until the last life has deleted what earlier ones left.
fn wait_for_sweep(lives: &Lives) {
    if SWEEPS {
        lives.wait_for_log("orphan sweep done");
    }
}

fn report(lives: &Lives, ledger: &Ledger) {
    let count = |is: fn(&Entry) -> bool| ledger.entries().filter(|(_, entry)| is(entry)).count();
    let ended = |entry: &Entry, code: &str| entry.end().is_some_and(|end| end.code == code);
    println!(
        "{} lives, {} of them ended before they were ready; {} tasks accepted: {} OK, {} interrupted, {} cancelled, \
         {} gone; the fate of {} requests is not known",
        lives.count(),
        lives.stillborn(),
        count(|_| true),
        count(|entry| entry.end().is_some_and(|end| end.state == "OK") && !entry.is_gone()),
        ledger.entries().filter(|(_, entry)| ended(entry, "interrupted")).count(),
        ledger.entries().filter(|(_, entry)| ended(entry, "cancelled")).count(),
        count(Entry::is_gone),
        ledger.unknown(),
    );
    let recovered = lives.recovered();
    let requeued: u64 = recovered.iter().map(|(requeued, _)| requeued).sum();
    println!("{requeued} times a task was begun again after {} deaths of the server", recovered.len());
    println!("from a start until ready: {}", summary(lives.times_to_ready()));
    println!("from a start until a task that ran before has ended: {}", summary(lives.times_to_go_on()));
}

fn summary(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let Some((least, most)) = times.first().zip(times.last()) else { return "never".to_owned() };
    let middle = times[times.len() / 2];
    format!("{least:.0?} to {most:.0?}, median {middle:.0?}, of {}", times.len())
}
