//! Whether this machine, and what it reaches, give a server what its settings ask for: the half of `tintype doctor` that looks
//! at no task. Everything that is found says what to change.

mod clock;
mod engines;
mod files;
mod folders;
mod memory;

use std::fmt::Display;
use std::io::{self, Write};

use crate::config::{Config, ConfigError};
use crate::harden;

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// With it a server does not start, or takes no task.
    Problem(String),
    /// With it one may fail some day, or others may do what they should not.
    Warning(String),
    /// Nothing to change, and worth knowing.
    Remark(String),
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    fn problem(&mut self, words: impl Display) {
        self.0.push(Finding::Problem(words.to_string()));
    }

    fn warning(&mut self, words: impl Display) {
        self.0.push(Finding::Warning(words.to_string()));
    }

    fn remark(&mut self, words: impl Display) {
        self.0.push(Finding::Remark(words.to_string()));
    }

    /// The settings contradict each other.
    pub(super) fn refused(&mut self, error: &ConfigError) {
        self.problem(error);
    }

    /// Whether a server would start and take tasks.
    pub(super) fn is_healthy(&self) -> bool {
        !self.0.iter().any(|finding| matches!(finding, Finding::Problem(_)))
    }

    /// Writes the report.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for finding in &self.0 {
            match finding {
                Finding::Problem(words) => writeln!(out, "problem: {words}")?,
                Finding::Warning(words) => writeln!(out, "warning: {words}")?,
                Finding::Remark(words) => writeln!(out, "remark: {words}")?,
            }
        }
        if self.0.iter().all(|finding| matches!(finding, Finding::Remark(_))) {
            writeln!(out, "settings and machine: nothing is wrong")?;
        }
        Ok(())
    }
}

/// Looks at this machine as a server with this configuration would find it.
pub(super) fn examine(config: &Config) -> Findings {
    let mut findings = Findings::default();
    memory::examine(config, &mut findings);
    folders::examine(config, &mut findings);
    files::examine(config, &mut findings);
    clock::examine(config, &mut findings);
    engines::examine(config, &mut findings);
    if !config.process.harden {
        findings.warning(
            "harden is off: a fault of the server reaches every file that its user can. Set harden = true",
        );
    } else if let Err(error) = harden::is_possible() {
        findings.warning(format!(
            "the server cannot close other files to itself: {error}. Let something else do it: a container, or \
             ProtectSystem=strict of systemd"
        ));
    }
    // The same clients reach it through a proxy, and that one encrypts.
    let is_behind_proxy = config.http.public_url.is_some() || !config.http.trusted_proxies.is_empty();
    if !config.http.listen.ip().is_loopback() && config.http.tls_cert.is_none() && !is_behind_proxy {
        findings.warning(format!(
            "listen {} is open to others, who can read keys and pictures on their way: set tls_cert and tls_key, \
             or put a proxy in front and name it in trusted_proxies",
            config.http.listen
        ));
    }
    findings
}
