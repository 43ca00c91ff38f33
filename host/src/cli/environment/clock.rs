//! The clock of the day, against the times of the server's files. Nothing that is kept hangs on it; but
//! certificates are judged by it, callbacks are signed with it, and clients are told it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::Findings;
use crate::config::Config;
use crate::data_folder::Paths;

/// By as much clocks of machines that share a disk may differ; receivers of callbacks allow no more.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// Nobody's server has had nothing written for so long.
const LONG: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

pub(super) fn examine(config: &Config, findings: &mut Findings) {
    let data = Paths::of(&config.storage.data_dir);
    let mut files = vec![data.root().to_owned()];
    for folder in [data.root(), &data.tasks(), &config.plugins.folder(&config.storage)] {
        files.extend(in_folder(folder));
    }
    files.extend(std::env::current_exe());
    let newest =
        files.into_iter().filter_map(|file| Some((fs::metadata(&file).ok()?.modified().ok()?, file)));
    if let Some((written, file)) = newest.max() {
        compare(SystemTime::now(), written, &file, findings);
    }
}

fn compare(now: SystemTime, written: SystemTime, file: &Path, findings: &mut Findings) {
    let what = if now + TOLERANCE < written {
        "before"
    } else if written + LONG < now {
        "more than ten years after"
    } else {
        return;
    };
    findings.warning(format!(
        "the clock says {}, {what} {} was written ({}): set it, and let it be kept right (NTP, timedatectl \
         set-ntp true). Callbacks with a wrong time are refused, and so are certificates",
        shown(now),
        file.display(),
        shown(written)
    ));
}

fn shown(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).ok().and_then(|time| time.round(jiff::Unit::Second).ok());
    time.map_or_else(|| "something that no clock should".to_owned(), |time| time.to_string())
}

fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_or_far_after_the_newest_file_is_wrong() {
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let is_right = |now: SystemTime| {
            let mut findings = Findings::default();
            compare(now, written, Path::new("file"), &mut findings);
            findings.0.is_empty()
        };
        assert!(is_right(written + Duration::from_secs(400 * 24 * 60 * 60)) && is_right(written - TOLERANCE));
        assert!(!is_right(written - TOLERANCE - Duration::from_secs(1)) && !is_right(written + 2 * LONG));
    }
}
