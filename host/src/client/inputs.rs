//! Which pictures a command line means: files, folders with what is in them, patterns that no shell has
//! expanded, and `-` for standard input.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::ClientError;
use crate::media_type::file_names::picture_type;

/// Stands for standard input or output.
pub(super) const STANDARD: &str = "-";
/// What results are called that stand beside their picture: `photo.result.webp`, `photo.result-2.webp`.
pub(super) const RESULT: &str = "result";
/// Folders inside folders; deeper ones are a loop of links.
const DEEPEST: usize = 64;

/// A picture that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where its bytes are.
    pub source: Source,
    /// The folder inside the one that was named, for a picture that was found in one.
    pub within: PathBuf,
    /// What its results are called.
    pub name: String,
}

/// Where a picture's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// On standard input.
    Standard,
}

impl Input {
    /// What it is called in reports.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.source {
            Source::File(path) => path.display().to_string(),
            Source::Standard => STANDARD.to_owned(),
        }
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Standard => None,
        }
    }
}

/// All pictures that these words mean, each once, in their order.
///
/// # Errors
/// A word means nothing.
pub fn expand(words: &[PathBuf]) -> Result<Vec<Input>, ClientError> {
    let mut inputs: Vec<Input> = vec![];
    for word in words {
        let before = inputs.len();
        if word == Path::new(STANDARD) {
            inputs.push(Input { source: Source::Standard, within: PathBuf::new(), name: "stdin".to_owned() });
        } else if word.is_dir() {
            walk(word, Path::new(""), 0, &mut inputs)?;
            if inputs.len() == before {
                return Err(ClientError::Misuse(format!("there are no pictures in {}", word.display())));
            }
        } else if fs::symlink_metadata(word).is_ok() {
            inputs.push(file(word.clone(), PathBuf::new()));
        } else {
            matching(word, &mut inputs)?;
        }
    }
    let mut known = std::collections::HashSet::new();
    inputs.retain(|input| known.insert(input.label()));
    if inputs.iter().filter(|input| input.source == Source::Standard).count() == 1 && inputs.len() > 1 {
        return Err(ClientError::Misuse(
            "standard input (-) is one picture, and no others go with it".to_owned(),
        ));
    }
    tell_apart(&mut inputs);
    Ok(inputs)
}

fn file(path: PathBuf, within: PathBuf) -> Input {
    let name = path.file_stem().unwrap_or(OsStr::new("picture")).to_string_lossy().into_owned();
    Input { source: Source::File(path), within, name }
}

/// What a shell would have found, had it been let.
fn matching(word: &Path, inputs: &mut Vec<Input>) -> Result<(), ClientError> {
    let text = word.to_string_lossy();
    let missing = || ClientError::Misuse(format!("there is no file {text}"));
    if !text.contains(['*', '?', '[']) {
        return Err(missing());
    }
    let wrong = |error: &dyn std::fmt::Display| ClientError::Misuse(format!("the pattern {text}: {error}"));
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let before = inputs.len();
    for found in glob::glob_with(&text, options).map_err(|error| wrong(&error))? {
        let path = found.map_err(|error| wrong(&error))?;
        if path.is_file() {
            inputs.push(file(path, PathBuf::new()));
        }
    }
    if inputs.len() == before { Err(missing()) } else { Ok(()) }
}

/// The pictures in a folder, by their names; not what is hidden, nor results of an earlier run.
fn walk(folder: &Path, within: &Path, depth: usize, inputs: &mut Vec<Input>) -> Result<(), ClientError> {
    let failed = |source| ClientError::file(folder.display(), "cannot be read", source);
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort_unstable();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth < DEEPEST {
                walk(&path, &within.join(&name), depth + 1, inputs)?;
            }
        } else if path.is_file() && picture_type(&path).is_some() && !is_result(&path) {
            inputs.push(file(path, within.to_owned()));
        }
    }
    Ok(())
}

fn is_result(path: &Path) -> bool {
    let stem = path.file_stem().map(Path::new);
    let end = stem.and_then(Path::extension).map(OsStr::to_string_lossy).unwrap_or_default();
    let number = end.strip_prefix(RESULT).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `a.jpg` and `a.png` would both give `a.webp`: such pictures keep their whole name.
fn tell_apart(inputs: &mut [Input]) {
    let folder = |input: &Input| input.path().and_then(Path::parent).map(Path::to_owned);
    let mut counts = HashMap::new();
    for input in &*inputs {
        *counts.entry((folder(input), input.name.clone())).or_insert(0) += 1;
    }
    for input in inputs {
        let is_shared = counts.get(&(folder(input), input.name.clone())).is_some_and(|count| *count > 1);
        if is_shared && let Some(name) = input.path().and_then(Path::file_name) {
            input.name = name.to_string_lossy().into_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn names(folder: &tempfile::TempDir, words: &[&str]) -> Vec<(String, String, String)> {
        let words: Vec<PathBuf> = words.iter().map(|word| folder.path().join(word)).collect();
        let text = |path: &Path| path.display().to_string();
        let shown = |input: Input| {
            let file = input.path().unwrap().strip_prefix(folder.path()).unwrap();
            (text(file), text(&input.within), input.name.clone())
        };
        expand(&words).unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn a_folder_means_the_pictures_in_it_and_below() {
        let folder = folder(&[
            "p/b.JPG",
            "p/a/c.png",
            "p/notes.txt",
            "p/.hidden.png",
            "p/b.result.webp",
            "p/b.result-2.png",
        ]);
        let expected = [("p/a/c.png", "a", "c"), ("p/b.JPG", "", "b")];
        let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(names(&folder, &["p"]), expected);
    }

    #[test]
    fn a_pattern_is_expanded_and_a_file_that_looks_like_one_is_a_file() {
        let folder = folder(&["a1.png", "a2.png", "b.png", "x[1].png"]);
        let found = |words: &[&str]| names(&folder, words).into_iter().map(|name| name.0).collect::<Vec<_>>();
        assert_eq!(found(&["a*.png", "a1.png"]), ["a1.png", "a2.png"], "and each once");
        assert_eq!(found(&["x[1].png"]), ["x[1].png"]);
    }

    #[test]
    fn pictures_whose_results_would_have_one_name_keep_their_whole_names() {
        let folder = folder(&["a.jpg", "a.png", "b.png"]);
        let found: Vec<String> =
            names(&folder, &["a.jpg", "a.png", "b.png"]).into_iter().map(|name| name.2).collect();
        assert_eq!(found, ["a.jpg", "a.png", "b"]);
    }

    #[test]
    fn what_means_nothing_is_said() {
        let folder = folder(&["empty/notes.txt"]);
        for word in ["none.png", "none*.png", "empty"] {
            let error = expand(&[folder.path().join(word)]).unwrap_err();
            assert!(matches!(&error, ClientError::Misuse(rule) if rule.starts_with("there ")), "{error}");
        }
        let both = expand(&["-".into(), folder.path().join("empty/notes.txt")]).unwrap_err();
        assert!(both.to_string().contains("one picture"), "{both}");
    }
}
