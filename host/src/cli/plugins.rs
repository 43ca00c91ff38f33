//! `tintype plugins`: what a server can do, as it tells its clients.

use std::io::{self, Write};

use clap::{Arg, ArgMatches, Command};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;

use super::server;
use crate::shown;

/// The column in which summaries begin.
const SUMMARIES: usize = 20;
/// The column in which what is said of a parameter begins.
const PARAMETERS: usize = 26;

pub(super) fn command() -> Command {
    server::with_flags(
        Command::new("plugins").about("List what a server can do; one plugin with all parameters").arg(
            Arg::new("name").value_name("NAME").help("Only this plugin, with its operations' parameters"),
        ),
    )
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let api = server::api(matches)?;
    let name = matches.get_one::<String>("name");
    let path = match name {
        Some(name) => format!("/plugins/{}", utf8_percent_encode(name, NON_ALPHANUMERIC)),
        None => "/plugins".to_owned(),
    };
    let found = server::block_on(async { Ok(api.document(&path).await?) })?;
    let mut out = io::stdout().lock();
    if matches.get_flag("json") {
        writeln!(out, "{found}")?;
    } else {
        write(&found, name.is_some(), &mut out)?;
    }
    Ok(())
}

fn write(found: &Json, is_one: bool, out: &mut impl Write) -> io::Result<()> {
    for (number, plugin) in list(found, "plugins").iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        let head = format!("{} {} ({})", text(plugin, "name"), text(plugin, "version"), text(plugin, "kind"));
        writeln!(out, "{}: {}", shown::clean(&head), shown::clean(text(plugin, "summary")))?;
        let (reads, writes) = (words(list(plugin, "accepts")), types(list(plugin, "produces")));
        for (label, text) in [("  reads", reads), ("  writes", writes)] {
            if !text.is_empty() {
                shown::wrapped(out, label, SUMMARIES, &text)?;
            }
        }
        for operation in list(plugin, "operations") {
            shown::wrapped(
                out,
                &format!("  {}", shown::clean(text(operation, "name"))),
                SUMMARIES,
                text(operation, "summary"),
            )?;
            if is_one {
                write_params(&operation["params"], out)?;
            }
        }
        for format in list(plugin, "produces").iter().filter(|_| is_one) {
            if format["params"]["properties"].as_object().is_some_and(|properties| !properties.is_empty()) {
                writeln!(out, "  --output {}", shown::clean(text(format, "type")))?;
                write_params(&format["params"], out)?;
            }
        }
    }
    let presets = list(found, "presets");
    if !presets.is_empty() {
        writeln!(out, "\npresets")?;
    }
    for preset in presets {
        let label = format!("  {}", shown::clean(text(preset, "name")));
        let does = format!("{} ({})", text(preset, "summary"), words(list(preset, "operations")));
        shown::wrapped(out, &label, SUMMARIES, &does)?;
    }
    for broken in list(found, "broken") {
        writeln!(out, "\n{}: cannot be used", shown::clean(text(broken, "file")))?;
    }
    Ok(())
}

/// What a JSON Schema says of each parameter that people would ask for.
fn write_params(schema: &Json, out: &mut impl Write) -> io::Result<()> {
    let required = words(list(schema, "required"));
    let is_required = |name: &str| required.split(", ").any(|known| known == name);
    for (name, rule) in schema["properties"].as_object().into_iter().flatten() {
        let mut said = vec![values(rule)];
        if is_required(name) {
            said.push("required".to_owned());
        }
        if !rule["default"].is_null() {
            said.push(format!("default {}", plain(&rule["default"])));
        }
        let mut said = said.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ");
        let description = text(rule, "description");
        if !description.is_empty() {
            said = format!("{description} ({said})");
        }
        shown::wrapped(out, &format!("    {}", shown::clean(name)), PARAMETERS, &said)?;
    }
    Ok(())
}

/// Which values a parameter takes.
fn values(rule: &Json) -> String {
    let choices = list(rule, "enum");
    if !choices.is_empty() {
        return choices.iter().map(plain).collect::<Vec<_>>().join(", ");
    }
    let mut kinds = match &rule["type"] {
        Json::Array(kinds) => words(kinds).replace(", ", " or "),
        kind => kind.as_str().unwrap_or_default().to_owned(),
    };
    if rule["format"] == "attachment" {
        kinds = "a picture, cid:ID".to_owned();
    }
    match (&rule["minimum"], &rule["maximum"]) {
        (Json::Null, Json::Null) => kinds,
        (least, Json::Null) => format!("{kinds} from {least}"),
        (Json::Null, most) => format!("{kinds} up to {most}"),
        (least, most) => format!("{kinds} from {least} to {most}"),
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_default()
}

fn list<'a>(json: &'a Json, name: &str) -> &'a [Json] {
    json[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn words(list: &[Json]) -> String {
    list.iter().map(plain).collect::<Vec<_>>().join(", ")
}

fn types(list: &[Json]) -> String {
    list.iter().map(|format| text(format, "type")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn one_plugin_is_shown_with_what_each_parameter_takes() {
        let found = json!({"plugins": [{
            "name": "standard", "version": "1.0.0", "kind": "processor", "summary": "Does\u{1b} things.",
            "accepts": ["image/png"],
            "produces": [{"type": "image/webp", "params": {"properties": {"quality": {"type": "integer", "minimum": 1, "maximum": 100}}}}],
            "operations": [{"name": "resize", "summary": "Another size.", "params": {"required": ["width"], "properties": {
                "width": {"type": "integer", "minimum": 1, "description": "Pixels."},
                "fit": {"enum": ["cover", "contain"], "default": "cover"},
                "logo": {"type": "string", "format": "attachment"}}}}],
        }], "presets": [{"name": "avatar", "summary": "Small.", "operations": ["resize", "crop"]}]});
        let shown = |is_one| {
            let mut out = vec![];
            write(&found, is_one, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let expected = "standard 1.0.0 (processor): Does\u{fffd} things.
  reads             image/png
  writes            image/webp
  resize            Another size.
    width                 Pixels. (integer from 1; required)
    fit                   cover, contain; default cover
    logo                  a picture, cid:ID
  --output image/webp
    quality               integer from 1 to 100

presets
  avatar            Small. (resize, crop)
";
        assert_eq!(shown(true), expected);
        assert!(!shown(false).contains("Pixels"));
    }
}
