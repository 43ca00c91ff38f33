//! WASI, of which guests get the shapes and nothing in them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tintype_tests::Server;
use tintype_tests::server::Setup;

use super::{end_of, outcome_of};
use crate::steps::{hostile, resize};

/// What may be imported where the operator allows WASI.
const LINKED: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// What may never be.
const NEVER: [&str; 7] = [
    "wasi:http/outgoing-handler@0.2.0",
    "wasi:http/types@0.2.0",
    "wasi:keyvalue/store@0.2.0",
    "wasi:config/store@0.2.0",
    "wasi:nn/inference@0.2.0",
    "wasi:cli/environment@0.3.0",
    "wasi:sockets/types@0.3.0",
];

/// The words in which an operation that ended well says what it got.
fn told(server: &Server, operation: &str, params: &[(&str, &str)]) -> String {
    let status = outcome_of(server, &hostile(operation, params));
    server.client().result(&status).text()
}

fn wasi_server() -> Server {
    Setup::default().wasi().with("deadline", "5s").start()
}

#[test]
fn a_guest_has_no_environment_no_files_no_input_and_no_terminal() {
    let setup = Setup::default().wasi().env("DATABASE_PASSWORD", "secret");
    let server = setup.start();
    assert_eq!(told(&server, "environment", &[]), "[] [] None");
    assert_eq!(told(&server, "files", &[]), "0 folders");
    assert_eq!(told(&server, "input", &[]), "Err(StreamError::Closed) false");
}

#[test]
fn a_guest_has_no_network_and_no_names() {
    let server = wasi_server();
    let sockets = server.sockets();
    let network = told(&server, "network", &[]);
    assert_eq!(network, r#"Err("access-denied") Err("access-denied") Err("permanent-resolver-failure")"#);
    assert!(server.sockets() <= sockets + 1);
}

#[test]
fn a_guest_is_told_the_time_and_given_chance_within_bounds() {
    let server = wasi_server();
    let seconds: u64 = told(&server, "clocks", &[]).parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(seconds) < 60, "{now} {seconds}");
    for operation in ["random", "insecure"] {
        assert_eq!(told(&server, operation, &[("count", "1048576")]), "1048576 bytes");
        for greedy in ["1048577", "4294967296", "9223372036854775807"] {
            let status = end_of(&server, &hostile(operation, &[("count", greedy)]));
            assert_eq!(status.code(), "plugin-trap", "{operation} {greedy}: {status:?}");
        }
    }
}

#[test]
fn a_guest_that_exits_has_failed_whatever_it_says() {
    let mut server = wasi_server();
    for (operation, words) in [("exit-well", "exited with status 0"), ("exit-badly", "exited with status 1")]
    {
        let status = end_of(&server, &hostile(operation, &[]));
        assert_eq!(status.code(), "plugin-trap");
        assert!(status.detail().contains(words), "{status:?}");
    }
    assert!(server.is_alive());
}

#[test]
fn a_guest_that_waits_in_the_host_is_woken_by_its_deadline() {
    let server = Setup::default().wasi().with("deadline", "1s").start();
    for (operation, params) in [
        ("block", &[][..]),
        ("poll", &[]),
        ("poll-many", &[("count", "1")]),
        ("poll-many", &[("count", "1000")]),
    ] {
        let began = Instant::now();
        let status = end_of(&server, &hostile(operation, params));
        assert_eq!(status.code(), "deadline-exceeded", "{operation} {params:?}: {status:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{operation} {params:?}: {:?}", began.elapsed());
    }
}

#[test]
fn a_guest_that_waits_in_the_host_can_be_cancelled() {
    let server = Setup::default().wasi().with("deadline", "10m").with("workers", 2).start();
    let client = server.client();
    for operation in ["block", "poll"] {
        let waiting = client.accepted(&hostile(operation, &[]));
        client.wait_until_running(&waiting);
        assert_eq!(client.process(&resize()).state(), "OK");
        assert_eq!(client.delete(&waiting).code, 200);
        assert_eq!(client.wait(&waiting).code(), "cancelled");
        // With both workers free again, two tasks that wait for each other's end would not.
        let both = [client.accepted(&resize()), client.accepted(&resize())];
        both.iter().for_each(|task| assert_eq!(client.wait(task).state(), "OK"));
    }
}

#[test]
fn what_a_guest_prints_is_bounded_and_cannot_forge_a_line() {
    let server = wasi_server();
    assert_eq!(told(&server, "print", &[("count", "100000")]), "printed");
    let lines: Vec<serde_json::Value> = server
        .log()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["target"] == "tintype::guest")
        .collect();
    // 64 KiB are kept, of 2 KiB a line.
    assert!((20..=101).contains(&lines.len()), "{}", lines.len());
    for line in lines {
        let message = line["message"].as_str().unwrap();
        assert!(message.len() <= 1024 && !message.contains(char::is_control), "{message:?}");
    }
    assert_eq!(told(&server, "zeroes", &[("count", "4096")]), "Ok(())");
    for greedy in ["4097", "4294967296", "1099511627776", "9223372036854775807"] {
        let status = end_of(&server, &hostile("zeroes", &[("count", greedy)]));
        assert_eq!(status.code(), "plugin-trap", "{greedy}: {status:?}");
    }
}

#[test]
fn handles_have_an_end() {
    let server = wasi_server();
    assert_eq!(told(&server, "handles", &[("count", "9000")]), "9000 handles");
    for operation in ["handles", "poll-many"] {
        let status = end_of(&server, &hostile(operation, &[("count", "1000000")]));
        assert_eq!(status.code(), "plugin-trap", "{operation}: {status:?}");
    }
}

#[test]
fn where_wasi_is_not_allowed_each_interface_is_refused_by_its_name() {
    let names: Vec<String> = LINKED.iter().map(|name| format!("{name}@0.2.0")).collect();
    let mut setup = Setup::default().wasi().with("allow-wasi", "false");
    for (number, name) in names.iter().enumerate() {
        setup = setup.plugin(&format!("imports-{number}.wasm"), &importing(name));
    }
    let server = setup.start();
    for (number, name) in names.iter().enumerate() {
        let line = server.wait_for_log(&format!("/imports-{number}.wasm\""));
        assert!(line.contains(&format!("not loaded: it imports {name}. Author: ")), "{line}");
        assert!(line.contains("Operator: set allow_wasi = true"), "{line}");
    }
    let line = server.wait_for_log("/wasi.wasm\"");
    for name in ["wasi:cli/environment@0.2.0", "wasi:filesystem/preopens@0.2.0", "wasi:sockets/udp@0.2.0"] {
        assert!(line.contains(name), "{name} in {line}");
    }
    server.client().submit(&hostile("files", &[])).refused(422, "impossible-task");
    assert_eq!(server.client().process(&resize()).state(), "OK");
}

#[test]
fn what_is_not_linked_is_refused_by_its_name_also_where_wasi_is_allowed() {
    let setup = NEVER.iter().enumerate().fold(Setup::default(), |setup, (number, name)| {
        setup.plugin(&format!("imports-{number}.wasm"), &importing(name))
    });
    let server = setup.start();
    for (number, name) in NEVER.iter().enumerate() {
        let line = server.wait_for_log(&format!("/imports-{number}.wasm\""));
        assert!(line.contains(&format!("not loaded: it imports {name}. Author: ")), "{line}");
        assert!(line.contains("no setting allows it"), "{line}");
    }
    assert_eq!(server.client().process(&resize()).state(), "OK");
}

/// A component that imports an instance of this name.
fn importing(name: &str) -> Vec<u8> {
    wat::parse_str(format!("(component (import \"{name}\" (instance)))")).unwrap()
}
