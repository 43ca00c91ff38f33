//! What a plugin's runs may use where that differs from the server's settings of the same names.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::super::limits::RunLimits;
use crate::config::located::Located;
use crate::config::{ByteSize, ConfigError, MOST_MEMORY, SettingValue};

/// Bytes of a page of linear memory: with less a plugin has none.
const LEAST_MEMORY: u64 = 64 << 10;

macro_rules! limits {
    ($( $(#[doc = $doc:literal])+ $name:ident: $type:ty, )+) => {
        /// What is said of a plugin's limits.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(in crate::plugin) struct LimitSettings {
            $( $(#[doc = $doc])+ pub(in crate::plugin) $name: Option<$type>, )+
        }

        impl LimitSettings {
            /// Their names.
            pub(super) const KEYS: &'static [&'static str] = &[$( stringify!($name), )+];

            /// Takes in a value, if `name` is a limit.
            pub(super) fn read(&mut self, name: &str, item: &Located) -> Result<bool, ConfigError> {
                match name {
                    $( stringify!($name) => self.$name = Some(item.setting()?), )+
                    _ => return Ok(false),
                }
                self.check(item)?;
                Ok(true)
            }

            /// Those that are said, as text.
            pub(super) fn shown(&self) -> impl Iterator<Item = (String, String)> {
                let all = [$( (stringify!($name), self.$name.map(|value| value.show())), )+];
                all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
            }
        }
    };
}

limits! {
    /// Longest run.
    deadline: Duration,
    /// Memory of one run, all linear memories together.
    memory: ByteSize,
    /// Bytes of all results of one run.
    max_output: ByteSize,
    /// Pixels, width times height.
    max_pixels: NonZeroU64,
    /// Pixels along either side.
    max_side: NonZeroU32,
    /// Frames of an animation.
    max_frames: NonZeroU32,
    /// Runs at once.
    concurrency: NonZeroUsize,
}

impl LimitSettings {
    fn check(&self, item: &Located) -> Result<(), ConfigError> {
        match self.memory {
            Some(memory) if !(LEAST_MEMORY..=MOST_MEMORY).contains(&memory.0) => {
                Err(item.wrong("from 64KiB to 4GiB"))
            }
            _ => Ok(()),
        }
    }

    /// The server's limits, with what is said of this plugin in their place.
    pub(in crate::plugin) fn over(&self, servers: &RunLimits) -> RunLimits {
        RunLimits {
            deadline: self.deadline.unwrap_or(servers.deadline),
            memory: self.memory.map_or(servers.memory, ByteSize::as_usize),
            // The engine's, for all plugins.
            stack: servers.stack,
            max_output: self.max_output.map_or(servers.max_output, ByteSize::as_usize),
            max_pixels: self.max_pixels.map_or(servers.max_pixels, NonZeroU64::get),
            max_side: self.max_side.map_or(servers.max_side, NonZeroU32::get),
            max_frames: self.max_frames.map_or(servers.max_frames, NonZeroU32::get),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::read;
    use super::*;

    #[test]
    fn what_is_said_takes_the_place_of_the_servers_limit_and_the_rest_stays() {
        let servers = RunLimits {
            deadline: Duration::from_secs(30),
            memory: 512 << 20,
            stack: 1 << 20,
            max_output: 256 << 20,
            max_pixels: 100,
            max_side: 10,
            max_frames: 1,
        };
        let limits =
            read("memory = '1GiB'\ndeadline = '2m'\nmax_frames = 7\nconcurrency = 2").unwrap().limits;
        let own = limits.over(&servers);
        assert_eq!((own.memory, own.deadline, own.max_frames), (1 << 30, Duration::from_secs(120), 7));
        assert_eq!((own.max_output, own.max_pixels, own.max_side), (256 << 20, 100, 10));
        assert_eq!(limits.concurrency.map(NonZeroUsize::get), Some(2));
    }

    #[test]
    fn what_no_plugin_can_have_is_refused() {
        for (text, rule) in [
            ("memory = '5GiB'", "from 64KiB to 4GiB"),
            ("memory = 0", "from 64KiB to 4GiB"),
            ("deadline = 30", "a time above zero such as 500ms"),
            ("concurrency = 0", "a whole number from 1"),
            ("max_side = -1", "a whole number from 1"),
            ("max_output = { mib = 3 }", "a string, a number"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with("a.toml:1: ") && error.contains(rule), "{text}: {error}");
        }
    }
}
