//! A client that does what the protocol says, and shows everything that came back.

use std::fmt;

use serde_json::Value as Json;
use ureq::http::request::Builder;
use ureq::http::{Request, Response};

use crate::Events;
use crate::document::{Problem, StatusDocument};
use crate::server::{PATIENCE, eventually};

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    base: String,
    agent: ureq::Agent,
    key: Option<String>,
}

/// Everything that came back.
#[derive(Clone)]
pub struct Answer {
    /// The status code.
    pub code: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

/// The JSON view of a task.
#[derive(Clone, Debug)]
pub struct Status(pub Json);

impl Client {
    /// A client that sends to `base`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        Self { base: base.to_owned(), agent: config.into(), key: None }
    }

    /// The same with this API key in every request.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// The absolute URI of a path; what is absolute already stays.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) }
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = self.request(method, path, headers);
        let run = || -> Result<Response<ureq::Body>, ureq::Error> {
            if matches!(method, "GET" | "HEAD" | "DELETE") {
                self.agent.run(request.body(()).unwrap())
            } else {
                self.agent.run(request.body(body.to_vec()).unwrap())
            }
        };
        Answer::of(run().unwrap())
    }

    /// Any request to a server that may be about to die: none if no whole answer came.
    ///
    /// # Panics
    /// Nothing at all happened for as long as anybody would wait.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let request = self.request(method, path, headers).body(body.to_vec()).unwrap();
        let sends_nothing = matches!(method, "GET" | "DELETE");
        let timed = |request: Request<Vec<u8>>| {
            if sends_nothing {
                let (head, _) = request.into_parts();
                let request = self.agent.configure_request(Request::from_parts(head, ()));
                self.agent.run(request.timeout_global(Some(PATIENCE)).build())
            } else {
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(Some(PATIENCE)).build())
            }
        };
        match timed(request).and_then(Answer::try_of) {
            Ok(answer) => Some(answer),
            Err(ureq::Error::Timeout(_)) => panic!("{method} {path} hangs"),
            Err(_) => None,
        }
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Builder {
        let mut request = Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        request
    }

    /// Follows a task.
    pub fn events(&self, task: &str, headers: &[(&str, &str)]) -> Events {
        let request = self.request("GET", &format!("{task}/events"), headers);
        let response = self.agent.run(request.body(()).unwrap()).unwrap();
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(response.headers()["content-type"], "text/event-stream", "{response:?}");
        assert_eq!(response.headers()["cache-control"], "no-cache", "{response:?}");
        Events::of(response.into_body().into_reader())
    }

    /// DELETE without further headers.
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], &[])
    }

    /// POST of a message with further headers.
    pub fn submit_with(&self, message: &(String, Vec<u8>), headers: &[(&str, &str)]) -> Answer {
        let headers = [headers, &[("Content-Type", message.0.as_str())]].concat();
        self.send("POST", "/images/tasks", &headers, &message.1)
    }

    /// GET without further headers.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &[])
    }

    /// POST of a message with its Content-Type.
    pub fn submit(&self, message: &(String, Vec<u8>)) -> Answer {
        self.send("POST", "/images/tasks", &[("Content-Type", &message.0)], &message.1)
    }

    /// The JSON view of a task, found by any of its URIs.
    pub fn status(&self, task: &str) -> Status {
        let answer =
            self.send("GET", &format!("{task}?redirect=false"), &[("Accept", "application/json")], &[]);
        assert_eq!(answer.code, 200, "{answer:?}");
        Status(answer.json())
    }

    /// Submits what must be accepted, and gives the path of the task.
    pub fn accepted(&self, message: &(String, Vec<u8>)) -> String {
        let accepted = self.submit(message);
        assert_eq!(accepted.code, 202, "{accepted:?}");
        path(accepted.header("content-location").unwrap())
    }

    /// Submits, waits for the end, and gives the final status.
    pub fn process(&self, message: &(String, Vec<u8>)) -> Status {
        self.wait(&self.accepted(message))
    }

    /// Waits until a worker has the task.
    pub fn wait_until_running(&self, task: &str) {
        eventually(
            || (self.status(task).0["phase"] == "running").then_some(()),
            || format!("{task} never runs"),
        );
    }

    /// Waits until a task is over; it is found by any of its URIs.
    pub fn wait(&self, task: &str) -> Status {
        let is_over = |status: &Status| status.state() != "pending";
        eventually(|| Some(self.status(task)).filter(is_over), || format!("{task} is never over"))
    }

    /// The bytes of a task's first result.
    pub fn result(&self, status: &Status) -> Answer {
        assert_eq!(status.state(), "OK", "{status:?}");
        let answer = self.get(status.href());
        assert_eq!(answer.code, 200, "{answer:?}");
        answer
    }
}

/// What comes after scheme, host and port.
#[must_use]
pub fn path(uri: &str) -> String {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..]).to_owned()
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.code)?;
        self.headers.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))?;
        let shown = self.body.get(..2000).unwrap_or(&self.body);
        write!(f, "\n{}", String::from_utf8_lossy(shown))
    }
}

impl Status {
    /// `pending`, `OK` or `FAILED`.
    #[must_use]
    pub fn state(&self) -> &str {
        self.0["state"].as_str().unwrap()
    }

    /// Where its first result is.
    #[must_use]
    pub fn href(&self) -> &str {
        self.0["results"][0]["href"].as_str().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// Why it failed.
    #[must_use]
    pub fn code(&self) -> &str {
        self.0["code"].as_str().unwrap_or_default()
    }

    /// Why it failed, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.0["detail"].as_str().unwrap_or_default()
    }
}

impl Answer {
    fn of(response: Response<ureq::Body>) -> Self {
        Self::try_of(response).unwrap()
    }

    fn try_of(response: Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let code = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let body = response.into_body().into_with_config().limit(1 << 30).read_to_vec()?;
        Ok(Self { code, headers, body })
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body as a `status` document.
    #[must_use]
    pub fn status_document(&self) -> StatusDocument {
        StatusDocument::of(self)
    }

    /// The body as a problem, whose code and type must be these.
    pub fn refused(&self, code: u16, kind: &str) -> Problem {
        assert_eq!(self.code, code, "{self:?}");
        let problem = Problem::of(self);
        assert_eq!(problem.kind, kind, "{problem:?}");
        problem
    }
}
