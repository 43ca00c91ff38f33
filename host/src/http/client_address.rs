//! From where a request was sent: the connection's other end, or what a trusted proxy says of its own.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::FORWARDED;
use axum::http::{Extensions, HeaderMap};

use super::App;
use super::public_url::{Peer, header};

/// Bits of an IPv6 address that its network has; the others are each client's to choose (RFC 4291
/// section 2.5.4), and nobody should be many clients by that.
const NETWORK: u128 = u128::MAX << 64;

/// The address by which a client without a key is told from others.
pub(super) fn of(headers: &HeaderMap, extensions: &Extensions, app: &App) -> Option<IpAddr> {
    let Peer(peer) = *extensions.get::<Peer>()?;
    let trusted = app.config.http.trusted_proxies.contains(&peer);
    let address = if trusted { forwarded(headers).unwrap_or(peer) } else { peer };
    Some(network(address))
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address => address,
    }
}

/// Whom the nearest proxy serves: by RFC 7239's header, else by the older one.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    // Each proxy appends: the last element is the one of the proxy that we trust.
    let last = |value: String| value.rsplit(',').next().map(|last| last.trim().to_owned());
    let Some(element) = header(headers, FORWARDED.as_str()).and_then(last) else {
        return node(&header(headers, "x-forwarded-for").and_then(last)?);
    };
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    node(named.next()?.1.trim().trim_matches('"'))
}

/// An address, perhaps in brackets, perhaps with a port (RFC 7239 section 6). Proxies may hide it.
fn node(node: &str) -> Option<IpAddr> {
    if let Some(rest) = node.strip_prefix('[') {
        return rest.split(']').next()?.parse().ok();
    }
    let whole = node.parse().ok();
    whole.or_else(|| node.rsplit_once(':')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_trusted_proxy_names_its_client_in_whatever_form() {
        for (name, value, expected) in [
            ("forwarded", "for=1.1.1.1, for=192.0.2.7;proto=https", Some("192.0.2.7")),
            ("forwarded", "proto=https; For=\"192.0.2.7:4711\"", Some("192.0.2.7")),
            ("forwarded", "for=\"[2001:db8::1]:4711\"", Some("2001:db8::1")),
            ("forwarded", "for=_hidden", None),
            ("forwarded", "proto=https", None),
            ("x-forwarded-for", "1.1.1.1, 192.0.2.7", Some("192.0.2.7")),
            ("x-forwarded-for", "2001:db8::1", Some("2001:db8::1")),
            ("x-other", "192.0.2.7", None),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]);
            assert_eq!(forwarded(&headers), expected.map(|ip| ip.parse().unwrap()), "{name}: {value}");
        }
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:0:1:2:3:4:5"), of("2001:db8:0:1::9"));
        assert_ne!(of("2001:db8:0:1::9"), of("2001:db8:0:2::9"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }
}
