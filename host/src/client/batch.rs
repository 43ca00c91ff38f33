//! Many pictures, some of them at once, and what came of all of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::course::Course;
use super::error::{ClientError, exit};
use super::inputs::Input;
use super::report::{Outcome, Report, seconds};

/// What came of all of them.
#[derive(Debug, Default)]
pub struct Summary {
    counts: BTreeMap<Outcome, usize>,
    /// The exit codes of those that are not done.
    codes: Vec<u8>,
    /// What was said of these.
    failures: Vec<String>,
    took: Duration,
}

/// Takes all pictures, `jobs` at once, and tells what came of each when it is known. One that fails stops
/// no other, unless all others would fail alike.
pub async fn run(
    course: &Course<'_>,
    inputs: &[Input],
    jobs: NonZeroUsize,
    mut tell: impl FnMut(&Report, &Summary),
) -> Summary {
    let began = Instant::now();
    let end = RefCell::new(None::<String>);
    let shared = &end;
    let one = |input| async move {
        let why = shared.borrow().clone();
        let report = match why {
            Some(why) => not_tried(input, why),
            None => course.run(input).await,
        };
        if let Some(error) = report.error.as_ref().filter(|error| error.is_everybodys()) {
            shared.borrow_mut().get_or_insert_with(|| error.to_string());
        }
        report
    };
    let mut reports = stream::iter(inputs.iter().map(one)).buffer_unordered(jobs.get());
    let mut summary = Summary::default();
    while let Some(report) = reports.next().await {
        summary.add(&report);
        tell(&report, &summary);
    }
    summary.took = began.elapsed();
    summary
}

fn not_tried(input: &Input, why: String) -> Report {
    Report {
        subject: input.label(),
        task: None,
        url: None,
        status: None,
        files: vec![],
        is_detached: false,
        error: Some(ClientError::NotTried(why)),
        took: Duration::ZERO,
    }
}

impl Summary {
    /// Adds what came of one.
    pub fn add(&mut self, report: &Report) {
        *self.counts.entry(report.outcome()).or_default() += 1;
        if report.error.is_some() {
            // What was not tried says nothing about why.
            if report.outcome() != Outcome::NotTried {
                self.codes.push(report.code());
            }
            self.failures.push(report.text());
        }
    }

    /// How many are not done.
    #[must_use]
    pub fn bad(&self) -> usize {
        self.failures.len()
    }

    /// The exit code: that of the failures if they are of one kind, else that of any error. Ctrl-C was
    /// the user's, whatever else went wrong.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self.codes.as_slice() {
            [] => 0,
            codes if codes.contains(&exit::INTERRUPTED) => exit::INTERRUPTED,
            [first, rest @ ..] if rest.iter().all(|code| code == first) => *first,
            _ => exit::OTHER,
        }
    }

    /// A line of counts, and what was not done.
    #[must_use]
    pub fn text(&self) -> String {
        let all: usize = self.counts.values().sum();
        let counts = self.counts.iter().map(|(outcome, count)| format!("{count} {}", words(*outcome)));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let mut text = format!("{all} in {}: {counts}", seconds(self.took));
        for failure in &self.failures {
            text.push_str("\n  ");
            text.push_str(failure);
        }
        text
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Json {
        let count = |outcome| self.counts.get(&outcome).copied().unwrap_or_default();
        let all: usize = self.counts.values().sum();
        json!({"summary": {
            "inputs": all,
            "done": count(Outcome::Done) + count(Outcome::Detached),
            "failed": count(Outcome::Failed),
            "refused": count(Outcome::Refused),
            "others": all - [Outcome::Done, Outcome::Detached, Outcome::Failed, Outcome::Refused].map(count).iter().sum::<usize>(),
            "seconds": (self.took.as_secs_f64() * 1000.0).round() / 1000.0,
        }})
    }
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Detached => "sent",
        Outcome::Failed => "failed",
        Outcome::Refused => "refused",
        Outcome::Unreachable => "without a server",
        Outcome::Timeout => "out of time",
        Outcome::Interrupted => "interrupted",
        Outcome::NotTried => "not tried",
        Outcome::Error => "with another error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(codes: &[u8]) -> Summary {
        Summary { codes: codes.to_vec(), ..Summary::default() }
    }

    #[test]
    fn the_exit_code_is_that_of_failures_of_one_kind() {
        for (codes, code) in
            [(&[][..], 0), (&[3, 3], 3), (&[4], 4), (&[3, 4], exit::OTHER), (&[3, 130], exit::INTERRUPTED)]
        {
            assert_eq!(summary(codes).code(), code, "{codes:?}");
        }
    }
}
