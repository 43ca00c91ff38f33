//! Guests that stop by a trap.

use tintype_tests::Guest;
use tintype_tests::server::Setup;

use super::{assert_ends, end_of};
use crate::steps::{hostile, hostile_server};

#[test]
fn a_trap_fails_the_task_and_spares_its_neighbours() {
    let server = hostile_server();
    let status = end_of(&server, &hostile("trap", &[]));
    assert_eq!(status.code(), "plugin-trap");
    assert!(status.detail().starts_with("The plugin stopped unexpectedly:"), "{status:?}");
    assert!(status.detail().contains("unreachable"), "{status:?}");
}

#[test]
fn a_panic_is_a_trap_whose_message_the_log_has() {
    let server = hostile_server();
    let status = end_of(&server, &hostile("panic", &[]));
    assert_eq!(status.code(), "plugin-trap");
    assert!(status.detail().starts_with("The plugin stopped unexpectedly:"), "{status:?}");
    server.wait_for_log("the plugin's own words");
}

#[test]
fn endless_recursion_is_a_trap() {
    // Whichever ends first: the guest's own stack within its memory, or the one that the host gives it.
    let guests = hostile_server();
    let hosts = Setup::default().hostile().with("stack", "64KiB").start();
    for (server, trap) in [(guests, "out of bounds"), (hosts, "call stack exhausted")] {
        let status = end_of(&server, &hostile("recurse", &[]));
        assert_eq!(status.code(), "plugin-trap");
        assert!(status.detail().starts_with("The plugin stopped unexpectedly:"), "{status:?}");
        assert!(status.detail().contains(trap), "{status:?}");
    }
}

#[test]
fn recursion_that_needs_no_memory_ends_at_the_host_s_own_stack() {
    let plain = Guest::new("plain-recursion")
        .fields("(func $deeper (call $deeper))")
        .process("(call $deeper) (unreachable)");
    let indirect = Guest::new("indirect-recursion")
        .fields(
            "(table 1 funcref) (elem (i32.const 0) $around)
             (func $around (call_indirect (i32.const 0)))",
        )
        .process("(call $around) (unreachable)");
    // A frame of a thousand locals that all live across the call.
    let locals = "(local i64 i64 i64 i64 i64 i64 i64 i64) ".repeat(125);
    let wide = Guest::new("wide-recursion")
        .fields(&format!("(func $wide (param i64) (result i64) {locals} (i64.add (local.get 999) (call $wide (i64.add (local.get 0) (local.get 500)))))"))
        .process("(drop (call $wide (i64.const 1))) (unreachable)");
    let cases = [plain, indirect, wide].map(|guest| (guest, "plugin-trap", "call stack exhausted"));
    assert_ends(Setup::default(), &cases);
}

#[test]
fn every_other_trap_is_told_by_its_name() {
    let table = "(table $table 2 funcref) (elem (i32.const 0) $other) (func $other (param i64))";
    let cases = [
        ("divide", "", "(i32.div_u (i32.const 1) (i32.const 0))", "divide by zero"),
        ("overflow", "", "(i32.div_s (i32.const 0x80000000) (i32.const -1))", "overflow"),
        ("truncate", "", "(i32.trunc_f64_s (f64.const nan))", "invalid conversion to integer"),
        ("beyond", "", "(i32.load (i32.const -4))", "out of bounds memory access"),
        ("no-function", table, "(call_indirect (i32.const 1)) (i32.const 0)", "uninitialized element"),
        ("no-element", table, "(call_indirect (i32.const 9)) (i32.const 0)", "undefined element"),
        ("other-type", table, "(call_indirect (i32.const 0)) (i32.const 0)", "indirect call type mismatch"),
    ];
    let cases = cases.map(|(name, fields, process, words)| {
        (Guest::new(name).fields(fields).process(process), "plugin-trap", words)
    });
    assert_ends(Setup::default(), &cases);
}
