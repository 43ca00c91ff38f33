//! A client of a server that may die at any moment: no answer is an answer, too.

use std::io::ErrorKind;

use crate::Answer;
use crate::server::PATIENCE;
use ureq::http::{Request, Response};

/// Requests to one life of the server.
pub struct Wire {
    agent: ureq::Agent,
    base: String,
    /// The number of the life.
    pub life: usize,
}

/// What became of a request.
pub enum Said {
    /// The whole answer came.
    Answer(Answer),
    /// The server was not there: it cannot have seen the request.
    NotSent,
    /// The connection broke. The server may have done what it was asked, or part of it, or nothing.
    Unknown,
}

impl Wire {
    pub fn to(address: &str, life: usize) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build();
        Self { agent: config.into(), base: format!("http://{address}"), life }
    }

    pub fn get(&self, path: &str) -> Said {
        self.ask("GET", path)
    }

    pub fn delete(&self, path: &str) -> Said {
        self.ask("DELETE", path)
    }

    /// Whether it answers with this status.
    #[must_use]
    pub fn answers(&self, path: &str, status: u16) -> bool {
        matches!(self.get(path), Said::Answer(answer) if answer.code == status)
    }

    pub fn submit(&self, message: &(String, Vec<u8>), key: Option<&str>) -> Said {
        let mut request = Request::builder()
            .method("POST")
            .uri(format!("{}/images/tasks", self.base))
            .header("Content-Type", &message.0);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        Self::read(self.agent.run(request.body(message.1.as_slice()).unwrap()))
    }

    fn ask(&self, method: &str, path: &str) -> Said {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Accept", "application/json");
        Self::read(self.agent.run(request.body(()).unwrap()))
    }

    fn read(response: Result<Response<ureq::Body>, ureq::Error>) -> Said {
        let mut response = match response {
            Ok(response) => response,
            Err(ureq::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                return Said::NotSent;
            }
            Err(ureq::Error::Timeout(timeout)) => panic!("a server that lives gives no answer: {timeout}"),
            Err(_) => return Said::Unknown,
        };
        let Ok(body) = response.body_mut().read_to_vec() else { return Said::Unknown };
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        Said::Answer(Answer { code: response.status().as_u16(), headers, body })
    }
}
