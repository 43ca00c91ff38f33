//! Copying a data folder, task by task, to a new one: that is a backup, and a backup's way back.
//!
//! Of a running server every task is copied as it stood at some moment of the copying; one that was
//! accepted before it began is in the copy, with its pictures, unless it was deleted meanwhile.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::pictures::{self, Picture};
use super::source::{self, Source};
use crate::blob::{BlobKey, BlobStore as _, FileSync, FolderBlobs};
use crate::data_folder::{DataFolder, Paths};
use crate::store::sled::SledStore;
use crate::task::{Entry, KeptTask, TaskStore as _};

/// What was copied.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) tasks: u64,
    pub(super) pictures: u64,
    pub(super) bytes: u64,
    /// What could not be copied because it is damaged, a line each.
    pub(super) damages: Vec<String>,
}

/// Copies the data folder `from` to the new one `to`.
pub(super) async fn copy(from: &Path, to: &Path) -> anyhow::Result<Copied> {
    refuse_elsewhere(from)?;
    let mut source = Source::open(from).await?;
    let target = DataFolder::create(to)?;
    let copied = copy_into(&mut source, &Paths::of(from), &target).await.with_context(|| {
        format!("{} is incomplete and cannot be used; delete it before you try again", to.display())
    })?;
    Ok(copied)
}

/// What is not in the folder is not copied with it.
fn refuse_elsewhere(root: &Path) -> anyhow::Result<()> {
    let paths = Paths::of(root);
    anyhow::ensure!(
        !paths.tasks_elsewhere().exists(),
        "the tasks of {} are in a database: its own tools copy it, such as pg_dump; `tintype export` carries them \
         into a data folder",
        root.display()
    );
    anyhow::ensure!(
        !paths.blobs_elsewhere().exists(),
        "the pictures of {} are in an object store: its own tools copy it",
        root.display()
    );
    Ok(())
}

async fn copy_into(source: &mut Source, from: &Paths, target: &DataFolder) -> anyhow::Result<Copied> {
    let to = target.paths();
    let mut copied = Copied::default();
    let (store, _) = SledStore::open(&to.tasks(), &source::options())?;
    let pictures = Pictures {
        from: FolderBlobs::beside(&from.blobs(), FileSync::Elsewhere),
        to: FolderBlobs::open(&to.blobs(), FileSync::Elsewhere)?,
    };
    let mut after = None;
    loop {
        let page = source.page(after).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id());
        let mut whole = vec![];
        for entry in page {
            match entry {
                Entry::Task(kept) => {
                    if pictures.copy(source, &kept, &mut copied).await? {
                        copied.tasks += 1;
                        whole.push(Entry::Task(kept));
                    }
                }
                Entry::Unreadable { id, problem } => {
                    copied.damages.push(format!("task {id} cannot be read: {problem}"));
                }
                gone @ Entry::Gone { .. } => whole.push(gone),
            }
        }
        store.import(whole).await?;
    }
    // Its last flush.
    drop(store);
    if from.keys().exists() {
        fs::copy(from.keys(), to.keys()).with_context(|| format!("copying {}", from.keys().display()))?;
    }
    target.complete()?;
    Ok(copied)
}

struct Pictures {
    from: FolderBlobs,
    to: FolderBlobs,
}

impl Pictures {
    /// Copies the pictures of a task; false if the task was deleted meanwhile.
    async fn copy(&self, source: &mut Source, task: &KeptTask, copied: &mut Copied) -> anyhow::Result<bool> {
        let id = task.record.id;
        for (key, expected) in pictures::of(&self.from, &task.record).await? {
            let picture = match &expected {
                Some(expected) => pictures::read(&self.from, key, expected).await?,
                None => Picture::Damaged,
            };
            match (picture, expected) {
                (Picture::Good(bytes), Some(_)) => {
                    copied.pictures += 1;
                    copied.bytes += bytes.len() as u64;
                    self.keep(key, bytes).await?;
                }
                (Picture::Missing, _) if !source.knows(id).await? => {
                    let keys = task.record.blobs();
                    self.to.delete(&keys).await?;
                    return Ok(false);
                }
                (Picture::Missing, _) => copied.damages.push(format!("picture {key} is missing")),
                (Picture::Good(_) | Picture::Damaged, _) => {
                    copied.damages.push(format!("picture {key} is damaged"));
                }
            }
        }
        Ok(true)
    }

    async fn keep(&self, key: BlobKey, bytes: Vec<u8>) -> anyhow::Result<()> {
        let mut writer = self.to.writer();
        writer.write(bytes.into()).await?;
        let staged = writer.finish().await?;
        Ok(self.to.keep(vec![(key, staged)]).await?)
    }
}
