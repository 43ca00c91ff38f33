//! Servers whose clocks are wrong by minutes: the database's clock is the one that counts.

use tintype_tests::cluster::Cluster;
use tintype_tests::{Related, Setup, eventually, task_xml};

/// Far more than any lease here.
const TEN_MINUTES: i64 = 600;

fn hostile(operation: &str) -> (String, Vec<u8>) {
    Related::simple(&task_xml(operation, &[], ""), "application/octet-stream", b"bytes")
}

#[test]
fn servers_whose_clocks_are_minutes_apart_keep_leases_order_and_age() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let pictures = tempfile::tempdir().unwrap();
    let node = |wrong: i64| {
        let place = format!("file://{}", pictures.path().display());
        let setup = Setup::default().hostile().faults().env("TINTYPE_STORE", &database.url);
        let setup = setup.env("TINTYPE_BLOBS", &place).with("workers", 1).with("lease", "2s");
        let node = setup.with("deadline", "10m").start();
        node.faults().shift_clock(wrong);
        node
    };
    let slow = node(-TEN_MINUTES);
    let spinning = slow.client().accepted(&hostile("spin"));
    slow.client().wait_until_running(&spinning);
    let fast = node(TEN_MINUTES);
    let also = fast.client().accepted(&hostile("spin"));
    fast.client().wait_until_running(&also);

    // Submitted in turns, and in that order their turn comes.
    let order: Vec<String> = (0..6)
        .map(|n| if n % 2 == 0 { slow.client() } else { fast.client() }.accepted(&hostile("echo")))
        .collect();
    for node in [&slow, &fast] {
        let metrics = node.client().get("/metrics").text().to_owned();
        let age = metrics.lines().find_map(|line| line.strip_prefix("tintype_queue_oldest_age_seconds "));
        let age: f64 = age.unwrap().parse().unwrap();
        assert!((0.0..300.0).contains(&age), "{age}");
    }

    // Renewed again and again, whatever the other one takes for the time.
    let lease = || database.ask("SELECT string_agg(until::text, ' ' ORDER BY id) FROM tintype.leases");
    for _ in 0..4 {
        let before = lease();
        eventually(|| (lease() != before).then_some(()), || "no lease is renewed".to_owned());
    }
    assert_eq!(database.ask("SELECT count(*), max(attempt), max(crashes) FROM tintype.leases"), "2|1|0");

    let tickets = database.ask("SELECT id FROM tintype.queue ORDER BY ticket");
    let ids: Vec<&str> = order.iter().map(|task| task.rsplit('/').next().unwrap()).collect();
    assert_eq!(tickets.lines().collect::<Vec<_>>(), ids);

    assert_eq!(slow.client().delete(&also).code, 200);
    for task in &order {
        assert_eq!(slow.client().wait(task).state(), "OK");
    }
    assert_eq!(fast.client().delete(&spinning).code, 200);
}
