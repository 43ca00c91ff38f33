//! What a task's status says, as far as the client has to know; the rest goes through as it came.

use serde::Deserialize;
use serde_json::Value as Json;

use super::error::ClientError;

/// Where a task stands.
#[derive(Clone, Debug)]
pub struct Status {
    read: Read,
    /// As it came.
    pub json: Json,
}

#[derive(Clone, Debug, Deserialize)]
struct Read {
    id: String,
    state: String,
    #[serde(default)]
    phase: String,
    progress: Option<f64>,
    #[serde(default)]
    results: Vec<TaskResult>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

/// One of a task's results.
#[derive(Clone, Debug, Deserialize)]
pub struct TaskResult {
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Its bytes.
    pub size: Option<u64>,
    /// Its digest, 64 hexadecimal digits.
    pub sha256: Option<String>,
}

impl Status {
    /// Reads a status.
    ///
    /// # Errors
    /// It is none.
    pub fn of(json: Json, server: impl ToString) -> Result<Self, ClientError> {
        match Read::deserialize(&json) {
            Ok(read) => Ok(Self { read, json }),
            Err(error) => Err(ClientError::NotUnderstood {
                server: server.to_string(),
                what: format!("a task's status should be there ({error})"),
            }),
        }
    }

    /// The task's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.read.id
    }

    /// Whether it ended, in whatever way.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.read.state != "pending"
    }

    /// The finest word for where it stands.
    #[must_use]
    pub fn phase(&self) -> &str {
        if self.read.phase.is_empty() { &self.read.state } else { &self.read.phase }
    }

    /// From 0 to 1, where its plugin says so.
    #[must_use]
    pub fn progress(&self) -> Option<f64> {
        self.read.progress
    }

    /// The results of a task that went well.
    ///
    /// # Errors
    /// It did not, or isn't over.
    pub fn results(&self) -> Result<&[TaskResult], ClientError> {
        match self.read.state.as_str() {
            "OK" => Ok(&self.read.results),
            "pending" => Err(ClientError::NotOver(self.read.id.clone())),
            _ => Err(ClientError::Failed { code: self.read.code.clone(), detail: self.read.detail.clone() }),
        }
    }

    /// One of the document's other texts, for showing it.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    /// Its operations' names.
    #[must_use]
    pub fn operations(&self) -> String {
        let names = self.json["operations"].as_array().map(Vec::as_slice).unwrap_or_default();
        names.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn an_end_has_results_or_a_reason() {
        let done = json!({"id": "1", "state": "OK", "phase": "done", "later": "fields do no harm",
            "results": [{"href": "/", "type": "image/png", "size": 3, "sha256": "00"}]});
        let done = Status::of(done, "s").unwrap();
        assert!(done.is_over() && done.results().unwrap().len() == 1);
        let failed = json!({"id": "1", "state": "FAILED", "code": "invalid-image", "detail": "No."});
        let failed = Status::of(failed, "s").unwrap().results().unwrap_err();
        assert_eq!(failed.to_string(), "FAILED, invalid-image: No.");
        let pending = Status::of(json!({"id": "1", "state": "pending"}), "s").unwrap();
        assert_eq!((pending.is_over(), pending.phase()), (false, "pending"));
        assert!(pending.results().unwrap_err().to_string().contains("task wait 1"));
        assert!(Status::of(json!({"hello": "world"}), "s").is_err());
    }
}
