//! Damaged files: every one is noticed and spoken of, none is served, nothing is wiped.

use std::fs;
use std::path::{Path, PathBuf};

use tintype_tests::server::{Setup, run};
use tintype_tests::{Client, Related, Server, pictures, task_xml};

use crate::steps::{hostile, id_of, resize};

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip,
    Zeroes,
    Garbage,
    Truncate,
    Empty,
}

const DAMAGES: [Damage; 5] = [Damage::Flip, Damage::Zeroes, Damage::Garbage, Damage::Truncate, Damage::Empty];

impl Damage {
    /// Damages the byte at `at`, and what follows.
    fn apply(self, file: &Path, at: usize) {
        let mut bytes = fs::read(file).unwrap();
        let end = bytes.len().min(at + 64);
        match self {
            Self::Flip => bytes[at] ^= 4,
            Self::Zeroes => bytes[at..end].fill(0),
            Self::Garbage => bytes[at..end].fill(0xa5),
            Self::Truncate => bytes.truncate(at),
            Self::Empty => bytes.clear(),
        }
        fs::write(file, bytes).unwrap();
    }
}

/// A stopped server, its folder, and the tasks in it.
struct Stopped {
    server: Server,
    tasks: Vec<String>,
}

impl Stopped {
    /// After some tasks and, so that there is a snapshot of sled's too, a restart.
    fn with_tasks() -> Self {
        let server = Server::new();
        let mut tasks: Vec<String> = (0..10).map(|_| server.client().accepted(&resize())).collect();
        let mut server = server.kill_and_restart();
        tasks.extend((0..10).map(|_| server.client().accepted(&resize())));
        for task in &tasks {
            assert_eq!(server.client().wait(task).state(), "OK");
        }
        server.kill();
        // It brings back what was deleted since, until the sweep after the start.
        server.forget_journal();
        Self { server, tasks }
    }

    fn data(&self) -> PathBuf {
        self.server.folder().join("data")
    }

    /// A copy of the data folder.
    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_files(&self.data(), copy.path());
        copy
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_files(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// The last line that a server says which cannot start on `data`.
fn refusal(data: &Path) -> String {
    let plugins = tempfile::tempdir().unwrap();
    let (data, plugins) = (data.display().to_string(), plugins.path().display().to_string());
    let flags = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data, "--plugins-dir", &plugins];
    let ended = run(&flags, &[], Path::new("/"));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(!ended.errors.contains("panicked at"), "{ended:?}");
    ended.errors.lines().last().unwrap().to_owned()
}

#[test]
fn whatever_happens_to_the_log_of_the_task_store_is_noticed_and_said() {
    let stopped = Stopped::with_tasks();
    let log = stopped.data().join("tasks/db");
    let used = fs::read(&log).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    for (number, damage) in DAMAGES.into_iter().cycle().take(25).enumerate() {
        let copy = stopped.copy();
        damage.apply(&copy.path().join("tasks/db"), used * (number + 1) / 26);
        let said = refusal(copy.path());
        assert!(
            said.contains("is damaged") || said.contains("has lost what it had"),
            "{damage:?} {number}: {said}"
        );
        assert!(said.contains("from a backup") && said.contains("tintype doctor --accept-loss"), "{said}");
    }
}

#[test]
fn other_files_of_the_task_store_are_refused_or_not_needed() {
    let stopped = Stopped::with_tasks();
    let files = fs::read_dir(stopped.data().join("tasks")).unwrap().map(|entry| entry.unwrap());
    let names: Vec<String> = files
        .filter(|entry| entry.file_type().unwrap().is_file() && entry.file_name() != "db")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().any(|name| name.starts_with("snap.")), "{names:?}");
    for name in &names {
        for damage in DAMAGES {
            let copy = stopped.copy();
            let file = copy.path().join("tasks").join(name);
            damage.apply(&file, usize::try_from(fs::metadata(&file).unwrap().len()).unwrap() / 2);
            let data = copy.path().display().to_string();
            let ended = run(&["doctor", "--only", "data", "--data-dir", &data], &[], Path::new("/"));
            assert!(!ended.errors.contains("panicked at"), "{ended:?}");
            if ended.code == Some(0) {
                assert!(ended.output.contains("20 over"), "{name} {damage:?}: {ended:?}");
            } else {
                assert!(ended.errors.contains("is damaged"), "{name} {damage:?}: {ended:?}");
            }
            assert!(!name.starts_with("snap.") || ended.code == Some(0), "the log says the same: {ended:?}");
        }
    }
}

#[test]
fn a_start_that_was_broken_off_in_its_snapshot_is_no_obstacle() {
    let stopped = Stopped::with_tasks();
    fs::write(stopped.data().join("tasks/snap.00000000FFFFFFFF.generating"), b"half a snap").unwrap();
    let server = stopped.server.kill_and_restart();
    for task in &stopped.tasks {
        assert_eq!(server.client().status(task).state(), "OK");
    }
}

#[test]
fn a_loss_is_refused_until_it_is_accepted_and_the_pictures_are_set_aside() {
    let mut server = Server::new();
    let early = server.client().accepted(&resize());
    server.client().wait(&early);
    server.kill();
    let tasks = server.folder().join("data/tasks");
    let before = tempfile::tempdir().unwrap();
    copy_files(&tasks, before.path());
    let mut server = server.kill_and_restart();
    let late = server.client().accepted(&resize());
    server.client().wait(&late);
    server.kill();

    // The task store as it was before, with the witness of what came after.
    for entry in fs::read_dir(&tasks).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.file_name() != "durable" {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    fs::remove_file(before.path().join("durable")).unwrap();
    fs::remove_dir(tasks.join("blobs")).unwrap();
    copy_files(before.path(), &tasks);

    let data = server.folder().join("data");
    assert!(refusal(&data).contains("has lost what it had"));
    assert!(refusal(&data).contains("--accept-loss"), "a refusal forgets nothing");
    let data = data.display().to_string();
    let accepted = run(&["doctor", "--accept-loss", "--data-dir", &data], &[], Path::new("/"));
    assert!(accepted.output.contains("1 over"), "{accepted:?}");
    assert!(accepted.errors.contains("2 pictures of tasks that it does not know"), "{accepted:?}");

    let server = server.kill_and_restart();
    server.wait_for_log("orphan sweep done");
    assert_eq!(server.client().status(&early).state(), "OK");
    assert_eq!(server.client().get(&late).code, 404);
    let lost = fs::read_dir(server.folder().join("data/blobs/lost")).unwrap();
    let mut lost: Vec<String> = lost.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    lost.sort();
    assert_eq!(lost, [format!("{}.input", id_of(&late)), format!("{}.result-1-1", id_of(&late))]);
}

#[test]
fn a_task_store_that_is_beyond_help_can_be_moved_away_and_the_pictures_are_kept() {
    let stopped = Stopped::with_tasks();
    let data = stopped.data();
    fs::rename(data.join("tasks"), stopped.server.folder().join("damaged")).unwrap();
    let path = data.display().to_string();
    let accepted = run(&["doctor", "--accept-loss", "--data-dir", &path], &[], Path::new("/"));
    assert!(accepted.errors.contains("40 pictures of tasks that it does not know"), "{accepted:?}");
    let server = stopped.server.kill_and_restart();
    let swept = server.wait_for_log("orphan sweep done");
    assert!(swept.contains("\"deleted\":0,\"set_aside\":0"), "{swept}");
    assert_eq!(fs::read_dir(data.join("blobs/lost")).unwrap().count(), 40);
    assert_eq!(server.client().process(&resize()).state(), "OK");
}

/// The file of one part of a task.
fn blob(server: &Server, task: &str, part: &str) -> PathBuf {
    let name = format!("{}.{part}", id_of(task));
    let periods = fs::read_dir(server.folder().join("data/blobs")).unwrap();
    periods.map(|period| period.unwrap().path().join(&name)).find(|path| path.exists()).unwrap()
}

#[test]
fn a_result_whose_digest_no_longer_matches_is_never_served() {
    let server = Server::new();
    let client = server.client();
    let message =
        Related::simple(&task_xml("resize", &[("width", "700")], ""), "image/png", &pictures::png(900, 900));
    for damage in DAMAGES {
        let task = client.accepted(&message);
        let status = client.wait(&task);
        let good = client.result(&status);
        let file = blob(&server, &task, "result-1-1");
        let size = good.body.len();
        damage.apply(&file, size / 2);
        for range in [None, Some("bytes=0-9"), Some("bytes=-1")] {
            let headers: Vec<(&str, &str)> = range.map(|range| ("Range", range)).into_iter().collect();
            let answer = client.send("GET", status.href(), &headers, &[]);
            let problem = answer.refused(500, "internal");
            assert!(problem.detail.contains("is damaged and is not given out"), "{damage:?}: {problem:?}");
        }
        server.wait_for_log("its digest is not the recorded one");
        fs::write(&file, &good.body).unwrap();
        assert_eq!(client.result(&status).body, good.body, "whole again");
    }
    let task = client.accepted(&resize());
    let status = client.wait(&task);
    fs::remove_file(blob(&server, &task, "result-1-1")).unwrap();
    client.get(status.href()).refused(500, "internal");
}

#[test]
fn a_large_result_that_was_verified_is_looked_at_again_when_it_was_touched() {
    let server = Server::new();
    let client = server.client();
    let message = Related::simple(
        &task_xml("resize", &[("width", "900")], "image/bmp"),
        "image/png",
        &pictures::png(900, 900),
    );
    let task = client.accepted(&message);
    let status = client.wait(&task);
    let good = client.result(&status).body;
    assert!(good.len() > 1 << 20);
    Damage::Flip.apply(&blob(&server, &task, "result-1-1"), good.len() - 1);
    client.send("GET", status.href(), &[("Range", "bytes=0-9")], &[]).refused(500, "internal");
}

#[test]
fn a_picture_that_was_damaged_before_it_was_worked_on_fails_its_task_and_no_other() {
    let (mut server, client, _spinning) = crate::steps::busy_server(Setup::default());
    let damaged = client.accepted(&resize());
    let missing = client.accepted(&resize());
    let other = client.accepted(&hostile("echo", &[]));
    Damage::Flip.apply(&blob(&server, &damaged, "input"), 20);
    fs::remove_file(blob(&server, &missing, "input")).unwrap();

    server.kill();
    server.forget_journal();
    let server = server.kill_and_restart_with("deadline", "1s");
    let client: Client = server.client();
    assert_eq!(client.wait(&damaged).code(), "internal");
    assert_eq!(client.wait(&missing).code(), "internal");
    assert_eq!(client.wait(&other).state(), "OK");
    server.wait_for_log("input is damaged: its digest is not the recorded one");
}
