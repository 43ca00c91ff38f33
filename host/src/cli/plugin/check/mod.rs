//! `tintype plugin check`: what a plugin's author has to mend before anybody depends on it.
//!
//! | question | file |
//! |---|---|
//! | what is found, and how it is told | `report.rs` |
//! | can a server load it | `loading.rs` |
//! | is what it says of itself of use | `description.rs` |
//! | which parameters to try an operation with | `parameters.rs` |
//! | which files to try it with | `inputs.rs` |
//! | which pixels to try it with | `frames.rs` |
//! | how a run should have ended | `verdict.rs` |
//! | does what it offers behave, by its kind | `behaviour/` |

mod behaviour;
mod description;
mod frames;
mod inputs;
mod loading;
mod parameters;
mod report;
mod verdict;

use std::io::{self, Write as _};
use std::path::Path;

use clap::{Arg, ArgMatches, Command};

use self::report::Report;
use super::super::misuse;
use super::{json_flag, load, text};

const EXIT_CODES: &str = "Exit codes: 0 nothing must be mended, though there may be warnings; 1 something must be; 2 the command \
     line is wrong, or there is no such file. The limits are those of a server with the same settings.";

pub(super) fn command() -> Command {
    load::with_flags(
        Command::new("check")
            .about("Say what a plugin's author has to mend: loads it, and tries every operation on good and bad pictures")
            .arg(Arg::new("file").value_name("FILE").required(true).help("The plugin's file"))
            .arg(json_flag())
            .after_help(EXIT_CODES),
    )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let config = load::config(matches)?;
    let sandbox = load::sandbox(&config)?;
    let file = Path::new(text(matches, "file"));
    std::fs::File::open(file)
        .map_err(|error| misuse(format!("{} cannot be read: {error}", file.display())))?;

    let mut report = Report::new(file);
    let compiled = load::compiled_for_files(&config);
    let loaded = loading::check(&config, &sandbox, &compiled, file, &mut report);
    if let Some(plugin) = loaded {
        report.plugin = Some(format!("{} {}", plugin.descriptor.name, plugin.descriptor.version));
        description::check(&plugin, &mut report);
        behaviour::check(&plugin, &mut report);
    }

    let mut out = io::stdout().lock();
    if matches.get_flag("json") {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        report.write(&mut out)?;
    }
    let failed = report.failed();
    let all = report.findings.len();
    anyhow::ensure!(failed == 0, "{} must be mended: {failed} of {all} checks failed", file.display());
    Ok(())
}
