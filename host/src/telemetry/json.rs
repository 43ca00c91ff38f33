//! A line of the log as one flat JSON object: a field has the same name and place in every line, whether
//! the line itself says it or the request that it is about.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Room for a line about a request.
const USUAL: usize = 512;

/// Writes such lines. Goes with `JsonFields`, which keeps the fields of spans.
pub(super) struct Flat;

impl<S, N> FormatEvent<S, N> for Flat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = Line::begin(Timestamp::now());
        line.say("level", metadata.level().as_str());
        event.record(&mut line);
        line.say("target", metadata.target());
        // What the line says itself, and what the nearer span says, wins.
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map(|fields| fields.fields.as_str());
            let fields = fields.and_then(|fields| serde_json::from_str::<Map<String, Value>>(fields).ok());
            for (name, value) in fields.into_iter().flatten() {
                line.say(name, value);
            }
        }
        writeln!(writer, "{}", line.end()?)
    }
}

/// A line while it is written: every request has one, so that no tree is made of it first.
struct Line {
    text: Vec<u8>,
    said: Vec<Cow<'static, str>>,
}

impl Line {
    fn begin(now: Timestamp) -> Self {
        let mut line = Self { text: Vec::with_capacity(USUAL), said: vec!["timestamp".into()] };
        // A vector takes whatever is written into it.
        let _ = write!(line.text, "{{\"timestamp\":\"{now:.6}\"");
        line
    }

    /// What was said of a name first stays.
    fn say(&mut self, name: impl Into<Cow<'static, str>>, value: impl Serialize) {
        let name = name.into();
        // What comes by way of the crate `log` has its metadata among its fields.
        let name = match name.strip_prefix("log.") {
            Some("target") => "target".into(),
            Some(_) => return,
            None => name,
        };
        if self.said.contains(&name) {
            return;
        }
        let before = self.text.len();
        self.text.push(b',');
        let name_written = serde_json::to_writer(&mut self.text, &name);
        self.text.push(b':');
        if name_written.and_then(|()| serde_json::to_writer(&mut self.text, &value)).is_err() {
            self.text.truncate(before);
        }
        self.said.push(name);
    }

    fn end(mut self) -> Result<String, fmt::Error> {
        self.text.push(b'}');
        String::from_utf8(self.text).map_err(|_| fmt::Error)
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.say(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.say(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.say(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.say(field.name(), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        // Milliseconds come as this, and fit for a while.
        match u64::try_from(value) {
            Ok(value) => self.say(field.name(), value),
            Err(_) => self.say(field.name(), value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.say(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.say(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::format::JsonFields;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(say: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(Flat)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn fields_of_a_line_and_of_what_it_is_about_stand_side_by_side() {
        let lines = lines(|| {
            let _request = tracing::info_span!("request", request_id = "r-1").entered();
            tracing::info!(ms = 7_u128, task = %"t-1", nothing = None::<&str>, "a \"word\"\nand one more");
            tracing::warn!(request_id = "r-2", "its own");
        });
        let [first, second] = lines.as_slice() else { panic!("{lines:?}") };
        for (name, value) in [
            ("level", Value::from("INFO")),
            ("message", "a \"word\"\nand one more".into()),
            ("ms", 7.into()),
            ("task", "t-1".into()),
            ("request_id", "r-1".into()),
        ] {
            assert_eq!(first[name], value, "{first}");
        }
        assert!(first["target"].as_str().unwrap().ends_with("json::tests"), "{first}");
        assert!(first.get("nothing").is_none() && first["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(second["request_id"], "r-2");
    }
}
