//! Files and folders, what of them was synced, and what of the rest a power cut leaves.
//!
//! A file's bytes are safe when the file was synced, and its name when the folder was that holds the
//! name: POSIX promises no more. Real file systems mostly keep more than that; a server that only
//! relies on the promise survives on all of them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use tintype_tests::journal::Entry;

use super::random::Random;

/// What disks write whole or not at all.
const SECTOR: usize = 512;

/// Paths with the bytes of files; folders have none.
pub type Tree = BTreeMap<String, Option<Vec<u8>>>;

/// What a power cut leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// What was synced, and nothing else.
    Strict,
    /// Everything.
    Lucky,
    /// Of what was not synced, some names and some sectors, by chance.
    Torn { seed: u64 },
}

/// A disk under a server that writes.
#[derive(Debug)]
pub struct Disk {
    nodes: Vec<Node>,
    /// The file that has this inode just now.
    inodes: HashMap<u64, usize>,
    operations: usize,
}

#[derive(Debug)]
enum Node {
    File(File),
    Folder(Folder),
}

#[derive(Debug, Default)]
struct File {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Resize(usize),
}

#[derive(Debug, Default)]
struct Folder {
    now: Names,
    synced: Names,
    unsynced: Vec<NameChange>,
}

type Names = BTreeMap<String, usize>;

/// A name that appears, means another file, or (without one) is gone.
#[derive(Debug)]
struct NameChange {
    /// A rename changes two names; they share the number, and live or die together.
    operation: usize,
    name: String,
    node: Option<usize>,
}

const ROOT: usize = 0;

impl Disk {
    /// A disk with nothing on it but these folders, of which no one is inside another.
    pub fn with(folders: &[&str]) -> Self {
        let mut disk =
            Self { nodes: vec![Node::Folder(Folder::default())], inodes: HashMap::new(), operations: 0 };
        for folder in folders {
            disk.apply(&Entry::FolderMade { path: (*folder).to_owned() });
        }
        disk.folder(ROOT).sync();
        disk
    }

    /// Does again what was done.
    ///
    /// # Panics
    /// It cannot have been done: the journal has a hole.
    pub fn apply(&mut self, entry: &Entry) {
        self.operations += 1;
        match entry {
            Entry::Created { inode, path } => {
                let node = self.add(Node::File(File::default()));
                self.inodes.insert(*inode, node);
                self.name(path, Some(node));
            }
            Entry::FolderMade { path } => {
                let node = self.add(Node::Folder(Folder::default()));
                self.name(path, Some(node));
            }
            Entry::Written { inode, offset, bytes } => {
                let offset = usize::try_from(*offset).unwrap();
                self.file(*inode).unsynced.push(Change::Write { offset, bytes: bytes.clone() });
            }
            Entry::Resized { inode, size } => {
                let size = usize::try_from(*size).unwrap();
                self.file(*inode).unsynced.push(Change::Resize(size));
            }
            Entry::Synced { inode, .. } => self.file(*inode).sync(),
            Entry::FolderSynced { path } => {
                let folder = self.find(path);
                self.folder(folder).sync();
            }
            Entry::AllSynced => {
                for node in &mut self.nodes {
                    match node {
                        Node::File(file) => file.sync(),
                        Node::Folder(folder) => folder.sync(),
                    }
                }
            }
            Entry::Renamed { from, to } => {
                let node = self.find(from);
                self.name(from, None);
                self.name(to, Some(node));
            }
            Entry::Removed { path } => self.name(path, None),
            Entry::Said(_) | Entry::Fault { .. } => {}
            Entry::Unknown { path } => panic!("something was done to {path} that cannot be replayed"),
        }
    }

    /// What is found after the power was cut now.
    pub fn cut(&self, cut: Cut) -> Tree {
        let mut chance = Chance::of(cut);
        let survives: Vec<bool> = (0..=self.operations).map(|_| chance.keeps()).collect();
        let mut tree = Tree::new();
        self.look_into(ROOT, "", &survives, &mut chance, &mut tree);
        tree
    }

    fn look_into(&self, node: usize, path: &str, survives: &[bool], chance: &mut Chance, tree: &mut Tree) {
        match &self.nodes[node] {
            Node::File(file) => {
                tree.insert(path.to_owned(), Some(file.after(chance)));
            }
            Node::Folder(folder) => {
                let slash = if path.is_empty() { "" } else { "/" };
                if !path.is_empty() {
                    tree.insert(path.to_owned(), None);
                }
                for (name, node) in folder.after(survives) {
                    self.look_into(node, &format!("{path}{slash}{name}"), survives, chance, tree);
                }
            }
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn file(&mut self, inode: u64) -> &mut File {
        let node = *self.inodes.get(&inode).unwrap_or_else(|| panic!("nobody made the file {inode}"));
        match &mut self.nodes[node] {
            Node::File(file) => file,
            Node::Folder(_) => panic!("{inode} is a folder"),
        }
    }

    fn folder(&mut self, node: usize) -> &mut Folder {
        match &mut self.nodes[node] {
            Node::Folder(folder) => folder,
            Node::File(_) => panic!("a file is used as a folder"),
        }
    }

    /// What has this path now.
    fn find(&self, path: &str) -> usize {
        path.split('/').filter(|name| !name.is_empty()).fold(ROOT, |at, name| match &self.nodes[at] {
            Node::Folder(folder) => *folder.now.get(name).unwrap_or_else(|| panic!("nobody made {path}")),
            Node::File(_) => panic!("{path} goes through a file"),
        })
    }

    fn name(&mut self, path: &str, node: Option<usize>) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (folder, operation) = (self.find(folder), self.operations);
        let change = NameChange { operation, name: name.to_owned(), node };
        let folder = self.folder(folder);
        change.apply(&mut folder.now);
        folder.unsynced.push(change);
    }
}

impl File {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            match change {
                Change::Write { offset, bytes } => put(&mut self.synced, offset, &bytes),
                Change::Resize(size) => self.synced.resize(size, 0),
            }
        }
    }

    fn after(&self, chance: &mut Chance) -> Vec<u8> {
        let mut content = self.synced.clone();
        for change in &self.unsynced {
            match change {
                Change::Write { offset, bytes } => {
                    let mut at = 0;
                    while at < bytes.len() {
                        // Up to the end of the sector on the disk, wherever the write began.
                        let end = (at + SECTOR - (offset + at) % SECTOR).min(bytes.len());
                        if chance.keeps() {
                            put(&mut content, offset + at, &bytes[at..end]);
                        }
                        at = end;
                    }
                }
                Change::Resize(size) if chance.keeps() => content.resize(*size, 0),
                Change::Resize(_) => {}
            }
        }
        content
    }
}

/// A write beyond the end leaves zeros before it.
fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

impl Folder {
    fn sync(&mut self) {
        self.unsynced.clear();
        self.synced.clone_from(&self.now);
    }

    fn after(&self, survives: &[bool]) -> Names {
        let mut names = self.synced.clone();
        let survivors = self.unsynced.iter().filter(|change| survives[change.operation]);
        survivors.for_each(|change| change.apply(&mut names));
        names
    }
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        match self.node {
            Some(node) => names.insert(self.name.clone(), node),
            None => names.remove(&self.name),
        };
    }
}

/// Whether something that was not synced is found again.
enum Chance {
    Always,
    Never,
    Percent(usize, Random),
}

impl Chance {
    fn of(cut: Cut) -> Self {
        match cut {
            Cut::Strict => Self::Never,
            Cut::Lucky => Self::Always,
            Cut::Torn { seed } => {
                let mut random = Random::new(seed);
                // Nearly nothing, about half, nearly everything: each breaks other things.
                let percent = [10, 50, 90][random.below(3)];
                Self::Percent(percent, random)
            }
        }
    }

    fn keeps(&mut self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Percent(percent, random) => random.percent(*percent),
        }
    }
}

/// Puts what was found into a folder.
pub fn materialise(tree: &Tree, into: &Path) {
    for (path, content) in tree {
        match content {
            Some(bytes) => fs::write(into.join(path), bytes).unwrap(),
            None => fs::create_dir(into.join(path)).unwrap(),
        }
    }
}

#[cfg(test)]
mod tests;
