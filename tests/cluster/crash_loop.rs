//! Three servers on three addresses, a database and an object store, each of them killed and cut off again
//! and again while clients work with all of them; afterwards every 202 is accounted for.
//!
//! `CRASH_KILLS` is how often, `CRASH_SEED` what is sent and what dies when, as far as that can be repeated.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tintype_tests::accounting::{Audit, Chance, Ledger, Lives, Rules, Seen, StopOnDrop, Submitter};
use tintype_tests::cluster::{Cluster, Database};
use tintype_tests::s3_on_disk::S3OnDisk;
use tintype_tests::{Relay, Setup, eventually};

/// Clients at once of each server.
const CLIENTS: usize = 2;
/// Blows when nobody says how many: as many as a test among others may take time for.
const KILLS: u64 = 12;
/// Each of these is a loopback address.
const NODES: [u8; 3] = [2, 3, 4];

/// Everything that can die.
struct Company {
    nodes: Vec<Lives>,
    /// Between each node and the database.
    ways: Vec<Relay>,
    cluster: Cluster,
    s3: S3OnDisk,
}

#[test]
fn whatever_dies_and_however_often_every_202_ends_once_and_well() {
    let (Some(cluster), Some(s3)) = (Cluster::own(), S3OnDisk::start()) else { return };
    let database = cluster.database();
    let chance = Chance::new(KILLS);
    println!("{chance}");
    let mut rng = chance.rng();
    let mut company = Company::new(cluster, s3, &database);
    let (ledger, stop) = (Mutex::new(Ledger::default()), AtomicBool::new(false));
    let seen: Vec<_> = company.nodes.iter().map(Lives::seen).collect();
    thread::scope(|scope| {
        for node in seen.iter().flat_map(|node| [node; CLIENTS]) {
            let submitter = Submitter::new(node, &ledger, &stop, rng.fork()).bearing_outages();
            scope.spawn(|| submitter.run());
        }
        // Whatever becomes of this thread, the others must not go on for ever.
        let _stop = StopOnDrop(&stop);
        let began = Instant::now();
        for _ in 0..chance.kills {
            wait_for_ends(&seen, rng.usize(1..100));
            company.strike(&mut rng);
            ledger.lock().unwrap().assert_no_complaints();
        }
        company.wait_until_ready();
        println!("{} blows in {:?}", chance.kills, began.elapsed());
    });
    let mut ledger = ledger.into_inner().unwrap();
    let rules = Rules { max_attempts: usize::MAX, workers: 1, sweeps: false };
    Audit::new(&company.nodes, &mut ledger, rules).check_words();
    let ended = seen.iter().map(|node| node.ends()).sum::<usize>();
    println!(
        "{} tasks accepted, the fate of {} requests is not known, {ended} ends in {} lives",
        ledger.entries().count(),
        ledger.unknown(),
        company.nodes.iter().map(Lives::count).sum::<usize>(),
    );
    ledger.assert_no_complaints();
    assert_eq!(database.ask("SELECT count(*) FROM tintype.tasks WHERE ended IS NULL"), "0");
}

impl Company {
    fn new(cluster: Cluster, s3: S3OnDisk, database: &Database) -> Self {
        let ways: Vec<Relay> = NODES.iter().map(|_| Relay::to_socket(&cluster.socket())).collect();
        let node = |(address, way): (&u8, &Relay)| {
            let setup = Setup::default().hostile().with("listen", format!("127.0.0.{address}:0"));
            let setup = setup.with("workers", 1).with("lease", "2s").with("max-attempts", 1_000_000);
            let setup = setup.env("TINTYPE_STORE", &database.at(&way.address()));
            let environment = s3.environment();
            Lives::new(environment.iter().fold(setup, |setup, (name, value)| setup.env(name, value)))
        };
        let nodes = NODES.iter().zip(&ways).map(node).collect();
        let mut company = Self { nodes, ways, cluster, s3 };
        company.nodes.iter_mut().for_each(Lives::begin);
        company.wait_until_ready();
        company
    }

    /// Something dies, or is cut off, for a while that chance has chosen.
    fn strike(&mut self, rng: &mut Rng) {
        let a_moment = |rng: &mut Rng, most: u64| thread::sleep(Duration::from_millis(rng.u64(..most)));
        let which = rng.usize(..NODES.len());
        match rng.u32(0..10) {
            0..5 => {
                self.nodes[which].kill();
                a_moment(rng, 500);
                self.nodes[which].begin();
            }
            // Sometimes so long that its leases pass on.
            5..7 => {
                self.ways[which].go_away();
                a_moment(rng, 4000);
                self.ways[which].come_back();
            }
            7..9 => {
                // Whoever starts without it ends with a word.
                self.wait_until_ready();
                self.cluster.crash();
                a_moment(rng, 500);
                self.cluster.start();
            }
            _ => {
                self.wait_until_ready();
                self.s3.kill();
                a_moment(rng, 500);
                self.s3.begin();
            }
        }
    }

    fn wait_until_ready(&mut self) {
        for node in &mut self.nodes {
            node.wait_until_ready();
            let seen = node.seen();
            eventually(|| is_ready(&seen).then_some(()), || "a node is not ready again".to_owned());
        }
    }
}

fn is_ready(node: &Seen) -> bool {
    node.wire().is_some_and(|wire| wire.answers("/health/ready", 200))
}

/// Waits until so many more tasks have ended, or for a second where that takes longer.
fn wait_for_ends(seen: &[std::sync::Arc<Seen>], more: usize) {
    let ends = || seen.iter().map(|node| node.ends()).sum::<usize>();
    let (wanted, began) = (ends() + more, Instant::now());
    let enough = || (ends() >= wanted || began.elapsed().as_secs() > 1).then_some(());
    eventually(enough, || "no task ends".to_owned());
}
