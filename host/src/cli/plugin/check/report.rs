//! What was found, and how it is told: to people in the order of their worries, to programs in full.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::shown;

/// The column in which words begin.
const WORDS: usize = 27;

/// Most inputs that are named where the same is wrong with many.
const MOST_NAMED: usize = 3;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Passed,
    /// It can be shipped so, and could be better, or could not be tried.
    Warning,
    /// It must be mended.
    Failed,
    /// Something else must be mended before this can be looked at.
    Skipped,
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) check: String,
    /// The operation that was tried, if it was one; of a codec, `decode` or `encode`.
    pub(super) operation: Option<String>,
    pub(super) verdict: Verdict,
    /// What was seen, and what the author has to do about it.
    pub(super) words: String,
}

/// All checks of one file.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    file: String,
    /// Name and version, once it is loaded.
    pub(super) plugin: Option<String>,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.display().to_string(), plugin: None, findings: vec![] }
    }

    /// Notes a check of the plugin as a whole.
    pub(super) fn note(&mut self, check: &str, verdict: Verdict, words: impl Into<String>) {
        let check = check.to_owned();
        self.findings.push(Finding { check, operation: None, verdict, words: words.into() });
    }

    /// Notes a check of an operation.
    pub(super) fn note_of(
        &mut self,
        operation: &str,
        check: &str,
        verdict: Verdict,
        words: impl Into<String>,
    ) {
        let (check, operation) = (check.to_owned(), Some(operation.to_owned()));
        self.findings.push(Finding { check, operation, verdict, words: words.into() });
    }

    /// How many checks say that something must be mended.
    pub(super) fn failed(&self) -> usize {
        self.count(Verdict::Failed)
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// Writes the report for people: of an operation's checks only those that did not pass.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let plugin = self.plugin.as_deref().unwrap_or("no plugin that a server could load");
        writeln!(out, "{}: {plugin}", shown::clean(&self.file))?;
        let mut told: Vec<&str> = vec![];
        for finding in &self.findings {
            match &finding.operation {
                None => line(out, finding.verdict, &finding.check, &finding.words)?,
                Some(operation) if told.contains(&operation.as_str()) => {}
                Some(operation) => {
                    told.push(operation);
                    self.write_operation(operation, out)?;
                }
            }
        }
        let count = |verdict, what: &str| match self.count(verdict) {
            0 => String::new(),
            number => format!(", {number} {what}"),
        };
        writeln!(
            out,
            "{} passed{}{}{}",
            self.count(Verdict::Passed),
            count(Verdict::Warning, "warned of"),
            count(Verdict::Failed, "failed"),
            count(Verdict::Skipped, "not looked at")
        )
    }

    fn write_operation(&self, operation: &str, out: &mut impl Write) -> io::Result<()> {
        let of_it = self.findings.iter().filter(|finding| finding.operation.as_deref() == Some(operation));
        let (passed, others): (Vec<&Finding>, Vec<&Finding>) =
            of_it.partition(|finding| finding.verdict == Verdict::Passed);
        // That parameters were found says nothing where the operation then failed with all of them.
        if passed.len() > 1 || others.is_empty() {
            let words = format!("in {} checks", passed.len());
            line(out, Verdict::Passed, operation, &words)?;
        }
        // What is wrong with many inputs in the same way is one thing to mend.
        let mut alike: Vec<(&Finding, Vec<&str>)> = vec![];
        for finding in others {
            match alike.iter_mut().find(|(first, _)| first.words == finding.words) {
                Some((_, checks)) => checks.push(&finding.check),
                None => alike.push((finding, vec![&finding.check])),
            }
        }
        for (finding, checks) in alike {
            let named = checks.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = match checks.len().saturating_sub(MOST_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            line(out, finding.verdict, operation, &format!("{named}{more}: {}", finding.words))?;
        }
        Ok(())
    }
}

fn line(out: &mut impl Write, verdict: Verdict, name: &str, words: &str) -> io::Result<()> {
    let verdict = match verdict {
        Verdict::Passed => "passed",
        Verdict::Warning => "warning",
        Verdict::Failed => "FAILED",
        Verdict::Skipped => "-",
    };
    shown::wrapped(out, &format!("  {verdict:8} {name}"), WORDS, words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_passed_is_told_in_short_and_what_must_be_mended_in_full() {
        let mut report = Report::new(Path::new("p.wasm"));
        report.plugin = Some("p 1.0.0".to_owned());
        report.note("size", Verdict::Passed, "10 bytes");
        report.note_of("spin", "empty input", Verdict::Passed, "it says so");
        report.note_of("spin", "one byte", Verdict::Passed, "it says so");
        for check in ["random bytes", "half", "damaged", "lying"] {
            report.note_of("spin", check, Verdict::Failed, "it trapped: see to it");
        }
        let mut out = vec![];
        report.write(&mut out).unwrap();
        let expected = "p.wasm: p 1.0.0
  passed   size            10 bytes
  passed   spin            in 2 checks
  FAILED   spin            random bytes, half, damaged and 1 more: it trapped: see to it
3 passed, 4 failed
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(report.failed(), 4);
    }
}
