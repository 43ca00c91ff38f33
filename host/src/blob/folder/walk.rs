//! Looking through the whole folder: what is there, what belongs to nobody, what is empty.

use std::fs;
use std::io;
use std::path::Path;

use super::{LOST, TEMPORARY, journal};
use crate::blob::{BlobKey, Listed, Period};

/// The periods that have a folder, the oldest first.
pub(super) fn periods(root: &Path) -> io::Result<Vec<Period>> {
    let mut periods = vec![];
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        periods.extend(name.to_str().and_then(Period::parse));
    }
    periods.sort_unstable();
    Ok(periods)
}

/// What lies in a folder that may be gone. `belongs` says which blobs are where they belong.
pub(super) fn list(folder: &Path, belongs: impl Fn(&BlobKey) -> bool) -> io::Result<Vec<Listed>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries?,
    };
    entries
        .map(|entry| {
            let name = entry?.file_name().to_string_lossy().into_owned();
            Ok(BlobKey::parse(&name).filter(&belongs).map_or(Listed::Stray(name), Listed::Blob))
        })
        .collect()
}

/// What is in the root and is neither a period nor the store's own.
pub(super) fn strays(root: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(root)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let own = [TEMPORARY, LOST, journal::FOLDER];
    let is_stray = |name: &String| Period::parse(name).is_none() && !own.contains(&name.as_str());
    names.filter(|name: &io::Result<String>| name.as_ref().map_or(true, is_stray)).collect()
}

/// Moves a file to where the operator can look at it.
pub(super) fn set_aside(root: &Path, path: &Path, key: BlobKey) -> io::Result<()> {
    let lost = root.join(LOST);
    fs::create_dir_all(&lost)?;
    match fs::rename(path, lost.join(key.to_string())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}

/// Removes a folder if there is nothing in it.
pub(super) fn remove_if_empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => {
            Ok(())
        }
        removed => removed,
    }
}
