//! Every write, sync and rename behind a task fails once, or from then on until the disk is mended, and
//! the same while a server starts. Nothing that was accepted is lost, nothing false is said.

mod scenario;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Instant;

use rustix::io::Errno;
use rustix::process::Signal;
use tempfile::TempDir;
use tintype_tests::journal::Entry;
use tintype_tests::{Client, Faults, Rule, Server, eventually};

use self::scenario::Scenario;
use crate::account::{Promises, complaints, note};
use crate::orders::Order;
use crate::replay::{Cut, Disk, Random, Tree, materialise};
use crate::{from_environment, setup};

/// Faults tried in every run of the tests while a task runs, and half as many while a server starts.
const EVERYDAY_FAULTS: usize = 60;

/// What is made to fail: writes, syncs of files and folders, renames, making and removing names.
const KINDS: [&str; 5] = ["W", "SF", "R", "CD", "U"];

/// One fault.
#[derive(Clone, Copy, Debug)]
struct Case {
    kinds: &'static str,
    /// Which operation of these kinds.
    n: u64,
    /// Whether all after it fail too.
    lasts: bool,
    /// Whether half of a write is done all the same.
    is_short: bool,
    error: Errno,
}

impl Case {
    fn rule(&self) -> Rule {
        let rule =
            if self.is_short { Rule::cut_short(self.error) } else { Rule::fail(self.kinds, self.error) };
        if self.lasts { rule.from(self.n) } else { rule.only(self.n) }
    }

    /// Every way in which one of these operations can fail.
    fn all(operations: &[Entry]) -> Vec<Self> {
        let mut cases = vec![];
        for kinds in KINDS {
            let count = operations.iter().filter(|entry| kinds.contains(kind_of(entry))).count() as u64;
            for n in 1..=count {
                for error in [Errno::NOSPC, Errno::IO] {
                    for (lasts, is_short) in [(false, false), (true, false), (false, true), (true, true)] {
                        if !is_short || kinds == "W" {
                            cases.push(Self { kinds, n, lasts, is_short, error });
                        }
                    }
                }
            }
        }
        cases
    }
}

fn kind_of(entry: &Entry) -> char {
    match entry {
        Entry::Written { .. } => 'W',
        Entry::Synced { .. } => 'S',
        Entry::FolderSynced { .. } => 'F',
        Entry::Renamed { .. } => 'R',
        Entry::Created { .. } => 'C',
        Entry::FolderMade { .. } => 'D',
        Entry::Removed { .. } => 'U',
        _ => '-',
    }
}

/// All of them with `FAULTS_ALL=1`; otherwise some, spread evenly.
fn some(cases: Vec<Case>, wanted: usize) -> Vec<Case> {
    if from_environment("FAULTS_ALL", 0) == 1 || cases.len() <= wanted {
        return cases;
    }
    let mut random = Random::new(from_environment("FAULTS_SEED", 1));
    let within = |number: usize| number * cases.len() / wanted;
    (0..wanted).map(|at| cases[within(at) + random.below(within(at + 1) - within(at))]).collect()
}

/// Tries all cases, as many at once as there are cores, and gives what was wrong; each says whether
/// anything failed at all.
fn try_all(cases: Vec<Case>, try_one: impl Fn(&Case) -> (bool, Vec<String>) + Sync) {
    let (began, of) = (Instant::now(), cases.len());
    let (todo, done) = (Mutex::new(cases), Mutex::new((0, vec![])));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let next = || todo.lock().unwrap().pop();
                while let Some(case) = next() {
                    // Whatever a step gives up at, its case must be known.
                    let (failed, wrong) = catch_unwind(AssertUnwindSafe(|| try_one(&case)))
                        .unwrap_or_else(|_| (true, vec!["a step gave up, see above".to_owned()]));
                    let mut done = done.lock().unwrap();
                    done.0 += usize::from(failed);
                    done.1.extend(wrong.into_iter().map(|complaint| format!("{case:?}: {complaint}")));
                }
            });
        }
    });
    let (reached, wrong) = done.into_inner().unwrap();
    println!("{reached} faults of {of} tried, {:?}", began.elapsed());
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
    // How many commits are made together is chance, so that the last operations are not always done.
    assert!(reached * 4 >= of * 3, "only {reached} of {of} faults were ever reached");
}

#[test]
fn a_fault_of_the_disk_costs_no_task_and_no_truth() {
    let server = setup().start();
    let before = server.faults().journal().len();
    let well = Scenario::play(&server, false);
    assert_eq!(well.complaints, Vec::<String>::new());
    let cases = some(Case::all(&server.faults().journal()[before..]), EVERYDAY_FAULTS);
    drop(server);
    try_all(cases, fails_while_working);
}

fn fails_while_working(case: &Case) -> (bool, Vec<String>) {
    let mut server = setup().start();
    let faults = server.faults();
    faults.follow(&[case.rule()]);
    let mut played = Scenario::play(&server, case.lasts);
    faults.lift();
    played.look_after(&server, case.error);
    let made = faults.made();
    let mut wrong = played.complaints;
    if !server.is_alive() {
        wrong.push("the server is gone".to_owned());
    }
    wrong.extend(panics(&server.log()));

    if let Err(no_start) = server.try_restart() {
        wrong.push(format!("no start: {}", no_start.join("\n")));
        return (!made.is_empty(), wrong);
    }
    let mut promises = Promises::new();
    faults.journal().iter().for_each(|entry| note(&mut promises, entry));
    wrong.extend(complaints(&server, &promises, &played.orders, played.refused));
    (!made.is_empty(), wrong)
}

#[test]
fn a_start_that_meets_a_fault_is_refused_with_words_or_goes_well_and_the_next_one_goes_well() {
    let recording = crate::power_cut::record(8, 2, &["data"]);
    let mut disk = Disk::with(&["data"]);
    let mut promises = Promises::new();
    for entry in &recording.journal {
        disk.apply(entry);
        note(&mut promises, entry);
    }
    let (empty, used) = (Tree::from([("data".to_owned(), None)]), disk.cut(Cut::Lucky));
    for (tree, promises) in [(empty, Promises::new()), (used, promises)] {
        let start = || {
            let folder = TempDir::new().unwrap();
            materialise(&tree, folder.path());
            folder
        };
        let well = setup().start_in(start());
        let cases = some(Case::all(&well.faults().journal()), EVERYDAY_FAULTS / 2);
        drop(well);
        try_all(cases, |case| {
            let folder = start();
            let faults = Faults::of(folder.path());
            faults.follow(&[case.rule()]);
            let mut wrong = vec![];
            let folder = match setup().try_start_in(folder) {
                Ok(server) => {
                    wrong.extend(panics(&server.log()));
                    server.into_folder()
                }
                Err(no_start) => {
                    let last = no_start.log.last().cloned().unwrap_or_default();
                    if !last.starts_with("tintype: ") {
                        wrong.push(format!("it ends without a word: {last}"));
                    }
                    wrong.extend(panics(&no_start.log));
                    no_start.folder
                }
            };
            let made = faults.made();
            faults.lift();
            match setup().try_start_in(folder) {
                Ok(server) => wrong.extend(complaints(&server, &promises, &recording.orders, 0)),
                Err(no_start) => wrong.push(format!("the next start fails too: {no_start}")),
            }
            (!made.is_empty(), wrong)
        });
    }
}

/// Pictures can be written again as soon as a probe could be.
fn wait_until_ready(client: &Client) {
    eventually(
        || (client.get("/health/ready").code == 200).then_some(()),
        || "the server does not get ready again".to_owned(),
    );
}

fn panics(log: &[String]) -> Option<String> {
    let at = log.iter().position(|line| line.contains("panicked"))?;
    Some(log[at..].iter().take(3).cloned().collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_full_disk_is_no_longer_full_when_there_is_room_again() {
    let server = setup().start();
    let (client, faults) = (server.client(), server.faults());
    faults.follow(&[Rule::fail("WCD", Errno::NOSPC).at("/blobs/")]);
    for _ in 0..3 {
        client.submit(&Order::resize(5).message).refused(507, "disk-full");
    }
    client.get("/health/ready").refused(507, "disk-full");
    faults.lift();
    wait_until_ready(&client);
    assert_eq!(client.process(&Order::resize(5).message).state(), "OK");
    assert_eq!(server.unfinished_uploads(), 0);
}

#[test]
fn after_a_failed_sync_of_the_task_store_nothing_is_accepted_until_a_restart_and_the_server_says_so() {
    let server = setup().start();
    let (client, faults) = (server.client(), server.faults());
    let before = client.accepted(&Order::resize(5).message);
    client.wait(&before);
    faults.follow(&[Rule::fail("S", Errno::IO).at("tasks/db").only(1)]);
    client.submit(&Order::resize(6).message).refused(503, "storage-failed");
    assert_eq!(faults.made().len(), 1, "one sync failed, and all after it would go well");
    for _ in 0..3 {
        assert_is_failed(&server);
    }
    assert_eq!(client.wait(&before).state(), "OK", "what is durable is still told");
    faults.lift();
    assert_is_failed(&server);
    let server = server.kill_and_restart();
    assert_eq!(server.client().get("/health/ready").code, 200);
    assert_eq!(server.client().process(&Order::resize(7).message).state(), "OK");
}

#[test]
fn a_write_of_the_task_store_that_fails_late_leaves_nobody_waiting() {
    for error in [Errno::IO, Errno::NOSPC] {
        let server = setup().start();
        let (client, faults) = (server.client(), server.faults());
        let before = client.accepted(&Order::resize(5).message);
        client.wait(&before);
        faults.follow(&[Rule::fail_late("W", error).at("tasks/db").only(1)]);
        let (content_type, body) = Order::resize(6).message;
        let headers = [("Content-Type", content_type.as_str())];
        let refused = client.try_send("POST", "/images/tasks", &headers, &body).unwrap();
        assert!([503, 507].contains(&refused.code), "{refused:?}");
        assert_is_failed(&server);
        assert_eq!(client.wait(&before).state(), "OK", "what is durable is still told");
    }
}

#[test]
fn a_server_whose_disk_fails_stops_when_it_is_told_to() {
    let mut server = setup().start();
    server.faults().follow(&[Rule::fail("SF", Errno::IO)]);
    server.client().submit(&Order::resize(6).message).refused(503, "storage-failed");
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), Some(0));
    assert_eq!(panics(&server.log()), None);
    server.faults().lift();
    let server = server.restart();
    assert_eq!(server.client().process(&Order::resize(7).message).state(), "OK");
}

fn assert_is_failed(server: &Server) {
    let client = server.client();
    client.get("/health/ready").refused(503, "storage-failed");
    let problem = client.submit(&Order::resize(6).message).refused(503, "storage-failed");
    assert!(problem.detail.contains("restart"), "it does not say what helps: {problem:?}");
}

#[test]
fn a_folder_on_a_read_only_disk_is_named_and_left_alone() {
    let mut server = setup().start();
    let task = server.client().accepted(&Order::resize(5).message);
    server.client().wait(&task);
    server.faults().follow(&[Rule::fail("CDWRU", Errno::ROFS)]);
    let log = server.try_restart().unwrap_err();
    let last = log.last().unwrap();
    assert!(
        last.contains("its file system is read-only") && last.contains("choose another data_dir"),
        "{last}"
    );
    server.faults().lift();
    server.try_restart().unwrap();
    assert_eq!(server.client().status(&task).state(), "OK");
}
