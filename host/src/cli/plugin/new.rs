//! `tintype plugin new`: writes a plugin that builds at once, in the language of its author's choice.
//!
//! What it writes are the files of `plugins/template/`, the contract in `wit/` and, for Rust, the SDK:
//! all of them from the same commit as this server.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};

/// What the templates' files have in place of the name. It is a name by the rule, so that the templates
/// themselves are projects that build.
const PLACEHOLDER: &str = "plugin-name";

/// A file: where it is written, and what is in it.
type File = (&'static str, &'static [u8]);

struct Language {
    name: &'static str,
    files: &'static [File],
    /// What the author types in the new folder: to build, then to test.
    build: &'static str,
    test: &'static str,
}

/// A table of files from a folder. Where a name is different here, it is written as `FROM as TO`.
macro_rules! files {
    ($folder:literal: $($from:literal $(as $to:literal)?),* $(,)?) => {
        &[$((files!(@to $from $($to)?), include_bytes!(concat!("../../../../", $folder, "/", $from)))),*]
    };
    (@to $from:literal) => { $from };
    (@to $from:literal $to:literal) => { $to };
}

/// Every plugin's.
const CONTRACT: &[File] = files!("wit": "plugin.wit" as "wit/plugin.wit");

/// For Rust: the crate that a registry doesn't have. Its `Cargo.toml` is the template's, because the
/// one here takes half of its lines from this workspace.
const SDK: &[File] = files!("plugins/sdk/src":
    "bindings.rs" as "vendor/tintype-plugin/src/bindings.rs",
    "codec.rs" as "vendor/tintype-plugin/src/codec.rs",
    "descriptor.rs" as "vendor/tintype-plugin/src/descriptor.rs",
    "export.rs" as "vendor/tintype-plugin/src/export.rs",
    "failure.rs" as "vendor/tintype-plugin/src/failure.rs",
    "filter.rs" as "vendor/tintype-plugin/src/filter.rs",
    "host.rs" as "vendor/tintype-plugin/src/host.rs",
    "lib.rs" as "vendor/tintype-plugin/src/lib.rs",
    "params.rs" as "vendor/tintype-plugin/src/params.rs",
    "picture.rs" as "vendor/tintype-plugin/src/picture.rs",
    "task.rs" as "vendor/tintype-plugin/src/task.rs",
);

/// How the SDK is formatted, so that an author's `cargo fmt` leaves it as it is.
const SDK_STYLE: &[File] = files!(".": "rustfmt.toml" as "vendor/tintype-plugin/rustfmt.toml");

const LANGUAGES: &[Language] = &[
    Language {
        name: "rust",
        // `gitignore` has no dot in the template, where git would heed it.
        files: files!("plugins/template/rust":
            ".cargo/config.toml",
            "Cargo.toml",
            "README.md",
            "gitignore" as ".gitignore",
            "src/label.rs",
            "src/lib.rs",
            "vendor/tintype-plugin/Cargo.toml",
        ),
        build: "cargo build --release --target wasm32-unknown-unknown",
        test: "cargo test --release",
    },
    Language {
        name: "javascript",
        files: files!("plugins/template/javascript":
            "README.md",
            "gitignore" as ".gitignore",
            "package.json",
            "src/label.js",
            "src/plugin.js",
            "test/fake_host.js",
            "test/host.js",
            "test/label.test.js",
        ),
        build: "npm install && npm run build",
        test: "npm test",
    },
    Language {
        name: "python",
        files: files!("plugins/template/python":
            "Makefile",
            "README.md",
            "gitignore" as ".gitignore",
            "requirements.txt",
            "src/app.py",
            "src/label.py",
            "test/test_label.py",
        ),
        build: "make",
        test: "make test",
    },
    Language {
        name: "c",
        files: files!("plugins/template/c":
            "Makefile",
            "README.md",
            "bindings/image_processor.c",
            "bindings/image_processor.h",
            "bindings/image_processor_component_type.o",
            "gitignore" as ".gitignore",
            "src/label.c",
            "src/label.h",
            "src/plugin.c",
            "test/test_label.c",
        ),
        build: "make",
        test: "make test",
    },
];

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
            Arg::new("dir")
                .long("dir")
                .value_name("FOLDER")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Where to, a folder that doesn't exist; NAME by default"),
        )
}

/// A plugin's name, by the rule of `descriptor` in `wit/plugin.wit`; the operation is called the same.
fn name(text: &str) -> Result<String, &'static str> {
    let formed = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    formed
        .then(|| text.to_owned())
        .ok_or("a name is 1 to 64 characters of a-z, 0-9 and -, beginning with a letter")
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    run_to(matches, &mut io::stdout().lock())
}

fn run_to(matches: &ArgMatches, out: &mut impl Write) -> anyhow::Result<()> {
    let text = |id| matches.get_one::<String>(id).map_or("", String::as_str);
    let (name, lang) = (text("name"), text("lang"));
    let folder = matches.get_one::<PathBuf>("dir").map_or(Path::new(name), PathBuf::as_path);
    let Some(language) = LANGUAGES.iter().find(|language| language.name == lang) else {
        unreachable!("clap demands one of the languages")
    };
    make(folder).and_then(|()| {
        // The folder is ours alone: half a project would only be in the way of the next try.
        write(language, name, folder).inspect_err(|_| drop(fs::remove_dir_all(folder)))
    })?;
    writeln!(out, "{} is a plugin in {lang}; its README.md says how to go on. Next:\n", folder.display())?;
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

fn write(language: &Language, name: &str, folder: &Path) -> anyhow::Result<()> {
    let sdk = if language.name == "rust" { &[SDK, SDK_STYLE][..] } else { &[] };
    let named = language.files.iter().map(|&(path, bytes)| (path, with_name(bytes, name)));
    let copied =
        CONTRACT.iter().chain(sdk.iter().copied().flatten()).map(|&(path, bytes)| (path, bytes.to_vec()));
    for (path, bytes) in named.chain(copied) {
        let path = folder.join(path);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// A template's file with the name in it. What isn't text, such as an object file, has none.
fn with_name(bytes: &[u8], name: &str) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.replace(PLACEHOLDER, name).into_bytes(),
        Err(_) => bytes.to_vec(),
    }
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
    fn below(folder: &Path) -> Vec<PathBuf> {
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

    fn repository() -> &'static Path {
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
        for language in LANGUAGES {
            let folder = dir.path().join("some where").join(language.name);
            let said = told(&["soot", "--lang", language.name, "--dir", folder.to_str().unwrap()]).unwrap();
            assert!(said.contains(&format!("cd '{}'", folder.display())), "{said}");
            assert!(said.contains(language.build) && said.contains(language.test), "{said}");
            let contract = fs::read(repository().join("wit/plugin.wit")).unwrap();
            assert_eq!(fs::read(folder.join("wit/plugin.wit")).unwrap(), contract);
            let (mut named, files) = (0, below(&folder));
            for path in &files {
                let bytes = fs::read(folder.join(path)).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                assert!(!text.contains(PLACEHOLDER) && !text.contains("plugin_name"), "{}", path.display());
                named += usize::from(text.contains("soot"));
            }
            assert!(named > 1, "{}", language.name);
            for path in ["README.md", ".gitignore"] {
                assert!(files.contains(&path.into()), "{} has no {path}", language.name);
            }
        }
    }

    /// A file that is new in a template, or in the SDK, and forgotten here, would be missed by an author.
    #[test]
    fn every_file_of_the_templates_and_of_the_sdk_is_embedded() {
        for language in LANGUAGES {
            let there = below(&repository().join("plugins/template").join(language.name));
            assert_eq!(there.len(), language.files.len(), "{}: {there:?}", language.name);
        }
        assert_eq!(below(&repository().join("plugins/sdk/src")).len(), SDK.len());
    }

    /// So that an author needs no Rust for C, what `wit-bindgen` makes is kept; this notices when the
    /// contract has changed since. Make it again as the template's README says, then change this line.
    #[test]
    fn the_bindings_for_c_were_made_from_this_contract() {
        let (_, contract) = CONTRACT[0];
        assert_eq!(
            crate::digest::Digest::of(contract).to_string(),
            "1eaa8614538717b824e0d8bb7d903ae3568f5c6d5034766dc9432dbc38c34e6d"
        );
    }

    #[test]
    fn the_copied_sdk_wants_the_same_dependencies() {
        let dependencies = |path: &str| {
            let manifest = fs::read_to_string(repository().join(path)).unwrap();
            manifest.split_once("[dependencies]").unwrap().1.trim().to_owned()
        };
        assert_eq!(
            dependencies("plugins/template/rust/vendor/tintype-plugin/Cargo.toml"),
            dependencies("plugins/sdk/Cargo.toml")
        );
    }
}
