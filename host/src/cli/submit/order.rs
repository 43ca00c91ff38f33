//! From a command line to what is wanted of the server.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use http::HeaderValue;

use crate::cli::misuse;
use crate::client::{Attachment, ClientError, Description, Picture, Step, Steps, Wanted};

/// Reads the command line.
///
/// # Errors
/// The rule that it breaks, or a file that cannot be read.
pub(super) fn read(matches: &ArgMatches) -> anyhow::Result<Wanted> {
    let description = match matches.get_one::<PathBuf>("description") {
        Some(file) => {
            let text = fs::read(file);
            let text = text.map_err(|error| misuse(format!("{} cannot be read: {error}", file.display())))?;
            Description::written(text)
        }
        None => Description::of(&steps(matches)?)?,
    };
    let key = matches.get_one::<String>("idempotency-key").map(|key| {
        let value = HeaderValue::from_str(key).ok().filter(|value| !value.is_empty());
        value.ok_or_else(|| misuse("--idempotency-key must be visible characters"))
    });
    Ok(Wanted {
        description,
        attachments: attachments(matches)?,
        media_type: media_type(matches)?,
        idempotency_key: key.transpose()?,
        is_detached: matches.get_flag("detach"),
        timeout: matches.get_one("timeout").copied(),
    })
}

/// It goes into a header as it is.
fn media_type(matches: &ArgMatches) -> anyhow::Result<Option<String>> {
    let Some(text) = matches.get_one::<String>("type") else { return Ok(None) };
    let media_type = crate::media_type::MediaType::parse(text);
    Ok(Some(media_type.map_err(|error| misuse(format!("--type {text}: {error}")))?.to_string()))
}

/// A word of the command line whose place matters.
enum Word<'a> {
    Operation(&'a str),
    Preset(&'a str),
    Output(&'a str),
    Param(&'a str),
}

/// To whom a parameter belongs at some point of the line.
enum Owner {
    Nobody,
    Operation,
    Preset,
    Output,
}

fn steps(matches: &ArgMatches) -> anyhow::Result<Steps> {
    let mut steps = Steps { callback: matches.get_one("callback").cloned(), ..Steps::default() };
    let named = |name: &str| Step { name: name.to_owned(), params: vec![] };
    let mut owner = Owner::Nobody;
    for word in words(matches) {
        match word {
            Word::Operation(name) => {
                steps.operations.push(named(name));
                owner = Owner::Operation;
            }
            Word::Preset(name) => {
                steps.operations.push(named(name));
                owner = Owner::Preset;
            }
            Word::Output(media_type) => {
                steps.output = Some(named(media_type));
                owner = Owner::Output;
            }
            Word::Param(text) => {
                let step = match owner {
                    Owner::Operation => steps.operations.last_mut(),
                    Owner::Output => steps.output.as_mut(),
                    Owner::Preset => {
                        return Err(misuse(format!("--param {text}: a preset takes no parameters")));
                    }
                    Owner::Nobody => None,
                };
                let rule = "it belongs to the --operation or --output before it, and there is none";
                add(step, "--param", text, rule)?;
            }
        }
    }
    for text in matches.get_many::<String>("output-param").into_iter().flatten() {
        add(steps.output.as_mut(), "--output-param", text, "it belongs to an --output, and there is none")?;
    }
    if steps.operations.is_empty() {
        return Err(misuse(
            "say what to do: --operation NAME (`tintype plugins` lists them; `convert` changes nothing but the \
             format), --preset NAME or --description FILE",
        ));
    }
    Ok(steps)
}

fn add(step: Option<&mut Step>, flag: &str, text: &str, rule: &str) -> anyhow::Result<()> {
    let step = step.ok_or_else(|| misuse(format!("{flag} {text}: {rule}")))?;
    let Some((name, value)) = text.split_once('=') else {
        return Err(misuse(format!("{flag} {text}: it must be NAME=VALUE")));
    };
    step.params.push((name.to_owned(), value.to_owned()));
    Ok(())
}

/// The words whose place matters, in their order.
fn words(matches: &ArgMatches) -> impl Iterator<Item = Word<'_>> {
    let placed = |id: &str, word: fn(&String) -> Word<'_>| {
        let values = matches.get_many::<String>(id).into_iter().flatten();
        matches.indices_of(id).into_iter().flatten().zip(values.map(word)).collect::<Vec<_>>()
    };
    let mut words = placed("operation", |name| Word::Operation(name));
    words.extend(placed("preset", |name| Word::Preset(name)));
    words.extend(placed("output", |media_type| Word::Output(media_type)));
    words.extend(placed("param", |text| Word::Param(text)));
    words.sort_by_key(|(place, _)| *place);
    words.into_iter().map(|(_, word)| word)
}

fn attachments(matches: &ArgMatches) -> anyhow::Result<Vec<Attachment>> {
    let mut attachments: Vec<Attachment> = vec![];
    for text in matches.get_many::<String>("attach").into_iter().flatten() {
        let wrong = |rule: &str| misuse(format!("--attach {text}: {rule}"));
        let (cid, file) = text.split_once('=').ok_or_else(|| wrong("it must be ID=FILE"))?;
        // What stands in a header and in a URI alike without being escaped in either.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@".contains(&byte);
        if cid.is_empty() || !cid.bytes().all(is_plain) {
            return Err(wrong("an ID has letters, digits and any of - . _ @"));
        }
        if attachments.iter().any(|known| known.cid == cid) {
            return Err(wrong("there is an attachment of this ID already"));
        }
        let picture = Picture::of_file(Path::new(file), None)
            .map_err(|error: ClientError| wrong(&error.to_string()))?;
        attachments.push(Attachment { cid: cid.to_owned(), picture });
    }
    Ok(attachments)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn steps_of(line: &str) -> anyhow::Result<Steps> {
        steps(&super::super::command().try_get_matches_from(format!("submit a.jpg {line}").split(' '))?)
    }

    fn step(name: &str, params: &[(&str, &str)]) -> Step {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Step { name: name.to_owned(), params: params.collect() }
    }

    #[test]
    fn a_parameter_belongs_to_what_stands_before_it() {
        let line = "--operation a --param one=1 --param two=x=y --preset p --output image/webp --param quality=9 \
                    --operation c --param=three=cid:logo --output-param method=6 --callback https://a.example";
        let expected = Steps {
            operations: vec![
                step("a", &[("one", "1"), ("two", "x=y")]),
                step("p", &[]),
                step("c", &[("three", "cid:logo")]),
            ],
            output: Some(step("image/webp", &[("quality", "9"), ("method", "6")])),
            callback: Some("https://a.example".to_owned()),
        };
        assert_eq!(steps_of(line).unwrap(), expected);
    }

    #[test]
    fn a_line_that_means_nothing_is_refused_with_the_rule() {
        for (line, rule) in [
            ("--output image/webp", "say what to do"),
            ("--param a=1 --operation b", "and there is none"),
            ("--operation b --output-param a=1", "and there is none"),
            ("--operation b --param a", "NAME=VALUE"),
            ("--preset p --param a=1", "takes no parameters"),
            ("--operation b --description d.xml", "cannot be used with"),
        ] {
            let error = steps_of(line).unwrap_err().to_string();
            assert!(error.contains(rule), "{line}: {error}");
        }
    }

    #[test]
    fn an_attachment_has_an_id_of_its_own_and_a_file() {
        for (line, rule) in [
            ("--attach logo", "ID=FILE"),
            ("--attach l<=x", "letters, digits"),
            ("--attach l=/nowhere/x", "cannot be read"),
            ("--attach l=/dev/null --attach l=/dev/null", "already"),
        ] {
            let line = format!("submit a.jpg --operation a {line}");
            let matches = super::super::command().try_get_matches_from(line.split(' ')).unwrap();
            let error = attachments(&matches).unwrap_err().to_string();
            assert!(error.contains(rule), "{line}: {error}");
        }
    }
}
