//! Servers that are exchanged one by one for those of another build while clients work with them.
//!
//! `TINTYPE_EARLIER_BUILD` is the binary of the build that they begin with; without it both are the one that is
//! tested.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;

use tintype_tests::accounting::{Audit, Chance, Ledger, Lives, Rules, StopOnDrop, Submitter};
use tintype_tests::cluster::Cluster;
use tintype_tests::server::binary;
use tintype_tests::{Setup, eventually};

/// Servers, each with so many clients.
const NODES: usize = 3;
const CLIENTS: usize = 2;
/// Ends between two exchanges, so that each finds the servers at work.
const ENDS: usize = 50;

#[test]
fn no_task_is_lost_and_none_counts_as_crashed_when_all_servers_are_exchanged() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let pictures = tempfile::tempdir().unwrap();
    let chance = Chance::new(0);
    println!("{chance}");
    let mut rng = chance.rng();
    let place = format!("file://{}", pictures.path().display());
    let setup = Setup::default().hostile().with("workers", 1).with("lease", "5s");
    let setup = setup.env("TINTYPE_STORE", &database.url).env("TINTYPE_BLOBS", &place);
    let earlier = std::env::var_os("TINTYPE_EARLIER_BUILD").map_or_else(binary, PathBuf::from);
    let mut nodes: Vec<Lives> = (0..NODES).map(|_| Lives::new(setup.clone())).collect();
    for node in &mut nodes {
        node.change_build(&earlier);
        node.begin();
        node.wait_until_ready();
    }
    let (ledger, stop) = (Mutex::new(Ledger::default()), AtomicBool::new(false));
    let seen: Vec<_> = nodes.iter().map(Lives::seen).collect();
    let ends = || seen.iter().map(|node| node.ends()).sum::<usize>();
    thread::scope(|scope| {
        for node in seen.iter().flat_map(|node| [node; CLIENTS]) {
            let submitter = Submitter::new(node, &ledger, &stop, rng.fork()).bearing_outages();
            scope.spawn(|| submitter.run());
        }
        let _stop = StopOnDrop(&stop);
        let wait = || {
            let wanted = ends() + ENDS;
            eventually(|| (ends() >= wanted).then_some(()), || "no task ends".to_owned());
        };
        for node in &mut nodes {
            wait();
            node.drain();
            node.change_build(&binary());
            node.begin();
            node.wait_until_ready();
            ledger.lock().unwrap().assert_no_complaints();
        }
        wait();
    });
    let mut ledger = ledger.into_inner().unwrap();
    let rules = Rules { max_attempts: usize::MAX, workers: 1, sweeps: false };
    Audit::new(&nodes, &mut ledger, rules).check_words();
    ledger.assert_no_complaints();
    let crashed = database.ask("SELECT count(*), count(ended), sum(crashes) FROM tintype.tasks");
    let crashed: Vec<&str> = crashed.split('|').collect();
    assert!(matches!(crashed[..], [all, over, "0"] if all == over), "{crashed:?}");
}
