//! Single files that the settings name, how many may be open, and who could come in.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::Findings;
use crate::auth::KeyFile;
use crate::callback::Sender;
use crate::cli::serve::OTHER_FILES;
use crate::config::Config;
use crate::http::Certificate;
use crate::trace::Tracer;

pub(super) fn examine(config: &Config, findings: &mut Findings) {
    let keys = config.auth.keys_file(&config.storage);
    if let Err(error) = KeyFile::read(&keys) {
        findings.problem(error);
    }
    if let Err(error) = Certificate::from_settings(&config.http) {
        findings.problem(error);
    }
    if let Err(error) = Sender::from_settings(&config.callback) {
        findings.problem(error);
    }
    if let Err(error) = Tracer::from_settings(&config.otlp) {
        findings.problem(error);
    }
    let secrets = [
        ("keys_file", Some(keys.as_path())),
        ("callback_secret_file", config.callback.callback_secret_file.as_deref()),
        ("tls_key", config.http.tls_key.as_deref()),
    ];
    for (setting, file) in secrets {
        if let Some(file) = file {
            kept_from_others(setting, file, findings);
        }
    }
    let wanted = config.http.max_connections.get() as u64 + OTHER_FILES;
    // The server raises the soft limit to the hard one by itself.
    if let Some(given) = getrlimit(Resource::Nofile).maximum.filter(|given| *given < wanted) {
        findings.warning(format!(
            "{given} files may be open, and max_connections may need {wanted}: raise the limit (ulimit -n, \
             LimitNOFILE= of systemd, --ulimit nofile= of Docker), or lower max_connections"
        ));
    }
}

fn kept_from_others(setting: &str, file: &Path, findings: &mut Findings) {
    if let Ok(meta) = fs::metadata(file)
        && meta.mode() & 0o007 != 0
    {
        findings.warning(format!(
            "{setting} {} has mode {:04o}: every user of this machine can reach it (chmod o-rwx)",
            file.display(),
            meta.mode() & 0o7777
        ));
    }
}
