//! Guests that misbehave when they are loaded: they are not in use then, and everything else is.

use std::path::Path;

use tintype_tests::Guest;
use tintype_tests::guest::DESCRIPTION;
use tintype_tests::server::{Setup, run, target};

use super::{server_with, task_of};
use crate::steps::{hostile, resize};

const FOREVER: &str = "(loop $forever (br $forever))";

/// Starts a server with guests that cannot be loaded, each for a reason in these words, and works with it.
fn assert_not_loaded(setup: Setup, cases: &[(Guest, &str)]) {
    let guests: Vec<Guest> = cases.iter().map(|(guest, _)| guest.clone()).collect();
    let server = server_with(setup.hostile(), &guests);
    let client = server.client();
    for (guest, words) in cases {
        let line = server.wait_for_log(&format!("/{}.wasm\"", guest.name()));
        assert!(line.contains("not loaded: ") && line.contains("Author: "), "{line}");
        assert!(line.contains(words), "{words:?} in {line}");
        client.submit(&task_of(guest)).refused(422, "impossible-task");
    }
    for neighbour in [resize(), hostile("echo", &[]), resize()] {
        assert_eq!(client.process(&neighbour).state(), "OK");
    }
}

#[test]
fn a_start_that_never_ends_or_traps_is_ended() {
    let start =
        |name: &str, what: &str| Guest::new(name).fields(&format!("(func $begin {what}) (start $begin)"));
    let grow =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    assert_not_loaded(
        Setup::default().with("deadline", "1s").with("memory", "32MiB"),
        &[
            (start("start-forever", FOREVER), "it ran past its deadline"),
            (start("start-trap", "(unreachable)"), "unreachable"),
            (start("start-grow", grow), "33554432"),
            (
                start("start-log", "(call $log (i32.const 2) (i32.const 0) (i32.const 1))"),
                "uninitialized element",
            ),
        ],
    );
}

#[test]
fn a_plugin_dropped_in_that_never_starts_holds_nobody_up() {
    let server = Setup::default().with("deadline", "3s").start();
    let client = server.client();
    let guest = Guest::new("start-forever").fields(&format!("(func $begin {FOREVER}) (start $begin)"));
    // Under another name first, or the server would see half of it.
    let folder = server.folder().join("plugins");
    std::fs::write(folder.join("part"), guest.build()).unwrap();
    std::fs::rename(folder.join("part"), folder.join("start-forever.wasm")).unwrap();
    let refused = || server.log().iter().any(|line| line.contains("not loaded: "));
    let mut neighbours = 0;
    while !refused() {
        assert_eq!(client.process(&resize()).state(), "OK");
        neighbours += 1;
    }
    assert!(neighbours > 1, "they ran while it was looked at");
    let line = server.wait_for_log("/start-forever.wasm\"");
    assert!(line.contains("it ran past its deadline"), "{line}");
}

#[test]
fn a_description_that_never_comes_or_is_none_is_refused() {
    let describe = |name: &str, what: &str| Guest::new(name).describe(what);
    // The length of the name is the second word of a descriptor; the operations are the last two.
    let change = |at: usize, to: &str| format!("(i32.store (i32.const {at}) (i32.const {to}))");
    // Records of nothing but zeroes, in a page that has nothing else.
    let many = change(DESCRIPTION + 40, "65536") + &change(DESCRIPTION + 44, "2000");
    assert_not_loaded(
        Setup::default().with("deadline", "1s"),
        &[
            (describe("describe-forever", FOREVER), "it ran past its deadline"),
            (describe("describe-trap", "(unreachable)"), "unreachable"),
            (describe("endless-name", &change(DESCRIPTION + 4, "-1")), "out of bounds"),
            (describe("no-name", &change(DESCRIPTION + 4, "0")), "the name \\\"\\\""),
            (describe("endless-operations", &change(DESCRIPTION + 44, "-1")), "out of bounds"),
            (describe("no-operations", &change(DESCRIPTION + 44, "0")), "no operations"),
            (describe("many-operations", &many), "2000 operations"),
        ],
    );
}

#[test]
fn a_schema_that_would_keep_the_server_busy_for_ever_is_refused() {
    // Each definition refers twice to the next: 2^30 ways through 2 KB.
    let doubling: String = (0..30)
        .map(|n| {
            format!(
                r##""d{n}": {{"allOf": [{{"$ref": "#/$defs/d{m}"}}, {{"$ref": "#/$defs/d{m}"}}]}}, "##,
                m = n + 1
            )
        })
        .collect();
    let doubling = format!(
        r##"{{"type": "object", "properties": {{"a": {{"$ref": "#/$defs/d0"}}}}, "$defs": {{{doubling} "d30": {{}}}}}}"##
    );
    let endless = r##"{"type": "object", "properties": {"a": {"items": {"$ref": "#/properties/a"}}}}"##;
    let pattern = r#"{"type": "object", "properties": {"a": {"pattern": "^[ab]*a[ab]{9999}$"}}}"#;
    assert_not_loaded(
        Setup::default(),
        &[
            (Guest::new("doubling").schema(&doubling), "more than 1000 subschemas"),
            (Guest::new("endless").schema(endless), "leads back to itself"),
            (Guest::new("pattern").schema(pattern), "that cannot be used: "),
        ],
    );
}

#[test]
fn a_guest_that_begins_with_more_than_anybody_gets_is_refused() {
    let with = |name: &str, fields: &str| Guest::new(name).fields(fields);
    assert_not_loaded(
        Setup::default(),
        &[
            (with("memories", &"(memory 1)".repeat(8)), "memories count of 9 exceeds"),
            (with("large-memory", "(memory 32768)"), "more than its limit of 536870912 bytes of memory"),
            (with("tables", &"(table 1 funcref)".repeat(101)), "tables count exceeds"),
            (with("large-table", "(table 4000000000 funcref)"), "exceeds the limit"),
        ],
    );
}

#[test]
fn memories_together_beyond_the_limit_are_refused_too() {
    // Each for itself would fit.
    let two = Guest::new("two-halves").fields("(memory 303)");
    assert_not_loaded(Setup::default().with("memory", "19MiB"), &[(two, "19922944")]);
}

#[test]
fn a_plugin_that_describes_itself_otherwise_each_time_is_what_it_said_first() {
    let server = Setup::default().wasi().start();
    let client = server.client();
    let described = || client.send("GET", "/plugins/wasi", &[("Accept", "application/json")], &[]).json();
    let first = described();
    for _ in 0..3 {
        assert_eq!(client.process(&hostile("files", &[])).state(), "OK");
        assert_eq!(client.process(&resize()).state(), "OK");
        assert_eq!(described(), first);
    }

    let (file, compiled) = (target().join("guests/wasi.wasm"), target().join("compiled-for-tests"));
    let path = |path: &Path| path.display().to_string();
    let arguments = ["plugin", "check", &path(&file), "--compiled-dir", &path(&compiled), "--deadline", "1s"];
    let checked = run(&arguments, &[], server.folder());
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.output.contains("FAILED   describe twice"), "{checked:?}");
}
