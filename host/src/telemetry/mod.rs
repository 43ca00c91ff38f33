//! The log: where it goes and how it looks.

mod json;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::json::Flat;
use crate::config::{Log, LogFormat};

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "log: {0:?} will not do: it must be a level (error, warn, info, debug, trace) or directives such as info,tintype::plugin=debug"
)]
pub struct BadFilter(String);

/// Begins logging, to standard error.
///
/// # Errors
/// The filter cannot be read.
pub fn start(config: &Log) -> Result<(), BadFilter> {
    let filter = EnvFilter::try_new(&config.log).map_err(|_| BadFilter(config.log.clone()))?;
    // Below this sled prints, as numbers, whatever it stores: callback URLs are among it.
    let filter = filter.add_directive("sled=info".parse().expect("this is a directive"));
    let terminal = std::io::stderr().is_terminal();
    let human = match config.log_format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    let registry = tracing_subscriber::registry().with(filter);
    // A second start, as in tests, changes nothing.
    let _ = if human {
        let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
        registry.with(layer).try_init()
    } else {
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(Flat)
            .with_writer(std::io::stderr);
        registry.with(layer).try_init()
    };
    Ok(())
}
