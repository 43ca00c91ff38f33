//! A database that is slow, and one that has no more connections to give.

use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tintype_tests::cluster::Cluster;
use tintype_tests::{Related, Relay, Setup, pictures, task_xml};

/// What a request to a database across an ocean takes, there and back.
const OCEAN: Duration = Duration::from_millis(150);

fn resize() -> (String, Vec<u8>) {
    Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &pictures::png(16, 16))
}

#[test]
fn with_a_slow_database_everything_takes_longer_and_nothing_is_lost() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let relay = Relay::to_socket(&cluster.socket());
    let setup = Setup::default().hostile().env("TINTYPE_STORE", &database.at(&relay.address()));
    let server = setup.with("workers", 2).with("lease", "2s").with("deadline", "10m").start();
    let client = server.client();
    relay.delay(OCEAN / 2);
    let spin = Related::simple(&task_xml("spin", &[], ""), "application/octet-stream", b"bytes");
    let spinning = client.accepted(&spin);
    client.wait_until_running(&spinning);
    let tasks: Vec<String> = thread::scope(|scope| {
        let submitting: Vec<_> = (0..20).map(|_| scope.spawn(|| client.accepted(&resize()))).collect();
        submitting.into_iter().map(|accepted| accepted.join().unwrap()).collect()
    });
    for task in &tasks {
        let over = client.wait(task);
        assert_eq!(client.result(&over).code, 200);
    }
    // Its lease was renewed all the while.
    assert_eq!(database.ask("SELECT attempt, crashes FROM tintype.leases"), "1|0");
    assert_eq!(client.delete(&spinning).code, 200);
}

#[test]
fn where_connections_are_few_servers_wait_for_each_other_and_all_that_is_accepted_ends() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let few = database.of_role_with(100);
    let node = || Setup::default().env("TINTYPE_STORE", &few.url).with("store-connections", 8).start();
    let nodes = [node(), node()];
    // Those that are open stay, and there will be no others.
    database.run(&format!("ALTER ROLE {}_few CONNECTION LIMIT 1", database.name));
    let clients = nodes.each_ref().map(|node| node.client());
    let accepted: Vec<(usize, String)> = thread::scope(|scope| {
        let submit = |n: usize| {
            let client = &clients[n % 2];
            scope.spawn(move || {
                let answer = client.submit(&resize());
                if answer.code == 202 {
                    return Some((n % 2, tintype_tests::client::path(answer.header("location").unwrap())));
                }
                answer.refused(503, "storage-failed");
                None
            })
        };
        let submitting: Vec<_> = (0..40).map(submit).collect();
        submitting.into_iter().filter_map(|answer| answer.join().unwrap()).collect()
    });
    assert!(!accepted.is_empty());
    for (node, task) in &accepted {
        // Servers have no pictures in common: whichever began it, it ends.
        assert_ne!(clients[*node].wait(task).state(), "pending");
    }
    assert_eq!(database.ask("SELECT count(*) FROM tintype.tasks WHERE ended IS NULL"), "0");
}

#[test]
fn a_database_that_has_no_connection_left_at_the_start_is_said() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database().of_role_with(0);
    let setup = Setup::default().env("TINTYPE_STORE", &database.url);
    let refused = setup.try_start_in(TempDir::new().unwrap()).err().unwrap().to_string();
    assert!(refused.contains("too many connections"), "{refused}");
}
