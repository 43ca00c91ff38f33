//! A description in a query string, for bodies that are nothing but the image:
//! `?operation=resize&width=320&output=image/webp&output.quality=80`.

use super::problem::Problem;
use crate::media_type::MediaType;
use crate::task::description::{Description, Operation, Output, Param, ParamValue};

/// Before the names of the output's parameters.
const OUTPUT_PREFIX: &str = "output.";

/// Reads a query string.
pub(super) fn parse(query: &str) -> Result<Description, Problem> {
    let (mut name, mut plugin, mut version, mut output, mut callback) = (None, None, None, None, None);
    let (mut params, mut output_params) = (vec![], vec![]);
    let mut seen: Vec<String> = vec![];
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let (key, value) = (key.into_owned(), value.into_owned());
        if seen.contains(&key) {
            return Err(Problem::bad_description(format!("The query has {key:?} twice.")));
        }
        seen.push(key.clone());
        let param = |name: &str| Param { name: name.to_owned(), value: ParamValue::Text(value.clone()) };
        match key.as_str() {
            "operation" => name = Some(value),
            "plugin" => plugin = Some(value),
            "version" => {
                version = Some(value.parse().map_err(|error| {
                    Problem::bad_description(format!(
                        "The version {value:?} is no semver requirement such as 1 or ^1.2: {error}."
                    ))
                })?);
            }
            "output" => {
                output = Some(MediaType::parse(&value).map_err(|error| {
                    Problem::bad_description(format!(
                        "The output {value:?} is no media type such as image/webp: {error}."
                    ))
                })?);
            }
            "callback" => callback = Some(value),
            key => match key.strip_prefix(OUTPUT_PREFIX) {
                Some(name) => output_params.push(param(name)),
                None => params.push(param(key)),
            },
        }
    }
    let name = name.ok_or_else(|| {
        Problem::bad_description("The query must say what to do, such as ?operation=resize&width=320.")
    })?;
    let output = match output {
        Some(media_type) => Some(Output { media_type, params: output_params }),
        None if output_params.is_empty() => None,
        None => {
            return Err(Problem::bad_description(
                "The query has parameters of an output, but no output such as output=image/webp.",
            ));
        }
    };
    let description =
        Description { operations: vec![Operation { name, plugin, version, params }], output, callback };
    description.check().map_err(|problem| Problem::bad_description(format!("{problem}.")))?;
    Ok(description)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_query_is_a_description_of_one_operation() {
        let description =
            parse("operation=resize&width=320&fit=cover&version=%5E1&output=image/webp&output.quality=80")
                .unwrap();
        let operation = &description.operations[0];
        assert_eq!((operation.name.as_str(), operation.params.len()), ("resize", 2));
        assert_eq!(operation.params[0].value, ParamValue::Text("320".to_owned()));
        let output = description.output.as_ref().unwrap();
        assert_eq!((output.media_type.essence(), output.params[0].name.as_str()), ("image/webp", "quality"));
        let told = parse("operation=resize&callback=https://example.org/").unwrap();
        assert_eq!(told.callback.as_deref(), Some("https://example.org/"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (query, word) in [
            ("", "operation"),
            ("width=3", "operation"),
            ("operation=resize&width=1&width=2", "twice"),
            ("operation=Resize", "Resize"),
            ("operation=resize&output=webp", "media type"),
            ("operation=resize&output.quality=3", "no output"),
            ("operation=resize&version=new", "semver"),
        ] {
            let problem = parse(query).unwrap_err().detail().to_owned();
            assert!(problem.contains(word), "{query}: {problem}");
        }
    }
}
