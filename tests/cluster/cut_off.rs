//! A server that is cut off from the database while it runs a task, and comes back with what it made.

use tintype_tests::cluster::Cluster;
use tintype_tests::{Related, Relay, Setup, eventually, task_xml};

/// So long that its lease runs out meanwhile: some seconds.
fn work() -> (String, Vec<u8>) {
    Related::simple(&task_xml("work", &[("count", "60")], ""), "application/octet-stream", b"bytes")
}

#[test]
fn the_task_passes_on_and_what_the_server_that_was_cut_off_made_of_it_is_refused() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let pictures = tempfile::tempdir().unwrap();
    let node = |address: &str| {
        let place = format!("file://{}", pictures.path().display());
        let setup = Setup::default().hostile().env("TINTYPE_STORE", address).env("TINTYPE_BLOBS", &place);
        setup.with("workers", 1).with("lease", "2s").with("deadline", "10m").start()
    };
    let relay = Relay::to_socket(&cluster.socket());
    let cut_off = node(&database.at(&relay.address()));
    let task = cut_off.client().accepted(&work());
    cut_off.client().wait_until_running(&task);
    let other = node(&database.url);
    assert_eq!(other.client().status(&task).0["phase"], "running");

    relay.go_away();
    let is_ready = || cut_off.client().get("/health/ready").code == 200;
    eventually(|| (!is_ready()).then_some(()), || "it does not see that the database is gone".to_owned());
    let is_busy = || other.client().get("/metrics").text().contains("\ntintype_workers_busy 1");
    eventually(|| is_busy().then_some(()), || "the lease does not pass on".to_owned());
    // The work is not thrown away before it is known that somebody else has the task.
    eventually(
        || cut_off.client().get("/metrics").text().contains("\ntintype_workers_busy 0").then_some(()),
        || "the work never ends".to_owned(),
    );
    relay.come_back();
    cut_off.wait_for_log("an attempt came too late");

    let over = other.client().wait(&task);
    assert_eq!(over.state(), "OK", "{over:?}");
    assert_eq!(database.ask("SELECT attempts, crashes, outcome FROM tintype.tasks"), "2|1|ok");
    let result = other.client().result(&over).body;
    assert_eq!(result.len(), 8);
    assert_eq!(cut_off.client().result(&cut_off.client().wait(&task)).body, result);
    let ends = |log: Vec<String>| log.iter().filter(|line| line.contains("an attempt is over")).count();
    assert_eq!((ends(cut_off.log()), ends(other.log())), (0, 1));
    // What the late one made is gone, and only that.
    let mut results = vec![];
    let mut folders = vec![pictures.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.file_name().unwrap().to_string_lossy().contains("result-") {
                results.push(entry.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert!(matches!(&results[..], [only] if only.contains("result-2-1")), "{results:?}");
}
