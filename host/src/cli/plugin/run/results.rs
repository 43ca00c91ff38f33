//! Where results go: a file, several of them, or standard output.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::STANDARD;
use crate::plugin::Image;

/// Stands for the number of a result in a file's name.
const NUMBER: &str = "%d";

/// A result that was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    #[serde(rename = "type")]
    pub(super) media_type: String,
    /// Bytes.
    pub(super) size: usize,
    pub(super) file: String,
}

/// Writes every result.
///
/// # Errors
/// One cannot be written; those before it are.
pub(super) fn write(images: Vec<Image>, out: &Path) -> anyhow::Result<Vec<Written>> {
    let standard = out == Path::new(STANDARD);
    anyhow::ensure!(
        !standard || images.len() == 1,
        "the plugin gave {} results, and standard output takes one: name files, such as -o out-{NUMBER}.png",
        images.len()
    );
    let count = images.len();
    let write = |(number, image): (usize, Image)| {
        let file = if standard { out.to_owned() } else { name(out, number, count) };
        let done =
            if standard { super::to_standard_output(&image.bytes) } else { fs::write(&file, &image.bytes) };
        done.with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(Written {
            media_type: image.media_type,
            size: image.bytes.len(),
            file: file.display().to_string(),
        })
    };
    (1..).zip(images).map(write).collect()
}

/// The name of a result's file: with its number where that is asked for, or where there are others.
fn name(out: &Path, number: usize, count: usize) -> PathBuf {
    let whole = out.to_string_lossy();
    if whole.contains(NUMBER) {
        return PathBuf::from(whole.replace(NUMBER, &number.to_string()));
    }
    if count == 1 {
        return out.to_owned();
    }
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension = out.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    out.with_file_name(format!("{stem}-{number}{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_numbered_where_there_are_several_or_where_a_number_is_asked_for() {
        let named = |out: &str, number, count| name(Path::new(out), number, count).display().to_string();
        assert_eq!(named("a/out.png", 1, 1), "a/out.png");
        assert_eq!(named("a/out.png", 2, 3), "a/out-2.png");
        assert_eq!(named("out", 2, 3), "out-2");
        assert_eq!(named("page-%d.png", 1, 1), "page-1.png");
        assert_eq!(named("page-%d.png", 12, 12), "page-12.png");
    }
}
