//! The status of a task, as the note writes it, and the same in JSON.

use axum::http::header::{CONTENT_LOCATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, VARY};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::negotiate::Format;
use super::public_url::PublicUrl;
use super::xml::{self, Element};
use crate::task::{FailureCode, Outcome, State, Status};

const ATOM: &str = "http://www.w3.org/2005/Atom";

/// The sentences of the note.
const PENDING: &str = "Request is still being processed.";
const SUCCEEDED: &str = "Your request has been processed successfully.";
const FAILED: &str = "Failed to complete your request.";

/// Longest time after which a client is asked to look again. An estimate beyond it is worth little,
/// and a client that believed it would learn of a failure too late.
const LONGEST_PAUSE: u64 = 3600;

/// What the answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// 202, to the POST that submitted it.
    Accepted,
    /// A poll; an end in OK redirects to the result.
    Poll,
    /// A poll of a client that doesn't want to be redirected.
    PollInPlace,
}

/// The answer that says where a task stands.
pub(super) fn answer(status: &Status, url: &PublicUrl, format: Format, occasion: Occasion) -> Response {
    let view = View::new(status, url, occasion, Timestamp::now());
    let code = match (occasion, &view.state) {
        (Occasion::Accepted, _) => StatusCode::ACCEPTED,
        (Occasion::Poll, Word::Ok) => StatusCode::SEE_OTHER,
        (Occasion::Poll | Occasion::PollInPlace, _) => StatusCode::OK,
    };
    let body = match format {
        Format::Xml => view.xml(),
        Format::Json => text(&view.json()),
    };
    let mut response =
        (code, [(CONTENT_TYPE, format.content_type()), (VARY, "Accept")], body).into_response();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_LOCATION, &view.itself);
    match (code, view.results.first()) {
        (StatusCode::ACCEPTED, _) => set(LOCATION, &view.itself),
        (StatusCode::SEE_OTHER, Some(result)) => set(LOCATION, result),
        _ => {}
    }
    if let Some(seconds) = view.pause {
        set(RETRY_AFTER, &seconds.to_string());
    }
    response
}

/// Written at once, and not by way of a tree.
fn text(status: &TaskStatus<'_>) -> String {
    // Its keys are strings and its numbers finite: there is nothing that could not be written.
    serde_json::to_string(status).unwrap_or_default()
}

/// The JSON status, as a client would get it that asks without being redirected.
pub(super) fn json(status: &Status, url: &PublicUrl) -> Json {
    json!(View::new(status, url, Occasion::PollInPlace, Timestamp::now()).json())
}

/// A page of tasks.
pub(super) fn json_list(tasks: &[Status], url: &PublicUrl, next: Option<&str>) -> Json {
    let now = Timestamp::now();
    let views: Vec<View<'_>> =
        tasks.iter().map(|status| View::new(status, url, Occasion::PollInPlace, now)).collect();
    json!(TaskPage { tasks: views.iter().map(View::json).collect(), next })
}

/// The same in XML.
pub(super) fn xml_list(tasks: &[Status], url: &PublicUrl, next: Option<&str>) -> String {
    let now = Timestamp::now();
    xml::document("tasks", &[("xmlns:atom", ATOM)], |list| {
        if let Some(next) = next {
            list.empty("atom:link", &[("rel", "next"), ("href", next)]);
        }
        for status in tasks {
            let view = View::new(status, url, Occasion::PollInPlace, now);
            list.element("status", &[], |element| view.write(element));
        }
    })
}

/// The three words of the note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = State)]
enum Word {
    #[serde(rename = "pending")]
    Pending,
    #[serde(rename = "OK")]
    Ok,
    #[serde(rename = "FAILED")]
    Failed,
}

/// Everything that is said of a task, in neither format.
struct View<'a> {
    status: &'a Status,
    state: Word,
    itself: String,
    results: Vec<String>,
    /// The 303 names a single result in `Location`; the note's document names it nowhere else.
    lists_results: bool,
    /// Seconds until it makes sense to look again.
    pause: Option<u64>,
    ping_after: Option<Timestamp>,
}

impl<'a> View<'a> {
    fn new(status: &'a Status, url: &PublicUrl, occasion: Occasion, now: Timestamp) -> Self {
        let id = status.record.id;
        let (state, results) = match &status.record.state {
            State::Queued | State::Running => (Word::Pending, 0),
            State::Finished { outcome: Outcome::Ok(results), .. } => (Word::Ok, results.len()),
            State::Finished { outcome: Outcome::Failed(_), .. } => (Word::Failed, 0),
        };
        let pause = (state == Word::Pending).then(|| {
            let seconds = status.time_left.as_secs_f64().ceil();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // a saturating cast is what is meant
            let seconds = seconds as u64;
            seconds.clamp(1, LONGEST_PAUSE)
        });
        // From the beginning of this second at least one second on: never in the past.
        let ping_after = pause.and_then(|pause| {
            let second = now.as_second().checked_add_unsigned(pause)?;
            Timestamp::from_second(second).ok()
        });
        Self {
            status,
            state,
            itself: url.task(id),
            results: (1..=results).map(|number| url.result(id, number)).collect(),
            lists_results: results > 1 || occasion == Occasion::PollInPlace,
            pause,
            ping_after,
        }
    }

    fn word(&self) -> &'static str {
        match self.state {
            Word::Pending => "pending",
            Word::Ok => "OK",
            Word::Failed => "FAILED",
        }
    }

    fn message(&self) -> &'static str {
        match self.state {
            Word::Pending => PENDING,
            Word::Ok => SUCCEEDED,
            Word::Failed => FAILED,
        }
    }

    fn xml(&self) -> String {
        xml::document("status", &[("xmlns:atom", ATOM)], |status| self.write(status))
    }

    fn write(&self, status: &mut Element<'_>) {
        status.text("state", self.word());
        status.empty("atom:link", &[("rel", "self"), ("href", &self.itself)]);
        for result in self.results.iter().filter(|_| self.lists_results) {
            status.empty("atom:link", &[("rel", "related"), ("href", result)]);
        }
        status.text("message", self.message());
        if let Some(ping_after) = self.ping_after {
            status.text("ping-after", &seconds(ping_after));
        }
        if let State::Finished { completed, outcome } = &self.status.record.state {
            match outcome {
                Outcome::Ok(_) => status.text("completed", &seconds(*completed)),
                Outcome::Failed(failure) => {
                    status.text("detail", &failure.detail);
                    status.text("completed", &seconds(*completed));
                    status.text("code", failure.code.as_str());
                }
            }
        }
    }

    fn json(&self) -> TaskStatus<'_> {
        let record = &self.status.record;
        let mut json = TaskStatus {
            id: record.id.to_string(),
            state: self.state,
            phase: phase(&record.state),
            message: self.message(),
            itself: &self.itself,
            operations: &record.operations,
            submitted: seconds(record.submitted),
            // Three digits are more than anybody can see; the shortest decimal is what a client reads.
            progress: self.status.progress.map(|part| (f64::from(part) * 1000.0).round() / 1000.0),
            ping_after: self.ping_after.map(seconds),
            completed: None,
            results: None,
            detail: None,
            code: None,
        };
        if let State::Finished { completed, outcome } = &record.state {
            json.completed = Some(seconds(*completed));
            match outcome {
                Outcome::Ok(results) => {
                    let results = self.results.iter().zip(results).map(|(href, result)| TaskResult {
                        href,
                        r#type: &result.media_type,
                        size: result.size,
                        sha256: result.digest.to_string(),
                    });
                    json.results = Some(results.collect());
                }
                Outcome::Failed(failure) => {
                    json.detail = Some(&failure.detail);
                    json.code = Some(failure.code.as_str());
                }
            }
        }
        json
    }
}

/// Where a task stands.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskStatus<'a> {
    #[schema(format = "uuid")]
    id: String,
    state: Word,
    phase: Phase,
    /// The state in a sentence.
    message: &'static str,
    /// The task's address.
    #[serde(rename = "self")]
    #[schema(format = "uri")]
    itself: &'a str,
    /// Their names, in their order.
    operations: &'a [String],
    #[schema(format = DateTime)]
    submitted: String,
    /// How much of it is done, where the plugin says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    progress: Option<f64>,
    /// Before this moment it makes no sense to ask again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    ping_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    completed: Option<String>,
    /// Of a task that went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    results: Option<Vec<TaskResult<'a>>>,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<&'a str>,
    /// Why it failed, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'a str>,
}

/// What a task made.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskResult<'a> {
    #[schema(format = "uri")]
    href: &'a str,
    r#type: &'a str,
    /// In bytes.
    size: u64,
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
}

/// A page of tasks.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskPage<'a> {
    tasks: Vec<TaskStatus<'a>>,
    /// The next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri")]
    next: Option<&'a str>,
}

/// The finer states, which only the JSON view has.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

fn phase(state: &State) -> Phase {
    match state {
        State::Queued => Phase::Queued,
        State::Running => Phase::Running,
        State::Finished { outcome: Outcome::Ok(_), .. } => Phase::Done,
        State::Finished { outcome: Outcome::Failed(failure), .. }
            if failure.code == FailureCode::Cancelled =>
        {
            Phase::Cancelled
        }
        State::Finished { outcome: Outcome::Failed(_), .. } => Phase::Failed,
    }
}

/// UTC, whole seconds, `Z`.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
