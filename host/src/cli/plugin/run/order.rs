//! From a command line to a task description: what a client would have sent.

use clap::ArgMatches;

use crate::cli::misuse;
use crate::media_type::MediaType;
use crate::task::description::{Description, Operation, Output, Param, ParamValue};

/// Before the name of an attachment, in a parameter's value.
const CID: &str = "cid:";

/// What is to be done.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) description: Description,
    /// Content-ID and file.
    pub(super) attachments: Vec<(String, String)>,
}

/// A word of the command line whose place matters.
enum Word<'a> {
    Operation(&'a str),
    Output(&'a str),
    Param(&'a str),
}

impl Order {
    /// Reads the command line.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn read(matches: &ArgMatches) -> anyhow::Result<Self> {
        let mut operations: Vec<Operation> = vec![];
        let mut output: Option<Output> = None;
        // Whether parameters are the output's at this point of the line.
        let mut of_output = false;
        for word in words(matches) {
            match word {
                Word::Operation(name) => {
                    operations.push(Operation {
                        name: name.to_owned(),
                        plugin: None,
                        version: None,
                        params: vec![],
                    });
                    of_output = false;
                }
                Word::Output(media_type) => {
                    let media_type = MediaType::parse(media_type)
                        .map_err(|error| misuse(format!("--output {media_type}: {error}")))?;
                    output = Some(Output { media_type, params: vec![] });
                    of_output = true;
                }
                Word::Param(text) => {
                    let owner = if of_output {
                        output.as_mut().map(|output| &mut output.params)
                    } else {
                        operations.last_mut().map(|operation| &mut operation.params)
                    };
                    let rule = "it belongs to the --operation or --output before it, and there is none";
                    owner.ok_or_else(|| misuse(format!("--param {text}: {rule}")))?.push(param(text)?);
                }
            }
        }
        let description = Description { operations, output, callback: None };
        description.check().map_err(misuse)?;
        let mut attachments: Vec<(String, String)> = vec![];
        for text in matches.get_many::<String>("attach").into_iter().flatten() {
            let Some((cid, file)) = text.split_once('=') else {
                return Err(misuse(format!("--attach {text}: it must be ID=FILE")));
            };
            if attachments.iter().any(|(known, _)| known == cid) {
                return Err(misuse(format!("--attach {text}: there is an attachment {cid:?} already")));
            }
            attachments.push((cid.to_owned(), file.to_owned()));
        }
        Ok(Self { description, attachments })
    }
}

/// The words whose place matters, in their order.
fn words(matches: &ArgMatches) -> impl Iterator<Item = Word<'_>> {
    let placed = |id: &str, word: fn(&String) -> Word<'_>| {
        let values = matches.get_many::<String>(id).into_iter().flatten();
        matches.indices_of(id).into_iter().flatten().zip(values.map(word)).collect::<Vec<_>>()
    };
    let mut words = placed("operation", |name| Word::Operation(name));
    words.extend(placed("output", |media_type| Word::Output(media_type)));
    words.extend(placed("param", |text| Word::Param(text)));
    words.sort_by_key(|(place, _)| *place);
    words.into_iter().map(|(_, word)| word)
}

fn param(text: &str) -> anyhow::Result<Param> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(misuse(format!("--param {text}: it must be NAME=VALUE")));
    };
    let value = match value.strip_prefix(CID) {
        Some(cid) => ParamValue::Attachment(cid.to_owned()),
        None => ParamValue::Text(value.to_owned()),
    };
    Ok(Param { name: name.to_owned(), value })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn order(line: &str) -> anyhow::Result<Order> {
        let line = format!("run p.wasm in.png -o out.png {line}");
        Order::read(&super::super::command().try_get_matches_from(line.split(' '))?)
    }

    fn names(params: &[Param]) -> Vec<&str> {
        params.iter().map(|param| param.name.as_str()).collect()
    }

    #[test]
    fn a_parameter_belongs_to_what_stands_before_it() {
        let line = "--operation a --param one=1 --param two=x=y --operation b --output image/webp \
                    --param quality=9 --operation c --param=three=cid:logo --attach logo=l=1.png";
        let Order { description, attachments } = order(line).unwrap();
        let params: Vec<Vec<&str>> =
            description.operations.iter().map(|operation| names(&operation.params)).collect();
        assert_eq!(params, [vec!["one", "two"], vec![], vec!["three"]]);
        assert_eq!(description.operations[0].params[1].value, ParamValue::Text("x=y".to_owned()));
        assert_eq!(description.operations[2].params[0].value, ParamValue::Attachment("logo".to_owned()));
        let output = description.output.unwrap();
        assert_eq!((output.media_type.essence(), names(&output.params)), ("image/webp", vec!["quality"]));
        assert_eq!(attachments, [("logo".to_owned(), "l=1.png".to_owned())]);
    }

    #[test]
    fn a_line_that_means_nothing_is_refused_with_the_rule() {
        for (line, rule) in [
            ("--param a=1 --operation b", "and there is none"),
            ("--operation b --param a", "NAME=VALUE"),
            ("--operation B", "`B`"),
            ("--operation b --param a=1 --param a=2", "`a`"),
            ("--operation b --output webp", "--output webp"),
            ("--operation b --attach logo", "ID=FILE"),
            ("--operation b --attach l=1 --attach l=2", "already"),
        ] {
            let error = order(line).unwrap_err();
            assert!(error.is::<crate::cli::Misuse>(), "{line}: {error}");
            assert!(error.to_string().contains(rule), "{line}: {error}");
        }
    }
}
