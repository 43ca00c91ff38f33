//! Proactive negotiation: which of the formats on offer a request's `Accept` likes best
//! (RFC 9110 section 12.5.1).
//!
//! Knows media ranges and weights; never what is on offer or what 406 looks like.

use crate::media_type::MediaType;
use crate::media_type::parameters::Parameters;

/// One element of `Accept`: `image/*;q=0.8`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MediaRange {
    /// `None` for `*`.
    type_: Option<String>,
    /// `None` for `*`.
    subtype: Option<String>,
    /// Media type parameters; `q` and what follows it in older grammars is no part of them.
    params: Vec<(String, String)>,
    /// Thousandths, 0 to 1000: RFC 9110 section 12.4.2 allows three decimals, and whole numbers
    /// compare exactly.
    weight: u16,
}

/// The index in `offered` of the media type that suits `accept` best, `None` where none does.
///
/// The weight of an offer is that of the most specific range that matches it, so
/// `text/*;q=0.3, text/html;q=0` excludes `text/html`. Among equal weights the first offer wins:
/// the order of `offered` is the server's preference. No `Accept`, or one with no readable element
/// in it, accepts anything; unreadable elements beside readable ones are skipped, since a wrong
/// guess at what a browser meant is worse than a format it can read.
pub fn negotiate(accept: Option<&str>, offered: &[&str]) -> Option<usize> {
    let ranges: Vec<MediaRange> = accept.map(ranges).unwrap_or_default();
    if ranges.is_empty() {
        return (!offered.is_empty()).then_some(0);
    }
    let mut best: Option<(usize, u16)> = None;
    for (index, offer) in offered.iter().enumerate() {
        let Ok(offer) = MediaType::parse(offer) else {
            continue;
        };
        let weight = weight_of(&offer, &ranges);
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((index, weight));
        }
    }
    best.map(|(index, _)| index)
}

fn weight_of(offer: &MediaType, ranges: &[MediaRange]) -> u16 {
    ranges
        .iter()
        .filter_map(|range| Some((range.specificity(offer)?, range.weight)))
        // Two ranges equally specific contradict each other: the kinder one counts.
        .max()
        .map_or(0, |(_, weight)| weight)
}

fn ranges(accept: &str) -> Vec<MediaRange> {
    elements(accept).filter_map(MediaRange::parse).collect()
}

/// Splits at the commas that are not inside a quoted string.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    list.split(move |char| {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        char == ',' && !quoted
    })
}

impl MediaRange {
    fn parse(element: &str) -> Option<Self> {
        let element = element.trim_matches([' ', '\t']);
        let end = element.find([';', ' ', '\t']).unwrap_or(element.len());
        let (name, rest) = element.split_at_checked(end)?;
        // `*/*` and `image/*` are made of token characters, so they are media types by syntax.
        let name = MediaType::parse(name).ok()?;
        let wildcard = |part: &str| (part != "*").then(|| part.to_owned());
        let (type_, subtype) = (wildcard(name.type_()), wildcard(name.subtype()));
        if type_.is_none() && subtype.is_some() {
            return None;
        }
        let parameters = Parameters::parse(rest, 0).ok()?;
        let weight = parameters.get("q").map_or(Some(1000), weight)?;
        let params = parameters
            .iter()
            .filter(|(name, _)| *name != "q")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Some(Self { type_, subtype, params, weight })
    }

    /// How precisely this range means `offer`; `None` where it doesn't.
    fn specificity(&self, offer: &MediaType) -> Option<(u8, usize)> {
        let level = match (&self.type_, &self.subtype) {
            (None, _) => 0,
            (Some(type_), None) if type_ == offer.type_() => 1,
            (Some(type_), Some(subtype)) if type_ == offer.type_() && subtype == offer.subtype() => 2,
            _ => return None,
        };
        // Case is ignored in values because the one parameter that clients do send, charset,
        // has values without case.
        let same = |(name, value): &(String, String)| {
            offer.param(name).is_some_and(|offered| offered.eq_ignore_ascii_case(value))
        };
        self.params.iter().all(same).then_some((level, self.params.len()))
    }
}

/// `0`, `0.5`, `1.000`: at most three decimals and at most 1 (RFC 9110 section 12.4.2).
fn weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", _) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const XML: &str = "application/xml";
    const JSON: &str = "application/json";

    fn chosen(accept: &str) -> Option<&'static str> {
        const OFFERED: [&str; 2] = [XML, JSON];
        negotiate(Some(accept), &OFFERED).map(|index| OFFERED[index])
    }

    #[test]
    fn without_a_wish_the_server_chooses() {
        assert_eq!(negotiate(None, &[XML, JSON]), Some(0));
        assert_eq!(negotiate(None, &[]), None);
        for accept in ["", " ", ",,", "*/*", "application/*", "application/json, application/xml"] {
            assert_eq!(chosen(accept), Some(XML), "{accept:?}");
        }
    }

    #[test]
    fn the_weight_decides() {
        assert_eq!(chosen("application/json"), Some(JSON));
        assert_eq!(chosen("APPLICATION/JSON"), Some(JSON));
        assert_eq!(chosen("application/xml;q=0.8, application/json;q=0.9"), Some(JSON));
        assert_eq!(chosen("application/xml ; Q=0.899 , application/json;q=0.9"), Some(JSON));
        assert_eq!(chosen("*/*;q=0.1, application/json"), Some(JSON));
    }

    #[test]
    fn what_a_browser_sends_gets_xml() {
        let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
        assert_eq!(chosen(accept), Some(XML));
    }

    #[test]
    fn the_most_specific_range_counts() {
        assert_eq!(chosen("application/xml;q=0, */*"), Some(JSON));
        assert_eq!(chosen("application/*, application/xml;q=0.1"), Some(JSON));
        assert_eq!(chosen("*/*, application/*;q=0"), None);
    }

    #[test]
    fn nothing_fits() {
        assert_eq!(chosen("text/html"), None);
        assert_eq!(chosen("application/json;q=0, application/xml;q=0.000"), None);
        assert_eq!(chosen("application/xml;charset=latin1"), None);
    }

    #[test]
    fn parameters_must_match_and_make_a_range_more_specific() {
        let offered = ["application/xml;charset=UTF-8", JSON];
        assert_eq!(negotiate(Some("application/xml; charset=utf-8"), &offered), Some(0));
        assert_eq!(
            negotiate(Some("application/xml; charset=utf-8;q=0.1, application/*;q=0.5"), &offered),
            Some(1)
        );
    }

    #[test]
    fn malformed_elements_are_ignored() {
        for broken in ["application/xml;q=2", "application/xml;q=0.1234", "xml", "*/xml", "a/b c", "/"] {
            assert_eq!(chosen(&format!("{broken}, application/json")), Some(JSON), "{broken:?}");
            assert_eq!(chosen(broken), Some(XML), "{broken:?} alone says nothing");
        }
    }

    #[test]
    fn a_comma_in_a_quoted_string_separates_nothing() {
        assert_eq!(chosen(r#"text/plain;x="\", application/json, ", application/xml;q=0.5"#), Some(XML));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(accept in "[a*/;,=\"\\\\q.01 ü]{0,40}") {
            let _ = chosen(&accept);
        }
    }
}
