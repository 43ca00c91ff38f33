//! A plugin's lines in the server's log: cut, cleaned and counted, so that no plugin can flood it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest line, in bytes.
const LONGEST_LINE: usize = 1024;
/// Lines of one run; the rest are counted.
const MOST_LINES: u32 = 100;

/// Lines of all runs of a plugin in a second; the rest are counted. A busy server has hundreds of runs in
/// a second, and whoever reads its log wants to see more than one plugin's words.
const MOST_LINES_A_SECOND: u32 = 200;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// The lines of one run.
#[derive(Debug)]
pub(super) struct GuestLog {
    plugin: String,
    /// What the run is for, such as a task's id.
    subject: String,
    lines: u32,
    rate: Arc<LogRate>,
}

/// The lines of all runs of a plugin.
#[derive(Debug, Default)]
pub(super) struct LogRate(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    began: Option<Instant>,
    lines: u32,
    dropped: u32,
}

impl LogRate {
    /// Whether there may be one more line now; if so, how many were dropped before it.
    fn pass(&self, now: Instant) -> Option<u32> {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = second.began.is_none_or(|began| now.duration_since(began) >= Duration::from_secs(1));
        if is_over {
            (second.began, second.lines) = (Some(now), 0);
        }
        if second.lines == MOST_LINES_A_SECOND {
            second.dropped = second.dropped.saturating_add(1);
            return None;
        }
        second.lines += 1;
        Some(std::mem::take(&mut second.dropped))
    }
}

impl GuestLog {
    pub(super) fn new(plugin: &str, subject: &str, rate: &Arc<LogRate>) -> Self {
        let (plugin, subject) = (plugin.to_owned(), subject.to_owned());
        Self { plugin, subject, lines: 0, rate: Arc::clone(rate) }
    }

    pub(super) fn line(&mut self, level: Level, text: &str) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > MOST_LINES {
            return;
        }
        let Self { plugin, subject, .. } = &*self;
        let Some(dropped) = self.rate.pass(Instant::now()) else { return };
        if dropped > 0 {
            tracing::warn!(target: "tintype::guest", plugin, dropped, "it logged too much, lines were dropped");
        }
        let text = cleaned(text);
        match level {
            Level::Trace => tracing::trace!(target: "tintype::guest", plugin, task = subject, "{text}"),
            Level::Debug => tracing::debug!(target: "tintype::guest", plugin, task = subject, "{text}"),
            Level::Info => tracing::info!(target: "tintype::guest", plugin, task = subject, "{text}"),
            Level::Warn => tracing::warn!(target: "tintype::guest", plugin, task = subject, "{text}"),
            Level::Error => tracing::error!(target: "tintype::guest", plugin, task = subject, "{text}"),
        }
    }
}

impl Drop for GuestLog {
    fn drop(&mut self) {
        if let Some(dropped @ 1..) = self.lines.checked_sub(MOST_LINES)
            && self.rate.pass(Instant::now()).is_some()
        {
            let Self { plugin, subject, .. } = &*self;
            tracing::warn!(target: "tintype::guest", plugin, task = subject, dropped, "further log lines were dropped");
        }
    }
}

/// Control characters could forge lines or steer a terminal. Cut last: what stands for them is longer.
fn cleaned(text: &str) -> String {
    let mut line = String::new();
    for c in text.trim_end().chars() {
        let c = if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
        if line.len() + c.len_utf8() > LONGEST_LINE {
            break;
        }
        line.push(c);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_and_cannot_forge_another() {
        assert_eq!(cleaned("one\nERROR two\u{1b}[2J\n"), "one\u{fffd}ERROR two\u{fffd}[2J");
        for long in ["ö", "\u{1b}"] {
            assert!(cleaned(&long.repeat(4000)).len() <= LONGEST_LINE);
        }
    }

    #[test]
    fn lines_beyond_the_limit_are_counted() {
        let mut log = GuestLog::new("p", "t", &Arc::default());
        for _ in 0..=MOST_LINES {
            log.line(Level::Trace, "again");
        }
        assert_eq!(log.lines, MOST_LINES + 1);
    }

    #[test]
    fn many_runs_together_have_so_many_lines_a_second_and_are_told_what_was_dropped() {
        let (rate, now) = (LogRate::default(), Instant::now());
        for _ in 0..MOST_LINES_A_SECOND {
            assert_eq!(rate.pass(now), Some(0));
        }
        assert_eq!((rate.pass(now), rate.pass(now)), (None, None));
        let later = now + Duration::from_secs(1);
        assert_eq!((rate.pass(later), rate.pass(later)), (Some(2), Some(0)));
    }
}
