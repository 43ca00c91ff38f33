//! Conditional and range requests (RFC 9110 sections 13 and 14) on bytes that never change.

use std::ops::Range;

use axum::http::header::{CONTENT_RANGE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::problem::Problem;

/// Which bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    Whole,
    Part(Range<u64>),
    NotModified,
}

/// What conditions are held against.
pub(super) struct Conditions<'a> {
    etag: &'a str,
    modified: Timestamp,
    size: u64,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(etag: &'a str, modified: Timestamp, size: u64) -> Self {
        Self { etag, modified, size }
    }

    /// In the order of RFC 9110 section 13.2.2.
    pub(super) fn select(&self, headers: &HeaderMap) -> Result<Selection, Problem> {
        if let Some(tags) = text(headers, IF_MATCH)
            && !self.any_matches(tags, false)
        {
            return Err(Problem::precondition_failed("The image is not the one that If-Match names."));
        }
        if let Some(tags) = text(headers, IF_NONE_MATCH) {
            if self.any_matches(tags, true) {
                return Ok(Selection::NotModified);
            }
        } else if let Some(date) = text(headers, IF_MODIFIED_SINCE).and_then(date)
            && self.modified.as_second() <= date
        {
            return Ok(Selection::NotModified);
        }
        let Some(range) = text(headers, RANGE) else { return Ok(Selection::Whole) };
        match text(headers, IF_RANGE) {
            // Neither a weak tag nor a date is exact enough to piece bytes together.
            Some(condition) if condition != self.etag => Ok(Selection::Whole),
            _ => self.range(range),
        }
    }

    fn any_matches(&self, tags: &str, weak_too: bool) -> bool {
        tags.split(',').map(str::trim).any(|tag| {
            tag == "*" || tag == self.etag || weak_too && tag.strip_prefix("W/") == Some(self.etag)
        })
    }

    /// A single range is sent; several, and what isn't a range, are ignored, as a server may.
    fn range(&self, range: &str) -> Result<Selection, Problem> {
        let Some((first, last)) = range
            .strip_prefix("bytes=")
            .filter(|ranges| !ranges.contains(','))
            .and_then(|range| range.trim().split_once('-'))
        else {
            return Ok(Selection::Whole);
        };
        let number = |text: &str| -> Option<Option<u64>> {
            match text.trim() {
                "" => Some(None),
                digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
                    Some(Some(digits.parse().unwrap_or(u64::MAX)))
                }
                _ => None,
            }
        };
        let (Some(first), Some(last)) = (number(first), number(last)) else { return Ok(Selection::Whole) };
        let range = match (first, last) {
            (Some(first), Some(last)) if last < first => return Ok(Selection::Whole),
            (Some(first), Some(last)) => first..last.saturating_add(1).min(self.size),
            (Some(first), None) => first..self.size,
            (None, Some(suffix)) => self.size.saturating_sub(suffix)..self.size,
            (None, None) => return Ok(Selection::Whole),
        };
        if range.start < range.end {
            return Ok(Selection::Part(range));
        }
        let unsatisfied = HeaderValue::from_str(&format!("bytes */{}", self.size));
        let problem = Problem::range_not_satisfiable(format!("The image has {} bytes.", self.size));
        Err(match unsatisfied {
            Ok(value) => problem.with(CONTENT_RANGE, value),
            Err(_) => problem,
        })
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds since 1970.
fn date(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    Timestamp::try_from(time).ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn select(pairs: &[(HeaderName, &'static str)]) -> Result<Selection, Problem> {
        let headers =
            pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let modified = Timestamp::from_second(784_111_777).unwrap();
        Conditions::new("\"abc\"", modified, 100).select(&headers)
    }

    #[test]
    fn a_single_range_is_cut_out_and_an_impossible_one_refused() {
        for (range, expected) in [
            ("bytes=0-9", Selection::Part(0..10)),
            ("bytes=90-", Selection::Part(90..100)),
            ("bytes=90-1000", Selection::Part(90..100)),
            ("bytes=-10", Selection::Part(90..100)),
            ("bytes=-1000", Selection::Part(0..100)),
            ("bytes=0-0,5-9", Selection::Whole),
            ("bytes=9-5", Selection::Whole),
            ("bytes=-", Selection::Whole),
            ("bytes=a-b", Selection::Whole),
            ("lines=1-2", Selection::Whole),
        ] {
            assert_eq!(select(&[(RANGE, range)]).unwrap(), expected, "{range}");
        }
        for range in ["bytes=100-", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert!(select(&[(RANGE, range)]).is_err(), "{range}");
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        for tags in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert_eq!(select(&[(IF_NONE_MATCH, tags)]).unwrap(), Selection::NotModified, "{tags}");
        }
        assert_eq!(select(&[(IF_NONE_MATCH, "\"x\"")]).unwrap(), Selection::Whole);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(select(&[(IF_MODIFIED_SINCE, date)]).unwrap(), Selection::NotModified);
        assert_eq!(select(&[(IF_MODIFIED_SINCE, date), (IF_NONE_MATCH, "\"x\"")]).unwrap(), Selection::Whole);
        assert!(select(&[(IF_MATCH, "\"x\"")]).is_err());
    }

    #[test]
    fn a_range_of_another_version_is_not_cut_out() {
        let range = (RANGE, "bytes=0-9");
        assert_eq!(select(&[range.clone(), (IF_RANGE, "\"abc\"")]).unwrap(), Selection::Part(0..10));
        assert_eq!(select(&[range, (IF_RANGE, "\"x\"")]).unwrap(), Selection::Whole);
    }
}
