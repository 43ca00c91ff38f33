//! Putting a result where it belongs: whole or not at all, never over the picture that it was made from,
//! and over another file only where that is asked for.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::ClientError;
use super::naming::{Place, Subject, Target};

/// Where results go, and what has gone there.
#[derive(Debug)]
pub struct Placing {
    target: Target,
    /// Whether files may be replaced.
    force: bool,
    /// What this run has made.
    made: RefCell<HashSet<PathBuf>>,
}

/// Where a result is being written to.
pub(super) enum Sink {
    /// A file that takes its name when it is whole.
    File(Part),
    /// A device or a pipe, which has no other name.
    Device(PathBuf, File),
    /// Standard output gets what is whole.
    Standard(Vec<u8>),
}

/// A file under a passing name. It is gone if it isn't kept.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    goal: PathBuf,
    force: bool,
}

impl Placing {
    /// Results go to `target`; `force` lets them replace files.
    #[must_use]
    pub fn new(target: Target, force: bool) -> Self {
        Self { target, force, made: RefCell::default() }
    }

    /// Whether results go to standard output.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        self.target == Target::Standard
    }

    /// Refuses before anything is sent what would be refused when it has come back.
    ///
    /// # Errors
    /// The one file that was named is there, or is the picture.
    pub(super) fn foresee(&self, subject: &Subject) -> Result<(), ClientError> {
        match &self.target {
            Target::File(path) => self.permit(subject, path),
            _ => Ok(()),
        }
    }

    fn permit(&self, subject: &Subject, path: &Path) -> Result<(), ClientError> {
        if let Some(picture) = &subject.picture
            && are_one(picture, path)
        {
            return Err(ClientError::OverwritesInput(path.to_owned()));
        }
        let is_file = fs::symlink_metadata(path).is_ok() && !is_device(path);
        if is_file && !self.force { Err(ClientError::Exists(path.to_owned())) } else { Ok(()) }
    }

    /// Opens the place of a result.
    pub(super) fn open(&self, subject: &Subject, place: Place<'_>) -> Result<Sink, ClientError> {
        let Some(path) = self.target.path(subject, place) else {
            return if place.count == 1 {
                Ok(Sink::Standard(vec![]))
            } else {
                Err(ClientError::SeveralResults(place.count))
            };
        };
        if self.made.borrow().contains(&path) {
            return Err(ClientError::SameName(path));
        }
        self.permit(subject, &path)?;
        let failed = |source| ClientError::file(path.display(), "cannot be written", source);
        if is_device(&path) {
            let file = File::options().write(true).open(&path).map_err(failed)?;
            return Ok(Sink::Device(path, file));
        }
        if matches!(self.target, Target::Folder(_) | Target::Pattern(_))
            && let Some(folder) = path.parent()
        {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Hidden, in the same folder so that it can be renamed, and nobody else's.
        let part = path.with_file_name(format!(".{name:.100}.{}.part", uuid::Uuid::new_v4().simple()));
        let file = File::create_new(&part).map_err(failed)?;
        Ok(Sink::File(Part { file, path: part, goal: path, force: self.force }))
    }

    /// Keeps what was written, and gives its name.
    pub(super) fn keep(&self, sink: Sink) -> Result<String, ClientError> {
        match sink {
            Sink::File(part) => {
                // Another picture's may have come between the look and now.
                if !self.made.borrow_mut().insert(part.goal.clone()) {
                    return Err(ClientError::SameName(part.goal.clone()));
                }
                let goal = part.goal.clone();
                part.keep().inspect_err(|_| {
                    self.made.borrow_mut().remove(&goal);
                })?;
                Ok(goal.display().to_string())
            }
            Sink::Device(path, _) => Ok(path.display().to_string()),
            Sink::Standard(bytes) => {
                let mut out = io::stdout().lock();
                let written = out.write_all(&bytes).and_then(|()| out.flush());
                written
                    .map_err(|source| ClientError::file("standard output", "cannot be written", source))?;
                Ok(super::inputs::STANDARD.to_owned())
            }
        }
    }
}

impl Sink {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let (written, path) = match self {
            Self::Standard(whole) => {
                whole.extend_from_slice(bytes);
                return Ok(());
            }
            Self::File(part) => (part.file.write_all(bytes), &part.goal),
            Self::Device(path, file) => (file.write_all(bytes), &*path),
        };
        written.map_err(|source| ClientError::file(path.display(), "cannot be written", source))
    }
}

impl Part {
    fn keep(mut self) -> Result<(), ClientError> {
        let renamed = if self.force { fs::rename(&self.path, &self.goal) } else { self.rename_to_nothing() };
        match renamed {
            Ok(()) => {
                self.path = PathBuf::new();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(ClientError::Exists(self.goal.clone()))
            }
            Err(error) => Err(ClientError::file(self.goal.display(), "cannot be written", error)),
        }
    }

    /// Somebody else may have made the file since it was looked for.
    fn rename_to_nothing(&self) -> io::Result<()> {
        match renameat_with(CWD, &self.path, CWD, &self.goal, RenameFlags::NOREPLACE) {
            // Some file systems cannot promise that: there the look that was taken has to do.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                if fs::symlink_metadata(&self.goal).is_ok() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                fs::rename(&self.path, &self.goal)
            }
            renamed => renamed.map_err(Into::into),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether two names lead to one file.
fn are_one(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// What exists and cannot be replaced by a file, such as `/dev/null`; a folder is none.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PLACE: Place<'_> = Place { number: 1, count: 1, media_type: "image/png" };

    fn subject(folder: &Path) -> Subject {
        let picture = folder.join("in.png");
        fs::write(&picture, "picture").unwrap();
        Subject { name: "in".to_owned(), within: PathBuf::new(), picture: Some(picture) }
    }

    fn put(placing: &Placing, subject: &Subject, text: &str) -> Result<String, ClientError> {
        let mut sink = placing.open(subject, PLACE)?;
        sink.write(text.as_bytes())?;
        placing.keep(sink)
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_only_by_force_and_the_picture_never() {
        let folder = tempfile::tempdir().unwrap();
        let subject = subject(folder.path());
        let out = folder.path().join("out.png");
        let to = |path: &Path, force| Placing::new(Target::File(path.to_owned()), force);
        put(&to(&out, false), &subject, "one").unwrap();
        assert!(matches!(put(&to(&out, false), &subject, "two"), Err(ClientError::Exists(_))));
        assert!(to(&out, false).foresee(&subject).is_err());
        assert_eq!(fs::read_to_string(&out).unwrap(), "one");
        put(&to(&out, true), &subject, "two").unwrap();
        assert_eq!(fs::read_to_string(&out).unwrap(), "two");
        let link = folder.path().join("link.png");
        std::os::unix::fs::symlink("in.png", &link).unwrap();
        for path in [folder.path().join("in.png"), link] {
            let refused = put(&to(&path, true), &subject, "two");
            assert!(matches!(refused, Err(ClientError::OverwritesInput(_))), "{refused:?}");
        }
        assert_eq!(files(folder.path()), 3, "nothing is left over");
    }

    #[test]
    fn what_appears_meanwhile_stays_and_what_is_not_kept_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let subject = subject(folder.path());
        let placing = Placing::new(Target::Folder(folder.path().join("new/deep")), false);
        let sink = placing.open(&subject, PLACE).unwrap();
        fs::write(folder.path().join("new/deep/in.png"), "somebody's").unwrap();
        assert!(matches!(placing.keep(sink), Err(ClientError::Exists(_))));
        assert_eq!(fs::read_to_string(folder.path().join("new/deep/in.png")).unwrap(), "somebody's");
        assert_eq!(files(&folder.path().join("new/deep")), 1);
    }

    #[test]
    fn two_results_of_one_run_never_share_a_name_whatever_is_forced() {
        let folder = tempfile::tempdir().unwrap();
        let subject = subject(folder.path());
        let placing = Placing::new(Target::Folder(folder.path().join("out")), true);
        let (first, second) =
            (placing.open(&subject, PLACE).unwrap(), placing.open(&subject, PLACE).unwrap());
        placing.keep(first).unwrap();
        assert!(matches!(placing.keep(second), Err(ClientError::SameName(_))), "though both began before");
        assert!(matches!(put(&placing, &subject, "two"), Err(ClientError::SameName(_))));
    }

    #[test]
    fn a_device_is_written_to_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let placing = Placing::new(Target::File("/dev/null".into()), true);
        assert_eq!(put(&placing, &subject(folder.path()), "x").unwrap(), "/dev/null");
        assert!(is_device(Path::new("/dev/null")));
    }
}
