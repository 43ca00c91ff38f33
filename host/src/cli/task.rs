//! `tintype task`: what became of tasks that nobody has waited for.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value as Json, json};

use super::submit::tell;
use super::{misuse, server};
use crate::client::batch::Summary;
use crate::client::{
    Api, ClientError, Display, Fetched, Halt, Line, Placing, Report, Status, Target, fetch, wait,
};
use crate::shown;

/// The column in which values begin.
const VALUES: usize = 12;
/// Tasks of the longest page that a server gives.
const PAGE: usize = 100;

pub(super) fn command() -> Command {
    let ids = || {
        Arg::new("task")
            .value_name("ID")
            .required(true)
            .num_args(1..)
            .help("Tasks, by their ids or addresses")
    };
    Command::new("task")
        .about("Look at tasks of a server, wait for them, fetch their results, cancel them")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(server::with_flags(Command::new("get").about("Say where tasks stand").arg(ids())))
        .subcommand(server::with_flags(
            Command::new("list")
                .about("List your tasks, newest first")
                .arg(
                    Arg::new("state")
                        .long("state")
                        .value_name("STATE")
                        .value_parser(["pending", "queued", "running", "OK", "FAILED", "cancelled"])
                        .help("Only those in this state"),
                )
                .arg(
                    Arg::new("operation")
                        .long("operation")
                        .value_name("NAME")
                        .help("Only those with this operation"),
                )
                .arg(
                    Arg::new("limit")
                        .long("limit")
                        .value_name("NUMBER")
                        .value_parser(clap::value_parser!(u32).range(1..))
                        .default_value("20")
                        .help("No more than these"),
                ),
        ))
        .subcommand(server::with_flags(
            Command::new("cancel")
                .about("End tasks before their time; those that are over stay as they are")
                .arg(ids()),
        ))
        .subcommand(server::with_flags(
            Command::new("wait").about("Wait until tasks are over").arg(ids()).arg(server::timeout_flag(
                "Longest time for all of them, such as 90s; by default as long as it takes",
            )),
        ))
        .subcommand(server::with_flags(
            Command::new("fetch")
                .about("Fetch the results of tasks that went well")
                .arg(ids())
                .arg(
                    Arg::new("out")
                        .short('o')
                        .long("out")
                        .value_name("OUT")
                        .value_parser(clap::value_parser!(PathBuf))
                        .help(
                            "Where to: a file, a folder, - for standard output, or a pattern such as \
                             'small/{name}.{ext}', where the name is the task's id; by default ID.EXT",
                        ),
                )
                .arg(
                    Arg::new("force")
                        .long("force")
                        .action(ArgAction::SetTrue)
                        .help("Replace files that are there"),
                )
                .arg(server::timeout_flag(
                    "Longest time for all of them, such as 90s; by default as long as it takes",
                )),
        ))
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("get", matches)) => get(matches),
        Some(("list", matches)) => list(matches),
        Some(("cancel", matches)) => cancel(matches),
        Some(("wait", matches)) => each(matches, None),
        Some(("fetch", matches)) => {
            let out = matches.get_one::<PathBuf>("out").map(PathBuf::as_path);
            let tasks = matches.get_many::<String>("task").map_or(0, Iterator::count);
            let target = Target::for_tasks(out, tasks)?;
            each(matches, Some(&Placing::new(target, matches.get_flag("force"))))
        }
        _ => unreachable!("clap demands one of the subcommands"),
    }
}

fn ids(matches: &ArgMatches, api: &Api) -> anyhow::Result<Vec<String>> {
    let words = matches.get_many::<String>("task").into_iter().flatten();
    words.map(|word| api.address().task_id(word).map_err(misuse)).collect()
}

async fn status(api: &Api, id: &str) -> Result<Status, ClientError> {
    Status::of(api.document(&format!("/images/task/{id}?redirect=false")).await?, api.address())
}

fn get(matches: &ArgMatches) -> anyhow::Result<()> {
    let api = server::api(matches)?;
    let ids = ids(matches, &api)?;
    let mut out = io::stdout().lock();
    server::block_on(async {
        for (number, id) in ids.iter().enumerate() {
            let status = status(&api, id).await?;
            if matches.get_flag("json") {
                writeln!(out, "{}", status.json)?;
                continue;
            }
            if number > 0 {
                writeln!(out)?;
            }
            write_status(&api, &status, &mut out)?;
        }
        Ok(())
    })
}

fn write_status(api: &Api, status: &Status, out: &mut impl Write) -> io::Result<()> {
    let progress = status.progress().map_or(String::new(), |part| format!(", {:.0} %", part * 100.0));
    let reason = [status.text("code"), status.text("detail")]
        .iter()
        .filter(|text| !text.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(": ");
    for (label, text) in [
        ("task", api.address().task(status.id())),
        ("state", format!("{}{progress}", status.phase())),
        ("operations", status.operations()),
        ("submitted", status.text("submitted").to_owned()),
        ("completed", status.text("completed").to_owned()),
        ("reason", reason),
    ] {
        if !text.is_empty() {
            shown::wrapped(out, label, VALUES, &text)?;
        }
    }
    for result in status.results().unwrap_or_default() {
        let size = result.size.map_or(String::new(), |size| format!(", {}", shown::bytes(size)));
        shown::wrapped(out, "result", VALUES, &format!("{}{size}", result.media_type))?;
    }
    Ok(())
}

fn list(matches: &ArgMatches) -> anyhow::Result<()> {
    let api = server::api(matches)?;
    let limit = matches.get_one::<u32>("limit").map_or(PAGE, |limit| usize::try_from(*limit).unwrap_or(PAGE));
    let tasks = server::block_on(async { Ok(pages(&api, matches, limit).await?) })?;
    let mut out = io::stdout().lock();
    if matches.get_flag("json") {
        let tasks: Vec<&Json> = tasks.iter().map(|task| &task.json).collect();
        writeln!(out, "{}", json!({ "tasks": tasks }))?;
        return Ok(());
    }
    if tasks.is_empty() {
        eprintln!("There are no such tasks.");
        return Ok(());
    }
    writeln!(out, "{:36}  {:9}  {:20}  OPERATIONS", "ID", "STATE", "SUBMITTED")?;
    for task in tasks {
        let code = Some(task.text("code")).filter(|code| !code.is_empty()).map(|code| format!(" ({code})"));
        let line = format!(
            "{:36}  {:9}  {:20}  {}{}",
            task.id(),
            task.phase(),
            task.text("submitted"),
            task.operations(),
            code.unwrap_or_default()
        );
        writeln!(out, "{}", shown::clean(&line))?;
    }
    Ok(())
}

/// As many tasks as are asked for, page by page.
async fn pages(api: &Api, matches: &ArgMatches, limit: usize) -> Result<Vec<Status>, ClientError> {
    let mut tasks: Vec<Status> = vec![];
    while tasks.len() < limit {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for filter in ["state", "operation"] {
            if let Some(value) = matches.get_one::<String>(filter) {
                query.append_pair(filter, value);
            }
        }
        query.append_pair("limit", &(limit - tasks.len()).min(PAGE).to_string());
        if let Some(last) = tasks.last() {
            query.append_pair("after", last.id());
        }
        let page = api.document(&format!("/images/tasks?{}", query.finish())).await?;
        let found = page["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
        for task in found {
            tasks.push(Status::of(task.clone(), api.address())?);
        }
        if found.is_empty() || page["next"].is_null() {
            break;
        }
    }
    Ok(tasks)
}

fn cancel(matches: &ArgMatches) -> anyhow::Result<()> {
    let api = server::api(matches)?;
    let ids = ids(matches, &api)?;
    let mut out = io::stdout().lock();
    server::block_on(async {
        for id in &ids {
            let mut last = status(&api, id).await?;
            let was_over = last.is_over();
            if !was_over {
                // In the moment between, the task may have ended, and then this deletes it.
                match api.delete(&format!("/images/task/{id}")).await? {
                    Some(json) => last = Status::of(json, api.address())?,
                    None => anyhow::bail!("the task {id} ended just now, and was deleted with its results"),
                }
            }
            if matches.get_flag("json") {
                writeln!(out, "{}", last.json)?;
            } else if was_over {
                writeln!(out, "{id}: over already ({}), and left as it is", shown::clean(last.phase()))?;
            } else {
                writeln!(out, "{id}: {}", shown::clean(last.phase()))?;
            }
        }
        Ok(())
    })
}

/// Waits for each of the tasks, or fetches what they gave.
fn each(matches: &ArgMatches, placing: Option<&Placing>) -> anyhow::Result<()> {
    let api = server::api(matches)?;
    let ids = ids(matches, &api)?;
    let json = matches.get_flag("json");
    let to_errors = placing.is_some_and(Placing::is_standard);
    let mut summary = Summary::default();
    server::block_on(async {
        let display = Display::new(ids.len());
        let halt = Halt::on_interrupt().within(matches.get_one::<Duration>("timeout").copied());
        for id in &ids {
            let began = std::time::Instant::now();
            let mut report = Report {
                subject: id.clone(),
                task: Some(id.clone()),
                url: Some(api.address().task(id)),
                status: None,
                files: vec![],
                is_detached: false,
                error: None,
                took: Duration::ZERO,
            };
            let line = display.line(id);
            match one(&api, id, placing, &halt, &line, &mut report).await {
                Ok(files) => report.files = files,
                Err(error) => report.error = Some(error),
            }
            drop(line);
            report.took = began.elapsed();
            summary.add(&report);
            display.count(summary.bad());
            if json || report.error.is_some() || !to_errors {
                tell(&display, &report, json, to_errors)?;
            }
            if report.error.as_ref().is_some_and(ClientError::is_everybodys) {
                break;
            }
        }
        display.clear();
        Ok(())
    })?;
    server::ended(summary.code())
}

async fn one(
    api: &Api,
    id: &str,
    placing: Option<&Placing>,
    halt: &Halt,
    line: &Line,
    report: &mut Report,
) -> Result<Vec<Fetched>, ClientError> {
    let ended = match placing {
        Some(_) => halt.unless(status(api, id)).await?,
        None => wait(api, id, halt, line).await?,
    };
    report.status = Some(ended.clone());
    match placing {
        Some(placing) => fetch(api, &ended, placing, halt, line).await,
        None => ended.results().map(|_| vec![]),
    }
}
