//! A plugin's lines in the server's log: cut, cleaned and counted, so that no plugin can flood it.

/// Longest line, in bytes.
const LONGEST_LINE: usize = 1024;
/// Lines of one run; the rest are counted.
const MOST_LINES: u32 = 100;

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
}

impl GuestLog {
    pub(super) fn new(plugin: &str, subject: &str) -> Self {
        Self { plugin: plugin.to_owned(), subject: subject.to_owned(), lines: 0 }
    }

    pub(super) fn line(&mut self, level: Level, text: &str) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > MOST_LINES {
            return;
        }
        let Self { plugin, subject, .. } = &*self;
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
        if let Some(dropped @ 1..) = self.lines.checked_sub(MOST_LINES) {
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
        let mut log = GuestLog::new("p", "t");
        for _ in 0..=MOST_LINES {
            log.line(Level::Trace, "again");
        }
        assert_eq!(log.lines, MOST_LINES + 1);
    }
}
