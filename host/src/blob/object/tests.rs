//! What an object store does that a folder cannot.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;

use object_store::aws::AmazonS3Builder;

use super::*;
use crate::blob::tests::{object, s3, stage};
use crate::blob::{Expected, Part};
use crate::config::SettingValue as _;
use crate::digest::Digest;
use crate::id::IdSource;

/// A store at this address. Nobody else's environment has a say.
fn at(address: &str, bucket: &str, staging: &FilePath) -> ObjectBlobs {
    let store = AmazonS3Builder::new()
        .with_endpoint(format!("http://{address}"))
        .with_bucket_name(bucket)
        .with_access_key_id(s3::CREDENTIALS[0].1)
        .with_secret_access_key(s3::CREDENTIALS[1].1)
        .with_region(s3::CREDENTIALS[2].1)
        .with_allow_http(true)
        .with_retry(engine::retries())
        .with_http_connector(transport::Transport::of_this_machine())
        .build()
        .unwrap();
    let location = Location::parse(&format!("s3://{bucket}/below/here")).unwrap();
    let blobs = ObjectBlobs::over(Arc::new(store), location, staging);
    blobs.clear_staging().unwrap();
    blobs
}

/// A store in a bucket of its own.
pub(in crate::blob) fn in_new_bucket(server: &s3::Server, staging: &FilePath) -> ObjectBlobs {
    at(&server.address, &server.new_bucket(), staging)
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named_at_the_start() {
    let Some(server) = s3::Server::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let blobs = at(&server.address, "no-such-bucket", &folder.path().join("staging"));
    let error = blobs.check().await.unwrap_err();
    assert!(matches!(error, BadStore::NoBucket(..)), "{error}");
    assert!(error.to_string().contains("there is no bucket \"no-such-bucket\""), "{error}");
}

#[tokio::test]
async fn an_engine_that_is_away_says_nothing_of_any_picture() {
    // A port where nobody listens.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let blobs = at(&address, "pictures", &folder.path().join("staging"));
    let key = BlobKey { task: IdSource::after(None).next(), part: Part::Input };
    let (staged, expected) = stage(&blobs, b"a picture").await;
    let kept = blobs.keep(vec![(key, staged)]).await;
    assert!(matches!(kept, Err(BlobError::Unavailable { .. })), "{kept:?}");
    let read = blobs.read(key, &expected).await;
    assert!(matches!(read, Err(BlobError::Unavailable { .. })), "{read:?}");
    assert!(matches!(blobs.check().await, Err(BadStore::Unusable(..))));
}

#[tokio::test]
async fn a_place_belongs_to_the_tasks_that_came_first() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().join("shared").display());
    let one = object(&url, &folder.path().join("one")).await;
    let two = object(&url, &folder.path().join("two")).await;
    one.belong_to("the first").await.unwrap();
    two.belong_to("the first").await.unwrap();
    let refused = two.belong_to("the second").await.unwrap_err();
    assert!(refused.to_string().contains("choose another prefix"), "{refused}");
    assert_eq!(one.periods().await.unwrap(), []);
}

#[tokio::test]
async fn what_one_server_keeps_every_other_one_has() {
    let Some(server) = s3::Server::shared() else { return };
    let (folder, bucket) = (tempfile::tempdir().unwrap(), server.new_bucket());
    let [one, two] = ["one", "two"].map(|name| at(&server.address, &bucket, &folder.path().join(name)));
    let key = BlobKey { task: IdSource::after(None).next(), part: Part::Input };
    let bytes = vec![7; (20 << 20) + 3];
    let (staged, expected) = stage(&one, &bytes).await;
    one.keep(vec![(key, staged)]).await.unwrap();
    assert!(two.read(key, &expected).await.unwrap() == bytes);
    assert_eq!(std::fs::read_dir(folder.path().join("one")).unwrap().count(), 0, "nothing waits any more");
    let of_others = Expected { digest: Digest::of(b"others"), ..expected };
    assert!(matches!(two.read(key, &of_others).await, Err(BlobError::Damaged(_))));
}
