//! What every store of blobs promises, whatever it is made of: run over the folder, over a shared folder as an
//! object store, and over a server that speaks the protocol of S3.
#![allow(clippy::unwrap_used)]

pub(crate) mod s3;

use futures_util::TryStreamExt as _;

use super::object::tests::in_new_bucket;
use super::*;
use crate::config::SettingValue as _;
use crate::id::IdSource;

/// Sizes around those at which a store does something else: memory or file, one request or several parts.
const SIZES: [usize; 7] = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17, (8 << 20) + 5];

/// A store for one test, and what must live as long as it.
struct Tried {
    name: &'static str,
    store: Box<dyn BlobStore>,
    _folder: tempfile::TempDir,
}

/// One of each kind, where there is what it needs.
async fn stores() -> Vec<Tried> {
    let folder = || tempfile::tempdir().unwrap();
    let own = folder();
    let store = FolderBlobs::open(&own.path().join("blobs"), FileSync::Each).unwrap();
    let mut stores = vec![Tried { name: "folder", store: Box::new(store), _folder: own }];
    let shared = folder();
    let url = format!("file://{}", shared.path().join("shared").display());
    stores.push(Tried {
        name: "shared folder",
        store: Box::new(object(&url, shared.path()).await),
        _folder: shared,
    });
    if let Some(server) = s3::Server::shared() {
        let own = folder();
        let store = in_new_bucket(server, &own.path().join("staging"));
        store.check().await.unwrap();
        stores.push(Tried { name: "S3", store: Box::new(store), _folder: own });
    }
    stores
}

/// An object store that has been looked at as a start does.
pub(super) async fn object(url: &str, folder: &Path) -> ObjectBlobs {
    let store = ObjectBlobs::new(Location::parse(url).unwrap(), &folder.join("staging")).unwrap();
    store.clear_staging().unwrap();
    store.check().await.unwrap();
    store
}

pub(super) async fn stage(store: &dyn BlobStore, bytes: &[u8]) -> (Staged, Expected) {
    let mut writer = store.writer();
    for piece in bytes.chunks(100_003) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    let staged = writer.finish().await.unwrap();
    let expected = Expected { size: staged.size, digest: staged.digest };
    (staged, expected)
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i % 251) as u8).collect()
}

async fn part_of(store: &dyn BlobStore, key: BlobKey, expected: &Expected, range: Range<u64>) -> Vec<u8> {
    let stream = store.stream(key, expected, range).await.unwrap();
    let pieces: Vec<Bytes> = stream.try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn bytes_come_back_as_they_went_in_whole_or_in_ranges_until_they_are_deleted() {
    let ids = IdSource::after(None);
    for Tried { name, store, _folder } in stores().await {
        for size in SIZES {
            let (bytes, key) = (bytes(size), BlobKey { task: ids.next(), part: Part::Input });
            let (staged, expected) = stage(&*store, &bytes).await;
            assert_eq!((expected.size, expected.digest), (size as u64, Digest::of(&bytes)));
            store.keep(vec![(key, staged)]).await.unwrap();
            assert!(store.read(key, &expected).await.unwrap() == bytes, "{name}, {size}");
            for range in [size / 3..size, 0..size / 2, 0..size] {
                let found = part_of(&*store, key, &expected, range.start as u64..range.end as u64).await;
                assert!(found == bytes[range.clone()], "{name}, {range:?} of {size}");
            }
            store.delete(&[key, key]).await.unwrap();
            let missing = store.read(key, &expected).await;
            assert!(matches!(missing, Err(BlobError::NotFound(_))), "{name}: {missing:?}");
        }
    }
}

#[tokio::test]
async fn other_bytes_than_were_kept_are_never_given() {
    let ids = IdSource::after(None);
    for Tried { name, store, _folder } in stores().await {
        for size in [1000, PIECE + 1] {
            let key = BlobKey { task: ids.next(), part: Part::Input };
            let (staged, expected) = stage(&*store, &bytes(size)).await;
            store.keep(vec![(key, staged)]).await.unwrap();
            let of_others = Expected { digest: Digest::of(b"other bytes"), ..expected };
            let read = store.read(key, &of_others).await.map(|bytes| bytes.len());
            assert!(matches!(read, Err(BlobError::Damaged(_))), "{name}: {read:?}");
            let read = store.stream(key, &of_others, 0..of_others.size).await.map(drop);
            assert!(matches!(read, Err(BlobError::Damaged(_))), "{name}: {read:?}");
        }
    }
}

#[tokio::test]
async fn what_is_there_is_listed_by_its_period_and_can_be_set_aside() {
    let ids = IdSource::after(None);
    for Tried { name, store, _folder } in stores().await {
        let task = ids.next();
        let keys = [Part::Input, Part::Attachment(1), Part::Result { attempt: 2, number: 1 }]
            .map(|part| BlobKey { task, part });
        let mut blobs = vec![];
        for key in keys {
            blobs.push((key, stage(&*store, key.to_string().as_bytes()).await.0));
        }
        store.keep(blobs).await.unwrap();
        let period = Period::of(task);
        assert_eq!(store.periods().await.unwrap(), [period], "{name}");
        let listed = async || {
            let mut keys: Vec<String> = vec![];
            for listed in store.list(period).await.unwrap() {
                match listed {
                    Listed::Blob(key) => keys.push(key.to_string()),
                    Listed::Stray(name) => panic!("{name}"),
                }
            }
            keys.sort_unstable();
            keys
        };
        let mut wanted = keys.map(|key| key.to_string()).to_vec();
        wanted.sort_unstable();
        assert_eq!(listed().await, wanted, "{name}");

        store.set_aside(keys[0]).await.unwrap();
        store.set_aside(keys[0]).await.unwrap();
        let expected = Expected { size: 1, digest: Digest::of(b"") };
        assert!(matches!(store.read(keys[0], &expected).await, Err(BlobError::NotFound(_))), "{name}");
        store.delete(&keys).await.unwrap();
        store.tidy(period).await.unwrap();
        assert_eq!(listed().await, Vec::<String>::new(), "{name}");
        assert_eq!(store.periods().await.unwrap(), [], "{name}");
        store.probe().await.unwrap();
    }
}
