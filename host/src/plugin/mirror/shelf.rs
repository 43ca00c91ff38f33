//! The mirror's folder: the files of one set, and its manifest. A set is taken over in steps of which each
//! can be the last: fetched files wait beside the others, the manifest is written, then the files are renamed
//! into their places. Whoever finds the folder after a crash finds the whole of the old set or can complete
//! the new one from what is there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::manifest::{MANIFEST, Manifest, Pinned};
use crate::digest::Digest;

/// What the name of a file ends with that waits for its set.
const WAITING: &str = ".incoming";

/// See the module. Its calls block.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The manifest of the set that was taken over last.
    pub(super) fn manifest(&self) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.folder.join(MANIFEST)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// The files of a set that are yet to be fetched.
    pub(super) fn lacks(&self, manifest: &Manifest) -> io::Result<Vec<(String, Pinned)>> {
        let mut lacking = vec![];
        for (name, file) in manifest.files() {
            if !is(&self.place(name), *file)? && !is(&self.waiting(name), *file)? {
                lacking.push((name.clone(), *file));
            }
        }
        Ok(lacking)
    }

    /// Lays a file beside the others. Its bytes are what the set says: that was checked.
    pub(super) fn wait(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        write(&self.waiting(name), bytes)
    }

    /// Makes the folder that of a set of which it [lacks](Self::lacks) nothing.
    pub(super) fn take_over(&self, manifest: &Manifest, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        if self.manifest()?.as_deref() != Some(bytes) {
            let waiting = self.waiting(MANIFEST);
            write(&waiting, bytes)?;
            // Before it the files that it names must be on the disk by their names.
            self.sync()?;
            fs::rename(waiting, self.place(MANIFEST))?;
            self.sync()?;
        }
        for (name, file) in manifest.files() {
            let place = self.place(name);
            // Left as it is, so that it is not loaded anew.
            if !is(&place, *file)? {
                fs::rename(self.waiting(name), place)?;
            }
        }
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_known = |name: &str| name == MANIFEST || manifest.files().contains_key(name);
            // A folder is none of ours, and harms nothing.
            if !name.to_str().is_some_and(is_known) && !entry.file_type()?.is_dir() {
                fs::remove_file(entry.path())?;
            }
        }
        self.sync()
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn waiting(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{WAITING}"))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether a file is what a set says.
fn is(path: &Path, pinned: Pinned) -> io::Result<bool> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(found) if found.len() != pinned.size => Ok(false),
        Ok(_) => Ok(Digest::of(&fs::read(path)?) == pinned.sha256),
    }
}
