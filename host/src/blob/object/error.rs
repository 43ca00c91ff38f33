//! What an engine's error means here. Most pass by themselves or are mended by an operator, and none of them
//! says anything about a picture: only a plain "not found" does.

use std::error::Error as StdError;
use std::io;

use object_store::Error;

use crate::blob::BlobError;

/// Of an engine's answer that is no document, what is repeated: enough for a sentence.
const LONGEST: usize = 300;

/// Codes by which engines say that there is no such bucket. With them everything in it is "not found".
const NO_BUCKET: [&str; 3] = ["NoSuchBucket", "ContainerNotFound", "specified bucket does not exist"];

/// The error that the rest of the server knows.
pub(super) fn blob_error(doing: &str, error: &Error) -> BlobError {
    if is_full(error) {
        return BlobError::NoSpace;
    }
    match error {
        Error::NotFound { .. } if !says(error, &NO_BUCKET) => BlobError::NotFound(doing.to_owned()),
        error => BlobError::Unavailable { doing: doing.to_owned(), why: why(error) },
    }
}

/// Whether nothing was there.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && !says(error, &NO_BUCKET)
}

/// Whether the bucket is what is missing.
pub(super) fn lacks_bucket(error: &Error) -> bool {
    says(error, &NO_BUCKET)
}

/// Whether the engine knows the server and doesn't let it, or doesn't know it.
pub(super) fn is_refused(error: &Error) -> bool {
    matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. })
}

/// The error in a line: of an XML document only its code and message.
pub(super) fn why(error: &Error) -> String {
    let text = error.to_string();
    let (before, document) = text.find('<').map_or((text.as_str(), ""), |at| text.split_at(at));
    let mut line: String = before.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(at);
    }
    for name in ["Code", "Message"] {
        if let Some(said) = element(document, name) {
            line.push(' ');
            line.extend(said.chars().take(LONGEST));
        }
    }
    line
}

fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0.trim())
}

fn says(error: &Error, words: &[&str]) -> bool {
    let text = error.to_string();
    words.iter().any(|word| text.contains(word))
}

/// Whether a disk is full: of this machine, or as S3's like say it.
fn is_full(error: &Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        cause = error.source();
    }
    says(error, &["XMinioStorageFull", "507 Insufficient Storage"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_found(words: &str) -> Error {
        Error::NotFound { path: "a".to_owned(), source: words.to_owned().into() }
    }

    #[test]
    fn a_picture_is_missing_only_where_its_bucket_is_not() {
        assert!(matches!(
            blob_error("reading", &not_found("<Code>NoSuchKey</Code>")),
            BlobError::NotFound(_)
        ));
        for words in ["<Code>NoSuchBucket</Code>", "<Code>ContainerNotFound</Code>"] {
            assert!(matches!(blob_error("reading", &not_found(words)), BlobError::Unavailable { .. }));
        }
    }

    #[test]
    fn a_full_disk_is_known_however_deep_it_is_said() {
        let source = Box::new(io::Error::from(io::ErrorKind::StorageFull));
        assert!(matches!(
            blob_error("writing", &Error::Generic { store: "disk", source }),
            BlobError::NoSpace
        ));
    }

    #[test]
    fn of_a_document_the_code_and_the_message_are_repeated() {
        let document = "Server returned 403: <?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code>\
             <Message>The signature is wrong.</Message><StringToSign>much</StringToSign></Error>";
        let error = Error::Generic { store: "S3", source: document.to_owned().into() };
        assert_eq!(
            why(&error),
            "Generic S3 error: Server returned 403: SignatureDoesNotMatch The signature is wrong."
        );
    }
}
