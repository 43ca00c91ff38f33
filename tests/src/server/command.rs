//! The binary under test, and commands of it that end by themselves.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where the build leaves its results.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
}

/// The binary under test.
#[must_use]
pub fn binary() -> PathBuf {
    target().join("release/tintype")
}

/// The binary, without the settings of whoever runs the tests.
pub(super) fn tintype() -> Command {
    without_settings(Command::new(binary()))
}

pub(super) fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TINTYPE_")) {
        command.env_remove(name);
    }
    command
}

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code, none after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// Begins a command, with pipes to all its ends; whoever begins it waits for it.
#[must_use]
pub fn begin(arguments: &[&str], environment: &[(&str, &str)], folder: &Path) -> Child {
    let mut command = tintype();
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs the binary with these arguments in `folder` until it ends.
#[must_use]
pub fn run(arguments: &[&str], environment: &[(&str, &str)], folder: &Path) -> Ended {
    let mut command = tintype();
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), output: text(&output.stdout), errors: text(&output.stderr) }
}
