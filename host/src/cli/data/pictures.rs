//! The pictures that a task must have, and whether it has them.

use anyhow::Context as _;

use crate::blob::{BlobError, BlobKey, BlobStore, Expected, Part};
use crate::task::{Details, DetailsAt, Outcome, Record, State};

/// What is found under a key.
pub(super) enum Picture {
    Good(Vec<u8>),
    Missing,
    Damaged,
}

/// Reads a picture.
pub(super) async fn read(
    blobs: &dyn BlobStore,
    key: BlobKey,
    expected: &Expected,
) -> anyhow::Result<Picture> {
    match blobs.read(key, expected).await {
        Ok(bytes) => Ok(Picture::Good(bytes)),
        Err(BlobError::NotFound(_)) => Ok(Picture::Missing),
        Err(BlobError::Damaged(_)) => Ok(Picture::Damaged),
        Err(error) => Err(error).with_context(|| format!("picture {key}")),
    }
}

/// The pictures of a task, and what each must be; of attachments nothing is known when the details, in
/// which that stands, are lost themselves.
pub(super) async fn of(
    blobs: &dyn BlobStore,
    record: &Record,
) -> anyhow::Result<Vec<(BlobKey, Option<Expected>)>> {
    let key = |part| BlobKey { task: record.id, part };
    let mut pictures = vec![(key(Part::Input), Some(record.input.expected()))];
    let details = match &record.details {
        DetailsAt::Inline(json) => Some(json.clone().into_bytes()),
        DetailsAt::Blob(info) => {
            pictures.push((key(Part::Details), Some(info.expected())));
            match read(blobs, key(Part::Details), &info.expected()).await? {
                Picture::Good(bytes) => Some(bytes),
                Picture::Missing | Picture::Damaged => None,
            }
        }
    };
    let details: Option<Details> = details.and_then(|json| serde_json::from_slice(&json).ok());
    let attachments = details.map(|details| details.attachments).unwrap_or_default();
    for number in 1..=record.attachments {
        let known = usize::try_from(number - 1).ok().and_then(|index| attachments.get(index));
        pictures.push((key(Part::Attachment(number)), known.map(|attachment| attachment.blob.expected())));
    }
    if let State::Finished { outcome: Outcome::Ok(results), .. } = &record.state {
        for (number, info) in (1..).zip(results) {
            pictures.push((key(Part::Result { attempt: record.attempts, number }), Some(info.expected())));
        }
    }
    Ok(pictures)
}
