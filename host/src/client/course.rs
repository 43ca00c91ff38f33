//! One picture from its file to its results.

use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::api::Api;
use super::description::Description;
use super::error::ClientError;
use super::fetching::{Fetched, fetch_for};
use super::halt::Halt;
use super::inputs::{Input, Source};
use super::message::{Attachment, Message, Picture};
use super::naming::Subject;
use super::placing::Placing;
use super::progress::{Display, Line};
use super::report::Report;
use super::status::Status;
use super::submitting::submit;
use super::waiting::wait;

/// What is to be done with every picture of a run.
#[derive(Debug)]
pub struct Wanted {
    /// The operations and the output.
    pub description: Description,
    /// What comes along.
    pub attachments: Vec<Attachment>,
    /// What the pictures are said to be; by default, by their names.
    pub media_type: Option<String>,
    /// The user's own key against repetition; by default, a new one for each picture.
    pub idempotency_key: Option<HeaderValue>,
    /// Whether nobody waits.
    pub is_detached: bool,
    /// Longest time for one picture.
    pub timeout: Option<Duration>,
}

/// A way that pictures can go.
pub struct Course<'a> {
    /// Where they are sent.
    pub api: &'a Api,
    /// What is done there.
    pub wanted: &'a Wanted,
    /// Where the results go.
    pub placing: &'a Placing,
    /// What ends it early.
    pub halt: &'a Halt,
    /// Where it is shown.
    pub display: &'a Display,
}

impl Course<'_> {
    /// Takes a picture all the way.
    pub async fn run(&self, input: &Input) -> Report {
        let began = Instant::now();
        let label = input.label();
        let mut report = Report {
            subject: label.clone(),
            task: None,
            url: None,
            status: None,
            files: vec![],
            is_detached: false,
            error: None,
            took: Duration::ZERO,
        };
        let line = self.display.line(&label);
        match self.steps(input, &line, &mut report).await {
            Ok(files) => report.files = files,
            Err(error) => report.error = Some(error),
        }
        report.took = began.elapsed();
        report
    }

    async fn steps(
        &self,
        input: &Input,
        line: &Line,
        report: &mut Report,
    ) -> Result<Vec<Fetched>, ClientError> {
        let subject = Subject::of(input);
        if !self.wanted.is_detached {
            self.placing.foresee(&subject)?;
        }
        let halt = self.halt.within(self.wanted.timeout);
        let media_type = self.wanted.media_type.as_deref();
        let picture = match &input.source {
            Source::File(path) => Picture::of_file(path, media_type)?,
            Source::Standard => Picture::of_standard_input(media_type)?,
        };
        let message = Message {
            description: &self.wanted.description,
            picture: &picture,
            attachments: &self.wanted.attachments,
        };
        line.says("sending");
        let accepted = submit(self.api, &message, &self.key(), &halt, line).await?;
        let id = accepted.id().to_owned();
        report.url = Some(self.api.address().task(&id));
        report.task = Some(id.clone());
        let is_over = accepted.is_over();
        report.status = Some(accepted.clone());
        if self.wanted.is_detached {
            report.is_detached = true;
            return Ok(vec![]);
        }
        let ended: Status = if is_over { accepted } else { wait(self.api, &id, &halt, line).await? };
        report.status = Some(ended.clone());
        line.says("fetching");
        fetch_for(self.api, &ended, &subject, self.placing, &halt, line).await
    }

    fn key(&self) -> HeaderValue {
        self.wanted.idempotency_key.clone().unwrap_or_else(|| {
            HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).expect("a UUID is visible")
        })
    }
}
