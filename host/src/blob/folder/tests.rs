//! What the folder store promises.
#![allow(clippy::unwrap_used)]
use futures_util::TryStreamExt as _;

use super::*;
use crate::blob::Part;
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
async fn bytes_come_back_as_they_went_in_small_or_large_whole_or_in_ranges() {
    let dir = tempfile::tempdir().unwrap();
    let store = FolderBlobs::open(dir.path(), FileSync::Each).unwrap();
    let ids = IdSource::after(None);
    for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17] {
        let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        let key = BlobKey { task: ids.next(), part: Part::Input };
        let staged = stage(&store, &bytes, 10_007).await;
        assert_eq!((staged.size, staged.digest), (size as u64, Digest::of(&bytes)));
        let expected = Expected { size: staged.size, digest: staged.digest };
        store.keep(vec![(key, staged)]).await.unwrap();
        assert_eq!(store.read(key, &expected).await.unwrap(), bytes);
        let range = size as u64 / 3..size as u64;
        let tail: Vec<Bytes> =
            store.stream(key, &expected, range).await.unwrap().try_collect().await.unwrap();
        assert_eq!(tail.concat(), bytes[size / 3..]);
        store.delete(&[key, key]).await.unwrap();
        assert!(matches!(store.read(key, &expected).await, Err(BlobError::NotFound(_))));
    }
    assert_eq!(leftovers(dir.path()), 0);
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
