//! Starting, stopping, dying, and starting again: what was accepted is not lost, and ends.

use rustix::process::Signal;
use tintype_tests::server::{Setup, run};
use tintype_tests::{Client, Connection, Related, Server, eventually, pictures, task_xml};

use crate::steps::{hostile, id_of, resize};

/// A line of the log that says how an attempt at a task ended.
fn end_in_log(server: &Server, task: &str) -> serde_json::Value {
    let id = id_of(task);
    let is_end = |line: &serde_json::Value| line["task"] == id && line["attempt"].is_u64();
    let find =
        || server.log().iter().map(|line| serde_json::from_str(line).unwrap()).find(|line| is_end(line));
    eventually(find, || format!("no line of the log tells the end of {task}"))
}

#[test]
fn a_server_that_is_told_to_stop_finishes_what_runs_and_keeps_what_waits() {
    let setup = Setup::default().hostile().with("workers", 1).with("deadline", "1500ms");
    let mut server = setup.start();
    let client = server.client();
    let running = client.accepted(&hostile("spin", &[]));
    let waiting = client.accepted(&resize());
    client.wait_until_running(&running);

    server.signal(Signal::TERM);
    server.wait_for_log("stopping");
    assert_takes_nothing(&server);
    assert_eq!(server.wait(), Some(0));
    let end = end_in_log(&server, &running);
    assert_eq!(end["outcome"], "deadline-exceeded", "{end}");

    let server = server.restart();
    let client = server.client();
    assert_eq!(client.status(&running).code(), "deadline-exceeded");
    assert_eq!(client.wait(&waiting).state(), "OK");
    assert_eq!(end_in_log(&server, &waiting)["attempt"], 1, "it did not begin before the stop");
}

/// While it stops, a server either refuses connections or says that it stops.
fn assert_takes_nothing(server: &Server) {
    let Ok(_) = std::net::TcpStream::connect(server.address()) else { return };
    let (content_type, body) = resize();
    let mut connection = Connection::open(server.address());
    let length = body.len();
    connection.send(format!(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    ));
    if let Some(answer) = connection.send(body).try_answer() {
        answer.refused(503, "draining");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }
}

#[test]
fn what_does_not_finish_in_time_goes_back_into_the_queue_unharmed() {
    let setup = Setup::default().hostile().with("workers", 1).with("deadline", "2s");
    let mut server = setup.with("drain-timeout", "200ms").with("max-attempts", 1).start();
    let client = server.client();
    let task = client.accepted(&hostile("spin", &[]));
    client.wait_until_running(&task);
    server.signal(Signal::INT);
    assert_eq!(server.wait(), Some(0));
    assert_eq!(end_in_log(&server, &task)["outcome"], "given-back");

    let server = server.restart();
    let status = server.client().wait(&task);
    assert_eq!(status.code(), "deadline-exceeded", "it ran again, to its own end: {status:?}");
    assert_eq!(end_in_log(&server, &task)["attempt"], 2);
}

#[test]
fn a_plugin_that_ends_because_it_sees_that_it_should_is_not_blamed() {
    let setup = Setup::default().hostile().with("workers", 1).with("deadline", "2s");
    let mut server = setup.with("drain-timeout", "200ms").start();
    let task = server.client().accepted(&hostile("obey", &[]));
    server.client().wait_until_running(&task);
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), Some(0));
    assert_eq!(end_in_log(&server, &task)["outcome"], "given-back");
    let server = server.restart();
    assert_eq!(server.client().wait(&task).code(), "deadline-exceeded");
}

#[test]
fn a_killed_server_loses_no_task() {
    let mut server = Setup::default().with("workers", 2).start();
    let client = server.client();
    let task = task_xml("resize", &[("width", "300")], "image/jpeg");
    let message = Related::simple(&task, "image/png", &pictures::png(900, 900));
    let tasks: Vec<String> = (0..30).map(|_| client.accepted(&message)).collect();
    client.wait(&tasks[2]);
    server.kill();

    let server = server.kill_and_restart();
    let client = server.client();
    for task in &tasks {
        let status = client.wait(task);
        assert_eq!(pictures::decode(&client.result(&status).body).width(), 300);
    }
}

#[test]
fn a_killed_server_s_running_task_is_begun_again_and_the_log_says_so() {
    let setup = Setup::default().hostile().with("workers", 1).with("deadline", "2s");
    let server = setup.with("max-attempts", 3).start();
    let client = server.client();
    let task = client.accepted(&hostile("spin", &[]));
    wait_until_begun(&client, &task);

    let server = server.kill_and_restart();
    server.wait_for_log("the server died while these tasks ran");
    assert_eq!(server.client().wait(&task).code(), "deadline-exceeded");
    assert_eq!(end_in_log(&server, &task)["attempt"], 2);
}

#[test]
fn a_task_that_takes_the_server_down_as_often_as_allowed_is_interrupted() {
    let setup = Setup::default().hostile().with("workers", 2).with("deadline", "10m");
    let mut server = setup.with("max-attempts", 2).start();
    let suspect = server.client().accepted(&hostile("spin", &[]));
    wait_until_begun(&server.client(), &suspect);
    let waiting = {
        let neighbour = server.client().accepted(&hostile("spin", &[]));
        wait_until_begun(&server.client(), &neighbour);
        server.client().accepted(&resize())
    };
    for _ in 0..2 {
        wait_until_begun(&server.client(), &suspect);
        server = server.kill_and_restart();
    }
    let client = server.client();
    let status = client.wait(&suspect);
    assert_eq!(status.code(), "interrupted");
    assert!(status.detail().contains("2 times"), "{status:?}");
    assert_ne!(client.status(&waiting).state(), "FAILED", "nothing is held against what never ran");
}

#[test]
fn a_task_that_may_have_taken_the_server_down_runs_alone() {
    let server = Setup::default().hostile().with("workers", 2).with("deadline", "2s").start();
    let suspect = server.client().accepted(&hostile("spin", &[]));
    wait_until_begun(&server.client(), &suspect);

    let server = server.kill_and_restart();
    let client = server.client();
    client.wait_until_running(&suspect);
    let neighbour = client.accepted(&hostile("echo", &[]));
    assert_eq!(client.wait(&neighbour).state(), "OK");
    assert_eq!(client.status(&suspect).code(), "deadline-exceeded", "the neighbour ran beside a suspect");
}

/// That a task runs is seen before it is durable; a submission makes durable all that came before.
fn wait_until_begun(client: &Client, task: &str) {
    client.wait_until_running(task);
    client.accepted(&resize());
}

#[test]
fn a_task_whose_plugin_was_taken_away_fails_and_the_others_do_not() {
    let setup = Setup::default().hostile().with("workers", 1).with("deadline", "10m");
    let mut server = setup.start();
    let client = server.client();
    let running = client.accepted(&hostile("spin", &[]));
    let orphan = client.accepted(&hostile("echo", &[]));
    let other = client.accepted(&resize());
    client.wait_until_running(&running);
    server.kill();
    server.remove_plugin("hostile.wasm");

    let server = server.kill_and_restart();
    let client = server.client();
    for task in [&running, &orphan] {
        assert_eq!(client.wait(task).code(), "plugin-missing");
    }
    assert!(client.status(&orphan).detail().contains("echo"));
    assert_eq!(client.wait(&other).state(), "OK");
}

/// An upload of which half has come, and been written to its file.
fn half_an_upload(server: &Server) -> Connection {
    let (content_type, _) = resize();
    let mut connection = Connection::open(server.address());
    connection.send(format!(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: 9999999\r\n\r\n"
    ));
    let (_, body) = Related::simple("<task/>", "image/png", &vec![1; 2_000_000]);
    connection.send(&body[..1_000_000]);
    eventually(|| (server.unfinished_uploads() == 1).then_some(()), || "nothing is written".to_owned());
    connection
}

#[test]
fn an_upload_that_the_death_of_the_server_cut_off_leaves_nothing() {
    let server = Server::new();
    let _connection = half_an_upload(&server);
    let server = server.kill_and_restart();
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
}

#[test]
fn a_client_that_hangs_up_leaves_nothing() {
    let server = Server::new();
    let connection = half_an_upload(&server);
    drop(connection);
    eventually(|| (server.unfinished_uploads() == 0).then_some(()), || "the file remains".to_owned());
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let server = Server::new();
    let path = |name: &str| server.folder().join(name).display().to_string();
    let (data, plugins) = (path("data"), path("plugins"));
    let flags = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data, "--plugins-dir", &plugins];
    let second = run(&flags, &[], server.folder());
    assert_eq!(second.code, Some(1), "{second:?}");
    let last = second.errors.lines().last().unwrap();
    assert!(last.starts_with("tintype: ") && last.contains("in use by another process"), "{last}");
    assert_eq!(server.client().process(&resize()).state(), "OK");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let server = Server::new();
    let second = run(&["serve", "--listen", server.address()], &[], server.folder());
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.errors.contains(&format!("cannot listen on {}", server.address())), "{second:?}");
}
