//! A database with a standby that it waits for, which takes over when it dies.

use std::thread;

use tintype_tests::cluster::Cluster;
use tintype_tests::{Related, Relay, Setup, eventually, pictures, task_xml};

fn resize() -> (String, Vec<u8>) {
    Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &pictures::png(16, 16))
}

#[test]
fn what_has_its_202_is_there_when_the_standby_takes_over() {
    let Some(mut first) = Cluster::own() else { return };
    let database = first.database();
    let mut standby = first.with_standby();
    // What stands before a database that may move.
    let relay = Relay::to_socket(&first.socket());
    let setup = Setup::default().hostile().env("TINTYPE_STORE", &database.at(&relay.address()));
    let server = setup.with("workers", 1).with("lease", "2s").start();
    server.wait_for_log("a 202 survives a power cut and the loss of the database");
    let client = server.client();

    // Without the standby nothing is promised; with it again, what waited is.
    standby.crash();
    let waiting = thread::scope(|scope| {
        let submitting = scope.spawn(|| client.accepted(&resize()));
        let waits =
            || database.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") != "0";
        eventually(|| waits().then_some(()), || "the commit does not wait for the standby".to_owned());
        assert!(!submitting.is_finished());
        standby.start();
        submitting.join().unwrap()
    });
    let over = client.wait(&waiting);
    let before = client.result(&over).body;

    let tasks: Vec<String> = (0..30).map(|_| client.accepted(&resize())).collect();
    first.crash();
    standby.take_over();
    relay.turn_to_socket(&standby.socket());
    let is_ready = || (client.get("/health/ready").code == 200).then_some(());
    eventually(is_ready, || "it is never ready again".to_owned());
    for task in &tasks {
        let over = client.wait(task);
        assert_eq!(client.result(&over).code, 200);
    }
    assert_eq!(client.result(&client.wait(&waiting)).body, before);
    assert_eq!(client.process(&resize()).state(), "OK");
    let moved = standby.named(&database.name);
    assert_eq!(moved.ask("SELECT count(*), count(ended) FROM tintype.tasks"), "32|32");
}
