//! What came of one picture or task: for people, or for programs. The fields of the JSON are promised in
//! `docs/client.md`.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::error::{ClientError, exit};
use super::fetching::Fetched;
use super::status::Status;
use crate::shown::{bytes, clean};

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The results are there.
    Done,
    /// The server has the task, and nobody waits for it.
    Detached,
    /// The task ended as FAILED.
    Failed,
    /// The server said no.
    Refused,
    /// The server cannot be reached.
    Unreachable,
    /// The time was up.
    Timeout,
    /// Ctrl-C.
    Interrupted,
    /// What came before it made it pointless.
    NotTried,
    /// Anything else, such as a file that cannot be written.
    Error,
}

/// What came of one picture or task.
#[derive(Debug)]
pub struct Report {
    /// The picture's file, or the task's id.
    pub subject: String,
    /// The task's id, once the server has one.
    pub task: Option<String>,
    /// The task's address.
    pub url: Option<String>,
    /// What the server said last.
    pub status: Option<Status>,
    /// What was written.
    pub files: Vec<Fetched>,
    /// Whether nobody waits for the task.
    pub is_detached: bool,
    /// Why it isn't done.
    pub error: Option<ClientError>,
    /// From the first byte to the last.
    pub took: Duration,
}

/// A wait as people count it.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

impl Report {
    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match &self.error {
            None if self.is_detached => Outcome::Detached,
            None => Outcome::Done,
            Some(error) => match error {
                ClientError::Failed { .. } => Outcome::Failed,
                ClientError::Refused(_) => Outcome::Refused,
                ClientError::Unreachable { .. } => Outcome::Unreachable,
                ClientError::TimedOut => Outcome::Timeout,
                ClientError::Interrupted => Outcome::Interrupted,
                ClientError::NotTried(_) => Outcome::NotTried,
                _ => Outcome::Error,
            },
        }
    }

    /// The exit code, 0 if all is well.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.error.as_ref().map_or(0, ClientError::code)
    }

    /// One line, or one for each result.
    #[must_use]
    pub fn text(&self) -> String {
        let subject = clean(&self.subject);
        if let Some(error) = &self.error {
            let mut text = format!("{subject}: {}", clean(&error.to_string()));
            if let (Some(task), Some(url), true) = (&self.task, &self.url, self.goes_on()) {
                text.push_str(&format!(
                    ". The server goes on with the task {}: `tintype task wait {}` waits for it",
                    clean(url),
                    clean(task)
                ));
            } else if let (Some(task), true) = (&self.task, self.has_results()) {
                text.push_str(&format!(". The results are kept: `tintype task fetch {} -o …`", clean(task)));
            }
            return text;
        }
        if self.is_detached {
            return format!("{}\t{subject}", self.url.as_deref().map(clean).unwrap_or_default());
        }
        let took = seconds(self.took);
        let lines = self.files.iter().map(|file| {
            format!(
                "{subject}: {}, {}, {}, {took}",
                clean(&file.file),
                clean(&file.media_type),
                bytes(file.size)
            )
        });
        let lines: Vec<String> = lines.collect();
        if lines.is_empty() { format!("{subject}: done, {took}") } else { lines.join("\n") }
    }

    /// Whether the server works on it although nobody waits any longer.
    fn goes_on(&self) -> bool {
        matches!(self.code(), exit::TIMEOUT | exit::INTERRUPTED | exit::UNREACHABLE) && !self.has_results()
    }

    fn has_results(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.results().is_ok())
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Json {
        let error = self.error.as_ref().map(|error| {
            let problem = error.refusal().and_then(|refusal| refusal.problem.clone());
            let status = error.refusal().map(|refusal| refusal.status);
            json!({"message": error.to_string(), "exit_code": error.code(), "http_status": status, "problem": problem})
        });
        json!({
            "input": self.subject,
            "outcome": self.outcome(),
            "task": self.task,
            "url": self.url,
            "files": self.files,
            "error": error,
            "status": self.status.as_ref().map(|status| &status.json),
            "seconds": (self.took.as_secs_f64() * 1000.0).round() / 1000.0,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn report(error: Option<ClientError>) -> Report {
        Report {
            subject: "a.jpg".to_owned(),
            task: Some("01".to_owned()),
            url: Some("http://s/images/task/01".to_owned()),
            status: None,
            files: vec![],
            is_detached: false,
            error,
            took: Duration::from_millis(1500),
        }
    }

    #[test]
    fn whoever_stops_waiting_is_told_what_goes_on() {
        for error in [ClientError::Interrupted, ClientError::TimedOut] {
            let text = report(Some(error)).text();
            assert!(text.contains("http://s/images/task/01") && text.contains("task wait 01"), "{text}");
        }
        let failed = ClientError::Failed { code: "invalid-image".to_owned(), detail: "No.".to_owned() };
        assert_eq!(report(Some(failed)).text(), "a.jpg: FAILED, invalid-image: No.");
    }

    #[test]
    fn results_that_had_no_place_can_still_be_had() {
        let json = json!({"id": "01", "state": "OK", "results": [{"type": "image/png"}]});
        let mut report = report(Some(ClientError::Exists("b.png".into())));
        report.status = Some(Status::of(json, "s").unwrap());
        let text = report.text();
        assert!(text.contains("--force") && text.contains("task fetch 01"), "{text}");
    }

    #[test]
    fn every_field_is_there_whatever_happened() {
        for error in [None, Some(ClientError::TimedOut)] {
            let json = report(error).json();
            let fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(fields, ["input", "outcome", "task", "url", "files", "error", "status", "seconds"]);
        }
        assert_eq!(report(None).json()["outcome"], "done");
        assert_eq!(report(Some(ClientError::TimedOut)).json()["error"]["exit_code"], 6);
    }
}
