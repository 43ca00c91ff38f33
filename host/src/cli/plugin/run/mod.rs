//! `tintype plugin run`: one picture through one plugin, as a server would do it, and no server.

mod order;
mod report;
mod results;

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::order::Order;
use self::report::{Outcome, Report};
use super::super::misuse;
use super::{json_flag, load, said, text};
use crate::config::Config;
use crate::media_type::file_names::of_file_name;
use crate::plugin::{Image, Interrupt, Kind, Occasion, Offer, Plugin, Registry, Sandbox, Work};
use crate::task::description::Description;
use crate::task::{Failure, plan};

/// The name of a file that stands for standard input or output.
const STANDARD: &str = "-";

const EXIT_CODES: &str = "Exit codes: 0 there is a result; 1 the plugin cannot be loaded, or failed, with the code and the \
     words that a client would get, or a result cannot be written; 2 the command line is wrong, or the \
     server would refuse what it asks for.";

pub(super) fn command() -> Command {
    let many = |id: &'static str, name: &'static str, help: &'static str| {
        Arg::new(id).long(id).value_name(name).action(ArgAction::Append).help(help)
    };
    let one = |id: &'static str, name: &'static str, help: &'static str| {
        Arg::new(id).long(id).value_name(name).help(help)
    };
    load::with_flags(
        Command::new("run")
            .about("Run one picture through a plugin, in a server's sandbox and without a server")
            .arg(
                Arg::new("file")
                    .value_name("FILE|NAME")
                    .required(true)
                    .help("The plugin's file, or its name in plugins_dir"),
            )
            .arg(
                Arg::new("picture")
                    .value_name("PICTURE")
                    .required(true)
                    .help("The picture's file; - is standard input"),
            )
            .arg(many("operation", "NAME", "What to do; several are done in order").required(true))
            .arg(many(
                "param",
                "NAME=VALUE",
                "A parameter of the --operation or --output before it; cid:ID is the picture of --attach ID=FILE",
            ))
            .arg(one("output", "TYPE", "The result's media type, such as image/webp"))
            .arg(many("attach", "ID=FILE", "A further picture, for parameters that want one"))
            .arg(one("type", "TYPE", "The picture's media type; by default, by the end of its name"))
            .arg(
                Arg::new("out")
                    .short('o')
                    .long("out")
                    .value_name("OUT")
                    .required(true)
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("Where to; - is standard output, and %d in a name the number of the result"),
            )
            .arg(json_flag())
            .after_help(EXIT_CODES),
    )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let out = matches.get_one::<PathBuf>("out").map_or(Path::new(""), PathBuf::as_path);
    let (report, images) = carry_out(matches)?;
    let files = match &report.outcome {
        Outcome::Ok { .. } => results::write(images, out)?,
        Outcome::Failed(_) => vec![],
    };
    let json = matches.get_flag("json");
    // The report gives way to the picture.
    if out == Path::new(STANDARD) {
        report.write(&files, json, &mut io::stderr().lock())?;
    } else {
        report.write(&files, json, &mut io::stdout().lock())?;
    }
    match report.outcome {
        Outcome::Ok { .. } => Ok(()),
        Outcome::Failed(failure) => anyhow::bail!("{failure}"),
    }
}

/// Does everything but write.
fn carry_out(matches: &ArgMatches) -> anyhow::Result<(Report, Vec<Image>)> {
    let order = Order::read(matches)?;
    let config = load::config(matches)?;
    let input = picture(text(matches, "picture"), matches.get_one::<String>("type"))?;
    let attachments =
        order.attachments.iter().map(|(_, file)| picture(file, None)).collect::<anyhow::Result<_>>()?;
    let sandbox = load::sandbox(&config)?;
    let plugin = load::plugin(&config, &sandbox, text(matches, "file"))?;
    let registry = registry(&config, &sandbox, &plugin)?;
    presets_alone(&registry, &order.description)?;
    let cids: Vec<&str> = order.attachments.iter().map(|(cid, _)| cid.as_str()).collect();
    let pipeline = plan(&registry, &order.description, &cids).map_err(misuse)?;
    let steps = pipeline.stages().iter().flat_map(|stage| &stage.steps);
    let operations = steps.map(|step| step.operation.clone()).collect();

    let began = Instant::now();
    let occasion = Occasion {
        subject: "run",
        interrupt: &Interrupt::default(),
        deadline: config.plugins.deadline,
        on_progress: Arc::new(|_| ()),
        on_run: None,
    };
    let (ended, said) = said::hear(|| pipeline.run(Work { input, attachments }, &occasion));
    let took = began.elapsed();
    let (outcome, images) = match ended {
        Ok(developed) => (Outcome::Ok { peak_memory: developed.peak_memory as u64 }, developed.images),
        Err(stopped) => {
            let failure = Failure::of_ending(&stopped.plugin, stopped.ending, stopped.deadline);
            (Outcome::Failed(failure), vec![])
        }
    };
    let limits = (plugin.limits().deadline, plugin.limits().memory as u64);
    let plugin = format!("{} {}", plugin.descriptor.name, plugin.descriptor.version);
    Ok((Report { plugin, operations, took, limits, outcome, said }, images))
}

/// Says of a preset why it can't be called here, rather than that there is no such operation.
fn presets_alone(registry: &Registry, description: &Description) -> anyhow::Result<()> {
    let called = |offer: &&Offer| {
        description.operations.iter().any(|operation| operation.name == offer.preset.name)
            && registry.preset(&offer.preset.name).is_none()
    };
    match registry.presets().iter().find(called) {
        Some(Offer { preset, problem: Some(problem), .. }) => Err(misuse(format!(
            "the preset {:?} cannot be carried out by this plugin alone: {problem}",
            preset.name
        ))),
        _ => Ok(()),
    }
}

/// The plugin, and for a filter the codecs of the plugins folder.
fn registry(config: &Config, sandbox: &Arc<Sandbox>, plugin: &Arc<Plugin>) -> anyhow::Result<Registry> {
    let mut plugins = vec![Arc::clone(plugin)];
    match plugin.kind() {
        Kind::Processor => {}
        Kind::Filter => {
            let folder = load::registry(config, sandbox).map_err(misuse)?;
            plugins.extend(folder.plugins().filter(|plugin| plugin.kind() == Kind::Codec).cloned());
            if plugins.len() == 1 {
                return Err(misuse(format!(
                    "{} is a filter, and there is no codec in {} to decode the picture for it: name a folder with \
                     one by --plugins-dir, such as target/plugins in a checkout of Tintype",
                    plugin.descriptor.name,
                    config.plugins.plugins_dir.display()
                )));
            }
        }
        Kind::Codec => {
            return Err(misuse(format!(
                "{} is a codec, which has no operations: try it with `tintype plugin check`",
                plugin.descriptor.name
            )));
        }
    }
    Ok(load::registry_of(config, plugins))
}

fn picture(file: &str, media_type: Option<&String>) -> anyhow::Result<Image> {
    let mut bytes = vec![];
    let read = if file == STANDARD {
        io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        fs::read(file).map(|content| bytes = content)
    };
    read.map_err(|error| misuse(format!("{file} cannot be read: {error}")))?;
    let media_type = media_type.map_or_else(|| of_file_name(file), String::as_str);
    Ok(Image { media_type: media_type.to_owned(), bytes })
}

/// Writes to standard output, and sees that it arrives.
fn to_standard_output(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
