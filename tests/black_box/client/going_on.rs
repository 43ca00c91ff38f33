//! Tasks that go on while nobody waits: detached, interrupted, looked up again.

use std::fs;
use std::net::TcpListener;

use tintype_tests::server::{Setup, begin};
use tintype_tests::{Server, eventually, pictures};

use super::steps::{begun, end_of, interrupt, json, submit, tasks, tintype, with_photo};
use crate::steps::{busy_server, id_of};

#[test]
fn a_detached_task_is_waited_for_and_fetched_later() {
    let (server, folder) = (Server::new(), with_photo());
    let detached = submit(&server, &folder, &["--operation", "resize", "--param", "width=8", "--detach"]);
    assert_eq!((detached.code, detached.errors.as_str()), (Some(0), ""), "{detached:?}");
    let url = detached.output.trim_end();
    let id = id_of(url);
    assert_eq!(url, server.client().url(&format!("/images/task/{id}")), "it can be passed on as it is");
    let task = |arguments: &[&str]| tintype(&server, folder.path(), &[&["task"], arguments].concat());

    let waited = task(&["wait", url, "--json"]);
    assert_eq!(waited.code, Some(0), "{waited:?}");
    let report = json(&waited);
    assert_eq!((&report["input"], &report["outcome"]), (&id.into(), &"done".into()));
    assert_eq!(task(&["fetch", id, "-o", "small.png"]).code, Some(0));
    assert_eq!(pictures::decode(&fs::read(folder.path().join("small.png")).unwrap()).width(), 8);
    assert_eq!(task(&["fetch", id]).code, Some(0));
    assert!(folder.path().join(format!("{id}.png")).exists());
    let again = task(&["fetch", id, "-o", "small.png"]);
    assert_eq!(again.code, Some(1), "{again:?}");

    assert_eq!(json(&task(&["get", id, "--json"]))["phase"], "done");
    let told = task(&["get", id]).output;
    for words in ["state       done", "operations  resize", "result      image/png, ", url] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let over = task(&["cancel", id]);
    assert_eq!(over.code, Some(0), "{over:?}");
    assert!(over.output.contains("left as it is"), "{over:?}");
    assert_eq!(json(&task(&["get", id, "--json"]))["phase"], "done", "a cancel deletes nothing");
}

#[test]
fn tasks_are_listed_newest_first_and_cancelled() {
    let (server, client, spinning) = busy_server(Setup::default());
    let folder = with_photo();
    let task = |arguments: &[&str]| tintype(&server, folder.path(), &[&["task"], arguments].concat());
    let waiting = submit(&server, &folder, &["--operation", "flip", "--detach"]);
    let waiting = id_of(waiting.output.trim_end()).to_owned();
    let list = json(&task(&["list", "--json"]));
    let ids: Vec<&str> =
        list["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&waiting, id_of(&spinning)]);
    let running = task(&["list", "--state", "running"]).output;
    assert!(running.contains(id_of(&spinning)) && !running.contains(&waiting), "{running}");
    assert_eq!(json(&task(&["list", "--json", "--limit", "1"]))["tasks"].as_array().unwrap().len(), 1);

    let early = task(&["fetch", &waiting]);
    assert_eq!(early.code, Some(1), "{early:?}");
    assert!(early.errors.contains("is not over"), "{early:?}");
    let cancelled = task(&["cancel", &waiting, id_of(&spinning)]);
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    assert_eq!(cancelled.output.matches(": cancelled").count(), 2, "{cancelled:?}");
    assert_eq!(client.status(&spinning).code(), "cancelled");
    let waited = task(&["wait", &waiting]);
    assert_eq!(waited.code, Some(3), "{waited:?}");
    assert!(waited.errors.contains("FAILED, cancelled: Cancelled by the client."), "{waited:?}");
}

#[test]
fn an_unknown_task_is_refused_in_the_servers_words() {
    let (server, folder) = (Server::new(), with_photo());
    let unknown = "0193a2c0-0000-7000-8000-000000000000";
    for command in ["get", "wait", "fetch", "cancel"] {
        let ended = tintype(&server, folder.path(), &["task", command, unknown]);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.errors.contains("There is no task") && ended.errors.contains("(404)"), "{ended:?}");
    }
    let elsewhere =
        tintype(&server, folder.path(), &["task", "get", "http://elsewhere.example/images/task/1"]);
    assert_eq!(elsewhere.code, Some(2), "{elsewhere:?}");
    assert!(elsewhere.errors.contains("--server"), "{elsewhere:?}");
}

#[test]
fn ctrl_c_leaves_the_task_with_the_server_and_says_its_address() {
    let server = Setup::default().hostile().with("deadline", "10m").start();
    let folder = with_photo();
    let child = begun(&server, &folder, &["submit", "photo.png", "--operation", "spin", "-o", "out.png"]);
    let id = eventually(
        || {
            let accept = [("Accept", "application/json")];
            let list = server.client().send("GET", "/images/tasks?state=running", &accept, &[]).json();
            list["tasks"][0]["id"].as_str().map(str::to_owned)
        },
        || "the task never runs".to_owned(),
    );
    interrupt(&child);
    let (code, output, errors) = end_of(child, &[]);
    assert_eq!((code, output.len()), (Some(130), 0), "{errors}");
    assert!(errors.contains(&format!("/images/task/{id}")), "{errors}");
    assert!(errors.contains(&format!("tintype task wait {id}")), "{errors}");
    assert_eq!(server.client().status(&format!("/images/task/{id}")).0["phase"], "running");
    assert_eq!(tasks(&server), 1);
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_an_upload_to_end() {
    let folder = with_photo();
    // Somebody who listens and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    let mut child =
        begin(&["submit", "photo.png", "--operation", "flip", "--server", &server], &[], folder.path());
    let _connection = silent.accept().unwrap();
    let status = eventually(
        || {
            interrupt(&child);
            child.try_wait().unwrap()
        },
        || "it does not end".to_owned(),
    );
    assert_eq!(status.code(), Some(130));
}
