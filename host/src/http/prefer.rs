//! `Prefer: wait=N` (RFC 7240): how long a client would have its answer held back.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Whole seconds that an answer may be held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait(u64);

impl Wait {
    /// What the client asks for, at most `longest`. What isn't understood is ignored, as the RFC
    /// demands.
    pub(super) fn of(headers: &HeaderMap, longest: Duration) -> Option<Self> {
        let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        // Of a preference that occurs twice the first counts (section 2).
        let seconds = values.flat_map(preferences).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("wait").then(|| value.filter(|v| v.bytes().all(|b| b.is_ascii_digit())))
        })??;
        // More digits than fit are more seconds than there are.
        let seconds = if seconds.is_empty() { return None } else { seconds.parse().unwrap_or(u64::MAX) };
        Some(Self(seconds.min(longest.as_secs())))
    }

    pub(super) fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// Says that the preference was honoured, and how.
    pub(super) fn mark(self, response: &mut Response) {
        if let Ok(value) = HeaderValue::from_str(&format!("wait={}", self.0)) {
            response.headers_mut().insert(PREFERENCE_APPLIED, value);
        }
    }
}

/// Name and value of each preference; parameters after `;` belong to it and mean nothing to us.
fn preferences(list: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    outside_quotes(list, ',').map(|preference| {
        let head = outside_quotes(preference, ';').next().unwrap_or_default();
        match head.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
            None => (head.trim(), None),
        }
    })
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

fn outside_quotes(list: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    list.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wait(values: &[&'static str]) -> Option<u64> {
        let headers = values.iter().map(|value| (PREFER, HeaderValue::from_static(value))).collect();
        Wait::of(&headers, Duration::from_secs(60)).map(|wait| wait.0)
    }

    #[test]
    fn the_first_wait_counts_up_to_the_cap() {
        assert_eq!(wait(&["wait=10"]), Some(10));
        assert_eq!(wait(&["respond-async, WAIT = \"5\"; x=y"]), Some(5));
        assert_eq!(wait(&["return=minimal", "wait=7, wait=9"]), Some(7));
        assert_eq!(wait(&["wait=3600"]), Some(60));
        assert_eq!(wait(&["wait=99999999999999999999999"]), Some(60));
        assert_eq!(wait(&["wait=0"]), Some(0));
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for value in ["", "wait", "wait=", "wait=-1", "wait=1.5", "wait=soon", "handling=\"wait=3, wait=4\""]
        {
            assert_eq!(wait(&[value]), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_fail(value in "\\PC{0,80}") {
            if let Ok(value) = HeaderValue::from_str(&value) {
                let headers = [(PREFER, value)].into_iter().collect();
                let wait = Wait::of(&headers, Duration::from_secs(60));
                prop_assert!(wait.is_none_or(|wait| wait.0 <= 60));
            }
        }
    }
}
