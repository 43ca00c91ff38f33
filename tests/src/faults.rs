//! Disks that fail on command and clocks that jump: steers `tests/faults/shim.c` inside a running server.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use crate::journal::{Entry, read};
use crate::server::target;

/// What can go wrong below a server's folder, and a journal of everything done there.
#[derive(Clone, Debug)]
pub struct Faults {
    root: PathBuf,
}

/// One thing that goes wrong. Kinds of operations are letters, as the shim has them: `O`pen, `C`reate,
/// `W`rite, `T`runcate, `S`ync of a file, `F`sync of a folder, `R`ename, `U`nlink, `D` make a folder,
/// `X` remove one.
#[derive(Clone, Debug)]
pub struct Rule {
    kinds: String,
    path: String,
    first: u64,
    last: u64,
    action: &'static str,
    error: i32,
}

impl Faults {
    /// Of the server with this folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let root = folder.canonicalize().unwrap();
        fs::create_dir_all(root.join("faults")).unwrap();
        Self { root }
    }

    /// What brings the shim into a process.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let shim = target().join("faults.so");
        let shim = shim.canonicalize().unwrap_or_else(|error| {
            panic!("{}: {error}; run `make faults`", shim.display());
        });
        vec![
            ("LD_PRELOAD", shim),
            ("FAULTS_ROOT", self.root.clone()),
            // Each life writes one of its own: a killed server may leave half a line at the end.
            ("FAULTS_JOURNAL", self.file(&format!("journal.{}", self.journals().count()))),
            ("FAULTS_RULES", self.file("rules")),
            ("FAULTS_CLOCK", self.file("clock")),
        ]
    }

    /// Follows these rules from the next operation on, and no others. Counting begins anew.
    pub fn follow(&self, rules: &[Rule]) {
        // Rules that are the same as before must not look the same, or nothing would be counted anew.
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let mut text = format!("# {}\n", SERIAL.fetch_add(1, Ordering::Relaxed));
        for Rule { kinds, path, first, last, action, error } in rules {
            text.push_str(&format!("{kinds} {path} {first} {last} {action} {error}\n"));
        }
        self.put("rules", &text);
    }

    /// Lets everything go well again.
    pub fn lift(&self) {
        self.follow(&[]);
    }

    /// Makes the clock of the day wrong by these seconds.
    pub fn shift_clock(&self, seconds: i64) {
        self.put("clock", &seconds.to_string());
    }

    /// Everything that was done so far.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        let entries = self.journals().flat_map(|path| read(&fs::read(path).unwrap()));
        entries.filter(|entry| !is_of_socket(entry)).collect()
    }

    fn journals(&self) -> impl Iterator<Item = PathBuf> {
        let path = |life: u32| self.file(&format!("journal.{life}"));
        (0..).map(path).take_while(|path| path.exists())
    }

    /// The paths at which something went wrong so far, each with the kind of operation.
    #[must_use]
    pub fn made(&self) -> Vec<(char, String)> {
        let made = |entry| match entry {
            Entry::Fault { kind, path } => Some((kind, path)),
            _ => None,
        };
        self.journal().into_iter().filter_map(made).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root.join("faults").join(name)
    }

    /// All at once: the shim must not read half of it.
    fn put(&self, name: &str, text: &str) {
        let new = self.file(&format!("{name}.new"));
        fs::write(&new, text).unwrap();
        fs::rename(new, self.file(name)).unwrap();
    }
}

impl Rule {
    /// Every operation of these kinds fails like this.
    #[must_use]
    pub fn fail(kinds: &str, error: Errno) -> Self {
        Self::new(kinds, "fail", error.raw_os_error())
    }

    /// The same, but only after a while, when others are already waiting for it.
    #[must_use]
    pub fn fail_late(kinds: &str, error: Errno) -> Self {
        Self::new(kinds, "late", error.raw_os_error())
    }

    /// Every write leaves half of its bytes behind and fails like this.
    #[must_use]
    pub fn cut_short(error: Errno) -> Self {
        Self::new("W", "short", error.raw_os_error())
    }

    /// The process aborts.
    #[must_use]
    pub fn abort(kinds: &str) -> Self {
        Self::new(kinds, "abort", 0)
    }

    /// The process is killed.
    #[must_use]
    pub fn kill(kinds: &str) -> Self {
        Self::new(kinds, "kill", 0)
    }

    fn new(kinds: &str, action: &'static str, error: i32) -> Self {
        Self { kinds: kinds.to_owned(), path: "*".to_owned(), first: 1, last: i64::MAX as u64, action, error }
    }

    /// Only where the path has this in it.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Only the n-th such operation, from 1.
    #[must_use]
    pub fn only(mut self, n: u64) -> Self {
        (self.first, self.last) = (n, n);
        self
    }

    /// Only the n-th such operation and all after it.
    #[must_use]
    pub fn from(mut self, n: u64) -> Self {
        self.first = n;
        self
    }
}

/// The control socket has a name and no bytes, and is made anew at every start.
fn is_of_socket(entry: &Entry) -> bool {
    let (Entry::Renamed { from: path, .. } | Entry::Removed { path }) = entry else { return false };
    ["data/control", "data/control.new"].contains(&path.as_str())
}
