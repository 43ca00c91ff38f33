//! How a run should have ended, given what it was tried with.

use super::inputs::Kind;
use super::report::Verdict;
use crate::plugin::Ending;

/// Judges the end of a run on an input of this kind. `filled` are the parameters that were made up for
/// it, if there were any. Says what was seen and what the author has to do.
pub(super) fn judge(kind: Kind, ended: Result<(), &Ending>, filled: Option<&str>) -> (Verdict, String) {
    let passed = |words: &str| (Verdict::Passed, words.to_owned());
    let failed = |seen: &dyn std::fmt::Display, todo: &str| {
        let with = filled.map(|filled| format!(" (with {filled})")).unwrap_or_default();
        let seen = seen.to_string();
        (Verdict::Failed, format!("{}{with}. What to do: {todo}", seen.trim_end_matches('.')))
    };
    let Err(ending) = ended else { return passed("it gave a result") };
    match (kind, ending) {
        (_, Ending::Trap(_)) => failed(ending, UNEXPECTED),
        (Kind::Lying, Ending::Deadline | Ending::Memory(_)) => failed(ending, HEADER),
        (_, Ending::Deadline) => failed(ending, "it must end on every input: look for a loop that doesn't"),
        (_, Ending::Memory(_)) => failed(ending, MEMORY),
        (_, Ending::Internal(_) | Ending::Cancelled) => failed(ending, "report this fault of tintype"),

        (Kind::Good, Ending::InvalidImage(_)) => {
            failed(ending, "the picture is good: read it, or take its type out of `accepts`")
        }
        (Kind::Good, Ending::InvalidParameters(words)) => match filled {
            Some(filled) => (
                Verdict::Warning,
                format!(
                    "the parameters {filled}, made up from the schema, are impossible to it ({words}), so that it was \
                     not tried. What to do: say in the schema what is possible, or give it a default or examples"
                ),
            ),
            None => failed(ending, "it was given none: say in the schema which are required"),
        },
        (Kind::Good, Ending::TooLarge(_)) => {
            failed(ending, "the picture has 24 by 16 pixels: look at what is measured")
        }
        (Kind::Good, Ending::PluginError(_)) => {
            failed(ending, "a good picture and valid parameters must give a result of a declared type")
        }

        (_, Ending::InvalidImage(words)) if words.trim().is_empty() => (
            Verdict::Warning,
            "it calls the picture invalid and doesn't say why. What to do: tell the client what is wrong"
                .to_owned(),
        ),
        (_, Ending::InvalidImage(_)) => passed("it calls the picture invalid"),
        (Kind::Lying | Kind::Damaged, Ending::TooLarge(_)) => passed("it says that the picture is too large"),
        (Kind::Garbage, Ending::TooLarge(_)) => (
            Verdict::Warning,
            format!(
                "{ending}. What to do: see that it is a picture before measuring it, and return invalid-image"
            ),
        ),
        // Damage can change what a picture is to an operation, such as its size.
        (Kind::Damaged, Ending::InvalidParameters(_)) => passed("it finds the parameters impossible for it"),
        (_, Ending::InvalidParameters(_)) if filled.is_some() => {
            passed("it finds the parameters impossible before it looks at the picture")
        }
        (_, Ending::InvalidParameters(_) | Ending::PluginError(_)) => failed(ending, INVALID),
    }
}

/// Judges what came of a codec's `decode`: whether there is a picture, or it knows no such file.
pub(super) fn judge_decoded(kind: Kind, ended: Result<bool, &Ending>) -> (Verdict, String) {
    match (kind, ended) {
        (Kind::Good, Ok(false)) => (
            Verdict::Failed,
            "its probe doesn't recognize it. What to do: recognize it by its first bytes, or take its type out of \
             `reads`"
                .to_owned(),
        ),
        (_, Ok(false)) => (Verdict::Passed, "it doesn't recognize it".to_owned()),
        (Kind::Good, Err(ending @ (Ending::InvalidImage(_) | Ending::InvalidParameters(_) | Ending::PluginError(_)))) => {
            let ending = ending.to_string();
            let words = format!(
                "{}. What to do: decode it to frames of one size with four bytes a pixel, or take its type out of \
                 `reads`",
                ending.trim_end_matches('.')
            );
            (Verdict::Failed, words)
        }
        (_, ended) => judge(kind, ended.map(drop), None),
    }
}

/// Judges what came of a filter's `apply` on a picture; `usual` is one that every filter can work on.
pub(super) fn judge_applied(
    usual: bool,
    ended: Result<(), &Ending>,
    filled: Option<&str>,
) -> (Verdict, String) {
    let failed = |ending: &Ending, todo: &str| {
        let with = filled.map(|filled| format!(" (with {filled})")).unwrap_or_default();
        let ending = ending.to_string();
        (Verdict::Failed, format!("{}{with}. What to do: {todo}", ending.trim_end_matches('.')))
    };
    match ended {
        Err(ending @ Ending::Trap(_)) => failed(ending, UNEXPECTED_FRAME),
        Err(ending @ Ending::Memory(_)) => failed(ending, MEMORY_OF_FRAME),
        Err(ending @ (Ending::InvalidImage(_) | Ending::PluginError(_))) => failed(ending, FRAME),
        Err(Ending::InvalidParameters(_)) if !usual => {
            (Verdict::Passed, "it finds the parameters impossible for it".to_owned())
        }
        Err(Ending::TooLarge(words)) if !usual => {
            (Verdict::Passed, format!("it says that the result would be too large ({words})"))
        }
        ended => judge(Kind::Good, ended, filled),
    }
}

const UNEXPECTED_FRAME: &str = "no picture may make it trap: there are some of one pixel, of one row, of one column, and \
     of any values; `tintype plugin run` shows where it was";
const MEMORY_OF_FRAME: &str =
    "a picture of a million pixels has 4 MB: change it in place, or free copies before the next";
const FRAME: &str = "every picture that is decoded must give a frame of at least one pixel, with exactly four bytes a pixel, \
     or one of invalid-parameters and too-large";

const UNEXPECTED: &str = "no input may make it trap: check lengths and sizes before use, and return invalid-image, \
     too-large or failed; `tintype plugin run` shows where it was";
const HEADER: &str = "the header claims more pixels than limits() allows: compare before memory is allocated for \
     them, and return too-large";
const MEMORY: &str = "allocate by what the input really holds, and return too-large where that passes \
     max-memory-bytes of limits()";
const INVALID: &str = "return invalid-image, so that the client knows that it is the picture that is wrong, or a \
     result of a declared type";

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 4] = [Kind::Good, Kind::Garbage, Kind::Damaged, Kind::Lying];

    fn words() -> String {
        "words".to_owned()
    }

    fn verdicts(ending: &Ending) -> [Verdict; 4] {
        KINDS.map(|kind| judge(kind, Err(ending), None).0)
    }

    #[test]
    fn a_result_is_right_for_every_input_and_a_trap_or_a_limit_for_none() {
        for kind in KINDS {
            assert_eq!(judge(kind, Ok(()), None).0, Verdict::Passed);
        }
        for ending in [Ending::Trap(words()), Ending::Deadline, Ending::Memory(1), Ending::Internal(words())]
        {
            assert_eq!(verdicts(&ending), [Verdict::Failed; 4], "{ending}");
        }
    }

    #[test]
    fn the_failure_must_be_of_the_right_kind() {
        use Verdict::{Failed, Passed, Warning};
        assert_eq!(verdicts(&Ending::InvalidImage(words())), [Failed, Passed, Passed, Passed]);
        assert_eq!(verdicts(&Ending::InvalidImage(String::new())), [Failed, Warning, Warning, Warning]);
        assert_eq!(verdicts(&Ending::TooLarge(words())), [Failed, Warning, Passed, Passed]);
        assert_eq!(verdicts(&Ending::PluginError(words())), [Failed; 4]);
        assert_eq!(verdicts(&Ending::InvalidParameters(words())), [Failed, Failed, Passed, Failed]);
    }

    #[test]
    fn a_codec_must_know_the_good_ones_and_need_not_know_others() {
        let verdict = |kind, ended: Result<bool, &Ending>| judge_decoded(kind, ended).0;
        assert_eq!(KINDS.map(|kind| verdict(kind, Ok(true))), [Verdict::Passed; 4]);
        use Verdict::{Failed, Passed};
        assert_eq!(KINDS.map(|kind| verdict(kind, Ok(false))), [Failed, Passed, Passed, Passed]);
        let invalid = Ending::InvalidImage(words());
        assert_eq!(KINDS.map(|kind| verdict(kind, Err(&invalid))), [Failed, Passed, Passed, Passed]);
        assert_eq!(KINDS.map(|kind| verdict(kind, Err(&Ending::Deadline))), [Failed; 4]);
    }

    #[test]
    fn a_filter_may_find_a_picture_too_small_or_its_result_too_large_though_not_every_picture() {
        let verdicts = |ending: &Ending| [true, false].map(|usual| judge_applied(usual, Err(ending), None).0);
        for ending in [Ending::InvalidParameters(words()), Ending::TooLarge(words())] {
            assert_eq!(verdicts(&ending), [Verdict::Failed, Verdict::Passed], "{ending}");
        }
        for ending in [Ending::Trap(words()), Ending::InvalidImage(words()), Ending::PluginError(words())] {
            assert_eq!(verdicts(&ending), [Verdict::Failed; 2], "{ending}");
        }
    }

    #[test]
    fn parameters_that_were_made_up_are_no_reason_to_fail() {
        let ending = Ending::InvalidParameters(words());
        let (verdict, said) = judge(Kind::Good, Err(&ending), Some(r#"{"width":1}"#));
        assert_eq!(verdict, Verdict::Warning);
        assert!(said.contains(r#"{"width":1}"#) && said.contains("not tried"), "{said}");
        assert_eq!(judge(Kind::Garbage, Err(&ending), Some("{}")).0, Verdict::Passed);
    }
}
