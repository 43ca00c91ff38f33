//! The host's hot paths take no more instructions than they did.

#![allow(missing_docs)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_hot_paths_take_the_instructions_that_they_took() {
    if Command::new("valgrind").arg("--version").output().is_err() && std::env::var_os("CI").is_none() {
        eprintln!("skipped: valgrind is not there");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let counted = Command::new(env!("CARGO_BIN_EXE_tintype-bench"))
        .arg("instructions")
        .current_dir(root)
        .output()
        .expect("the bench starts");
    let (said, problem) =
        (String::from_utf8_lossy(&counted.stdout), String::from_utf8_lossy(&counted.stderr));
    assert!(counted.status.success(), "{said}{problem}");
}
