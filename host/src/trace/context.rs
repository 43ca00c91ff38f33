//! W3C Trace Context, level 1: which trace something belongs to, and which span of it is the parent.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

/// The flag that says that somebody keeps the trace.
const SAMPLED: u8 = 1;

impl TraceContext {
    /// Begins a trace; none, if it is not in the part of them that is told of.
    #[must_use]
    pub(super) fn begin(sample_ratio: f64) -> Option<Self> {
        let (trace, span) = (random(), random());
        Some(Self { trace, span, sampled: true }).filter(|context| context.is_within(sample_ratio))
    }

    /// Reads the header `traceparent`. One that breaks the rules is none: its receiver begins anew
    /// (section 3.2.1.3).
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut fields = header.split('-');
        let version: [u8; 1] = hex(fields.next()?)?;
        let (trace, span) = (hex(fields.next()?)?, hex(fields.next()?)?);
        let [flags]: [u8; 1] = hex(fields.next()?)?;
        // A later version may add fields; the first one has none more.
        let is_known = match version {
            [0xff] => false,
            [0] => fields.next().is_none(),
            _ => true,
        };
        let is_somewhere = trace != [0; 16] && span != [0; 8];
        (is_known && is_somewhere).then_some(Self { trace, span, sampled: flags & SAMPLED != 0 })
    }

    /// A place of its own below this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span: random(), ..*self }
    }

    /// Whether somebody keeps the trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    pub(super) fn trace_id(&self) -> String {
        hex::encode(self.trace)
    }

    pub(super) fn span_id(&self) -> String {
        hex::encode(self.span)
    }

    /// By the trace's id alone, so that every program that is asked decides alike.
    #[allow(clippy::cast_precision_loss)] // a chance
    fn is_within(&self, ratio: f64) -> bool {
        let [.., a, b, c, d, e, f, g, h] = self.trace;
        let chance = u64::from_be_bytes([a, b, c, d, e, f, g, h]) as f64 / u64::MAX as f64;
        ratio >= 1.0 || chance < ratio
    }
}

/// Lower-case digits, as the header has them.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    (is_lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

/// Not all zero, which stands for no id.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // A system without chance has a bad trace, and no reason to refuse a task.
    let filled = getrandom::fill(&mut bytes);
    if filled.is_err() || bytes == [0; N] { [1; N] } else { bytes }
}

/// The header `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.sampled { SAMPLED } else { 0 };
        write!(f, "00-{}-{}-{flags:02x}", self.trace_id(), self.span_id())
    }
}

impl From<TraceContext> for String {
    fn from(context: TraceContext) -> Self {
        context.to_string()
    }
}

impl TryFrom<String> for TraceContext {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no traceparent")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_and_written() {
        let context = TraceContext::parse(HEADER).unwrap();
        assert_eq!(context.to_string(), HEADER);
        assert!(context.is_sampled());
        let other = TraceContext::parse(&HEADER.replace("-01", "-02")).unwrap();
        assert!(!other.is_sampled(), "another flag is not this one");
        let later = TraceContext::parse(&format!("{}-more", HEADER.replace("00-4", "cc-4"))).unwrap();
        assert_eq!(later, context, "what a later version adds is passed over");
    }

    #[test]
    fn a_header_that_breaks_the_rules_is_none() {
        for wrong in [
            "",
            "00",
            &HEADER.to_uppercase(),
            &HEADER.replace("00-4", "ff-4"),
            &format!("{HEADER}-more"),
            &HEADER.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &HEADER.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &HEADER.replace("4bf92", "4bg92"),
            &HEADER.replace("4bf92", "4bf9"),
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_child_is_in_the_same_trace_and_elsewhere_in_it() {
        let parent = TraceContext::parse(HEADER).unwrap();
        let child = parent.child();
        assert_eq!((child.trace, child.sampled), (parent.trace, parent.sampled));
        assert_ne!(child.span, parent.span);
    }

    #[test]
    fn about_the_asked_part_of_the_traces_is_told_of() {
        assert!((0..1000).all(|_| TraceContext::begin(1.0).is_some()));
        assert!((0..1000).all(|_| TraceContext::begin(0.0).is_none()));
        let half = (0..10_000).filter(|_| TraceContext::begin(0.5).is_some()).count();
        assert!((4_000..6_000).contains(&half), "{half}");
    }
}
