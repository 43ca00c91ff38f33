//! What runs on Node: our scripts in `bench/peer` with their packages, in a folder under `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::server::target;

/// What npm wrote when it was done: the packages that it was asked for.
const DONE: &str = "installed.json";

/// The folder with our scripts and their packages, which npm fetches if they are not there.
pub fn installed() -> anyhow::Result<PathBuf> {
    let folder = std::path::absolute(target().join("bench-peer"))?;
    fs::create_dir_all(&folder)?;
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer");
    for file in fs::read_dir(&peer)? {
        let file = file?;
        fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    let wanted = fs::read(folder.join("package.json"))?;
    if fs::read(folder.join(DONE)).ok().as_deref() != Some(&wanted) {
        eprintln!("npm fetches the peer's packages");
        let npm = Command::new("npm")
            .args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder)
            .status()
            .context("npm is not there: install Node 20.9 or later (Debian: nodejs, npm)")?;
        ensure!(npm.success(), "npm could not fetch the peer's packages");
        fs::write(folder.join(DONE), wanted)?;
    }
    Ok(folder)
}
