//! Guests that break the canonical ABI: the rules by which values cross the boundary.

use tintype_tests::Guest;
use tintype_tests::server::Setup;

use super::assert_ends;

const TRAP: &str = "plugin-trap";

/// A text that is none, and where it lies.
const NO_UTF8: &str = r#"(data (i32.const 1024) "\ff\fe\80 no text")"#;

#[test]
fn text_that_is_not_utf_8_is_a_trap_wherever_it_stands() {
    let media_type = Guest::new("no-type")
        .fields(NO_UTF8)
        .process("(call $image (i32.const 1024) (i32.const 11) (i32.const 0) (i32.const 1))");
    let words =
        Guest::new("no-words").fields(NO_UTF8).process("(call $failed (i32.const 1024) (i32.const 11))");
    let line = Guest::new("no-line")
        .fields(NO_UTF8)
        .process("(call $log (i32.const 2) (i32.const 1024) (i32.const 11)) (unreachable)");
    let cases = [media_type, words, line].map(|guest| (guest, TRAP, "utf-8"));
    assert_ends(Setup::default(), &cases);
}

#[test]
fn lengths_and_addresses_beyond_memory_are_traps() {
    let image = |name: &str, what: &str| Guest::new(name).process(&format!("(call $image {what})"));
    let list = |name: &str, what: &str| Guest::new(name).process(&format!("(call $images {what})"));
    let address = |name: &str, at: &str| Guest::new(name).process(&format!("(i32.const {at})"));
    let good = "(global.get $media) (global.get $media-length)";
    let cases = [
        image("bytes-all", &format!("{good} (i32.const 0) (i32.const -1)")),
        image("bytes-over", &format!("{good} (i32.const 65536) (i32.const 65537)")),
        image("bytes-around", &format!("{good} (i32.const -16) (i32.const 32)")),
        image("type-all", "(i32.const 0) (i32.const -1) (i32.const 0) (i32.const 1)"),
        image("type-behind", "(i32.const 131072) (i32.const 1) (i32.const 0) (i32.const 1)"),
        list("list-all", "(i32.const 64) (i32.const -1)"),
        // 16 bytes each: a length in bytes that overflows to 0, and one that overflows to 16.
        list("list-zero", "(i32.const 64) (i32.const 0x10000000)"),
        list("list-one", "(i32.const 64) (i32.const 0x10000001)"),
        list("list-behind", "(i32.const 131072) (i32.const 1)"),
        address("address-behind", "131072"),
        address("address-last", "0xfffffffc"),
        address("address-over", "131064"),
    ];
    assert_ends(Setup::default(), &cases.map(|guest| (guest, TRAP, "out of bounds")));
}

#[test]
fn results_that_lie_askew_or_are_of_no_known_kind_are_traps() {
    let askew = Guest::new("askew").process("(i32.const 17)");
    let list_askew = Guest::new("list-askew").process("(call $images (i32.const 66) (i32.const 1))");
    let result = Guest::new("no-result").process("(i32.store8 (i32.const 16) (i32.const 2)) (i32.const 16)");
    let failure = Guest::new("no-failure").process(
        "(drop (call $failed (i32.const 0) (i32.const 0))) (i32.store (i32.const 20) (i32.const 9)) (i32.const 16)",
    );
    let level = Guest::new("no-level")
        .process("(call $log (i32.const 77) (i32.const 0) (i32.const 0)) (unreachable)");
    assert_ends(
        Setup::default(),
        &[
            (askew, TRAP, "not aligned"),
            (list_askew, TRAP, "not aligned"),
            (result, TRAP, "discriminant"),
            (failure, TRAP, "discriminant"),
            (level, TRAP, "discriminant"),
        ],
    );
}

#[test]
fn log_lines_from_beyond_memory_are_traps() {
    let cases = [("line-all", "0", "-1"), ("line-behind", "131072", "1"), ("line-around", "-8", "16")].map(
        |(name, at, length)| {
            let log =
                format!("(call $log (i32.const 2) (i32.const {at}) (i32.const {length})) (unreachable)");
            (Guest::new(name).process(&log), TRAP, "out of bounds")
        },
    );
    assert_ends(Setup::default(), &cases);
}

#[test]
fn places_for_arguments_that_are_none_are_traps() {
    let places = |name: &str, at: &str| Guest::new(name).realloc(at);
    assert_ends(
        Setup::default(),
        &[
            (places("place-behind", "(i32.const 131072)"), TRAP, "beyond end of memory"),
            (places("place-last", "(i32.const -16)"), TRAP, "beyond end of memory"),
            (
                places(
                    "place-askew",
                    "(i32.add (call $allocate (i32.add (local.get $size) (i32.const 1))) (i32.const 1))",
                ),
                TRAP,
                "aligned",
            ),
            (places("place-none", "(unreachable)"), TRAP, "unreachable"),
        ],
    );
}

#[test]
fn arguments_that_overlap_are_the_guest_s_own_loss() {
    // All arguments in one place, which is also where the result will be.
    let overlapping = Guest::new("overlapping").realloc("(i32.const 16)");
    let server = super::server_with(Setup::default(), std::slice::from_ref(&overlapping));
    assert_eq!(super::outcome_of(&server, &super::task_of(&overlapping)).state(), "OK");
}

#[test]
fn a_guest_cannot_call_the_host_while_the_host_hands_over_arguments() {
    let log = "(call $log (i32.const 2) (i32.const 0) (i32.const 0))";
    let during_arguments =
        Guest::new("during-arguments").realloc(&format!("{log} (call $allocate (local.get $size))"));
    let after_result = Guest::new("after-result").post_return(log);
    let cases =
        [during_arguments, after_result].map(|guest| (guest, TRAP, "cannot leave component instance"));
    assert_ends(Setup::default(), &cases);
}

#[test]
fn a_guest_that_never_gives_a_place_or_never_ends_afterwards_meets_its_deadline() {
    let forever = "(loop $forever (br $forever))";
    let arguments = Guest::new("arguments-forever").realloc(&format!("{forever} (unreachable)"));
    let result = Guest::new("afterwards-forever").post_return(forever);
    let cases = [arguments, result].map(|guest| (guest, "deadline-exceeded", "1 seconds"));
    assert_ends(Setup::default().with("deadline", "1s"), &cases);
}

#[test]
fn a_trap_after_the_result_was_read_fails_the_task() {
    let afterwards = Guest::new("afterwards").post_return("(unreachable)");
    assert_ends(Setup::default(), &[(afterwards, TRAP, "unreachable")]);
}

#[test]
fn memory_grown_for_arguments_counts_as_the_guest_s() {
    let greedy =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let greedy = Guest::new("greedy").realloc(greedy);
    assert_ends(Setup::default().with("memory", "32MiB"), &[(greedy, "memory-exceeded", "33554432")]);
}
