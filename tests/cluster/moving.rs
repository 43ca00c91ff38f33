//! All tasks of one server into a database, and back, by commands that are killed in the middle.

use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;
use tintype_tests::client::path;
use tintype_tests::cluster::Cluster;
use tintype_tests::server::{self, Ended};
use tintype_tests::{Client, Related, Server, Setup, pictures, task_xml};

/// More than are carried in one go.
const TASKS: usize = 600;
/// Times that a command is killed before it may end.
const KILLS: u64 = 4;

fn echo(bytes: &[u8]) -> (String, Vec<u8>) {
    Related::simple(&task_xml("echo", &[], ""), "application/octet-stream", bytes)
}

/// Everything that a server says of its tasks, and every first result.
fn all(client: &Client) -> Vec<(Json, Vec<u8>)> {
    let mut all = vec![];
    let mut page = "/images/tasks?limit=100".to_owned();
    loop {
        let listed = client.send("GET", &page, &[("Accept", "application/json")], &[]).json();
        for task in listed["tasks"].as_array().unwrap() {
            let result = format!("/images/{}", task["id"].as_str().unwrap());
            let result = if task["state"] == "OK" { client.get(&result).body } else { vec![] };
            // Addresses name the port.
            let told = ["id", "state", "code", "detail", "submitted", "completed", "attempts", "operations"];
            let told = told.iter().map(|name| ((*name).to_owned(), task[*name].clone())).collect();
            all.push((Json::Object(told), result));
        }
        match listed["next"].as_str() {
            Some(next) => page = path(next),
            None => return all,
        }
    }
}

/// Kills the command a few times in the middle, and lets it end then.
fn stubbornly(arguments: &[&str], environment: &[(&str, &str)], folder: &Path) -> Ended {
    for kill in 0..KILLS {
        let mut child = server::begin(arguments, environment, folder);
        thread::sleep(Duration::from_millis(60 + 70 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    server::run(arguments, environment, folder)
}

#[test]
fn tasks_go_into_a_database_and_come_back_as_they_were() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let shared = TempDir::new().unwrap();
    let place = format!("file://{}", shared.path().display());
    let environment = [("TINTYPE_STORE", database.url.as_str()), ("TINTYPE_BLOBS", place.as_str())];
    let setup = || Setup::default().hostile().with("workers", 1).with("deadline", "10m");
    let elsewhere = || environment.iter().fold(setup(), |setup, (name, value)| setup.env(name, value));

    let server = setup().start();
    let client = server.client();
    let attached =
        "<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:a\"/></operation></task>";
    let attached = Related::new(attached)
        .part("Content-Type: application/octet-stream", b"input")
        .part("Content-Type: application/octet-stream\r\nContent-ID: <a>", b"attachment");
    client.process(&attached.build());
    let picture = pictures::png(16, 16);
    client.process(&Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &picture));
    assert_eq!(
        client
            .process(&Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", b"none"))
            .state(),
        "FAILED"
    );
    let gone = client.accepted(&echo(b"gone"));
    client.wait(&gone);
    assert_eq!(client.delete(&gone).code, 204);
    let known = client.submit_with(&echo(b"known"), &[("Idempotency-Key", "once")]);
    let known = path(known.header("content-location").unwrap());
    let tasks: Vec<String> = (0..TASKS).map(|n| client.accepted(&echo(n.to_string().as_bytes()))).collect();
    tasks.iter().for_each(|task| drop(client.wait(task)));
    let spin = Related::simple(&task_xml("spin", &[], ""), "application/octet-stream", b"bytes");
    let spinning = client.accepted(&spin);
    client.wait_until_running(&spinning);
    let waiting = client.accepted(&echo(b"waiting"));
    let is_over = |(task, _): &(Json, Vec<u8>)| task["state"] != "pending";
    let before: Vec<_> = all(&client).into_iter().filter(is_over).collect();
    assert_eq!(before.len(), TASKS + 4);

    let data = server.folder().join("data").display().to_string();
    let carry_over = |folder: &Path| stubbornly(&["import", &data], &environment, folder);
    let refused = server::run(&["import", &data], &environment, server.folder());
    assert!(refused.errors.contains("in use by another process"), "{refused:?}");
    let folder = server.into_folder();
    let moved = carry_over(folder.path());
    assert_eq!(moved.code, Some(0), "{moved:?}");
    assert!(moved.output.contains("every picture has its digest"), "{moved:?}");
    let left = setup().try_start_in(folder).err().unwrap().to_string();
    assert!(left.contains("they were carried to a database"), "{left}");

    let server = elsewhere().start();
    let client = server.client();
    let again = |client: &Client| {
        let again = client.submit_with(&echo(b"known"), &[("Idempotency-Key", "once")]);
        assert_eq!(path(again.header("content-location").unwrap()), known);
        assert_eq!(client.get(&gone).code, 410);
    };
    let after: Vec<_> =
        all(&client).into_iter().filter(is_over).filter(|task| before.contains(task)).collect();
    assert_eq!(after, before);
    again(&client);
    // What ran there waited here, and what waited comes after it.
    assert_eq!(client.delete(&spinning).code, 200);
    assert_eq!(client.result(&client.wait(&waiting)).body, b"waiting");

    let back = TempDir::new().unwrap();
    let to = back.path().join("data").display().to_string();
    let refused = server::run(&["export", &to], &environment, back.path());
    assert!(refused.errors.contains("stop all servers first"), "{refused:?}");
    let told = all(&client);
    drop(server);
    let gone_home = stubbornly(&["export", &to], &environment, back.path());
    assert_eq!(gone_home.code, Some(0), "{gone_home:?}");
    let left = elsewhere().try_start_in(TempDir::new().unwrap()).err().unwrap().to_string();
    assert!(left.contains("they were carried to"), "{left}");
    let server = setup().start_in(back);
    assert_eq!(all(&server.client()), told);
    again(&server.client());
}

#[test]
fn a_database_with_tasks_and_settings_without_one_are_refused() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let shared = TempDir::new().unwrap();
    let place = format!("file://{}", shared.path().display());
    let environment = [("TINTYPE_STORE", database.url.as_str()), ("TINTYPE_BLOBS", place.as_str())];
    let folder = Server::new().into_folder();
    let import = |environment: &[(&str, &str)]| server::run(&["import", "data"], environment, folder.path());
    assert!(import(&[]).errors.contains("store is sled"), "{:?}", import(&[]));
    assert!(import(&environment[..1]).errors.contains("blobs is not set"));

    let setup = Setup::default().hostile();
    let shared = environment.iter().fold(setup, |setup, (name, value)| setup.env(name, value)).start();
    shared.client().process(&echo(b"bytes"));
    drop(shared);
    let refused = import(&environment);
    assert!(refused.errors.contains("holds tasks already"), "{refused:?}");
    // And goes on being served.
    assert_eq!(database.ask("SELECT count(*) FROM tintype.identity WHERE moving IS NOT NULL"), "0");
}
