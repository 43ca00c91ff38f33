//! Nothing of one run is visible to the next, which runs in the same place.

use tintype_tests::server::Setup;
use tintype_tests::{Client, Server};

use crate::steps::{hostile, resize};

/// A server whose one worker uses the same slot of memory again and again. Its runs have twice as much
/// memory as stays mapped between them, so that what is unmapped is looked at as well.
fn server() -> Server {
    Setup::default().hostile().with("workers", 1).with("memory", "16MiB").start()
}

/// Looks for what others have left. There must have been enough to look at.
fn assert_finds_nothing(client: &Client) {
    let status = client.process(&hostile("seek", &[]));
    let found = client.result(&status).text();
    let (traces, looked_at) =
        found.split_once(" in first memory, 0 in ").unwrap_or_else(|| panic!("{found}"));
    assert_eq!(traces, "found 0 in static data, 0", "{found}");
    let bytes: u64 = looked_at.split(' ').next().unwrap().parse().unwrap();
    assert!(bytes > 12 << 20, "{found}");
}

#[test]
fn what_a_run_leaves_for_itself_is_found() {
    let server = server();
    let client = server.client();
    let found = client.result(&client.process(&hostile("mark-and-seek", &[]))).text();
    let counts: Vec<u64> = found.split(' ').filter_map(|word| word.parse().ok()).collect();
    // All 512 words of static data, and nearly all of 2 million words of memory.
    assert!(counts[0] == 512 && counts[1] > 1_500_000, "{found}");
}

#[test]
fn memory_filled_by_one_run_is_empty_for_the_next() {
    let server = server();
    let client = server.client();
    for _ in 0..10 {
        let marked = client.result(&client.process(&hostile("mark", &[]))).text();
        assert!(marked.starts_with("marked 1"), "some fifteen million bytes: {marked}");
        assert_finds_nothing(&client);
        assert_finds_nothing(&client);
    }
}

#[test]
fn memory_filled_by_a_run_that_was_ended_is_empty_for_the_next() {
    let server = server();
    let client = server.client();
    for _ in 0..10 {
        // It asked for more than there is, and then stopped: that is how it is told.
        assert_eq!(client.process(&hostile("mark-and-trap", &[])).code(), "memory-exceeded");
        assert_finds_nothing(&client);
    }
}

#[test]
fn memory_is_empty_whoever_was_there_before() {
    let server = server();
    let client = server.client();
    let tasks: Vec<String> = (0..6)
        .flat_map(|_| {
            [hostile("mark", &[]), resize(), hostile("mark-and-trap", &[]), hostile("trap", &[]), resize()]
        })
        .map(|message| client.accepted(&message))
        .collect();
    let seeking: Vec<String> = (0..4).map(|_| client.accepted(&hostile("seek", &[]))).collect();
    for (number, task) in tasks.iter().enumerate() {
        let state = if matches!(number % 5, 2 | 3) { "FAILED" } else { "OK" };
        assert_eq!(client.wait(task).state(), state);
    }
    for task in seeking {
        let found = client.result(&client.wait(&task)).text();
        assert!(found.starts_with("found 0 in static data, 0 in first memory, 0 in "), "{found}");
    }
}
