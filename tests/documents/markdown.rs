//! As much of Markdown as our documents use: where links lead, and which anchors headings have.
//!
//! Code is passed over, in blocks (indented or fenced) and in lines. Anchors are GitHub's: the heading in
//! lower case, without punctuation, a hyphen for each space, and a number where it isn't the first.

use std::collections::{BTreeMap, BTreeSet};

/// What other documents may lead to, and where this one leads.
#[derive(Debug, Default)]
pub struct Document {
    /// Of its headings.
    pub anchors: BTreeSet<String>,
    /// In their order.
    pub links: Vec<Link>,
}

/// A link, or a picture.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    /// Counted from 1.
    pub line: usize,
    /// As it is written.
    pub target: String,
}

impl Document {
    /// Reads a document.
    pub fn read(text: &str) -> Self {
        let mut document = Self::default();
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        let (mut fenced, mut after_blank, mut indented) = (false, true, false);
        for (index, line) in text.lines().enumerate() {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            // An indented block begins after an empty line; within a paragraph it is that paragraph's.
            indented = line.starts_with("    ") && (after_blank || indented);
            after_blank = line.trim().is_empty();
            if fenced || fence || indented {
                continue;
            }
            let heading = line.trim_start_matches('#');
            if line.starts_with('#') && heading.starts_with(' ') {
                let anchor = anchor(heading);
                let count = taken.entry(anchor.clone()).or_default();
                document.anchors.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
                *count += 1;
            }
            let targets = targets(&without_code(line));
            document.links.extend(targets.into_iter().map(|target| Link { line: index + 1, target }));
        }
        document
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The line with its spans of code emptied.
fn without_code(line: &str) -> String {
    let mut pieces = line.split('`');
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    while let (Some(_code), Some(text)) = (pieces.next(), pieces.next()) {
        kept.push_str(text);
    }
    kept
}

fn targets(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let html = ["src=\"", "href=\""].into_iter().flat_map(|attribute| line.split(attribute).skip(1));
    inline.chain(html.filter_map(|rest| rest.split('"').next())).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_the_anchors_that_github_gives_them() {
        let document =
            Document::read("# A `202`: what it's worth\n\n## The same\n## The same\n    # code\n#tag\n");
        let anchors: Vec<&str> = document.anchors.iter().map(String::as_str).collect();
        assert_eq!(anchors, ["a-202-what-its-worth", "the-same", "the-same-1"]);
    }

    #[test]
    fn links_are_found_and_code_is_not_looked_at() {
        let text = "[a](b.md#c) and ![d](e.png)\n`[f](g)` [`h`](i)\n\n    [j](k)\n\n```\n[l](m)\n```\n\
                    | [n](o) | <img src=\"p.png\"> |\n- q\n    [r](s)\n";
        let found: Vec<(usize, String)> =
            Document::read(text).links.into_iter().map(|link| (link.line, link.target)).collect();
        let wanted = [(1, "b.md#c"), (1, "e.png"), (2, "i"), (9, "o"), (9, "p.png"), (11, "s")];
        assert_eq!(found, wanted.map(|(line, target)| (line, target.to_owned())));
    }
}
