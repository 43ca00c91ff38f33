//! `tintype completions` and `tintype man`: what a shell and `man` want to know of the command line, made
//! of the one description that also parses it.

use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

/// As it is called.
const NAME: &str = "tintype";

pub(super) fn completions_command() -> Command {
    Command::new("completions")
        .about("Print what a shell needs to complete command lines")
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(clap::value_parser!(Shell))
                .help("Which shell"),
        )
        .after_help(
            "bash: tintype completions bash > ~/.local/share/bash-completion/completions/tintype\n\
             zsh: tintype completions zsh > a folder of $fpath, as _tintype\n\
             fish: tintype completions fish > ~/.config/fish/completions/tintype.fish",
        )
}

pub(super) fn completions(matches: &ArgMatches, mut command: Command) -> anyhow::Result<()> {
    let Some(shell) = matches.get_one::<Shell>("shell") else { return Ok(()) };
    // Made first and written then: a reader that hangs up is an error, not a panic.
    let mut text = vec![];
    clap_complete::generate(*shell, &mut command, NAME, &mut text);
    Ok(io::Write::write_all(&mut io::stdout().lock(), &text)?)
}

pub(super) fn man_command() -> Command {
    Command::new("man").about("Print the manual page, or write those of all subcommands").arg(
        Arg::new("out")
            .long("out")
            .value_name("DIR")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Folder for all pages, tintype.1, tintype-submit.1 and so on; it is made if there is none"),
    )
}

pub(super) fn man(matches: &ArgMatches, command: Command) -> anyhow::Result<()> {
    match matches.get_one::<PathBuf>("out") {
        Some(folder) => {
            let failed = || format!("the manual pages cannot be written to {}", folder.display());
            std::fs::create_dir_all(folder).with_context(failed)?;
            clap_mangen::generate_to(command, folder).with_context(failed)
        }
        None => Ok(clap_mangen::Man::new(command).render(&mut io::stdout().lock())?),
    }
}
