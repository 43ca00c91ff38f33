//! What a run was like: for people, or for programs.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::results::Written;
use crate::cli::plugin::said::Said;
use crate::shown;
use crate::task::Failure;

/// The column in which values begin.
const VALUES: usize = 12;

/// A run that is over.
pub(super) struct Report {
    /// Name and version.
    pub(super) plugin: String,
    pub(super) operations: Vec<String>,
    /// Instantiation included, compiling not.
    pub(super) took: Duration,
    /// The deadline, and the bytes of memory that it might have had.
    pub(super) limits: (Duration, u64),
    pub(super) outcome: Outcome,
    pub(super) said: Said,
}

/// How it ended.
pub(super) enum Outcome {
    /// With results.
    Ok {
        /// Bytes.
        peak_memory: u64,
    },
    /// As a client would be told.
    Failed(Failure),
}

impl Report {
    /// Writes the report on a run that gave `files`.
    pub(super) fn write(&self, files: &[Written], json: bool, out: &mut impl Write) -> io::Result<()> {
        if json {
            return writeln!(out, "{:#}", self.json(files));
        }
        let (deadline, memory) = self.limits;
        let did = format!("{}: {}", self.plugin, self.operations.join(", "));
        shown::wrapped(out, "plugin", VALUES, &did)?;
        let took = format!("{} of {}", shown::time(self.took), shown::time(deadline));
        shown::wrapped(out, "time", VALUES, &took)?;
        match &self.outcome {
            Outcome::Ok { peak_memory } => {
                let peak = format!("{} of {}", shown::bytes(*peak_memory), shown::bytes(memory));
                shown::wrapped(out, "memory", VALUES, &peak)?;
                for file in files {
                    let size = shown::bytes(file.size as u64);
                    writeln!(
                        out,
                        "{:VALUES$}{}, {size}: {}",
                        "result",
                        file.media_type,
                        shown::clean(&file.file)
                    )?;
                }
            }
            Outcome::Failed(failure) => shown::wrapped(out, "FAILED", VALUES, &failure.to_string())?,
        }
        for line in &self.said.lines {
            writeln!(out, "{:VALUES$}{:5} {}", "log", line.level, shown::clean(&line.text))?;
        }
        if self.said.dropped > 0 {
            let dropped = format!("{} further lines, which a server drops", self.said.dropped);
            shown::wrapped(out, "log", VALUES, &dropped)?;
        }
        let frames = self.said.stopped.iter().flat_map(|frames| frames.lines());
        for frame in frames.filter(|frame| !frame.trim().is_empty()) {
            writeln!(out, "{:VALUES$}{}", "stopped", shown::clean(frame))?;
        }
        Ok(())
    }

    fn json(&self, files: &[Written]) -> Json {
        let (state, code, detail, peak) = match &self.outcome {
            Outcome::Ok { peak_memory } => ("OK", None, None, Some(*peak_memory)),
            Outcome::Failed(failure) => ("FAILED", Some(failure.code), Some(&failure.detail), None),
        };
        json!({
            "plugin": self.plugin,
            "operations": self.operations,
            "state": state,
            "code": code,
            "detail": detail,
            "took_ms": self.took.as_secs_f64() * 1000.0,
            "peak_memory_bytes": peak,
            "results": files,
            "log": self.said.lines,
            "log_lines_dropped": self.said.dropped,
            "stopped": self.said.stopped,
        })
    }
}
