//! What a plugin says while it runs: its lines go to the log in a server, and to a command's report here.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// The target of everything that the log says of a run.
const TARGET: &str = "tintype::guest";
/// What the host itself says of a run that ended badly: wasmtime's words, and where the plugin was.
const ENDED_BY: &str = "ended by: ";

/// What was said during a run.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The plugin's lines, as the log would have them.
    pub(super) lines: Vec<Line>,
    /// Lines beyond those that the log takes.
    pub(super) dropped: u64,
    /// For a run that was ended: the frames that it was in.
    pub(super) stopped: Option<String>,
}

/// A line of the plugin's.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// In lower case.
    pub(super) level: String,
    pub(super) text: String,
}

/// Does `work` on this thread, and hears what a run in it says.
pub(super) fn hear<T>(work: impl FnOnce() -> T) -> (T, Said) {
    let said = Arc::new(Mutex::new(Said::default()));
    let ear = Ear(Arc::clone(&said)).with_filter(filter_fn(|metadata| metadata.target() == TARGET));
    let done = tracing::subscriber::with_default(tracing_subscriber::registry().with(ear), work);
    let said = std::mem::take(&mut *said.lock().unwrap_or_else(PoisonError::into_inner));
    (done, said)
}

struct Ear(Arc<Mutex<Said>>);

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts_own = metadata.module_path().is_some_and(|path| path.ends_with("::run"));
        match (fields.dropped, fields.message.strip_prefix(ENDED_BY)) {
            (Some(dropped), _) => said.dropped += dropped,
            (None, Some(frames)) if hosts_own && *metadata.level() == Level::DEBUG => {
                said.stopped = Some(frames.to_owned());
            }
            _ => said
                .lines
                .push(Line { level: metadata.level().as_str().to_lowercase(), text: fields.message }),
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    dropped: Option<u64>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if let ("dropped", Ok(count)) = (field.name(), u64::try_from(value)) {
            self.dropped = Some(count);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "dropped" {
            self.dropped = Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_lines_are_heard_and_nobody_elses() {
        let (done, said) = hear(|| {
            tracing::warn!(target: "tintype::guest", plugin = "p", "ended by: its own words");
            tracing::warn!(target: "tintype::guest", plugin = "p", dropped = 3_u32, "further lines");
            tracing::warn!("the host's");
            7
        });
        assert_eq!((done, said.dropped, said.stopped), (7, 3, None));
        let line = Line { level: "warn".to_owned(), text: "ended by: its own words".to_owned() };
        assert_eq!(said.lines, [line]);
    }
}
