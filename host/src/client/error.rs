//! What can go wrong between a command line and a result, in words that say what to change, and the exit
//! code that scripts tell it by.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;

use crate::shown::clean;

/// Exit codes. They are promised in `--help` and in `docs/client.md`.
pub mod exit {
    /// Anything that has no code of its own.
    pub const OTHER: u8 = 1;
    /// A command line that means nothing.
    pub const MISUSE: u8 = 2;
    /// A task ended as FAILED.
    pub const FAILED: u8 = 3;
    /// The server refused the request.
    pub const REFUSED: u8 = 4;
    /// The server cannot be reached.
    pub const UNREACHABLE: u8 = 5;
    /// The time was up.
    pub const TIMEOUT: u8 = 6;
    /// Ctrl-C, as shells say it: 128 and the number of the signal.
    pub const INTERRUPTED: u8 = 130;
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The command line means nothing.
    #[error("{0}")]
    Misuse(String),
    /// The task ended as FAILED.
    #[error("FAILED, {code}: {detail}")]
    Failed {
        /// For programs.
        code: String,
        /// For people.
        detail: String,
    },
    /// The server said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// There is no connection, or it broke.
    #[error("{server} cannot be reached: {cause}. {}", another_server())]
    Unreachable {
        /// As the user named it.
        server: String,
        /// In the system's words.
        cause: String,
        /// Whether somebody was there, so that the server may have heard the request.
        was_connected: bool,
    },
    /// What answers is no Tintype server.
    #[error("what {server} says is not understood: {what}. Is it a Tintype server? {}", another_server())]
    NotUnderstood {
        /// As the user named it.
        server: String,
        /// What there is instead.
        what: String,
    },
    /// `--timeout` has passed.
    #[error("the time is up (--timeout)")]
    TimedOut,
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// A picture before it has stopped the rest.
    #[error("not tried: {0}")]
    NotTried(String),
    /// A task that is not over has no results.
    #[error("the task is not over: `tintype task wait {0}` waits for it")]
    NotOver(String),
    /// There is such a file, and it stays.
    #[error("{} exists: name another by -o, or let it be replaced by --force", clean(&.0.display().to_string()))]
    Exists(PathBuf),
    /// A result may never take the place of the picture that it was made from.
    #[error("the result would overwrite the picture itself, {}: name another file by -o", clean(&.0.display().to_string()))]
    OverwritesInput(PathBuf),
    /// Two results of one run have the same name.
    #[error(
        "{} was made of another picture just now: tell them apart by {{name}} and {{n}} in -o",
        clean(&.0.display().to_string())
    )]
    SameName(PathBuf),
    /// Several results and one place.
    #[error(
        "there are {0} results, and they do not fit into one stream: name files, such as -o 'out-{{n}}.{{ext}}'"
    )]
    SeveralResults(usize),
    /// What came is not what the server has.
    #[error("a result came with another digest than the server says: it is damaged, and was not kept")]
    Damaged,
    /// A file, or standard input or output.
    #[error("{} {what}: {source}", clean(place))]
    File {
        /// Which.
        place: String,
        /// What cannot be done with it.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl ClientError {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Misuse(_) => exit::MISUSE,
            Self::Failed { .. } => exit::FAILED,
            Self::Refused(_) => exit::REFUSED,
            Self::Unreachable { .. } => exit::UNREACHABLE,
            Self::TimedOut => exit::TIMEOUT,
            Self::Interrupted => exit::INTERRUPTED,
            _ => exit::OTHER,
        }
    }

    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether every further request would end like this.
    #[must_use]
    pub fn is_everybodys(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NotUnderstood { .. } | Self::Interrupted => true,
            Self::Refused(refusal) => matches!(refusal.status, 401 | 403),
            _ => false,
        }
    }

    pub(super) fn file(place: impl fmt::Display, what: &'static str, source: io::Error) -> Self {
        Self::File { place: place.to_string(), what, source }
    }
}

/// How to be heard by another server.
fn another_server() -> &'static str {
    "Name another server by --server URL or TINTYPE_SERVER"
}

/// A refusal in the server's own words.
#[derive(Debug)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// The problem document (RFC 9457), where there is one.
    pub problem: Option<Json>,
    /// What stands for it where there is none.
    pub reason: String,
    /// How long to leave the server alone.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    fn field(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.get(name)?.as_str()
    }

    /// What to change, or what is the matter.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.field("detail").unwrap_or(&self.reason)
    }

    /// When it makes sense to try the same again, if it does.
    #[must_use]
    pub fn again_after(&self) -> Option<Duration> {
        /// Without a word of the server's.
        const PAUSE: Duration = Duration::from_secs(5);
        /// A server that says 0 means soon, not at once and for ever.
        const SHORTEST: Duration = Duration::from_secs(1);
        match self.status {
            // Another upload with the same key, most likely this one's earlier attempt.
            409 => self.retry_after.map(|after| after.max(SHORTEST)),
            429 | 503 => Some(self.retry_after.unwrap_or(PAUSE).max(SHORTEST)),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field("title") {
            Some(title) => write!(f, "{}: {}", clean(title), clean(self.detail()))?,
            None => write!(f, "{}", clean(self.detail()))?,
        }
        write!(f, " ({}", self.status)?;
        if self.status >= 500
            && let Some(id) = self.field("request_id")
        {
            write!(f, ", request {}", clean(id))?;
        }
        f.write_str(")")?;
        if self.status == 401 {
            f.write_str(". Give a key by TINTYPE_KEY or --key-file FILE")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(status: u16, problem: Option<Json>) -> Refusal {
        Refusal { status, problem, reason: "Bad Gateway".to_owned(), retry_after: None }
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_own_words_and_none_of_them_steers_the_terminal() {
        let problem = json!({"title": "The task cannot be carried out", "detail": "No \u{1b}[2Jwidth."});
        let told = refusal(422, Some(problem)).to_string();
        assert_eq!(told, "The task cannot be carried out: No \u{fffd}[2Jwidth. (422)");
        let fault = refusal(500, Some(json!({"title": "A", "detail": "B", "request_id": "r1"})));
        assert_eq!(fault.to_string(), "A: B (500, request r1)");
        assert_eq!(refusal(502, None).to_string(), "Bad Gateway (502)");
        assert!(refusal(401, None).to_string().contains("TINTYPE_KEY"));
    }

    #[test]
    fn only_a_busy_server_is_asked_again() {
        for (status, again) in [(429, true), (503, true), (409, false), (422, false), (507, false)] {
            assert_eq!(refusal(status, None).again_after().is_some(), again, "{status}");
        }
        let at_once = Refusal { retry_after: Some(Duration::ZERO), ..refusal(503, None) };
        assert_eq!(at_once.again_after(), Some(Duration::from_secs(1)));
    }
}
