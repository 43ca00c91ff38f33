//! What strangers may send as an AVIF: whatever it is, nothing here panics.
//!
//! AV1's decoder does, wherever the data of a frame are damaged and there is only one thread
//! (github.com/memorysafety/rav1d/issues/1497): in its error path it looks for a header that is gone. In
//! the sandbox that is a trap, and the end of one task.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

use proptest::prelude::*;
use tintype_avif::Avif;
use tintype_plugin::{Codec as _, Failure};

const NAMES: [&str; 9] =
    ["420-8", "422-8-limited", "444-10-bt2020", "400-8", "alpha", "premultiplied", "turned", "cut", "grid"];

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/files/{name}.avif", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn place(file: &[u8], letters: &[u8; 4]) -> usize {
    file.windows(4).position(|found| found == letters).unwrap()
}

fn with_size(mut file: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
    // Behind its letters and its version.
    let at = place(&file, b"ispe") + 8;
    file[at..at + 4].copy_from_slice(&width.to_be_bytes());
    file[at + 4..at + 8].copy_from_slice(&height.to_be_bytes());
    file
}

fn text(file: Vec<u8>) -> String {
    Avif::decode(file, None).unwrap_err().to_string()
}

#[test]
fn a_size_of_hundreds_of_megapixels_is_refused_before_any_are_allocated() {
    for (width, height) in [(20_000, 20_000), (70_000, 1), (1, 70_000), (u32::MAX, u32::MAX)] {
        let failure = Avif::decode(with_size(file("420-8"), width, height), None).unwrap_err();
        assert!(matches!(&failure, Failure::TooLarge(text) if text.contains("the limit is")), "{failure}");
    }
}

#[test]
fn av1_data_of_another_size_than_the_file_says_are_damaged() {
    for (width, height) in [(47, 32), (49, 32), (48, 31), (5_000, 5_000), (0, 32)] {
        let failure = Avif::decode(with_size(file("420-8"), width, height), None).unwrap_err();
        assert!(matches!(failure, Failure::InvalidImage(_)), "{failure}");
    }
}

#[test]
fn a_file_that_ends_early_is_damaged_wherever_it_ends() {
    for name in NAMES {
        let whole = file(name);
        for length in 0..whole.len() {
            let cut = whole[..length].to_vec();
            match Avif::decode(cut, None) {
                // The last bytes may be missed by nobody.
                Ok(_) => assert!(length + 8 > whole.len(), "{name}, {length} of {}", whole.len()),
                Err(failure) => assert!(matches!(failure, Failure::InvalidImage(_)), "{name}: {failure}"),
            }
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    let without = |letters: &[u8; 4]| {
        let mut file = file("420-8");
        let at = place(&file, letters);
        file[at..at + 4].copy_from_slice(b"free");
        text(file)
    };
    assert!(without(b"meta").contains("is a film"), "{}", without(b"meta"));
    assert!(without(b"iloc").contains("one of its tables is missing"));
    assert!(without(b"ispe").contains("its size is not said"));
    assert!(without(b"av1C").contains("needs what came after this reader"));
    assert!(without(b"ipco").contains("it has no properties"));
}

thread_local! {
    static IN_DECODER: Cell<bool> = const { Cell::new(false) };
}

/// Whether there is an answer, or the decoder alone had none.
fn survives(file: Vec<u8>) -> bool {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        set_hook(Box::new(move |panic| {
            let in_decoder = panic.location().is_some_and(|place| place.file().contains("rusty_av1d"));
            IN_DECODER.set(in_decoder);
            if !in_decoder {
                usual(panic);
            }
        }));
    });
    match catch_unwind(AssertUnwindSafe(|| Avif::decode(file, None))) {
        Ok(Ok(picture)) => picture.frames.len() == 1,
        Ok(Err(_)) => true,
        Err(_) => IN_DECODER.get(),
    }
}

proptest! {
    // No files of what failed: a seed is in the message, and the folder stays as it was.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn harmed_files_panic_nowhere_but_in_the_decoder(
        name in prop::sample::select(NAMES.to_vec()),
        harm in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        cuts in prop::bool::weighted(0.2),
    ) {
        let mut bytes = file(name);
        for (at, value) in harm {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        prop_assert!(survives(bytes));
    }

    #[test]
    fn random_boxes_panic_nowhere_but_in_the_decoder(tail in prop::collection::vec(any::<u8>(), 0..400), keep in 0usize..330) {
        let mut bytes = file("400-8");
        bytes.truncate(keep);
        bytes.extend(tail);
        prop_assert!(survives(bytes));
    }
}
