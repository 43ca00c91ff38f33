//! Many clients at once, large pictures, long days: no task is lost, none mixed up with another, and
//! memory stays where it was.

use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tintype_tests::server::Setup;
use tintype_tests::{Client, Connection, Related, Server, eventually, pictures, task_xml};

use crate::steps::{busy_server, id_of, resize};

const CLIENTS: u32 = 16;
const TASKS: u32 = 200;

const MIB: u64 = 1 << 20;

#[test]
fn two_hundred_tasks_of_sixteen_clients_all_end_well_each_with_its_own_picture() {
    let server = Server::new();
    let png = pictures::png(120, 90);
    thread::scope(|scope| {
        for first in 0..CLIENTS {
            let (client, png) = (server.client(), &png);
            scope.spawn(move || {
                let widths: Vec<u32> = (first..TASKS).step_by(CLIENTS as usize).map(|n| n + 1).collect();
                let tasks: Vec<(u32, String)> =
                    widths.iter().map(|width| (*width, submit(&client, png, *width))).collect();
                for (width, task) in tasks {
                    let status = client.wait(&task);
                    let picture = pictures::decode(&client.result(&status).body);
                    assert_eq!((picture.width(), picture.height()), (width, 7), "{task}");
                }
            });
        }
    });
    assert_eq!(server.unfinished_uploads(), 0);
    assert_eq!(server.kept_pictures(), 2 * TASKS as usize);
}

fn submit(client: &Client, png: &[u8], width: u32) -> String {
    let params = [("width", &*width.to_string()), ("height", "7"), ("fit", "fill")];
    client.accepted(&Related::simple(&task_xml("resize", &params, ""), "image/png", png))
}

#[test]
fn an_upload_of_a_gibibyte_passes_through_a_few_mebibytes_of_memory() {
    let setup = Setup::default().with("max-image-size", "2GiB").with("max-request-size", "2GiB");
    let (server, client, _) = busy_server(setup);
    client.accepted(&resize());
    let before = server.resident();
    server.forget_peak();

    let mut connection = Connection::open(server.address());
    connection.send(format!(
        "POST /images/tasks?operation=echo HTTP/1.1\r\nHost: h\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
        1024 * MIB
    ));
    let piece = vec![0x5a; 1 << 20];
    for _ in 0..1024 {
        connection.send(&piece);
    }
    let answer = connection.answer();
    assert_eq!(answer.code, 202, "{answer:?}");
    let added = server.peak_resident().saturating_sub(before) / MIB;
    eprintln!("an upload of 1 GiB added {added} MiB");
    assert!(added < 32, "{added} MiB were added");
}

#[test]
fn ten_thousand_idle_connections_and_two_thousand_followers_fit_in_a_gibibyte() {
    const IDLE: usize = 10_000;
    const FOLLOWERS: usize = 2_000;
    raise_file_limit(14_000);
    // The soft limit that most systems begin with: the server takes what it may.
    let setup = Setup::default().file_limit(1024).with("max-connections", 13_000);
    let setup = setup.with("header-timeout", "10m").with("drain-timeout", "2s");
    let (mut server, client, spinning) = busy_server(setup);
    let before = server.resident();

    let idle: Vec<Connection> = (0..IDLE)
        .map(|_| {
            let mut connection = Connection::open(server.address());
            let answer = connection.send("GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n").answer();
            assert_eq!(answer.code, 200, "{answer:?}");
            connection
        })
        .collect();
    let with_idle = server.resident();
    let followers: Vec<Connection> = (0..FOLLOWERS)
        .map(|_| {
            let mut connection = Connection::open(server.address());
            connection.send(format!("GET {spinning}/events HTTP/1.1\r\nHost: h\r\n\r\n"));
            assert_eq!(connection.answer().code, 200);
            connection
        })
        .collect();
    assert!(server.sockets() > IDLE + FOLLOWERS);
    let resident = server.resident();
    eprintln!(
        "resident: {} MiB, {} with {IDLE} idle connections, {} with {FOLLOWERS} followers more",
        before / MIB,
        with_idle / MIB,
        resident / MIB
    );
    assert!(resident < 1024 * MIB, "{resident} bytes are resident");
    let fresh = client.accepted(&resize());
    assert_eq!(client.status(&fresh).state(), "pending", "there is room for others");

    server.signal(rustix::process::Signal::TERM);
    for mut follower in followers {
        while follower.next_line().is_some() {}
    }
    assert_eq!(server.wait(), Some(0));
    drop(idle);
}

/// The test is a client of its own, with as many connections.
fn raise_file_limit(wanted: u64) {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    assert!(
        limit.maximum.is_none_or(|maximum| maximum >= wanted),
        "this test needs {wanted} file descriptors: raise the hard limit (ulimit -Hn)"
    );
}

#[test]
fn a_server_takes_as_many_file_descriptors_as_it_may_have() {
    let server = Setup::default().file_limit(256).start();
    let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    assert!(server.open_files() >= hard.min(1024), "{}", server.open_files());
}

#[test]
fn after_two_thousand_tasks_and_their_deletion_memory_is_where_it_was() {
    const ROUND: usize = 500;
    let server = Server::new();
    round(&server, ROUND);
    let before = server.resident();
    (0..4).for_each(|_| round(&server, ROUND));
    let after = server.resident();
    eprintln!("resident: {} MiB after {ROUND} tasks, {} after {} more", before / MIB, after / MIB, 4 * ROUND);
    assert!(after < before + 32 * MIB, "{before} bytes before, {after} after");
    assert_eq!((server.unfinished_uploads(), server.kept_pictures()), (0, 0));
}

/// So many tasks come, are over, and are deleted.
fn round(server: &Server, tasks: usize) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let client = server.client();
                let tasks: Vec<String> = (0..tasks / 4).map(|_| client.accepted(&resize())).collect();
                for task in tasks {
                    assert_eq!(client.wait(&task).state(), "OK", "{}", id_of(&task));
                    assert_eq!(client.delete(&task).code, 204);
                }
            });
        }
    });
    eventually(|| (server.kept_pictures() == 0).then_some(()), || "pictures remain".to_owned());
}
