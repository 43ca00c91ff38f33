//! The power is cut at every moment at which something became durable, and each time the server is
//! started on what a disk would hold then.

mod recording;

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tempfile::TempDir;
use tintype_tests::journal::Entry;
use tintype_tests::server::Setup;

use self::recording::Recording;
pub use self::recording::record;
use crate::account::{Promises, complaints, note};
use crate::from_environment;
use crate::replay::{Cut, Disk, Random, Tree, materialise};

/// Power cuts that a task outlives. The default gives up on one that was running at two of them, and in
/// a server of several lives an innocent one is, now and then.
const ATTEMPTS: u32 = 9;

/// Power cuts in every run of the tests, three disks each.
const EVERYDAY_CUTS: u64 = 40;

/// A server's folder as the power cut left it, and what had been promised by then.
struct Found {
    moment: usize,
    cut: Cut,
    tree: Tree,
    promises: Promises,
}

#[test]
fn every_202_is_kept_wherever_the_power_is_cut() {
    let recording = record(from_environment("FAULTS_TASKS", 48), 3, &["data"]);
    let moments = moments(&recording.journal);
    let began = Instant::now();
    let (tried, complaints) = try_all(&recording, &["data"], &moments, &all_ways());
    println!(
        "{tried} disks after {} of {} power cuts, {} tasks, {:?}, FAULTS_SEED={}",
        moments.len(),
        all_moments(&recording.journal).len(),
        recording.orders.len(),
        began.elapsed(),
        seed()
    );
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn a_data_folder_that_the_server_made_itself_is_as_safe_as_any() {
    let recording = record(4, 3, &[]);
    let last = vec![recording.journal.len()];
    let (_, complaints) = try_all(&recording, &[], &last, &all_ways());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The control: nothing that the server does to its disk is missed.
#[test]
fn what_is_replayed_from_the_journal_is_what_really_was_on_the_disk() {
    let recording = record(12, 3, &["data"]);
    let mut disk = Disk::with(&["data"]);
    recording.journal.iter().for_each(|entry| disk.apply(entry));
    let (replayed, real) = (disk.cut(Cut::Lucky), recording.disk);
    assert_eq!(replayed.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>());
    let differing: Vec<_> = real.iter().filter(|(path, bytes)| replayed[*path] != **bytes).collect();
    assert!(differing.is_empty(), "{:?}", differing.iter().map(|(path, _)| path).collect::<Vec<_>>());
    assert!(real.len() > 20, "there was something to compare");
}

/// The control: were the journal of small pictures never synced, or the folders of the others, the accounts
/// would not be settled.
#[test]
fn a_server_that_forgot_to_sync_its_pictures_would_be_found_out() {
    let is_journal = |entry: &Entry| matches!(entry, Entry::Synced { path, .. } if path.starts_with("data/blobs/journal/"));
    let is_folder =
        |entry: &Entry| matches!(entry, Entry::FolderSynced { path } if path.starts_with("data/blobs/0"));
    // Few pictures are too large for the journal.
    for (what, complaints) in [("journal", without(12, is_journal)), ("folder", without(36, is_folder))] {
        let is_found = complaints.iter().any(|complaint| complaint.contains("its result gives 500"));
        assert!(is_found, "{what}: {complaints:?}");
    }
}

/// The control: were the log of the task store only handed to the system, tasks would be missing.
#[test]
fn a_server_that_took_sync_file_range_for_a_barrier_would_be_found_out() {
    let is_forgotten = |entry: &Entry| matches!(entry, Entry::Synced { path, .. } if path == "data/tasks/db");
    let complaints = without(12, is_forgotten);
    assert!(complaints.iter().any(|complaint| complaint.contains("Err(404)")), "{complaints:?}");
}

/// What is wrong after a power cut when these syncs had never been in the server's one life.
fn without(tasks: u64, is_forgotten: impl Fn(&Entry) -> bool) -> Vec<String> {
    let recording = record(tasks, 1, &["data"]);
    let mut journal = recording.journal.clone();
    journal.retain(|entry| !is_forgotten(entry));
    let control = Recording { journal, orders: recording.orders.clone(), disk: Tree::new() };
    let (_, kept) = try_all(&recording, &["data"], &[recording.journal.len()], &[Cut::Strict]);
    assert_eq!(kept, Vec::<String>::new(), "as it is, all is well");
    try_all(&control, &["data"], &[control.journal.len()], &[Cut::Strict]).1
}

fn all_ways() -> [Cut; 3] {
    [Cut::Strict, Cut::Lucky, Cut::Torn { seed: seed() }]
}

fn seed() -> u64 {
    from_environment("FAULTS_SEED", 1)
}

/// Just before anything is synced: whatever was said by then had to be durable before.
fn all_moments(journal: &[Entry]) -> Vec<usize> {
    let is_sync = |entry: &Entry| matches!(entry, Entry::Synced { .. } | Entry::FolderSynced { .. });
    let syncs = (0..journal.len()).filter(|at| is_sync(&journal[*at]));
    syncs.chain([journal.len()]).collect()
}

/// All of them, or a sample that is spread evenly over them.
fn moments(journal: &[Entry]) -> Vec<usize> {
    let all = all_moments(journal);
    if std::env::var("FAULTS_CUTS").is_ok_and(|cuts| cuts == "all") {
        return all;
    }
    let wanted = usize::try_from(from_environment("FAULTS_CUTS", EVERYDAY_CUTS)).unwrap().min(all.len());
    let mut random = Random::new(seed());
    let within = |number: usize| number * all.len() / wanted;
    (0..wanted)
        .map(|number| all[within(number) + random.below(within(number + 1) - within(number))])
        .collect()
}

/// Cuts the power at each of these moments, in each of these ways, on a disk that had `folders` before.
/// Gives how many disks there were, and what was wrong with them.
fn try_all(recording: &Recording, folders: &[&str], moments: &[usize], cuts: &[Cut]) -> (usize, Vec<String>) {
    let (sender, inbox) = sync_channel::<Found>(2);
    let inbox = Arc::new(Mutex::new(inbox));
    let all = Mutex::new(vec![]);
    let tried = std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let (inbox, all) = (Arc::clone(&inbox), &all);
            scope.spawn(move || {
                let next = || inbox.lock().unwrap().recv();
                while let Ok(found) = next() {
                    all.lock().unwrap().extend(try_one(&found, recording));
                }
            });
        }
        let (mut disk, mut promises, mut done, mut tried) = (Disk::with(folders), Promises::new(), 0, 0);
        for moment in moments {
            for entry in &recording.journal[done..*moment] {
                note(&mut promises, entry);
                disk.apply(entry);
            }
            done = *moment;
            for cut in cuts {
                // Torn apart in another way at every moment.
                let cut = match cut {
                    Cut::Torn { seed } => Cut::Torn { seed: seed ^ done as u64 },
                    cut => *cut,
                };
                let (tree, promises) = (disk.cut(cut), promises.clone());
                sender.send(Found { moment: done, cut, tree, promises }).unwrap();
                tried += 1;
            }
        }
        drop(sender);
        tried
    });
    (tried, all.into_inner().unwrap())
}

fn try_one(found: &Found, recording: &Recording) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    materialise(&found.tree, folder.path());
    let setup = Setup::default().hostile().with("workers", 2).with("max-attempts", ATTEMPTS);
    let wrong = match setup.try_start_in(folder) {
        Ok(server) => complaints(&server, &found.promises, &recording.orders, 0),
        Err(no_start) => vec![no_start.to_string()],
    };
    let of = recording.journal.len();
    wrong
        .into_iter()
        .map(|complaint| format!("{:?} at {} of {of}: {complaint}", found.cut, found.moment))
        .collect()
}
