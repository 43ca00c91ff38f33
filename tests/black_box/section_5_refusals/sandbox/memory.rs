//! Guests that want all the memory there is.

use tintype_tests::server::Setup;
use tintype_tests::{Guest, eventually};

use super::{assert_ends, end_of, outcome_of, server_with, task_of};
use crate::steps::{hostile, resize};

#[test]
fn a_memory_bomb_ends_at_its_limit_and_its_memory_comes_back() {
    let server = Setup::default().hostile().with("memory", "300MiB").start();
    let client = server.client();
    client.process(&resize());
    let before = server.resident();

    let status = end_of(&server, &hostile("grow", &[]));
    assert_eq!(status.code(), "memory-exceeded");
    assert!(status.detail().contains("314572800"), "the limit is named: {status:?}");
    for _ in 0..3 {
        assert_eq!(client.process(&hostile("grow", &[])).code(), "memory-exceeded");
    }
    // What stays mapped of a slot is 8 MiB, and there is a slot for each worker and one more.
    let allowed = before + (64 << 20);
    eventually(
        || (server.resident() < allowed).then_some(()),
        || format!("{} bytes are resident, {before} before", server.resident()),
    );
}

/// Grows the memory or table of this name, so much at a time, for as long as that works.
fn grow_all(what: &str, by: &str) -> String {
    format!("(loop $more (br_if $more (i32.ne ({what} {by}) (i32.const -1))))")
}

#[test]
fn many_memories_and_tables_share_one_limit() {
    let names = ["$a", "$b", "$c", "$d", "$e", "$f", "$g"];
    let memories: String = names.iter().map(|name| format!("(memory {name} 1)")).collect();
    let all: String =
        names.iter().map(|name| grow_all(&format!("memory.grow {name}"), "(i32.const 64)")).collect();
    let memories = Guest::new("memories").fields(&memories).process(&format!("{all} (unreachable)"));

    // 40 tables that may all have 100,000 elements of 16 bytes: each for itself is no bomb.
    let tables: String = (0..40).map(|n| format!("(table $table{n} 0 funcref)")).collect();
    let all: String = (0..40)
        .map(|n| grow_all(&format!("table.grow $table{n}"), "(ref.null func) (i32.const 10000)"))
        .collect();
    let tables = Guest::new("tables").fields(&tables).process(&format!("{all} (unreachable)"));
    assert_ends(
        Setup::default().with("memory", "32MiB"),
        &[(memories, "memory-exceeded", "33554432"), (tables, "memory-exceeded", "33554432")],
    );
}

#[test]
fn a_guest_that_can_do_without_what_it_was_refused_ends_well() {
    let guest = Guest::new("modest");
    let modest = guest.process(&format!(
        "{} (call $image (global.get $media) (global.get $media-length) (i32.const 0) (i32.const 1))",
        grow_all("memory.grow", "(i32.const 100)")
    ));
    let server = server_with(Setup::default().with("memory", "32MiB"), std::slice::from_ref(&modest));
    assert_eq!(outcome_of(&server, &task_of(&modest)).state(), "OK");
}

#[test]
fn a_table_has_an_end_of_its_own() {
    let one = Guest::new("table").fields("(table $table 0 funcref)").process(&format!(
        "{} (table.size $table) (i32.eqz) (if (then (unreachable)))
         (call $failed (i32.const 0) (i32.const 0))",
        grow_all("table.grow $table", "(ref.null func) (i32.const 1000)")
    ));
    assert_ends(Setup::default(), &[(one, "plugin-error", "")]);
}

#[test]
fn results_that_share_their_bytes_take_no_more_of_the_host_than_results_may() {
    // Thousands of results that are all the same megabyte: the host would need gigabytes.
    let fields = "(func $fill (local $at i32)
        (loop $next
            (i32.store (i32.add (i32.const 65536) (local.get $at)) (global.get $media))
            (i32.store (i32.add (i32.const 65540) (local.get $at)) (global.get $media-length))
            (i32.store (i32.add (i32.const 65544) (local.get $at)) (i32.const 131072))
            (i32.store (i32.add (i32.const 65548) (local.get $at)) (i32.const 1048576))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 65536)))))";
    let same = Guest::new("same").fields(fields).process(
        "(drop (memory.grow (i32.const 32))) (call $fill) (call $images (i32.const 65536) (i32.const 4096))",
    );
    // And 20 million results that are nothing at all.
    let nothing = Guest::new("nothing").process(
        "(drop (memory.grow (i32.const 5000))) (call $images (i32.const 65536) (i32.const 20000000))",
    );
    for guest in [same, nothing] {
        let server = server_with(Setup::default(), std::slice::from_ref(&guest));
        server.client().process(&resize());
        server.forget_peak();
        let before = server.resident();
        let status = end_of(&server, &task_of(&guest));
        assert_eq!(status.code(), "too-large", "{}: {status:?}", guest.name());
        let more = server.peak_resident().saturating_sub(before);
        // The limit of results is 256 MiB, and the neighbours have pictures too.
        assert!(more < 320 << 20, "{}: {more} bytes", guest.name());
    }
}

#[test]
fn limits_hold_also_where_there_is_no_address_space_for_a_pool() {
    // A pool takes 4 GiB for each of 8 memories of each of 3 runs; 64 GiB are left.
    let setup = Setup::default().with("workers", 2).with("memory", "32MiB").hostile();
    let narrow = setup.under(&["sh", "-c", "ulimit -v 67108864 && exec \"$0\" \"$@\""]);
    let nine = Guest::new("nine").fields(&"(memory 1)".repeat(8)).process(&format!(
        "{} (unreachable)",
        (1..9).map(|n| grow_all(&format!("memory.grow {n}"), "(i32.const 16)")).collect::<String>()
    ));
    let table = Guest::new("table").fields("(table $table 0 funcref)").process(&format!(
        "{} (unreachable)",
        grow_all("table.grow $table", "(ref.null func) (i32.const 10000)")
    ));
    let server = server_with(narrow, &[nine.clone(), table.clone()]);
    server.wait_for_log("no address space for a pool of instances");
    for message in [hostile("grow", &[]), task_of(&nine), task_of(&table)] {
        assert_eq!(end_of(&server, &message).code(), "memory-exceeded");
    }
    let client = server.client();
    for _ in 0..3 {
        client.process(&hostile("mark", &[]));
        let found = client.result(&client.process(&hostile("seek", &[]))).text();
        assert!(found.starts_with("found 0 in static data, 0 in first memory, 0 in "), "{found}");
    }
}
