//! The types that a setting can have, each with the one way to write it as text.
//!
//! Flags, environment variables and the file all go through [`SettingValue::parse`], so a value is
//! read, and refused, in the same words wherever it stands. Knows no setting by name.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

/// A value that can be read from, and written back as, the text of a setting.
pub trait SettingValue: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// The rule that `text` breaks, as a clause that can follow "must be".
    fn parse(text: &str) -> Result<Self, String>;

    /// The text that [`parse`](Self::parse) reads as this value.
    fn show(&self) -> String;

    /// Whether the text must be kept out of messages.
    const SECRET: bool = false;
}

/// A text that is shown to nobody. `tintype config` says only that it is set.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What is shown in place of a secret.
const SET: &str = "(set)";

impl Secret {
    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SET)
    }
}

impl SettingValue for Secret {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            SET => Err("the secret itself, which `tintype config` doesn't show".to_owned()),
            text => Ok(Self(text.to_owned())),
        }
    }

    fn show(&self) -> String {
        SET.to_owned()
    }

    const SECRET: bool = true;
}

/// A number of bytes, written `1048576`, `64KiB`, `64MiB` or `2GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl ByteSize {
    /// The size in bytes, for use as a length in memory.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = UNITS
            .into_iter()
            .find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size))
            .unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl SettingValue for ByteSize {
    fn parse(text: &str) -> Result<Self, String> {
        let rule = || "a size such as 1048576, 64KiB, 64MiB or 2GiB".to_owned();
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let number: u64 = digits.parse().map_err(|_| rule())?;
        let size = match unit.trim() {
            "" => 1,
            unit => UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(rule)?.1,
        };
        number.checked_mul(size).map(Self).ok_or_else(rule)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

const SPANS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl SettingValue for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        let rule = || "a time above zero such as 500ms, 30s, 10m, 24h or 7d".to_owned();
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let number: u64 = digits.parse().map_err(|_| rule())?;
        let (_, millis) = SPANS.into_iter().find(|(name, _)| *name == unit.trim()).ok_or_else(rule)?;
        match number.checked_mul(millis) {
            Some(total @ 1..) => Ok(Self::from_millis(total)),
            _ => Err(rule()),
        }
    }

    fn show(&self) -> String {
        let total = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let (unit, millis) = SPANS
            .into_iter()
            .rev()
            .find(|(_, millis)| total >= *millis && total % millis == 0)
            .unwrap_or(("ms", 1));
        format!("{}{unit}", total / millis)
    }
}

impl SettingValue for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("true or false".to_owned()),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("a path".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl SettingValue for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl SettingValue for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        // The name that everybody types; resolving any other would make start-up depend on DNS.
        let text = text
            .strip_prefix("localhost:")
            .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        text.parse().map_err(|_| "an address and port such as 127.0.0.1:8080 or [::1]:8080".to_owned())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for IpAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "an IP address such as 10.0.0.1".to_owned())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// Several values, separated by commas (in the file also a list).
impl<T: SettingValue> SettingValue for Vec<T> {
    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(T::parse).collect()
    }

    fn show(&self) -> String {
        self.iter().map(T::show).collect::<Vec<_>>().join(",")
    }

    const SECRET: bool = T::SECRET;
}

/// A value that may be absent: the empty text.
impl<T: SettingValue> SettingValue for Option<T> {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }

    const SECRET: bool = T::SECRET;
}

/// A part of something, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Ratio(pub f64);

impl SettingValue for Ratio {
    fn parse(text: &str) -> Result<Self, String> {
        let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.map(Self).ok_or_else(|| "a number from 0 to 1, such as 0.05".to_owned())
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

macro_rules! counts {
    ($($type:ty),*) => {$(
        impl SettingValue for $type {
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX))
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
counts!(u32, u64, NonZeroU32, NonZeroU64, NonZeroUsize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_in_binary_units_and_shown_in_the_largest_that_fits() {
        assert_eq!(ByteSize::parse("64MiB"), Ok(ByteSize(64 << 20)));
        assert_eq!(ByteSize::parse("1536KiB").map(|size| size.show()), Ok("1536KiB".to_owned()));
        assert_eq!(ByteSize::parse("1048576").map(|size| size.show()), Ok("1MiB".to_owned()));
        for wrong in ["", "64MB", "MiB", "-1", "1.5GiB", "99999999999GiB"] {
            assert!(ByteSize::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_needs_a_unit_and_is_never_zero() {
        assert_eq!(Duration::parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(Duration::parse("24h").map(|span| span.show()), Ok("1d".to_owned()));
        for wrong in ["", "30", "0s", "s", "1.5h", "-3s"] {
            assert!(Duration::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ratio_is_from_0_to_1() {
        assert_eq!(Ratio::parse("0.05").map(|ratio| ratio.show()), Ok("0.05".to_owned()));
        for wrong in ["", "-0.1", "1.1", "NaN", "5%"] {
            assert!(Ratio::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn localhost_is_an_address() {
        assert_eq!(SocketAddr::parse("localhost:80").map(|a| a.show()), Ok("127.0.0.1:80".to_owned()));
        assert!(SocketAddr::parse("example.org:80").is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secrets = <Vec<Secret>>::parse("hush,hush").unwrap_or_default();
        assert_eq!(
            (secrets.show().as_str(), format!("{secrets:?}").as_str()),
            ("(set),(set)", "[(set), (set)]")
        );
        assert!(<Vec<Secret>>::parse(&secrets.show()).is_err(), "what is shown is no secret");
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        assert_eq!(<Vec<u32>>::parse("1, 2,3"), Ok(vec![1, 2, 3]));
        assert_eq!(<Vec<u32>>::parse(""), Ok(vec![]));
    }
}
