//! Why a task FAILED, in the words and codes that a client sees.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::PlanError;
use super::record::CANCELLED;
use crate::plugin::Ending;
use crate::xml_text;

/// Longest text of a plugin that reaches a client, in bytes.
const LONGEST_DETAIL: usize = 1024;

/// The stable name of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// The bytes are no image, are damaged, or of a format that the plugin doesn't know.
    InvalidImage,
    /// A value that only the plugin can judge.
    InvalidParameters,
    /// Pixels, frames or output pass a limit.
    TooLarge,
    /// The plugin returned an error.
    PluginError,
    /// The plugin trapped.
    PluginTrap,
    /// The plugin ran past its time.
    DeadlineExceeded,
    /// The plugin asked for more memory than its limit, and failed.
    MemoryExceeded,
    /// Cancelled by the client.
    Cancelled,
    /// The plugin was taken away before the task ran.
    PluginMissing,
    /// The server died while running the task, as often as allowed.
    Interrupted,
    /// A fault of the server itself.
    Internal,
}

impl FailureCode {
    /// Every one that there is.
    pub const ALL: [Self; 11] = [
        Self::InvalidImage,
        Self::InvalidParameters,
        Self::TooLarge,
        Self::PluginError,
        Self::PluginTrap,
        Self::DeadlineExceeded,
        Self::MemoryExceeded,
        Self::Cancelled,
        Self::PluginMissing,
        Self::Interrupted,
        Self::Internal,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidImage => "invalid-image",
            Self::InvalidParameters => "invalid-parameters",
            Self::TooLarge => "too-large",
            Self::PluginError => "plugin-error",
            Self::PluginTrap => "plugin-trap",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::MemoryExceeded => "memory-exceeded",
            Self::Cancelled => "cancelled",
            Self::PluginMissing => "plugin-missing",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reason and its explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable name.
    pub code: FailureCode,
    /// For people; at most 1 KiB, without characters that XML 1.0 cannot carry.
    pub detail: String,
}

impl Failure {
    /// A failure whose detail is cut and cleaned, because its words may be a plugin's.
    #[must_use]
    pub fn new(code: FailureCode, detail: &str) -> Self {
        Self { code, detail: cut(detail) }
    }

    /// What became of a task that was accepted and can no longer be planned.
    #[must_use]
    pub(super) fn of_plan(error: &PlanError) -> Self {
        let code = match error {
            PlanError::Plugin(_) | PlanError::Output { .. } | PlanError::NoCodec { .. } => {
                FailureCode::PluginMissing
            }
            PlanError::Param { .. }
            | PlanError::Params { .. }
            | PlanError::Preset(_)
            | PlanError::TooManyOperations(_)
            | PlanError::NoSuchPart { .. } => FailureCode::InvalidParameters,
        };
        Self::new(code, &error.to_string())
    }

    /// What a client is told of a run of `plugin` that ended without a result. A fault of the host's own
    /// is told as it is: who must not see the inside gets a number in its place.
    #[must_use]
    pub fn of_ending(plugin: &str, ending: Ending, deadline: Duration) -> Self {
        let (code, detail) = match ending {
            Ending::InvalidImage(words) if words.is_empty() => {
                (FailureCode::InvalidImage, "Invalid image format.".to_owned())
            }
            Ending::InvalidImage(words) => {
                (FailureCode::InvalidImage, format!("Invalid image format. {words}"))
            }
            Ending::InvalidParameters(words) => (FailureCode::InvalidParameters, words),
            Ending::TooLarge(words) => (FailureCode::TooLarge, words),
            Ending::PluginError(words) => (FailureCode::PluginError, words),
            Ending::Trap(trap) => {
                (FailureCode::PluginTrap, format!("The plugin stopped unexpectedly: {trap}"))
            }
            Ending::Deadline => (
                FailureCode::DeadlineExceeded,
                format!("The task ran past its limit of {} seconds.", deadline.as_secs_f64()),
            ),
            Ending::Memory(limit) => (
                FailureCode::MemoryExceeded,
                format!("The plugin {plugin:?} asked for more than its limit of {limit} bytes of memory."),
            ),
            Ending::Cancelled => (FailureCode::Cancelled, CANCELLED.to_owned()),
            Ending::Internal(error) => (FailureCode::Internal, error),
        };
        Self::new(code, &detail)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

fn cut(text: &str) -> String {
    let mut clean = xml_text::clean(text);
    if clean.len() > LONGEST_DETAIL {
        let mut end = LONGEST_DETAIL - '…'.len_utf8();
        while !clean.is_char_boundary(end) {
            end -= 1;
        }
        clean.truncate(end);
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_words_are_cut_at_a_kibibyte_and_cleaned() {
        let failure = Failure::new(FailureCode::PluginError, &"ä".repeat(2000));
        assert!(failure.detail.len() <= LONGEST_DETAIL && failure.detail.ends_with('…'));
        assert_eq!(Failure::new(FailureCode::PluginError, "a\0b\u{1b}[31m").detail, "a\u{fffd}b\u{fffd}[31m");
    }

    #[test]
    fn the_protocol_lists_every_code() {
        let document = include_str!("../../../docs/protocol.md");
        for code in FailureCode::ALL {
            assert!(document.contains(&format!("\n| `{code}` | ")), "docs/protocol.md lacks {code}");
        }
    }
}
