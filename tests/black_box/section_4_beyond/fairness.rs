//! Workers are shared between clients: who sends long tasks in numbers does not keep others waiting.

use tintype_tests::server::Setup;
use tintype_tests::{Client, eventually};

use crate::steps::{hostile, resize};

/// Two workers, and tasks that last two seconds: they spin until their deadline.
fn two_workers() -> Setup {
    Setup::default().hostile().with("workers", 2).with("deadline", "2s").key("long").key("short")
}

fn sends_long_tasks(client: &Client, count: usize) -> Vec<String> {
    (0..count).map(|_| client.accepted(&hostile("spin", &[]))).collect()
}

fn running(client: &Client) -> usize {
    client.get("/images/tasks?state=running").text().matches("<state>").count()
}

fn wait_for_running(client: &Client, count: usize) {
    eventually(
        || (running(client) == count).then_some(()),
        || format!("{} run, and never {count}", running(client)),
    );
}

#[test]
fn long_tasks_have_every_worker_while_nobody_else_comes() {
    let server = two_workers().start();
    let client = server.client_of("long");
    let tasks = sends_long_tasks(&client, 6);
    client.wait(&tasks[1]);
    wait_for_running(&client, 2);
    let waiting = client.get("/images/tasks?state=queued").text();
    assert!(waiting.contains(&tasks[5]), "these are not the last two: {waiting}");
}

#[test]
fn long_tasks_in_numbers_leave_a_worker_to_other_clients() {
    let server = two_workers().start();
    let (long, short) = (server.client_of("long"), server.client_of("short"));
    let tasks = sends_long_tasks(&long, 8);
    long.wait(&tasks[0]);
    // It waits for a worker at most once.
    assert_eq!(short.process(&resize()).state(), "OK");
    wait_for_running(&long, 1);
    for _ in 0..10 {
        assert_eq!(short.process(&resize()).state(), "OK");
        assert!(running(&long) <= 1, "the other worker is kept for tasks that are short");
    }
    assert_eq!(long.status(&tasks[7]).state(), "pending", "they came before, and are not over");
}

#[test]
fn who_comes_late_is_not_behind_all_who_came_before() {
    let server = two_workers().with("workers", 1).start();
    let (many, few) = (server.client_of("long"), server.client_of("short"));
    let tasks = sends_long_tasks(&many, 4);
    few.process(&resize());
    assert_eq!(many.status(&tasks[3]).state(), "pending");
}
