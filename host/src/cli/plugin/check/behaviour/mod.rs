//! Tries what a plugin does, each time in a fresh instance as a server does it.
//!
//! | question | file |
//! |---|---|
//! | does each operation of a processor behave, on good and bad files | `processor.rs` |
//! | does each operation of a filter, on pictures of every shape | `filter.rs` |
//! | does a codec know its files, and read what it writes | `codec.rs` |

mod codec;
mod filter;
mod processor;

use std::time::{Duration, Instant};

use super::report::{Report, Verdict};
use crate::plugin::{Ending, Interrupt, Kind, Plugin, RunContext, Usage};
use crate::shown;

/// A small picture that takes more than this part of the deadline or of the memory leaves too little for
/// one a hundred times as large.
const MODEST: u32 = 4;

pub(super) fn check(plugin: &Plugin, report: &mut Report) {
    let mut runs = Runs { plugin, most: Most::default() };
    match plugin.kind() {
        Kind::Processor => processor::check(&mut runs, report),
        Kind::Filter => filter::check(&mut runs, report),
        Kind::Codec => codec::check(&mut runs, report),
    }
    runs.note_limits(report);
}

/// Runs of one plugin.
struct Runs<'a> {
    plugin: &'a Plugin,
    most: Most,
}

/// The most that any run took.
#[derive(Default)]
struct Most {
    time: Duration,
    slowest: String,
    memory: usize,
    largest: String,
}

impl Runs<'_> {
    /// Calls the plugin; `label` says what with.
    fn run<T>(
        &mut self,
        label: &str,
        call: impl FnOnce(&Plugin, RunContext<'_>) -> Result<(T, Usage), Ending>,
    ) -> Result<T, Ending> {
        let began = Instant::now();
        let interrupt = Interrupt::within(self.plugin.limits().deadline);
        let context = RunContext { subject: "check", interrupt: &interrupt, on_progress: Box::new(|_| ()) };
        let ended = call(self.plugin, context);
        if began.elapsed() > self.most.time {
            (self.most.time, self.most.slowest) = (began.elapsed(), label.to_owned());
        }
        ended.map(|(result, usage)| {
            if usage.peak_memory > self.most.memory {
                (self.most.memory, self.most.largest) = (usage.peak_memory, label.to_owned());
            }
            result
        })
    }

    fn note_limits(&self, report: &mut Report) {
        let limits = self.plugin.limits();
        let most = &self.most;
        if most.slowest.is_empty() {
            report.note("limits", Verdict::Skipped, "not before anything can be tried");
            return;
        }
        let words = format!(
            "at most {} of {} ({}) and {} of {} ({})",
            shown::time(most.time),
            shown::time(limits.deadline),
            most.slowest,
            shown::bytes(most.memory as u64),
            shown::bytes(limits.memory as u64),
            most.largest
        );
        let modest = most.time <= limits.deadline / MODEST && most.memory <= limits.memory / MODEST as usize;
        if modest {
            report.note("limits", Verdict::Passed, words);
        } else {
            let words = format!(
                "{words}: much for pictures as small as these. What to do: see what takes it before larger ones come"
            );
            report.note("limits", Verdict::Warning, words);
        }
    }
}

/// Whether the same came of the same.
#[derive(Default)]
struct Repeated {
    times: usize,
    different: Vec<String>,
}

impl Repeated {
    fn compare<T: PartialEq>(&mut self, input: &str, result: &T, again: &Result<T, Ending>) {
        self.times += 1;
        if again.as_ref() != Ok(result) {
            self.different.push(input.to_owned());
        }
    }

    fn verdict(&self) -> Option<(Verdict, String)> {
        if self.times == 0 {
            None
        } else if self.different.is_empty() {
            Some((Verdict::Passed, "the same bytes come of the same picture and parameters".to_owned()))
        } else {
            let words = format!(
                "other bytes came of {} the second time. What to do: let nothing depend on chance, time or addresses",
                self.different.join(", ")
            );
            Some((Verdict::Failed, words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_from_the_same_picture_are_a_fault() {
        let mut repeated = Repeated::default();
        assert_eq!(repeated.verdict(), None);
        repeated.compare("a", &1, &Ok(1));
        assert_eq!(repeated.verdict().map(|(verdict, _)| verdict), Some(Verdict::Passed));
        repeated.compare("b", &1, &Ok(2));
        repeated.compare("c", &1, &Err(Ending::Deadline));
        let (verdict, words) = repeated.verdict().unwrap_or((Verdict::Passed, String::new()));
        assert_eq!(verdict, Verdict::Failed);
        assert!(words.contains("of b, c the second time"), "{words}");
    }
}
