//! How long tasks and results are kept: then they are gone, and later were never there.

use tintype_tests::server::Setup;
use tintype_tests::{Client, Server, eventually};

use crate::steps::{busy_server, hostile, id_of, resize};

fn wait_for_code(client: &Client, path: &str, code: u16) {
    eventually(|| (client.get(path).code == code).then_some(()), || format!("{path} never gives {code}"));
}

#[test]
fn a_task_that_was_kept_long_enough_is_gone_with_its_results_and_then_forgotten() {
    let server = Setup::default().with("retention", "3s").start();
    let client = server.client();
    let task = client.accepted(&resize());
    let id = id_of(&task);
    wait_for_code(&client, &task, 410);
    for path in [format!("/images/{id}"), format!("/images/{id}/1"), format!("{task}/events")] {
        client.get(&path).refused(410, "gone");
    }
    eventually(|| (server.kept_pictures() == 0).then_some(()), || "its pictures remain".to_owned());
    let list = client.send("GET", "/images/tasks", &[("Accept", "application/json")], &[]).json();
    assert_eq!(list["tasks"].as_array().unwrap().len(), 0, "{list}");
    wait_for_code(&client, &task, 404);
}

#[test]
fn what_is_not_over_is_kept_however_long_it_takes() {
    let (server, client, spinning) = busy_server(Setup::default().with("retention", "200ms"));
    let waiting = client.accepted(&hostile("echo", &[]));
    let ended = client.accepted(&resize());
    assert_eq!(client.delete(&ended).code, 200);
    wait_for_code(&client, &ended, 404);
    for task in [&spinning, &waiting] {
        assert_eq!(client.status(task).state(), "pending");
    }
    drop(server);
}

#[test]
fn what_grew_old_while_the_server_was_down_is_deleted_when_it_is_back() {
    let server = Setup::default().with("retention", "1s").start();
    let client = server.client();
    let task = client.accepted(&resize());
    eventually(|| (client.get(&task).code != 200).then_some(()), || "the task is never over".to_owned());
    let server: Server = server.kill_and_restart();
    wait_for_code(&server.client(), &task, 410);
    eventually(|| (server.kept_pictures() == 0).then_some(()), || "its pictures remain".to_owned());
}
