//! What the folder store promises.
#![allow(clippy::unwrap_used)]
use bytes::Bytes;

use super::*;
use crate::blob::{PIECE, Part};
use crate::id::IdSource;

async fn stage(store: &FolderBlobs, bytes: &[u8], pieces: usize) -> Staged {
    let mut writer = store.writer();
    for piece in bytes.chunks(pieces) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    assert_eq!(writer.written(), bytes.len() as u64);
    writer.finish().await.unwrap()
}

fn leftovers(root: &Path) -> usize {
    fs::read_dir(root.join("tmp")).unwrap().count()
}

#[tokio::test]
async fn what_is_not_kept_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = FolderBlobs::open(dir.path(), FileSync::Each).unwrap();
    let staged = stage(&store, &vec![7; 2 * PIECE + 1], 1 << 20).await;
    assert_eq!(leftovers(dir.path()), 1);
    drop(staged);
    let mut writer = store.writer();
    writer.write(Bytes::from(vec![7; 2 * PIECE])).await.unwrap();
    drop(writer);
    assert_eq!(leftovers(dir.path()), 0);
}

#[tokio::test]
async fn a_start_clears_what_an_earlier_process_left_unfinished() {
    let dir = tempfile::tempdir().unwrap();
    FolderBlobs::open(dir.path(), FileSync::Each).unwrap();
    fs::write(dir.path().join("tmp/7"), b"half a picture").unwrap();
    FolderBlobs::open(dir.path(), FileSync::Each).unwrap();
    assert_eq!(leftovers(dir.path()), 0);
}

/// What a power cut leaves of a store at worst: everything but the files that were never synced.
fn cut_off(root: &Path, keys: &[BlobKey]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("journal")).unwrap();
    for name in ["journal/0", "journal/1"] {
        fs::copy(root.join(name), copy.path().join(name)).unwrap();
    }
    // Of one file there is the name, of one the beginning.
    for (key, bytes) in keys.iter().zip([&b""[..], b"sma"]) {
        let folder = copy.path().join(Period::of(key.task).to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(key.to_string()), bytes).unwrap();
    }
    copy
}

#[tokio::test]
async fn small_blobs_are_in_the_journal_until_their_files_are_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = FolderBlobs::open(dir.path(), FileSync::Each).unwrap();
    let ids = IdSource::after(None);
    let bytes = |number: usize| format!("small {number} ").repeat(number * 100).into_bytes();
    let mut keys = vec![];
    for number in 0..20 {
        let task = ids.next();
        let blobs = [(Part::Input, number), (Part::Attachment(1), number + 1)];
        let mut staged = vec![];
        for (part, number) in blobs {
            staged.push((BlobKey { task, part }, stage(&store, &bytes(number), 1000).await));
        }
        keys.push(BlobKey { task, part: Part::Input });
        store.keep(staged).await.unwrap();
    }
    let copy = cut_off(dir.path(), &keys);
    let again = FolderBlobs::open(copy.path(), FileSync::Each).unwrap();
    for (number, key) in keys.iter().enumerate() {
        for (part, number) in [(key.part, number), (Part::Attachment(1), number + 1)] {
            let expected = Expected { size: bytes(number).len() as u64, digest: Digest::of(&bytes(number)) };
            let key = BlobKey { task: key.task, part };
            assert_eq!(again.read(key, &expected).await.unwrap(), bytes(number), "{key}");
        }
    }

    // A store that syncs otherwise takes them over too, and one that is only read.
    let copy = cut_off(dir.path(), &keys);
    drop(FolderBlobs::open(copy.path(), FileSync::Elsewhere).unwrap());
    assert!(!copy.path().join("journal").exists());
    assert_eq!(fs::read(store_path(copy.path(), keys[7])).unwrap(), bytes(7));
    let copy = cut_off(dir.path(), &keys);
    FolderBlobs::end_journal(copy.path()).unwrap();
    assert_eq!(fs::read(store_path(copy.path(), keys[7])).unwrap(), bytes(7));

    // What a store that was closed has deleted does not come back.
    store.delete(&keys).await.unwrap();
    drop(store);
    let store = FolderBlobs::open(dir.path(), FileSync::Each).unwrap();
    assert!(!store_path(dir.path(), keys[7]).exists());
    assert_eq!(store.strays().unwrap(), Vec::<String>::new());
}

fn store_path(root: &Path, key: BlobKey) -> PathBuf {
    root.join(Period::of(key.task).to_string()).join(key.to_string())
}

#[tokio::test]
async fn a_full_journal_goes_on_and_nothing_is_missing_after_a_power_cut() {
    let dir = tempfile::tempdir().unwrap();
    let store = FolderBlobs::open(dir.path(), FileSync::Each).unwrap();
    let ids = IdSource::after(None);
    // Together more than one file of the journal holds, and less than both.
    let mut blobs = vec![];
    for number in 0..150_u8 {
        let key = BlobKey { task: ids.next(), part: Part::Input };
        let bytes = vec![number; 250 << 10];
        let staged = stage(&store, &bytes, PIECE - 1).await;
        store.keep(vec![(key, staged)]).await.unwrap();
        blobs.push((key, bytes));
    }
    let sizes = ["journal/0", "journal/1"].map(|name| dir.path().join(name).metadata().unwrap().len());
    assert!(sizes.iter().all(|size| (1 << 20..33 << 20).contains(size)), "{sizes:?}");
    for (key, bytes) in &blobs {
        assert!(fs::read(store_path(dir.path(), *key)).unwrap() == *bytes, "{key}");
    }
    // Only what was written to the second file need not be on the disk yet.
    let copy = cut_off(dir.path(), &[]);
    FolderBlobs::end_journal(copy.path()).unwrap();
    let (key, bytes) = &blobs[149];
    assert!(fs::read(store_path(copy.path(), *key)).unwrap() == *bytes);
}
