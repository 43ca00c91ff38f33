//! A stream of server-sent events (HTML Standard, section 9.2), read as a browser reads it.

use std::io::{BufRead as _, BufReader, Read};

use serde_json::Value as Json;

use crate::Status;

/// What one event says.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// What a client that comes back sends as `Last-Event-ID`.
    pub id: String,
    /// Its data.
    pub status: Status,
}

/// A stream that is open.
pub struct Events(BufReader<Box<dyn Read + Send>>);

impl Events {
    pub(crate) fn of(body: impl Read + Send + 'static) -> Self {
        Self(BufReader::new(Box::new(body)))
    }

    fn field(line: &str) -> (&str, &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name, value.strip_prefix(' ').unwrap_or(value))
    }
}

/// Ends when the stream does; an event that was begun is none.
impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (mut name, mut id, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match Self::field(line.trim_end_matches('\n')) {
                ("", "") if !data.is_empty() => {
                    let status = Status(serde_json::from_str::<Json>(&data).unwrap());
                    return Some(Event { name, id, status });
                }
                ("event", value) => name = value.to_owned(),
                ("id", value) => id = value.to_owned(),
                ("data", value) => data.push_str(value),
                // A comment, or the empty line after it.
                ("", _) => {}
                other => panic!("{other:?} is no field of an event"),
            }
        }
    }
}
