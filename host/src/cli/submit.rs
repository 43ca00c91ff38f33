//! `tintype submit`: pictures to a server, and what it makes of them back.

mod order;

use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{misuse, server};
use crate::client::{Course, Display, Halt, Placing, Report, Target, batch, expand};

pub(super) fn command() -> Command {
    let many = |id: &'static str, name: &'static str, help: &'static str| {
        Arg::new(id).long(id).value_name(name).action(ArgAction::Append).help(help)
    };
    let one = |id: &'static str, name: &'static str, help: &'static str| {
        Arg::new(id).long(id).value_name(name).help(help)
    };
    let switch =
        |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    let file = |arg: Arg| arg.value_parser(clap::value_parser!(PathBuf));
    server::with_flags(
        Command::new("submit")
            .about("Send pictures to a server, wait, and fetch what it makes of them")
            .arg(file(
                Arg::new("picture")
                    .value_name("PICTURE")
                    .required(true)
                    .num_args(1..)
                    .help("Files, folders, patterns such as 'in/*.jpg', or - for standard input"),
            ))
            .arg(many("operation", "NAME", "What to do, see `tintype plugins`; several are done in order"))
            .arg(many("preset", "NAME", "A preset of the server, which stands for operations"))
            .arg(many(
                "param",
                "NAME=VALUE",
                "A parameter of the --operation or --output before it; cid:ID is the picture of --attach ID=FILE",
            ))
            .arg(one("output", "TYPE", "The result's media type, such as image/webp"))
            .arg(many("output-param", "NAME=VALUE", "A parameter of --output, wherever it stands"))
            .arg(many("attach", "ID=FILE", "A further picture, for parameters that want one"))
            .arg(
                file(one("description", "FILE", "A whole task description, XML or JSON, in place of these flags"))
                    .conflicts_with_all(["operation", "preset", "param", "output", "output-param", "callback"]),
            )
            .arg(one("type", "TYPE", "The pictures' media type; by default, by the ends of their names"))
            .arg(one("callback", "URL", "Where the server announces the end; it must be one that its operator allows"))
            .arg(one(
                "idempotency-key",
                "KEY",
                "The same key and the same picture give the same task again; by default every picture has a new one",
            ))
            // clap makes line feeds of the pattern's third place, a number in braces: `docs/client.md` has it.
            .arg(file(one("out", "OUT", "").short('o').help(
                "Where to: a file, a folder, - for standard output, or a pattern such as 'small/{name}.{ext}'; by \
                 default NAME.result.EXT beside the picture",
            )))
            .arg(switch("force", "Replace files that are there; the picture itself never"))
            .arg(
                one("jobs", "NUMBER", "Pictures that are under way at once")
                    .default_value("4")
                    .value_parser(clap::value_parser!(NonZeroUsize)),
            )
            .arg(switch("detach", "Don't wait: print the task's address").conflicts_with_all(["out", "force"]))
            .arg(server::timeout_flag("Longest time for one picture, such as 90s; by default as long as it takes")),
    )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let wanted = order::read(matches)?;
    let words: Vec<PathBuf> = matches.get_many("picture").into_iter().flatten().cloned().collect();
    let inputs = expand(&words)?;
    if inputs.len() > 1 && wanted.idempotency_key.is_some() {
        return Err(misuse("--idempotency-key stands for one picture, and there are several"));
    }
    let target = Target::for_pictures(matches.get_one::<PathBuf>("out").map(PathBuf::as_path), &inputs)?;
    let placing = Placing::new(target, matches.get_flag("force"));
    if placing.is_standard() && !wanted.is_detached && io::stdout().is_terminal() {
        return Err(misuse(
            "a picture is nothing for a terminal: name a file by -o, or redirect standard output",
        ));
    }
    let api = server::api(matches)?;
    let jobs = *matches.get_one("jobs").unwrap_or(&NonZeroUsize::MIN);
    let json = matches.get_flag("json");
    let summary = server::block_on(async {
        let (halt, display) = (Halt::on_interrupt(), Display::new(inputs.len()));
        let course = Course { api: &api, wanted: &wanted, placing: &placing, halt: &halt, display: &display };
        let report_to_errors = placing.is_standard() && !wanted.is_detached;
        let mut told = Ok(());
        let summary = batch::run(&course, &inputs, jobs, |report, summary| {
            display.count(summary.bad());
            let done = match &report.url {
                // Alone, so that it can be passed on as it is.
                Some(url) if report.error.is_none() && wanted.is_detached && !json && inputs.len() == 1 => {
                    display.print(url, false)
                }
                // Whoever reads the picture from a pipe has seen that it is done.
                _ if report.error.is_none() && report_to_errors && !json => Ok(()),
                _ => tell(&display, report, json, report_to_errors),
            };
            told = std::mem::replace(&mut told, Ok(())).and(done);
        })
        .await;
        display.clear();
        if inputs.len() > 1 {
            if json {
                display.print(&summary.json().to_string(), report_to_errors)?;
            } else {
                display.print(&summary.text(), true)?;
            }
        }
        told?;
        Ok(summary)
    })?;
    server::ended(summary.code())
}

/// Says what came of one. Reports in JSON stay together; for people, what went wrong is an error.
pub(super) fn tell(display: &Display, report: &Report, json: bool, to_errors: bool) -> io::Result<()> {
    if json {
        display.print(&report.json().to_string(), to_errors)
    } else {
        display.print(&report.text(), to_errors || report.error.is_some())
    }
}
