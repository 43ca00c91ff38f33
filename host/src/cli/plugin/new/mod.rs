//! `tintype plugin new`: writes a plugin that builds at once, in the language of its author's choice.
//!
//! What it writes are the files of `plugins/template/`, the contract in `wit/` and, for Rust, the SDK:
//! all of them from the same commit as this server. Which those are stands in `templates.rs`.

mod templates;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};

use self::templates::{CONTRACT, KINDS, Kind, LANGUAGES, Language, SDK, SDK_STYLE};
use crate::name::{NAME_RULE, is_name};

pub(super) fn command() -> Command {
    Command::new("new")
        .about("Write a plugin that builds, to begin your own with")
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .required(true)
                .value_parser(name)
                .help("What to call it: a-z, 0-9 and -, beginning with a letter"),
        )
        .arg(
            Arg::new("lang")
                .long("lang")
                .value_name("LANGUAGE")
                .required(true)
                .value_parser(PossibleValuesParser::new(LANGUAGES.iter().map(|language| language.name)))
                .help("What it is written in"),
        )
        .arg(
            Arg::new("kind")
                .long("kind")
                .value_name("KIND")
                .default_value(KINDS[0].name)
                .value_parser(PossibleValuesParser::new(KINDS.iter().map(|kind| kind.name)))
                .help(
                    "What it is: a filter changes pixels, a processor whole files, a codec reads and writes a format",
                ),
        )
        .arg(
            Arg::new("dir")
                .long("dir")
                .value_name("FOLDER")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Where to, a folder that doesn't exist; NAME by default"),
        )
}

/// A plugin's name; the operation is called the same.
fn name(text: &str) -> Result<String, &'static str> {
    is_name(text).then(|| text.to_owned()).ok_or(NAME_RULE)
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    run_to(matches, &mut io::stdout().lock())
}

fn run_to(matches: &ArgMatches, out: &mut impl Write) -> anyhow::Result<()> {
    let text = |id| matches.get_one::<String>(id).map_or("", String::as_str);
    let (name, lang, kind) = (text("name"), text("lang"), text("kind"));
    let folder = matches.get_one::<PathBuf>("dir").map_or(Path::new(name), PathBuf::as_path);
    let language = LANGUAGES.iter().find(|language| language.name == lang);
    let kind = KINDS.iter().position(|known| known.name == kind);
    let (Some(language), Some(kind)) = (language, kind) else {
        unreachable!("clap demands one of the languages and of the kinds")
    };
    make(folder).and_then(|()| {
        // The folder is ours alone: half a project would only be in the way of the next try.
        write(language, kind, name, folder).inspect_err(|_| drop(fs::remove_dir_all(folder)))
    })?;
    let kind = KINDS[kind].name;
    writeln!(out, "{} is a {kind} in {lang}; its README.md says how to go on. Next:\n", folder.display())?;
    writeln!(out, "    cd {}\n    {}\n    {}", shell_word(folder), language.build, language.test)?;
    Ok(())
}

/// Makes the folder, which must be new: nothing of anybody's is ever written over.
fn make(folder: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot make the folder {}", folder.display());
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).with_context(failed)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => anyhow::bail!(
            "{} exists already; choose another place with --dir, or remove it first",
            folder.display()
        ),
        made => made.with_context(failed),
    }
}

/// Writes the project; `kind` is an index into [`KINDS`].
fn write(language: &Language, kind: usize, name: &str, folder: &Path) -> anyhow::Result<()> {
    let sdk = if language.name == "rust" { &[SDK, SDK_STYLE][..] } else { &[] };
    let (own, kind) = (language.own[kind], &KINDS[kind]);
    let filled =
        language.shared.iter().chain(own).map(|&(path, bytes)| (path, fill(bytes, language, kind, name)));
    let copied =
        CONTRACT.iter().chain(sdk.iter().copied().flatten()).map(|&(path, bytes)| (path, bytes.to_vec()));
    for (path, bytes) in filled.chain(copied) {
        let path = folder.join(path);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// A template's file with the words for which the placeholders stand. What isn't text, such as an object
/// file, has none.
fn fill(bytes: &[u8], language: &Language, kind: &Kind, name: &str) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    let world = format!("image-{}", kind.name);
    // In this order: the first ones have some of the others in them.
    let words = [
        ("plugin-about", kind.about),
        ("plugin-try", kind.try_it),
        ("plugin-file", language.component),
        ("plugin-name", name),
        ("plugin-module", kind.module),
        ("plugin-world", &world),
        // As generated C has it.
        ("plugin_world", &world.replace('-', "_")),
    ];
    words.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).into_bytes()
}

/// A path as a shell reads it: in quotes where it is more than letters, digits and the like.
fn shell_word(path: &Path) -> String {
    let path = path.to_string_lossy();
    if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) {
        return path.into_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(words: &[&str]) -> anyhow::Result<String> {
        let matches = command().try_get_matches_from([&["new"], words].concat())?;
        let mut out = Vec::new();
        run_to(&matches, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    /// Every file below a folder, relative to it.
    pub(super) fn below(folder: &Path) -> Vec<PathBuf> {
        let mut files = vec![];
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files.into_iter().map(|path| path.strip_prefix(folder).unwrap().to_owned()).collect()
    }

    pub(super) fn repository() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    #[test]
    fn a_name_that_breaks_the_rule_is_refused_with_the_rule() {
        for right in ["a", "sharpen", "black-and-white", "x264", &"a".repeat(64)] {
            assert_eq!(name(right).unwrap(), right);
        }
        for wrong in ["", "Sharpen", "2x", "-x", "a_b", "a/b", "..", "a b", "größer", &"a".repeat(65)] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
        let refusal = told(&["Sharpen", "--lang", "rust"]).unwrap_err().to_string();
        assert!(
            refusal.contains("1 to 64 characters of a-z, 0-9 and -, beginning with a letter"),
            "{refusal}"
        );
    }

    #[test]
    fn a_folder_that_exists_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap();
        let refusal = told(&["sharpen", "--lang", "c", "--dir", folder]).unwrap_err().to_string();
        assert!(refusal.contains("exists already"), "{refusal}");
        assert_eq!(below(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn what_is_written_has_the_contract_the_name_and_no_placeholder() {
        let dir = tempfile::tempdir().unwrap();
        for (language, kind) in LANGUAGES.iter().flat_map(|language| KINDS.map(|kind| (language, kind))) {
            let folder = dir.path().join("some where").join(language.name).join(kind.name);
            let to = folder.to_str().unwrap();
            let said = told(&["soot", "--lang", language.name, "--kind", kind.name, "--dir", to]).unwrap();
            assert!(said.contains(&format!("cd '{}'", folder.display())), "{said}");
            assert!(said.contains(language.build) && said.contains(language.test), "{said}");
            let contract = fs::read(repository().join("wit/plugin.wit")).unwrap();
            assert_eq!(fs::read(folder.join("wit/plugin.wit")).unwrap(), contract);
            let (mut named, files) = (0, below(&folder));
            for path in &files {
                let bytes = fs::read(folder.join(path)).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                for placeholder in ["about", "file", "module", "name", "try", "world"] {
                    for left in [format!("plugin-{placeholder}"), format!("plugin_{placeholder}")] {
                        assert!(!text.contains(&left), "{left} in {}", path.display());
                    }
                }
                named += usize::from(text.contains("soot"));
            }
            assert!(named > 1, "{}", language.name);
            for path in ["README.md", ".gitignore"] {
                assert!(files.contains(&path.into()), "{} has no {path}", language.name);
            }
        }
    }

    #[test]
    fn who_names_no_kind_gets_a_filter() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("soot");
        let said = told(&["soot", "--lang", "python", "--dir", folder.to_str().unwrap()]).unwrap();
        assert!(said.contains("is a filter in python"), "{said}");
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(readme.contains("in Python, a filter: it takes pixels"), "{readme}");
        assert!(folder.join("src/sepia.py").exists());
    }
}
