//! Whether a callback may go where a client says: the defence against a client that uses the server
//! to reach what only the server can reach (server-side request forgery). Connects to nothing.
//!
//! Two questions, at two times. [`Guard::check`], when a task is submitted and again before each
//! delivery: is this URL's host listed? [`Guard::permits`], when a connection is made: may this very
//! address be spoken to? The answer of DNS is somebody else's word and can change between the two,
//! so it is never asked before and believed later.
//!
//! A listed name must lead to a public address. An address that is not public is permitted only
//! where it was itself listed, alone or in a range that is all of one kind: `10.1.0.0/16` opens what
//! it says, `0.0.0.0/0` doesn't open the private addresses in it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::uri::PathAndQuery;

use super::address;
use super::host_rule::{HostRule, Scheme, is_host_name, port};

/// Why a callback may not go there. For the client: says nothing of what is listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// Nothing is listed.
    #[error("This server sends no callbacks (callback_hosts is empty).")]
    Disabled,
    /// Longer than [`MAX_URL`].
    #[error("A callback URL has at most {MAX_URL} characters.")]
    TooLong,
    /// Not a URL that we would call.
    #[error("The callback URL {0}.")]
    Malformed(&'static str),
    /// The host, with this scheme and port, is not listed.
    #[error(
        "Callbacks to {0} are not allowed: it is not among the hosts that the operator has listed (callback_hosts)."
    )]
    NotListed(String),
    /// The host is listed, with https.
    #[error("Callbacks to {0} are allowed by https only.")]
    HttpsOnly(String),
    /// The address is not public and not listed as one.
    #[error("Callbacks to {address} are not allowed: it is {kind}, and not listed as one (callback_hosts).")]
    Special {
        /// The address.
        address: IpAddr,
        /// What it is, with its article.
        kind: &'static str,
    },
}

/// Longer URLs are cut or refused by many servers and proxies, and the task's record, of which it
/// becomes a part, is to stay below 4 KiB.
const MAX_URL: usize = 2048;

/// What an operator has listed.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    rules: Vec<HostRule>,
}

/// A URL that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackUrl {
    pub(super) scheme: Scheme,
    pub(super) host: Host,
    pub(super) port: u16,
    /// What is asked for there.
    pub(super) target: PathAndQuery,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    Ip(IpAddr),
}

impl Guard {
    /// A guard that lets through what `rules` list.
    #[must_use]
    pub fn new(rules: Vec<HostRule>) -> Self {
        Self { rules }
    }

    /// Reads `url` and decides whether a callback may go there, as far as can be said without asking
    /// DNS.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, url: &str) -> Result<CallbackUrl, GuardError> {
        if self.rules.is_empty() {
            return Err(GuardError::Disabled);
        }
        let url = parse(url)?;
        match &url.host {
            Host::Name(name) => {
                if !self.rules_for(&url).any(|rule| rule.names(name)) {
                    return Err(self.not_listed(&url, |rule| rule.names(name)));
                }
            }
            Host::Ip(address) => {
                let address = address.to_canonical();
                if !self.rules_for(&url).any(|rule| rule.net_with(address).is_some()) {
                    return Err(self.not_listed(&url, |rule| rule.net_with(address).is_some()));
                }
                self.permits(&url, address)?;
            }
        }
        Ok(url)
    }

    /// Decides whether `address`, to which the host of `url` leads, may be connected to.
    ///
    /// # Errors
    /// It is not a public address, and not listed with the scheme and port of `url`.
    pub fn permits(&self, url: &CallbackUrl, address: IpAddr) -> Result<(), GuardError> {
        let Some(special) = address::special(address) else { return Ok(()) };
        let address = address.to_canonical();
        let mut nets = self.rules_for(url).filter_map(|rule| rule.net_with(address));
        // One address is always all of one kind: also a wrapped one, which is not in the range of
        // the address inside.
        if nets.any(|net| net.prefix_len() == net.max_prefix_len() || special.net.contains(net)) {
            return Ok(());
        }
        Err(GuardError::Special { address, kind: special.name })
    }

    fn rules_for(&self, url: &CallbackUrl) -> impl Iterator<Item = &HostRule> {
        let (scheme, port) = (url.scheme, url.port);
        self.rules.iter().filter(move |rule| rule.scheme == scheme && rule.port == port)
    }

    fn not_listed(&self, url: &CallbackUrl, about: impl Fn(&HostRule) -> bool) -> GuardError {
        let place = url.authority();
        if url.scheme == Scheme::Http
            && self.rules.iter().any(|rule| rule.scheme == Scheme::Https && about(rule))
        {
            return GuardError::HttpsOnly(place);
        }
        GuardError::NotListed(place)
    }
}

impl CallbackUrl {
    /// Host and port as in a URL and in `Host`, without the port that the scheme implies.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match &self.host {
            Host::Name(name) => name.clone(),
            Host::Ip(IpAddr::V4(address)) => address.to_string(),
            Host::Ip(IpAddr::V6(address)) => format!("[{address}]"),
        };
        if self.port == self.scheme.default_port() { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.target)
    }
}

/// Reads a URL strictly: what two parsers could read as two hosts is none. What is checked here is
/// what is connected to: nobody parses the text again.
fn parse(url: &str) -> Result<CallbackUrl, GuardError> {
    if url.len() > MAX_URL {
        return Err(GuardError::TooLong);
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(GuardError::Malformed("has characters that must be percent-encoded, or in punycode"));
    }
    if url.contains('#') {
        return Err(GuardError::Malformed("has a fragment, which is never sent"));
    }
    let (scheme, rest) = url.split_once("://").ok_or(GuardError::Malformed("is not absolute"))?;
    let scheme = if scheme.eq_ignore_ascii_case("https") {
        Scheme::Https
    } else if scheme.eq_ignore_ascii_case("http") {
        Scheme::Http
    } else {
        return Err(GuardError::Malformed("is not an https URL"));
    };
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(GuardError::Malformed("has a user name, which is not sent: use a token in the path"));
    }
    let (host, after) = host(authority).ok_or(GuardError::Malformed("has no host that can be called"))?;
    let port = match after.strip_prefix(':') {
        Some(given) => port(given).ok_or(GuardError::Malformed("has a port that is none"))?,
        None if after.is_empty() => scheme.default_port(),
        None => return Err(GuardError::Malformed("has no host that can be called")),
    };
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let target = PathAndQuery::try_from(target)
        .map_err(|_| GuardError::Malformed("has characters in its path that must be percent-encoded"))?;
    Ok(CallbackUrl { scheme, host, port, target })
}

/// The host at the beginning of `authority`, and what follows it (RFC 3986 section 3.2.2).
fn host(authority: &str) -> Option<(Host, &str)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        return Some((Host::Ip(inside.parse::<Ipv6Addr>().ok()?.into()), after));
    }
    let (text, after) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some((Host::Ip(address.into()), after));
    }
    let name = text.to_ascii_lowercase();
    is_host_name(&name).then_some((Host::Name(name), after))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::config::SettingValue as _;

    fn guard(rules: &str) -> Guard {
        Guard::new(<Vec<HostRule>>::parse(rules).unwrap())
    }

    fn allows(rules: &str, url: &str) -> bool {
        guard(rules).check(url).is_ok()
    }

    #[test]
    fn a_url_is_called_at_a_listed_host_and_port() {
        let rules = "hooks.example.org, *.hooks.net:8443, http://receiver:9000, 8.8.8.8";
        for (url, allowed) in [
            ("https://hooks.example.org/a?b=c", true),
            ("HTTPS://Hooks.Example.ORG", true),
            ("https://hooks.example.org:443/", true),
            ("https://hooks.example.org:444/", false),
            ("https://example.org/", false),
            ("https://a.hooks.net:8443/", true),
            ("https://a.hooks.net/", false),
            ("http://receiver:9000/", true),
            ("https://receiver:9000/", false),
            ("http://receiver/", false),
            ("https://8.8.8.8/", true),
            ("https://8.8.4.4/", false),
            ("https://[::ffff:8.8.8.8]/", true),
        ] {
            assert_eq!(allows(rules, url), allowed, "{url}");
        }
    }

    #[test]
    fn the_error_names_the_rule() {
        let rules = "hooks.example.org";
        for (url, says) in [
            ("https://other.org/x", "Callbacks to other.org are not allowed"),
            ("http://hooks.example.org/", "by https only"),
            ("https://me@hooks.example.org/", "user name"),
            ("https://hooks.example.org/#top", "fragment"),
            ("hooks.example.org/x", "not absolute"),
            ("ftp://hooks.example.org/x", "not an https URL"),
            ("https:///x", "no host"),
            ("https://hooks.example.org:/", "port"),
            ("https://hooks.example.org/ü", "percent-encoded"),
            (&format!("https://hooks.example.org/{}", "x".repeat(MAX_URL)), "at most 2048"),
        ] {
            let error = guard(rules).check(url).unwrap_err().to_string();
            assert!(error.contains(says), "{url}: {error}");
        }
        assert_eq!(Guard::default().check("https://hooks.example.org/"), Err(GuardError::Disabled));
    }

    #[test]
    fn tricks_with_the_host_find_no_other_one() {
        let rules = "hooks.example.org, *.example.org";
        for url in [
            "https://hooks.example.org@evil.net/",
            "https://evil.net/hooks.example.org",
            "https://evil.net?hooks.example.org",
            "https://evil.net\\.example.org/",
            "https://evil.net%2F.example.org/",
            "https://evil.net;.example.org/",
            "https://hooks.example.org:443:443/",
            "https://hooks.example.org.:443/",
            "https://hooks.example.org\t/",
            "https:hooks.example.org/",
            "https://.example.org/",
            "https://[::1]hooks.example.org/",
        ] {
            assert!(!allows(rules, url), "{url}");
        }
    }

    #[test]
    fn an_address_in_a_number_in_disguise_is_no_host() {
        for url in ["https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://0177.0.0.1/"] {
            assert!(matches!(guard("127.0.0.1").check(url), Err(GuardError::Malformed(_))), "{url}");
        }
    }

    #[test]
    fn an_address_that_is_not_public_must_be_listed_itself() {
        for (rules, url, allowed) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/", true),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9001/", false),
            ("http://127.0.0.1:9000", "https://127.0.0.1:9000/", false),
            ("http://127.0.0.1:9000", "http://[::ffff:127.0.0.1]:9000/", true),
            ("10.1.0.0/16", "https://10.1.2.3/", true),
            ("10.1.0.0/16", "https://10.2.2.3/", false),
            ("0.0.0.0/0", "https://10.1.2.3/", false),
            ("0.0.0.0/0", "https://8.8.8.8/", true),
            ("169.254.0.0/16", "https://169.254.1.1/", true),
            ("169.254.0.0/16", "https://169.254.169.254/", false),
            ("169.254.169.254", "https://169.254.169.254/", true),
            ("::/0", "https://[::1]/", false),
            ("::1", "https://[::1]/", true),
            ("10.0.0.1", "https://[64:ff9b::10.0.0.1]/", false),
            ("64:ff9b::10.0.0.1", "https://[64:ff9b::10.0.0.1]/", true),
        ] {
            assert_eq!(allows(rules, url), allowed, "{rules}: {url}");
        }
    }

    #[test]
    fn a_listed_name_may_lead_to_public_addresses_and_to_those_listed_as_such() {
        let guard = guard("hooks.example.org, 10.0.0.5, http://10.0.0.6");
        let url = guard.check("https://hooks.example.org/").unwrap();
        for (address, permitted) in
            [("8.8.8.8", true), ("10.0.0.5", true), ("10.0.0.4", false), ("10.0.0.6", false), ("::1", false)]
        {
            assert_eq!(guard.permits(&url, address.parse().unwrap()).is_ok(), permitted, "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_guard_and_what_passes_is_on_the_list(
            url in r"(https?://)?(x@|x\.|y)?(a\.b|8\.1\.2\.3|10\.0\.0\.1|\[::1\])[ -~]{0,2}(:8443|:[0-9]{1,3})?[/?#]?[ -~]{0,20}"
        ) {
            let guard = guard("a.b, *.a.b:8443, 8.0.0.0/8");
            if let Ok(passed) = guard.check(&url) {
                let listed = passed.scheme == Scheme::Https
                    && match (&passed.host, passed.port) {
                        (Host::Name(name), 443) => name == "a.b",
                        (Host::Name(name), 8443) => name.ends_with(".a.b"),
                        (Host::Ip(IpAddr::V4(address)), 443) => address.octets().first() == Some(&8),
                        _ => false,
                    };
                prop_assert!(listed, "{}", passed);
                prop_assert_eq!(guard.check(&passed.to_string()), Ok(passed));
            }
        }

        #[test]
        fn no_text_at_all_breaks_the_guard(url in any::<String>()) {
            prop_assert!(guard("a.b").check(&url).is_err());
        }

        #[test]
        fn an_address_that_is_not_public_never_passes_by_a_name(address: IpAddr) {
            let guard = guard("hooks.example.org");
            let url = guard.check("https://hooks.example.org/").unwrap();
            prop_assert_eq!(guard.permits(&url, address).is_ok(), address::special(address).is_none());
        }
    }
}
