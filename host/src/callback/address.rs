//! Which IP addresses are not places on the public Internet: this machine, its neighbours, and
//! whatever leads there by another name. From IANA's IPv4 and IPv6 Special-Purpose Address
//! Registries (RFC 6890). Knows nothing of what an operator has listed.
//!
//! IPv4 is public unless it is in the table. IPv6 is the other way round: only `2000::/3` is global
//! unicast (RFC 4291 section 2.4), and the table's last rows are all the rest.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A range of addresses that nobody's callback has business with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Special {
    /// The range.
    pub(super) net: IpNet,
    /// What it is for, for people.
    pub(super) name: &'static str,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8, name: &'static str) -> Special {
    Special { net: IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)), name }
}

const fn v6(segments: [u16; 3], prefix: u8, name: &'static str) -> Special {
    let [a, b, c] = segments;
    Special { net: IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)), name }
}

const fn v6_end(last: u16, prefix: u8, name: &'static str) -> Special {
    Special { net: IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, last), prefix)), name }
}

/// The first row that holds an address is the one that counts: narrow ones stand before wide ones.
const SPECIAL: &[Special] = &[
    // Cloud metadata and platform services, where one request can be worth an account.
    v4(169, 254, 169, 254, 32, "a metadata address"),
    v4(100, 100, 100, 200, 32, "a metadata address"),
    v4(168, 63, 129, 16, 32, "a metadata address"),
    v4(0, 0, 0, 0, 8, "an unspecified address"),
    v4(10, 0, 0, 0, 8, "a private address"),
    v4(100, 64, 0, 0, 10, "an address shared by a carrier's customers"),
    v4(127, 0, 0, 0, 8, "a loopback address"),
    v4(169, 254, 0, 0, 16, "a link-local address"),
    v4(172, 16, 0, 0, 12, "a private address"),
    v4(192, 0, 0, 0, 24, "an address for protocols"),
    v4(192, 0, 2, 0, 24, "an address for documentation"),
    v4(192, 88, 99, 0, 24, "a 6to4 relay's address"),
    v4(192, 168, 0, 0, 16, "a private address"),
    v4(198, 18, 0, 0, 15, "an address for benchmarks"),
    v4(198, 51, 100, 0, 24, "an address for documentation"),
    v4(203, 0, 113, 0, 24, "an address for documentation"),
    v4(224, 0, 0, 0, 4, "a multicast address"),
    v4(240, 0, 0, 0, 4, "a reserved address"),
    v6([0xfd00, 0x0ec2, 0], 32, "a metadata address"),
    v6_end(0, 128, "an unspecified address"),
    v6_end(1, 128, "a loopback address"),
    // IPv4 in other clothes, of kinds that nobody needs any more: refused whatever is inside.
    v6_end(0, 96, "an IPv4-compatible address"),
    v6([0x64, 0xff9b, 1], 48, "an address of a local translator to IPv4"),
    v6([0x2002, 0, 0], 16, "a 6to4 address"),
    // Has Teredo (2001::/32), benchmarking, ORCHID and the like.
    v6([0x2001, 0, 0], 23, "an address for protocols"),
    v6([0x2001, 0x0db8, 0], 32, "an address for documentation"),
    v6([0x3fff, 0, 0], 20, "an address for documentation"),
    v6([0x0100, 0, 0], 64, "an address that discards"),
    v6([0xfc00, 0, 0], 7, "a unique local address"),
    v6([0xfe80, 0, 0], 10, "a link-local address"),
    v6([0xfec0, 0, 0], 10, "a site-local address"),
    v6([0xff00, 0, 0], 8, "a multicast address"),
    v6([0, 0, 0], 3, "a reserved address"),
    v6([0x4000, 0, 0], 2, "a reserved address"),
    v6([0x8000, 0, 0], 1, "a reserved address"),
];

/// Addresses that a translator turns into IPv4 (NAT64, RFC 6052 section 2.1): what an IPv6-only host
/// calls an IPv4 receiver by, so that the address inside decides.
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Why `address` is not one on the public Internet, or `None` for one that is.
pub(super) fn special(address: IpAddr) -> Option<&'static Special> {
    let address = match address.to_canonical() {
        IpAddr::V6(address) if NAT64.contains(&address) => IpAddr::V4(embedded(address)),
        address => address,
    };
    SPECIAL.iter().find(|special| special.net.contains(&address))
}

/// The IPv4 address in the last 32 bits.
fn embedded(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn name(address: &str) -> Option<&'static str> {
        special(address.parse().unwrap()).map(|special| special.name)
    }

    #[test]
    fn public_addresses_are_not_special() {
        for public in
            ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1"]
        {
            assert_eq!(name(public), None, "{public}");
        }
    }

    #[test]
    fn every_special_kind_is_known_from_its_first_to_its_last_address() {
        for special in SPECIAL {
            for end in [special.net.network(), special.net.broadcast()] {
                assert!(super::special(end).is_some(), "{end}");
            }
        }
    }

    #[test]
    fn the_reason_is_the_narrowest() {
        for (address, says) in [
            ("0.0.0.0", "unspecified"),
            ("127.0.0.1", "loopback"),
            ("10.255.255.255", "private"),
            ("169.254.169.254", "metadata"),
            ("169.254.0.1", "link-local"),
            ("100.64.0.1", "carrier"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::7f00:1", "IPv4-compatible"),
            ("fe80::1", "link-local"),
            ("fd00:ec2::254", "metadata"),
            ("fd12::1", "unique local"),
            ("ff02::1", "multicast"),
            ("2001::1", "protocols"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("64:ff9b:1::7f00:1", "translator"),
            ("4000::1", "reserved"),
        ] {
            let found = name(address).unwrap_or_else(|| panic!("{address} passes"));
            assert!(found.contains(says), "{address}: {found}");
        }
    }

    proptest! {
        #[test]
        fn an_ipv4_address_is_as_special_in_other_clothes(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let special = special(plain.into());
            prop_assert_eq!(super::special(plain.to_ipv6_mapped().into()), special);
            let nat64 = Ipv6Addr::from_bits(NAT64.network().to_bits() | u128::from(bits));
            prop_assert_eq!(super::special(nat64.into()), special);
        }

        #[test]
        fn nothing_outside_global_unicast_passes_but_a_translated_public_address(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            let passes = special(address.into()).is_none();
            let global = bits >> 125 == 1;
            let translated = address.to_ipv4_mapped().is_some() || NAT64.contains(&address);
            prop_assert!(!passes || global || translated, "{}", address);
        }

        // The standard library's own stable predicates, as a second opinion.
        #[test]
        fn what_the_standard_library_calls_special_is(bits: u32, wide: u128) {
            let v4 = Ipv4Addr::from_bits(bits);
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified() {
                prop_assert!(special(v4.into()).is_some(), "{}", v4);
            }
            let v6 = Ipv6Addr::from_bits(wide);
            if v6.is_loopback() || v6.is_multicast() || v6.is_unspecified() || v6.is_unique_local()
                || v6.is_unicast_link_local() {
                prop_assert!(special(v6.into()).is_some(), "{}", v6);
            }
        }
    }
}
