//! The data folder as a whole: its format, its owner, backups, and the doctor.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tintype_tests::client::{Answer, path};
use tintype_tests::server::{Ended, Setup, binary, run};
use tintype_tests::{Related, Server, eventually, pictures, task_xml};

use crate::steps::{busy_server, hostile, id_of, resize};

/// Runs a command on the data folder of `server`.
fn command(server: &Server, arguments: &[&str]) -> Ended {
    on(&server.folder().join("data"), arguments)
}

fn on(data: &Path, arguments: &[&str]) -> Ended {
    run(&[arguments, &["--data-dir", &data.display().to_string()]].concat(), &[], Path::new("/"))
}

#[test]
fn a_folder_of_a_later_format_is_refused_and_left_alone() {
    let mut server = Server::new();
    server.kill();
    let data = server.folder().join("data");
    fs::write(data.join("format"), "tintype data folder, format 3\n").unwrap();
    for refused in [command(&server, &["serve"]), command(&server, &["doctor", "--only", "data"])] {
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(
            refused.errors.contains("has format 3") && refused.errors.contains("newer tintype"),
            "{refused:?}"
        );
    }
    assert_eq!(fs::read_to_string(data.join("format")).unwrap(), "tintype data folder, format 3\n");
}

#[test]
fn a_folder_without_a_mark_is_brought_up_and_keeps_its_tasks() {
    let mut server = Server::new();
    let task = server.client().accepted(&resize());
    server.client().wait(&task);
    server.kill();
    fs::remove_file(server.folder().join("data/format")).unwrap();
    let server = server.kill_and_restart();
    server.wait_for_log("brought up to this version's format");
    assert_eq!(server.client().status(&task).state(), "OK");
    assert_eq!(
        fs::read_to_string(server.folder().join("data/format")).unwrap(),
        "tintype data folder, format 2\n"
    );
}

#[test]
fn a_folder_that_belongs_to_somebody_else_is_named_with_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever runs it must be able to reach the binary and the folder above.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let copy = folder.path().join("tintype");
    fs::copy(binary(), &copy).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    let mut serve = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy);
        command
    } else {
        Command::new(&copy)
    };
    fs::set_permissions(&data, fs::Permissions::from_mode(if is_root { 0o700 } else { 0o000 })).unwrap();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data).current_dir(folder.path());
    let ended = serve.output().unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert!(errors.contains("cannot be read and written by this user (it belongs to uid "), "{errors}");
    assert!(errors.contains("chown"), "{errors}");
}

#[test]
fn a_backup_of_a_running_server_is_whole_and_can_be_worked_on() {
    let (server, client, spinning) = busy_server(Setup::default());
    let waiting = client.accepted(&resize());
    let attached = client.accepted(
        &Related::new(
            "<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:a\"/></operation></task>",
        )
        .part("Content-Type: image/png", b"image")
        .part("Content-Type: image/png\r\nContent-ID: <a>", b"attached")
        .build(),
    );
    let cancelled = client.accepted(&resize());
    client.delete(&cancelled);
    let deleted = client.accepted(&resize());
    client.delete(&deleted);
    client.delete(&deleted);
    let key = [("Idempotency-Key", "once")];
    let keyed = client.submit_with(&resize(), &key);

    let backup = server.folder().join("backup");
    let made = command(&server, &["backup", &backup.display().to_string()]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let doctor = on(&backup, &["doctor", "--only", "data"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert!(
        doctor.output.contains("4 waiting, 0 running, 1 over, 1 deleted and still remembered"),
        "{doctor:?}"
    );

    let again = command(&server, &["backup", &backup.display().to_string()]);
    assert!(again.errors.contains("holds tasks already"), "{again:?}");

    let restored = server.kill_and_restore(&backup).kill_and_restart_with("deadline", "1s");
    let client = restored.client();
    assert_eq!(client.wait(&waiting).state(), "OK");
    assert_eq!(client.wait(&attached).state(), "OK");
    assert_eq!(client.status(&cancelled).code(), "cancelled");
    assert_eq!(client.get(&deleted).code, 410);
    assert_eq!(client.wait(&spinning).code(), "deadline-exceeded", "what ran waits and is run anew");
    let again = client.submit_with(&resize(), &key);
    let location = |answer: &Answer| path(answer.header("content-location").unwrap());
    assert_eq!(location(&again), location(&keyed));
    let swept = restored.wait_for_log("orphan sweep done");
    assert!(swept.contains("\"deleted\":0,\"set_aside\":0,\"strays\":0"), "{swept}");
}

#[test]
fn a_backup_made_while_tasks_come_and_go_has_all_that_were_accepted_before() {
    let server = Setup::default().with("workers", 2).start();
    let before: Vec<String> = (0..40).map(|_| server.client().accepted(&resize())).collect();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let backups: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            let client = server.client();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let task = client.accepted(&resize());
                client.delete(&task);
                client.delete(&task);
            }
        });
        let made = (0..5).map(|number| {
            let backup = server.folder().join(format!("backup-{number}"));
            let made = command(&server, &["backup", &backup.display().to_string()]);
            assert_eq!(made.code, Some(0), "{made:?}");
            backup
        });
        let made = made.collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        made
    });
    for backup in &backups {
        let doctor = on(backup, &["doctor", "--only", "data"]);
        assert_eq!(doctor.code, Some(0), "{doctor:?}");
        assert!(!doctor.output.contains("remark"), "{doctor:?}");
    }
    let restored = server.kill_and_restore(backups.last().unwrap());
    for task in &before {
        assert_eq!(restored.client().wait(task).state(), "OK");
    }
}

#[test]
fn a_restore_does_not_overwrite_and_a_broken_off_one_cannot_be_used() {
    let mut server = Server::new();
    let task = server.client().accepted(&resize());
    server.client().wait(&task);
    let backup = server.folder().join("backup").display().to_string();
    assert_eq!(command(&server, &["backup", &backup]).code, Some(0));
    let refused = command(&server, &["restore", &backup]);
    assert!(refused.errors.contains("in use"), "{refused:?}");
    server.kill();
    let refused = command(&server, &["restore", &backup]);
    assert!(refused.errors.contains("holds tasks already"), "{refused:?}");
    let refused =
        on(&server.folder().join("elsewhere"), &["restore", &server.folder().display().to_string()]);
    assert!(refused.errors.contains("is no data folder"), "{refused:?}");

    fs::create_dir(server.folder().join("data/incoming")).unwrap();
    let refused = command(&server, &["serve"]);
    assert!(refused.errors.contains("was broken off"), "{refused:?}");
}

#[test]
fn a_damaged_folder_is_saved_as_far_as_it_goes() {
    let mut server = Server::new();
    let message =
        Related::simple(&task_xml("resize", &[("width", "9")], ""), "image/png", &pictures::png(16, 16));
    let (good, bad) = (server.client().accepted(&message), server.client().accepted(&message));
    server.client().wait(&good);
    server.client().wait(&bad);
    server.kill();
    server.forget_journal();
    let data = server.folder().join("data");
    let period = fs::read_dir(data.join("blobs")).unwrap().map(|entry| entry.unwrap().path());
    let is_own = |path: &PathBuf| path.ends_with("tmp") || path.ends_with("journal");
    let period = period.filter(|path| !is_own(path)).last().unwrap();
    fs::write(period.join(format!("{}.result-1-1", id_of(&bad))), b"no picture").unwrap();
    fs::write(period.join("notes.txt"), b"an operator's").unwrap();

    let doctor = command(&server, &["doctor", "--only", "data"]);
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    assert!(doctor.output.contains(&format!("picture {}.result-1-1 is damaged", id_of(&bad))), "{doctor:?}");
    assert!(doctor.output.contains("notes.txt is not the server's"), "{doctor:?}");
    assert!(doctor.output.contains("pictures: 3 with"), "{doctor:?}");

    let backup = server.folder().join("backup");
    let made = command(&server, &["backup", &backup.display().to_string()]);
    assert_eq!(made.code, Some(1), "it says that something is missing: {made:?}");
    fs::remove_dir_all(&data).unwrap();
    let restored = command(&server, &["restore", &backup.display().to_string()]);
    assert!(restored.errors.contains("result-1-1 is missing"), "{restored:?}");
    let server = server.kill_and_restart();
    let client = server.client();
    client.result(&client.status(&good));
    client.get(client.status(&bad).href()).refused(500, "internal");
}

#[test]
fn pictures_that_belong_to_nobody_are_deleted_after_a_start() {
    let mut server = Server::new();
    let task = server.client().accepted(&resize());
    server.client().wait(&task);
    server.kill();
    let blobs = server.folder().join("data/blobs");
    let period = fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().path());
    let is_own = |path: &PathBuf| path.ends_with("tmp") || path.ends_with("journal");
    let period = period.filter(|path| !is_own(path)).last().unwrap();
    // What a crash leaves before the record is written, and after a run that was not recorded.
    let unborn = id_of(&task).replace(id_of(&task).split('-').next_back().unwrap(), "000000000000");
    fs::write(period.join(format!("{unborn}.input")), b"an orphan").unwrap();
    fs::write(period.join(format!("{}.result-7-1", id_of(&task))), b"an orphan").unwrap();
    // Of long ago, when that task was surely accepted.
    fs::create_dir(blobs.join("00170000")).unwrap();
    fs::write(blobs.join("00170000/01700000-0000-7000-8000-000000000000.input"), b"lost").unwrap();

    let server = server.kill_and_restart();
    let line = server.wait_for_log("orphan sweep done");
    assert!(line.contains("\"deleted\":2") && line.contains("\"set_aside\":1"), "{line}");
    server.wait_for_log("it has lost records");
    assert_eq!(server.kept_pictures() - 1, 2, "input and result, and one that is set aside");
    assert!(!blobs.join("00170000").exists(), "an empty folder is no use");
    assert!(blobs.join("lost/01700000-0000-7000-8000-000000000000.input").exists());
    assert_eq!(server.client().status(&task).state(), "OK");
}

#[test]
fn relaxed_durability_loses_nothing_when_the_server_stops_in_order() {
    let setup = Setup::default().with("durability", "relaxed").with("flush-every", "1h");
    let mut server = setup.start();
    let tasks: Vec<String> = (0..20).map(|_| server.client().accepted(&resize())).collect();
    server.client().wait(tasks.last().unwrap());
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.wait(), Some(0));
    let server = server.restart();
    for task in &tasks {
        assert_eq!(server.client().wait(task).state(), "OK");
    }
}

#[test]
fn relaxed_durability_flushes_within_its_time() {
    let server = Setup::default().hostile().with("durability", "relaxed").with("flush-every", "50ms").start();
    let witness = || fs::read(server.folder().join("data/tasks/durable")).unwrap();
    let before = witness();
    let task = server.client().accepted(&hostile("echo", &[]));
    eventually(|| (witness() != before).then_some(()), || "nothing is flushed".to_owned());
    let server = server.kill_and_restart();
    assert_eq!(server.client().wait(&task).state(), "OK");
}
