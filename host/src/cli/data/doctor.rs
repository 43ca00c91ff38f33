//! `tintype doctor`: looks at every task and picture that the settings name, changes nothing, and says what it
//! finds.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;

use super::pictures::{self, Picture};
use super::source::{Source, options};
use crate::blob::{BlobKey, BlobStore, FileSync, FolderBlobs, Listed, ObjectBlobs};
use crate::config::Config;
use crate::data_folder::{DataFolder, Paths};
use crate::store::sled::SledStore;
use crate::task::{Entry, KeptTask, Lookup, State, TaskId, TaskStore as _};

/// Problems that are written out; of further ones only the number.
const MOST: usize = 100;

/// Goes on without what the task store has lost, and sets aside the pictures of tasks that it no longer
/// knows, before a server takes them for litter. Gives how many there are.
pub(super) async fn accept_loss(root: &Path) -> anyhow::Result<u64> {
    let folder = DataFolder::open_existing(root)?;
    let paths = folder.paths();
    SledStore::accept_loss(&paths.tasks()).with_context(|| format!("{}", paths.tasks().display()))?;
    let (store, _) = SledStore::open(&paths.tasks(), &options())?;
    FolderBlobs::end_journal(&paths.blobs())?;
    let blobs = FolderBlobs::beside(&paths.blobs(), FileSync::Elsewhere);
    let mut set_aside = 0;
    for period in blobs.periods().await? {
        for listed in blobs.list(period).await? {
            if let Listed::Blob(key) = listed
                && let Lookup::Unknown = store.get(key.task).await?
            {
                blobs.set_aside(key).await?;
                set_aside += 1;
            }
        }
    }
    Ok(set_aside)
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Where it was found, and who works with it.
    place: String,
    /// Whether tasks come and go meanwhile.
    changes: bool,
    waiting: u64,
    begun: u64,
    over: u64,
    gone: u64,
    pictures: u64,
    bytes: u64,
    problems: Vec<String>,
    /// What is no fault, but worth knowing.
    remarks: Vec<String>,
}

/// Looks at the tasks and pictures that the settings name.
pub(super) async fn examine(config: &Config) -> anyhow::Result<Findings> {
    let mut source = Source::named(config).await?;
    let paths = Paths::of(&config.storage.data_dir);
    let (folder, objects);
    let (blobs, folder): (&dyn BlobStore, _) = match &config.storage.blobs {
        Some(location) => {
            objects = ObjectBlobs::new(location.clone(), &paths.staging()).context("blobs")?;
            (&objects, None)
        }
        None => {
            anyhow::ensure!(
                !paths.blobs_elsewhere().exists(),
                "the pictures of {} are in an object store, and blobs does not name it: set blobs, as the server has it",
                paths.root().display()
            );
            folder = FolderBlobs::beside(&paths.blobs(), FileSync::Elsewhere);
            (&folder, Some(&folder))
        }
    };
    let place = match (&source, &config.storage.blobs) {
        (Source::Shared(_), Some(location)) => format!("the database and {location}"),
        (Source::Shared(_), None) => format!("the database and {}", paths.root().display()),
        (Source::Running(_), _) => format!("{}: a server runs on it", paths.root().display()),
        (Source::Stopped { .. }, _) => format!("{}: no server runs on it", paths.root().display()),
    };
    let mut findings = Findings { place, changes: source.changes(), ..Findings::default() };
    // Everything that any task has; whatever else there is belongs to nobody.
    let mut wanted: HashSet<BlobKey> = HashSet::new();
    let mut last: Option<TaskId> = None;
    loop {
        let page = source.page(last).await?;
        let Some(entry) = page.last() else { break };
        last = Some(entry.id());
        for entry in page {
            match entry {
                Entry::Task(task) => findings.task(blobs, &mut source, &task, &mut wanted).await?,
                Entry::Gone { .. } => findings.gone += 1,
                Entry::Unreadable { id, problem } => {
                    findings.problems.push(format!("task {id} cannot be read: {problem}"));
                }
            }
        }
    }
    findings.orphans(blobs, &mut source, &wanted, last).await?;
    if let Some(folder) = folder {
        findings.strays(folder)?;
    }
    Ok(findings)
}

impl Findings {
    async fn task(
        &mut self,
        blobs: &dyn BlobStore,
        source: &mut Source,
        task: &KeptTask,
        wanted: &mut HashSet<BlobKey>,
    ) -> anyhow::Result<()> {
        let record = &task.record;
        match record.state {
            State::Queued => self.waiting += 1,
            State::Running => self.begun += 1,
            State::Finished { .. } => self.over += 1,
        }
        for (key, expected) in pictures::of(blobs, record).await? {
            wanted.insert(key);
            let found = match &expected {
                Some(expected) => pictures::read(blobs, key, expected).await?,
                None => Picture::Damaged,
            };
            match found {
                Picture::Good(bytes) => {
                    self.pictures += 1;
                    self.bytes += bytes.len() as u64;
                }
                // It was deleted since the task was looked at.
                Picture::Missing if !source.knows(record.id).await? => {}
                Picture::Missing => self.problems.push(format!("picture {key} is missing")),
                Picture::Damaged => {
                    self.problems
                        .push(format!("picture {key} is damaged: its digest is not the recorded one"));
                }
            }
        }
        Ok(())
    }

    /// Pictures of no task. What came after `last` is too new to be judged while a server runs.
    async fn orphans(
        &mut self,
        blobs: &dyn BlobStore,
        source: &mut Source,
        wanted: &HashSet<BlobKey>,
        last: Option<TaskId>,
    ) -> anyhow::Result<()> {
        let mut orphans = 0_u64;
        for period in blobs.periods().await? {
            for listed in blobs.list(period).await? {
                match listed {
                    Listed::Blob(key) if wanted.contains(&key) => {}
                    // A task that goes on makes and loses pictures meanwhile.
                    Listed::Blob(key)
                        if self.changes && (Some(key.task) > last || source.knows(key.task).await?) => {}
                    Listed::Blob(_) => orphans += 1,
                    Listed::Stray(name) => {
                        self.remarks.push(format!("blobs/{period}/{name} is not the server's"));
                    }
                }
            }
        }
        if orphans > 0 {
            self.remarks.push(format!(
                "{orphans} pictures belong to no task: a crash can leave such; the server deletes them after its start"
            ));
        }
        Ok(())
    }

    /// What else is in the folder of pictures.
    fn strays(&mut self, blobs: &FolderBlobs) -> anyhow::Result<()> {
        for name in blobs.strays()? {
            self.remarks.push(format!("blobs/{name} is not the server's"));
        }
        let lost = blobs.lost()?;
        if lost > 0 {
            self.problems.push(format!(
                "{lost} pictures in blobs/lost belong to tasks whose records are lost: restore a backup, or delete them"
            ));
        }
        Ok(())
    }

    /// Whether nothing is wrong.
    pub(super) fn is_healthy(&self) -> bool {
        self.problems.is_empty()
    }

    /// Writes the report.
    pub(super) fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "{}", self.place)?;
        writeln!(
            out,
            "tasks: {} waiting, {} running, {} over, {} deleted and still remembered",
            self.waiting, self.begun, self.over, self.gone
        )?;
        writeln!(out, "pictures: {} with {} bytes are as they were recorded", self.pictures, self.bytes)?;
        for remark in &self.remarks {
            writeln!(out, "remark: {remark}")?;
        }
        for problem in self.problems.iter().take(MOST) {
            writeln!(out, "problem: {problem}")?;
        }
        match self.problems.len() {
            0 => writeln!(out, "nothing is wrong"),
            count if count > MOST => writeln!(out, "and {} further problems", count - MOST),
            _ => Ok(()),
        }
    }
}
