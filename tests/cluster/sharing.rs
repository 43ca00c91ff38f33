//! Servers that share their tasks: one, several, and a database that goes away.

use std::thread;
use std::time::{Duration, Instant};

use tintype_tests::cluster::{Cluster, Database};
use tintype_tests::server::{self, Setup};
use tintype_tests::{Client, Related, Server, eventually, pictures, task_xml};

/// How long a server waits between two heartbeats, at the least: what comes sooner was not found by those.
const HEARTBEAT: Duration = Duration::from_secs(10);

fn resize() -> (String, Vec<u8>) {
    Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &pictures::png(16, 16))
}

fn spin() -> (String, Vec<u8>) {
    Related::simple(&task_xml("spin", &[], ""), "application/octet-stream", b"bytes")
}

/// A server whose one worker can be kept busy.
fn on(database: &Database) -> Setup {
    Setup::default().hostile().env("TINTYPE_STORE", &database.url).with("workers", 1).with("deadline", "10m")
}

/// Has the server's worker spin. Servers have no pictures in common, so a task that another one takes ends
/// at once; then it is tried again.
fn keep_busy(client: &Client) -> String {
    let spins = |task: &String| {
        let settled = |status: &tintype_tests::Status| status.0["phase"] != "queued";
        eventually(|| Some(client.status(task)).filter(settled), || format!("{task} never runs"));
        let until = Instant::now() + Duration::from_millis(500);
        while client.status(task).state() == "pending" {
            if Instant::now() > until {
                return true;
            }
        }
        false
    };
    eventually(|| Some(client.accepted(&spin())).filter(spins), || "another server is faster".to_owned())
}

#[test]
fn tasks_outlive_the_server_that_accepted_them_and_wait_for_it() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let server = on(&database).with("lease", "1s").start();
    let client = server.client();
    let over = client.process(&resize());
    assert_eq!(client.result(&over).code, 200);
    let spinning = client.accepted(&spin());
    client.wait_until_running(&spinning);
    let waiting = client.accepted(&resize());
    assert!(!server.folder().join("data/tasks").exists(), "they are in the database");

    let server = server.kill_and_restart();
    let client = server.client();
    // Its lease runs out, and it is begun again.
    let is_again = || (database.ask("SELECT attempt, crashes FROM tintype.leases") == "2|1").then_some(());
    eventually(is_again, || "it is not begun again".to_owned());
    assert_eq!(client.delete(&spinning).code, 200);
    assert_eq!(client.wait(&waiting).state(), "OK");
}

#[test]
fn what_one_server_does_the_others_see_and_hear() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let one = on(&database).start();
    let on_one = keep_busy(&one.client());
    let two = on(&database).start();
    // One is busy, so this is for two.
    let on_two = two.client().accepted(&spin());
    two.client().wait_until_running(&on_two);
    assert_eq!(two.client().status(&on_one).0["phase"], "running");
    assert_eq!(one.client().status(&on_two).0["phase"], "running");

    let began = Instant::now();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| one.client().send("GET", &on_one, &[("Prefer", "wait=60")], &[]));
        assert_eq!(two.client().delete(&on_one).code, 200);
        assert_eq!(waiter.join().unwrap().status_document().get("code"), "cancelled");
    });
    // The worker that ran it is free, long before its lease would have been renewed.
    assert_eq!(one.client().process(&resize()).state(), "OK");
    assert!(began.elapsed() < HEARTBEAT, "{:?}", began.elapsed());
    assert_eq!(two.client().status(&on_two).0["phase"], "running");
}

#[test]
fn one_server_takes_tasks_and_another_one_runs_them_and_answers_nobody_else() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let takes = on(&database).with("no-workers", true).start();
    let client = takes.client();
    let task = client.accepted(&spin());
    let runs = on(&database).only_works().start();
    let watched = runs.client();
    assert_eq!(watched.get("/health/ready").code, 200);
    assert!(watched.get("/metrics").text().contains("tintype_queue_tasks"));
    watched.get("/images/tasks").refused(404, "not-found");
    watched.submit(&resize()).refused(404, "not-found");
    // Whatever comes of it without the picture: it was not the one that took it who ran it.
    assert_ne!(client.wait(&task).state(), "pending");
    assert_eq!(takes.log().iter().filter(|line| line.contains("\"message\":\"FAILED\"")).count(), 0);
}

#[test]
fn a_server_that_takes_tasks_for_nobody_or_runs_nobodys_does_not_start() {
    let refused = |setup: Setup| setup.try_start_in(tempfile::tempdir().unwrap()).err().unwrap().to_string();
    assert!(refused(Setup::default().with("no-workers", true)).contains("nobody else could run the tasks"));
    assert!(refused(Setup::default().only_works()).contains("set store to the database"));
    let idle =
        Setup::default().env("TINTYPE_STORE", "postgres://nobody@localhost/none").with("no-workers", true);
    assert!(refused(idle.only_works()).contains("unset no_workers"));
}

#[test]
fn a_database_that_goes_away_is_said_and_when_it_is_back_all_goes_on() {
    let Some(mut cluster) = Cluster::own() else { return };
    let database = cluster.database();
    let server = on(&database).start();
    let client = server.client();
    let over = client.process(&resize());
    cluster.crash();
    let refused = client.submit(&resize());
    refused.refused(503, "storage-failed");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    client.get("/health/ready").refused(503, "storage-failed");
    assert_eq!(client.get("/health/live").code, 200);

    cluster.start();
    let is_ready = || (client.get("/health/ready").code == 200).then_some(());
    eventually(is_ready, || "it is never ready again".to_owned());
    assert_eq!(client.result(&over).code, 200);
    assert_eq!(client.process(&resize()).state(), "OK");
}

#[test]
fn a_data_folder_belongs_to_the_store_that_it_began_with() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let folder = on(&database).start().into_folder();
    let refused = Setup::default().try_start_in(folder).err().unwrap();
    assert!(refused.to_string().contains("are in a database"), "{refused}");

    let folder = Server::new().into_folder();
    let refused = on(&database).try_start_in(folder).err().unwrap();
    assert!(refused.to_string().contains("choose another data_dir"), "{refused}");
}

#[test]
fn a_schema_is_shown_and_made_by_migrate_and_by_serve_only_where_it_may() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let folder = tempfile::tempdir().unwrap();
    let migrate = |arguments: &[&str]| {
        server::run(arguments, &[("TINTYPE_STORE", database.url.as_str())], folder.path())
    };
    let shown = migrate(&["migrate", "--status"]);
    assert_eq!(shown.code, Some(1), "{shown:?}");
    assert!(shown.output.contains("0001_tasks: not applied"), "{shown:?}");
    let careful = on(&database).with("store-migrate", false);
    let refused = careful.clone().try_start_in(tempfile::tempdir().unwrap()).err().unwrap();
    assert!(refused.to_string().contains("tintype migrate"), "{refused}");

    let made = migrate(&["migrate"]);
    assert_eq!(
        (made.code, made.output.as_str()),
        (Some(0), "0001_tasks: applied\n0002_moving: applied\n"),
        "{made:?}"
    );
    assert_eq!(migrate(&["migrate", "--status"]).code, Some(0));
    let server = careful.start();
    assert_eq!(server.client().process(&resize()).state(), "OK");
    server.wait_for_log("a 202 survives a power cut of the database's machine");
}
