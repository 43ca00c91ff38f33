//! What is shown while one waits: bars on a terminal, and elsewhere a line where something has to be said.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::status::Status;
use crate::shown::clean;

/// A picture whose plugin tells nothing of its progress.
const UNKNOWN: &str = "{spinner} {prefix}  {msg}";
/// One whose plugin does.
const KNOWN: &str = "{spinner} {prefix}  [{bar:24}] {percent:>3}%  {msg}";
/// All pictures of a run.
const ALL: &str = "[{bar:24}] {pos} of {len}  {elapsed}  {msg}";
/// Steps of a bar: more than a terminal has columns for it.
const STEPS: u64 = 1000;
/// Pause between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(120);

/// Where progress is shown.
#[derive(Debug)]
pub struct Display {
    bars: Option<MultiProgress>,
    all: Option<ProgressBar>,
}

/// What is shown of one picture or task.
#[derive(Debug)]
pub struct Line {
    label: String,
    bar: Option<ProgressBar>,
}

impl Display {
    /// On standard error, for so many pictures. Bars only where somebody can see them.
    #[must_use]
    pub fn new(pictures: usize) -> Self {
        let bars =
            io::stderr().is_terminal().then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let all = bars.as_ref().filter(|_| pictures > 1).map(|bars| {
            let bar = bars.add(ProgressBar::new(pictures as u64).with_style(style(ALL)));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bars, all }
    }

    /// A line for one of them.
    #[must_use]
    pub fn line(&self, label: &str) -> Line {
        let label = clean(label);
        let bar = self.bars.as_ref().map(|bars| {
            let bar = ProgressBar::new(STEPS).with_style(style(UNKNOWN)).with_prefix(label.clone());
            // The bar of all stays at the end.
            let bar = match &self.all {
                Some(all) => bars.insert_before(all, bar),
                None => bars.add(bar),
            };
            bar.enable_steady_tick(TICK);
            bar
        });
        Line { label, bar }
    }

    /// Counts a picture that is through.
    pub fn count(&self, bad: usize) {
        if let Some(all) = &self.all {
            all.inc(1);
            if bad > 0 {
                all.set_message(format!("{bad} not done"));
            }
        }
    }

    /// Writes lines of a report where they belong, and the bars below them.
    ///
    /// # Errors
    /// Standard output or error cannot be written.
    pub fn print(&self, text: &str, to_errors: bool) -> io::Result<()> {
        let write = || {
            if to_errors {
                writeln!(io::stderr().lock(), "{text}")
            } else {
                let mut out = io::stdout().lock();
                writeln!(out, "{text}")?;
                // A program that reads it wants it now.
                out.flush()
            }
        };
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    /// Takes the bars away.
    pub fn clear(&self) {
        if let Some(all) = &self.all {
            all.finish_and_clear();
        }
        if let Some(bars) = &self.bars {
            // Whatever stays on the screen does no harm.
            let _ = bars.clear();
        }
    }
}

impl Line {
    /// Whether it is worth while to find out how far a task is.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.bar.is_some()
    }

    /// What is being done.
    pub fn says(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        }
    }

    /// Something that a user should know in any case.
    pub fn note(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => eprintln!("{}: {what}", self.label),
        }
    }

    /// Where the task stands.
    pub fn at(&self, status: &Status) {
        let Some(bar) = &self.bar else { return };
        if let Some(progress) = status.progress() {
            bar.set_style(style(KNOWN));
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            // a saturating cast is what is meant
            bar.set_position((progress * STEPS as f64) as u64);
        }
        bar.set_message(clean(status.phase()));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
