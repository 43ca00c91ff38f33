//! Settings as flags: made from the one list in [`crate::config`].

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};

use crate::config::{Config, ConfigError, Setting, Sources};

/// The file that is read when none is named.
const FILE: &str = "tintype.toml";

/// Adds a flag for every setting.
pub(super) fn with_flags(command: Command) -> Command {
    let command = with_flags_for(command, |_| true);
    command.after_help(
        "Every setting can be given as a flag, as a variable (--max-image-size is TINTYPE_MAX_IMAGE_SIZE) \
         or in the settings file (max_image_size = \"64MiB\"). Flags win over variables, and these over the file.",
    )
}

/// Adds a flag for each of `names`: to a command for which the other settings mean nothing.
pub(super) fn with_some_flags(command: Command, names: &[&str]) -> Command {
    with_flags_for(command, |name| names.contains(&name))
}

fn with_flags_for(command: Command, wanted: impl Fn(&str) -> bool) -> Command {
    let file = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help(format!(
            "Settings file; {FILE} in the current folder is read without being named [env: TINTYPE_CONFIG]"
        ));
    let command = command.arg(file);
    Config::SECTIONS.iter().fold(command, |command, (about, settings)| {
        let heading = about.trim().trim_end_matches('.').to_owned();
        let wanted = settings.iter().filter(|setting| wanted(setting.name));
        wanted.fold(command, |command, setting| command.arg(flag(setting, &heading)))
    })
}

fn flag(setting: &'static Setting, heading: &str) -> Arg {
    let mut help = setting.help.trim().to_owned();
    if !setting.default.is_empty() {
        help.push_str(&format!(" [default: {}]", setting.default));
    }
    let flag = Arg::new(setting.name)
        .long(setting.flag())
        .value_name("VALUE")
        .help(help)
        .help_heading(heading.to_owned());
    // `--allow-anonymous` alone says yes.
    if setting.is_switch() { flag.num_args(0..=1).default_missing_value("true") } else { flag }
}

/// Gathers what flags, environment and file say.
pub(super) fn gather(matches: &ArgMatches) -> Result<Sources, ConfigError> {
    let flags = Config::SECTIONS.iter().flat_map(|(_, settings)| settings.iter()).filter_map(|setting| {
        // A command that has no flag for this setting leaves it to the other sources.
        let value = matches.try_get_one::<String>(setting.name).ok().flatten()?;
        Some((setting.name.to_owned(), value.clone()))
    });
    let named = matches
        .get_one::<PathBuf>("config")
        .cloned()
        .or_else(|| std::env::var_os("TINTYPE_CONFIG").map(PathBuf::from));
    let file = named.or_else(|| Path::new(FILE).is_file().then(|| PathBuf::from(FILE)));
    Sources::gather(flags, std::env::vars(), file.as_deref())
}
