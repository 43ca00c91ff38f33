//! What goes wrong: each kind has an exit code, and words that say what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tintype_tests::server::{Setup, begin, run};
use tintype_tests::{Relay, Server, eventually, pictures};

use super::steps::{begun, end_of, read_errors_until, submit, tasks, tintype, with_photo};
use crate::steps::{busy_server, resize};

const SMALL: [&str; 4] = ["--operation", "resize", "--param", "width=8"];

#[test]
fn a_task_that_failed_ends_with_3_and_the_servers_reason() {
    let (server, folder) = (Server::new(), with_photo());
    fs::write(folder.path().join("photo.png"), "no picture").unwrap();
    let ended = submit(&server, &folder, &SMALL);
    assert_eq!((ended.code, ended.output.as_str()), (Some(3), ""), "{ended:?}");
    assert!(ended.errors.starts_with("photo.png: FAILED, invalid-image: Invalid image format."), "{ended:?}");
}

#[test]
fn a_refusal_ends_with_4_and_the_servers_words() {
    let (server, folder) = (Server::new(), with_photo());
    for (arguments, words) in [
        (&["--operation", "resize", "--param", "width=wide"][..], "\"width\""),
        (&["--operation", "resise"], "There is no operation \"resise\""),
        (&["--operation", "flip", "--callback", "https://a.example/"], "callback"),
    ] {
        let ended = submit(&server, &folder, arguments);
        assert_eq!((ended.code, ended.output.as_str()), (Some(4), ""), "{ended:?}");
        assert!(ended.errors.contains("The task cannot be carried out: "), "{ended:?}");
        assert!(ended.errors.contains(words) && ended.errors.contains("(422)"), "{words} in {ended:?}");
    }
    let limited = Setup::default().with("max-image-size", "1KiB").start();
    fs::write(folder.path().join("photo.png"), vec![7; 8 << 20]).unwrap();
    let ended = submit(&limited, &folder, &SMALL);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.errors.contains("(413)"), "the answer to half an upload is heard: {ended:?}");
}

#[test]
fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let folder = with_photo();
    let line = [&["submit", "photo.png", "--server", "http://127.0.0.1:1"], &SMALL[..]].concat();
    let ended = run(&line, &[], folder.path());
    assert_eq!(ended.code, Some(5), "{ended:?}");
    for words in ["http://127.0.0.1:1 cannot be reached", "--server", "TINTYPE_SERVER"] {
        assert!(ended.errors.contains(words), "{words} in {ended:?}");
    }
    let no_address = run(&["task", "list", "--server", "127.0.0.1:8080"], &[], folder.path());
    assert_eq!(no_address.code, Some(2), "{no_address:?}");
    assert!(no_address.errors.contains("http://127.0.0.1:8080"), "{no_address:?}");
}

#[test]
fn what_is_no_command_line_ends_with_2_and_nothing_is_sent() {
    let (server, folder) = (Server::new(), with_photo());
    for (arguments, words) in [
        (&["--output", "image/webp"][..], "say what to do"),
        (&["--param", "width=3", "--operation", "resize"], "before it"),
        (&["--operation", "flip", "--attach", "logo"], "ID=FILE"),
        (&["--operation", "flip", "--timeout", "soon"], "30s"),
        (&["--operation", "flip", "--description", "nowhere.xml"], "cannot be used with"),
        (&["--description", "nowhere.xml"], "nowhere.xml cannot be read"),
        (&["nowhere.png", "--operation", "flip"], "there is no file nowhere.png"),
        (&["--operation", "flip", "--key", "tt_x"], "--key"),
    ] {
        let ended = submit(&server, &folder, arguments);
        assert_eq!((ended.code, ended.output.as_str()), (Some(2), ""), "{arguments:?}: {ended:?}");
        assert!(ended.errors.contains(words), "{words} in {ended:?}");
    }
    assert_eq!(tasks(&server), 0);
}

#[test]
fn time_that_is_up_ends_with_6_and_the_task_goes_on() {
    let server = Setup::default().hostile().with("deadline", "10m").start();
    let folder = with_photo();
    let ended = submit(&server, &folder, &["--operation", "spin", "--timeout", "500ms"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.errors.contains("/images/task/") && ended.errors.contains("task wait"), "{ended:?}");
    let running = tintype(&server, folder.path(), &["task", "list", "--state", "pending"]).output;
    assert!(running.contains("spin"), "{running}");
}

#[test]
fn a_key_comes_from_the_environment_or_from_a_private_file_and_stands_in_no_argument() {
    let server = Setup::default().hostile().with("deadline", "10m").key("one").start();
    let (folder, key, url) = (with_photo(), server.key("one").to_owned(), server.client().url(""));
    let without = submit(&server, &folder, &SMALL);
    assert_eq!(without.code, Some(4), "{without:?}");
    assert!(without.errors.contains("TINTYPE_KEY") && without.errors.contains("--key-file"), "{without:?}");

    let file = folder.path().join("one.key");
    fs::write(&file, format!("{key}\n")).unwrap();
    let by_file = [&SMALL[..], &["--key-file", "one.key", "-o", "by-file.png"]].concat();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = submit(&server, &folder, &by_file);
    assert_eq!(open.code, Some(2), "{open:?}");
    assert!(open.errors.contains("chmod 600") && !open.errors.contains(&key), "{open:?}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(submit(&server, &folder, &by_file).code, Some(0));

    let environment = [("TINTYPE_KEY", key.as_str()), ("TINTYPE_SERVER", url.as_str())];
    let mut child = begin(&["submit", "photo.png", "--operation", "spin"], &environment, folder.path());
    let one = server.client_of("one");
    let accept = [("Accept", "application/json")];
    eventually(
        || {
            one.send("GET", "/images/tasks?state=running", &accept, &[]).json()["tasks"][0]["id"]
                .as_str()
                .map(drop)
        },
        || "the task never runs".to_owned(),
    );
    let seen = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    assert!(!String::from_utf8_lossy(&seen).contains("tt_"), "{}", String::from_utf8_lossy(&seen));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_busy_server_is_waited_for_and_gets_one_task() {
    let (server, client, spinning) = busy_server(Setup::default().with("max-queue", 1));
    let folder = with_photo();
    let waiting = client.accepted(&resize());
    let mut child =
        begun(&server, &folder, &[&["submit", "photo.png", "-o", "out.png"], &SMALL[..]].concat());
    read_errors_until(&mut child, "Trying again in 5 s");
    assert_eq!(client.delete(&spinning).code, 200);
    client.wait(&waiting);
    let (code, _, errors) = end_of(child, &[]);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(pictures::decode(&fs::read(folder.path().join("out.png")).unwrap()).width(), 8);
    assert_eq!(tasks(&server), 3, "two of ours, and one of the client's");
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again_and_no_second_task_made() {
    let (server, folder) = (Server::new(), with_photo());
    let url = Relay::losing(server.address(), 2).url();
    let line = [&["submit", "photo.png", "-o", "out.png", "--server", &url], &SMALL[..]].concat();
    let ended = run(&line, &[], folder.path());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.errors.contains("the connection broke"), "{ended:?}");
    assert_eq!(tasks(&server), 1);
}

#[test]
fn a_connection_that_is_lost_while_waiting_is_made_anew() {
    let (server, client, spinning) = busy_server(Setup::default());
    let folder = with_photo();
    let relay = Relay::to(server.address());
    let url = relay.url();
    let line = [&["submit", "photo.png", "-o", "out.png", "--server", &url], &SMALL[..]].concat();
    let mut child = begin(&line, &[], folder.path());
    eventually(|| (tasks(&server) == 2).then_some(()), || "it was never accepted".to_owned());
    // A connection that is cut between two requests is nobody's loss, so one is cut while the client waits.
    let unheard = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(60);
            while unheard.load(Ordering::Relaxed) && Instant::now() < deadline {
                relay.cut();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        read_errors_until(&mut child, "Trying again");
        unheard.store(false, Ordering::Relaxed);
    });
    assert_eq!(client.delete(&spinning).code, 200);
    let (code, _, errors) = end_of(child, &[]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(folder.path().join("out.png").exists());
    assert_eq!(tasks(&server), 2, "whatever was sent twice, it is one task");
}
