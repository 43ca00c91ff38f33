//! How an operator writes where callbacks may go: one entry of `callback_hosts`. Knows how hosts and
//! ports are written; not what is asked for (`guard.rs`).
//!
//! | entry | allows |
//! |---|---|
//! | `hooks.example.org` | `https://hooks.example.org/…`, port 443 |
//! | `hooks.example.org:8443` | the same on port 8443, and on no other |
//! | `*.example.org` | every name below `example.org`, not `example.org` itself |
//! | `203.0.113.7`, `2001:db8::/32`, `[2001:db8::7]:8443` | addresses, in a URL and behind a listed name |
//! | `http://127.0.0.1:9000` | plain http there; written like this and in no other way |

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::SettingValue;

/// How a receiver is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The port that a URL without one means (RFC 9110 sections 4.2.1 and 4.2.2).
    pub(super) fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// One entry: a place, or a set of places, that callbacks may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    pub(super) scheme: Scheme,
    pub(super) port: u16,
    pub(super) hosts: Hosts,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// This name.
    Name(String),
    /// Every name that ends in this and has something before it; begins with a dot.
    Below(String),
    /// These addresses.
    Net(IpNet),
}

impl HostRule {
    /// Whether the rule speaks of the host `name`, which is in lower case.
    pub(super) fn names(&self, name: &str) -> bool {
        match &self.hosts {
            Hosts::Name(this) => this == name,
            Hosts::Below(ending) => name.len() > ending.len() && name.ends_with(ending.as_str()),
            Hosts::Net(_) => false,
        }
    }

    /// The range of addresses by which the rule speaks of `address`.
    pub(super) fn net_with(&self, address: IpAddr) -> Option<&IpNet> {
        match &self.hosts {
            Hosts::Net(net) => net.contains(&address).then_some(net),
            Hosts::Name(_) | Hosts::Below(_) => None,
        }
    }
}

/// Whether `text` is a host name in lower case, as RFC 1123 section 2.1 has it, with the `_` that
/// container networks use. A name that ends in a number is none: resolvers would read `0x7f.1` and
/// `2130706433` as addresses.
pub(super) fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    text.len() <= 253 && text.split('.').all(is_label) && !is_number
}

/// A port that can be connected to, in its one spelling.
pub(super) fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port: &u16| *port > 0 && port.to_string() == text)
}

fn net(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    // A range is written by its first address, so that a slip of the prefix doesn't pass unseen.
    text.parse::<IpNet>().ok().filter(|net| net.network() == net.addr())
}

fn hosts(text: &str) -> Option<Hosts> {
    if let Some(net) = net(text) {
        return Some(Hosts::Net(net));
    }
    match text.strip_prefix("*.") {
        Some(rest) => is_host_name(rest).then(|| Hosts::Below(format!(".{rest}"))),
        None => is_host_name(text).then(|| Hosts::Name(text.to_owned())),
    }
}

fn rule(text: &str) -> Option<HostRule> {
    let text = text.to_ascii_lowercase();
    let (scheme, rest) = match text.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(_) => return None,
        None => (Scheme::Https, text.as_str()),
    };
    let default = scheme.default_port();
    let (hosts, port) = if let Some(rest) = rest.strip_prefix('[') {
        // Brackets, as in a URL (RFC 3986 section 3.2.2), keep an IPv6 address's colons from the port's.
        let (inside, after) = rest.split_once(']')?;
        let net = net(inside).filter(|_| inside.contains(':'))?;
        let port = if after.is_empty() { default } else { port(after.strip_prefix(':')?)? };
        (Hosts::Net(net), port)
    } else if rest.matches(':').count() > 1 {
        (Hosts::Net(net(rest)?), default)
    } else {
        match rest.split_once(':') {
            Some((host, given)) => (hosts(host)?, port(given)?),
            None => (hosts(rest)?, default),
        }
    };
    Some(HostRule { scheme, port, hosts })
}

impl SettingValue for HostRule {
    fn parse(text: &str) -> Result<Self, String> {
        rule(text).ok_or_else(|| {
            "hosts such as hooks.example.org, *.example.org, hooks.example.org:8443, 203.0.113.7, \
             10.1.0.0/16, [2001:db8::7]:8443 or http://127.0.0.1:9000"
                .to_owned()
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme == Scheme::Http {
            f.write_str("http://")?;
        }
        match &self.hosts {
            Hosts::Name(name) => f.write_str(name)?,
            Hosts::Below(ending) => write!(f, "*{ending}")?,
            Hosts::Net(net) => {
                let single = net.prefix_len() == net.max_prefix_len();
                let text = if single { net.addr().to_string() } else { net.to_string() };
                if matches!(net, IpNet::V6(_)) { write!(f, "[{text}]")? } else { f.write_str(&text)? }
            }
        }
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> HostRule {
        HostRule::parse(text).unwrap_or_else(|rule| panic!("{text}: {rule}"))
    }

    #[test]
    fn an_entry_is_a_host_with_its_scheme_and_port() {
        for (text, scheme, port) in [
            ("hooks.example.org", Scheme::Https, 443),
            ("https://hooks.example.org", Scheme::Https, 443),
            ("hooks.example.org:8443", Scheme::Https, 8443),
            ("http://hooks", Scheme::Http, 80),
            ("http://127.0.0.1:9000", Scheme::Http, 9000),
            ("10.1.0.0/16:8443", Scheme::Https, 8443),
            ("[fd00::1]:8443", Scheme::Https, 8443),
            ("[fd00::/8]:8443", Scheme::Https, 8443),
            ("fd00::1", Scheme::Https, 443),
            ("fd00::/8", Scheme::Https, 443),
            ("http://[::/0]:9000", Scheme::Http, 9000),
        ] {
            let rule = parsed(text);
            assert_eq!((rule.scheme, rule.port), (scheme, port), "{text}");
            assert_eq!(parsed(&rule.to_string()), rule, "{text} is shown as {rule}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for wrong in [
            "",
            "*",
            "*.",
            "a.*.org",
            "example.org/",
            "example.org/hooks",
            "https://user@example.org",
            "ftp://example.org",
            "example.org:0",
            "example.org:",
            "example.org:+443",
            "example.org:65536",
            "example..org",
            "-a.org",
            "2130706433",
            "0x7f.1",
            "127.1",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "[10.0.0.1]",
            "[fd00::1",
            "[fd00::1]8443",
            "münchen.de",
        ] {
            assert!(HostRule::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_star_stands_for_what_is_below_a_name() {
        let rule = parsed("*.Example.org");
        for (name, spoken_of) in [
            ("a.example.org", true),
            ("a.b.example.org", true),
            ("example.org", false),
            (".example.org", false),
            ("badexample.org", false),
            ("example.org.evil.net", false),
        ] {
            assert_eq!(rule.names(name), spoken_of, "{name}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_address_inside() {
        assert_eq!(parsed("::ffff:10.0.0.1"), parsed("10.0.0.1"));
    }

    proptest! {
        #[test]
        fn every_entry_is_read_back_from_how_it_is_shown(
            text in r"(https?://)?(\*\.)?[a-z0-9.:\[\]/_-]{1,24}(:[0-9]{1,5})?"
        ) {
            if let Ok(rule) = HostRule::parse(&text) {
                prop_assert_eq!(HostRule::parse(&rule.show()), Ok(rule));
            }
        }

        #[test]
        fn an_address_without_more_is_always_an_entry(address: std::net::IpAddr) {
            let rule = parsed(&address.to_string());
            prop_assert!(rule.net_with(address.to_canonical()).is_some());
            prop_assert_eq!(parsed(&rule.to_string()), rule);
        }
    }
}
