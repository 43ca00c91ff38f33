//! The contract in `wit/` may grow, and may not change: whatever was released goes on working.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve};

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

/// What was released, by version.
fn released() -> Vec<PathBuf> {
    let files = std::fs::read_dir(wit().join("released")).unwrap();
    files.map(|entry| entry.unwrap().path()).collect()
}

fn parsed(resolve: &mut Resolve, file: &Path) -> PackageId {
    resolve.push_file(file).unwrap_or_else(|error| panic!("{}: {error:#}", file.display()))
}

/// The shapes alone: comments may be mended at any time.
fn printed(file: &Path) -> String {
    let mut resolve = Resolve::default();
    let package = parsed(&mut resolve, file);
    let mut printer = WitPrinter::default();
    printer.emit_docs(false).print(&resolve, package, &[]).unwrap();
    printer.output.to_string()
}

/// What is wrong with replacing `old` by `new`.
fn complaints(old: &Path, new: &Path) -> Vec<String> {
    let mut resolve = Resolve::default();
    let (old, new) = (parsed(&mut resolve, old), parsed(&mut resolve, new));
    let worlds = resolve.packages[old].worlds.clone();
    let newer = resolve.packages[new].worlds.clone();
    worlds
        .into_iter()
        .filter_map(|(name, world)| match newer.get(&name) {
            None => Some(format!("the world {name} is gone")),
            Some(newer) => {
                let checked = wit_component::semver_check(resolve.clone(), world, *newer);
                checked.err().map(|error| format!("the world {name}: {error:#}"))
            }
        })
        .collect()
}

fn version(file: &Path) -> String {
    let mut resolve = Resolve::default();
    let package = parsed(&mut resolve, file);
    resolve.packages[package].name.version.clone().unwrap().to_string()
}

#[test]
fn what_was_released_stays_as_it_was_and_every_later_0_1_can_stand_in_for_it() {
    let now = wit().join("plugin.wit");
    let files = released();
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(file.file_stem().unwrap().to_str().unwrap(), version(&file), "it is named by its version");
        if version(&file) == version(&now) {
            assert_eq!(
                printed(&file),
                printed(&now),
                "this version is released: give wit/plugin.wit the next one before changing it"
            );
        } else {
            assert_eq!(complaints(&file, &now), Vec::<String>::new(), "{} was released", version(&file));
        }
    }
}

/// The control: a change that would break plugins is found.
#[test]
fn a_changed_record_or_a_missing_world_would_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let changed = |from: &str, to: &str| {
        let text = std::fs::read_to_string(wit().join("plugin.wit")).unwrap();
        assert!(text.contains(from), "{from}");
        let file = folder.path().join("plugin.wit");
        std::fs::write(&file, text.replace(from, to)).unwrap();
        complaints(&released()[0], &file)
    };
    assert_eq!(changed("record target {", "record target {\n    more: u8,").len(), 1);
    assert_eq!(changed("cancelled: func()", "canceled: func()").len(), 1);
    assert_eq!(changed("world image-processor", "world image-worker"), ["the world image-processor is gone"]);
}
