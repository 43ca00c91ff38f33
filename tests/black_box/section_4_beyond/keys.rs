//! API keys: who has none gets in nowhere, and who has one sees what is its own and nothing else.

use std::path::Path;

use tintype_tests::server::{Setup, run};
use tintype_tests::{Answer, Client, Server, eventually};

use crate::steps::{hostile, id_of, resize};

fn two_clients() -> (Server, Client, Client) {
    let server = Setup::default().hostile().key("one").key("other").start();
    let (one, other) = (server.client_of("one"), server.client_of("other"));
    (server, one, other)
}

/// Every route on which somebody's tasks can be seen, for the task of this path.
fn routes(task: &str) -> Vec<(&'static str, String)> {
    let id = id_of(task);
    vec![
        ("GET", task.to_owned()),
        ("GET", format!("{task}?redirect=false")),
        ("GET", format!("{task}/events")),
        ("GET", format!("/images/{id}")),
        ("GET", format!("/images/{id}/1")),
        ("DELETE", task.to_owned()),
    ]
}

fn assert_unauthorized(answer: &Answer, challenge: &str) {
    let problem = answer.refused(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{answer:?}");
    assert!(problem.detail.len() > 10);
}

#[test]
fn without_a_key_nothing_is_done_and_nothing_told() {
    let (server, one, _) = two_clients();
    let nobody = server.client();
    let task = one.accepted(&resize());
    one.wait(&task);
    let mut routes = routes(&task);
    routes.extend([("GET", "/images/tasks".to_owned()), ("GET", "/images/task/x".to_owned())]);
    for (method, path) in &routes {
        assert_unauthorized(&nobody.send(method, path, &[], &[]), "Bearer");
        let basic = [("Authorization", "Basic dHQ6dHQ=")];
        assert_unauthorized(&nobody.send(method, path, &basic, &[]), "Bearer");
    }
    assert_unauthorized(&nobody.submit(&resize()), "Bearer");
    for open in ["/health/live", "/health/ready", "/schemas/task.xsd"] {
        assert_eq!(nobody.get(open).code, 200, "{open}");
    }
    assert_eq!(server.unfinished_uploads(), 0);
    assert_eq!(one.get(&format!("/images/{}", id_of(&task))).code, 200, "nobody has deleted it");
}

#[test]
fn what_is_no_key_or_not_the_key_is_told_so() {
    let (server, ..) = two_clients();
    let key = server.key("one");
    let end = if key.ends_with('A') { "E" } else { "A" };
    let changed = format!("{}{end}", &key[..key.len() - 1]);
    // The id of one with the secret of another.
    let mixed = format!("{}{}", &key[..12], &server.key("other")[12..]);
    for wrong in ["tt_", "x", &changed, &mixed, &key.to_uppercase(), &format!("{key}x"), &key[1..]] {
        let headers = [("Authorization", format!("Bearer {wrong}"))];
        let headers = [(headers[0].0, headers[0].1.as_str())];
        let answer = server.client().send("GET", "/images/tasks", &headers, &[]);
        assert_unauthorized(&answer, "Bearer error=\"invalid_token\"");
    }
    let right = format!("bEARER {key}");
    assert_eq!(server.client().send("GET", "/images/tasks", &[("Authorization", &right)], &[]).code, 200);
    let twice = [("Authorization", right.as_str()), ("Authorization", right.as_str())];
    assert_eq!(server.client().send("GET", "/images/tasks", &twice, &[]).code, 401);
}

#[test]
fn another_s_task_is_not_there_on_any_route() {
    let (server, one, other) = two_clients();
    let task = one.accepted(&resize());
    one.wait(&task);
    let unknown = "/images/task/0193a2c0-0000-7000-8000-000000000000";
    for ((method, path), (_, nowhere)) in routes(&task).into_iter().zip(routes(unknown)) {
        let answer = other.send(method, &path, &[("Accept", "application/json")], &[]);
        let problem = answer.refused(404, "not-found");
        let nothing = other.send(method, &nowhere, &[("Accept", "application/json")], &[]);
        let nothing = nothing.refused(404, "not-found");
        let told = |detail: &str, task: &str| detail.replace(id_of(task), "ID");
        assert_eq!(told(&problem.detail, &task), told(&nothing.detail, unknown), "{method} {path}");
    }
    let wait = other.send("GET", &task, &[("Prefer", "wait=1")], &[]);
    wait.refused(404, "not-found");
    assert!(!other.get("/images/tasks?limit=100").text().contains(id_of(&task)));
    assert!(one.get("/images/tasks?limit=100").text().contains(id_of(&task)));
    let after = format!("/images/tasks?after={}", id_of(&task));
    assert_eq!(other.get(&after).code, 200);

    assert_eq!(one.get(&format!("/images/{}", id_of(&task))).code, 200, "it was not deleted");
    assert_eq!(one.delete(&task).code, 204);
    other.get(&task).refused(404, "not-found");
    one.get(&task).refused(410, "gone");
    drop(server);
}

#[test]
fn another_s_running_task_cannot_be_cancelled() {
    let server = Setup::default().hostile().with("deadline", "10m").key("one").key("other").start();
    let (one, other) = (server.client_of("one"), server.client_of("other"));
    let task = one.accepted(&hostile("spin", &[]));
    one.wait_until_running(&task);
    other.delete(&task).refused(404, "not-found");
    assert_eq!(one.status(&task).0["phase"], "running");
    assert_eq!(one.delete(&task).code, 200);
}

#[test]
fn idempotency_keys_of_two_clients_have_nothing_to_do_with_each_other() {
    let (_server, one, other) = two_clients();
    let key = [("Idempotency-Key", "the same")];
    let places: Vec<_> = [&one, &other, &one]
        .map(|client| {
            let answer = client.submit_with(&resize(), &key);
            assert_eq!(answer.code, 202, "{answer:?}");
            answer.header("content-location").unwrap().to_owned()
        })
        .into();
    assert_ne!(places[0], places[1]);
    assert_eq!(places[0], places[2]);
    assert_eq!(other.submit_with(&hostile("echo", &[]), &key).code, 422);
}

#[test]
fn keys_come_and_go_without_a_restart() {
    let server = Server::new();
    let nobody = server.client();
    let anonymous = nobody.accepted(&resize());
    let key = server.new_key(&["late"]);
    eventually(
        || (nobody.get("/images/tasks").code == 401).then_some(()),
        || "the first key is never asked for".to_owned(),
    );
    let holder = server.client().with_key(&key);
    holder.get(&anonymous).refused(404, "not-found");
    let task = holder.accepted(&resize());
    assert_eq!(holder.wait(&task).state(), "OK");

    let ended = run(&["key", "revoke", "late"], &[], server.folder());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    eventually(|| (holder.get(&task).code == 401).then_some(()), || "the key is never taken away".to_owned());
    assert_unauthorized(&nobody.get(&task), "Bearer");
    let again = server.new_key(&["late"]);
    let again = server.client().with_key(&again);
    eventually(
        || (again.get("/images/tasks").code == 200).then_some(()),
        || "the new key is never known".to_owned(),
    );
    again.get(&task).refused(404, "not-found");
}

#[test]
fn a_key_and_its_tasks_survive_a_restart() {
    let (server, one, _) = two_clients();
    let task = one.accepted(&resize());
    one.wait(&task);
    let server = server.kill_and_restart();
    assert_eq!(server.client_of("one").status(&task).state(), "OK");
    server.client_of("other").get(&task).refused(404, "not-found");
    assert_unauthorized(&server.client().get(&task), "Bearer");
}

#[test]
fn a_key_is_in_no_line_of_the_log_and_in_no_file() {
    let server = Setup::default().with("log", "trace").key("one").start();
    let one = server.client_of("one");
    let answer = one.submit_with(&resize(), &[("Idempotency-Key", "a secret of its own")]);
    assert_eq!(answer.code, 202);
    one.wait(answer.header("content-location").unwrap());
    let key = server.key("one");
    let wrong = [("Authorization", "Bearer tt_secretsecretsecret")];
    assert_eq!(server.client().send("GET", "/images/tasks", &wrong, &[]).code, 401);
    let secret = &key[12..];
    let logged = server.log().join("\n");
    for word in [secret, "secretsecretsecret", "a secret of its own"] {
        assert!(!logged.contains(word), "{word}");
        assert_no_file_contains(&server.folder().join("data"), word.as_bytes());
    }
    let listed = run(&["key", "list"], &[], server.folder());
    assert!(listed.output.contains("one") && !listed.output.contains(secret), "{listed:?}");
}

fn assert_no_file_contains(folder: &Path, word: &[u8]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_file_contains(&path, word);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(word.len()).any(|window| window == word), "{}", path.display());
        }
    }
}

#[test]
fn with_a_key_a_server_may_listen_where_others_can_reach_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let open = ["config", "--listen", "0.0.0.0:0"];
    assert_eq!(run(&open, &[], folder.path()).code, Some(1));
    assert_eq!(run(&["key", "new", "one"], &[], folder.path()).code, Some(0));
    assert_eq!(run(&open, &[], folder.path()).code, Some(0));
}
