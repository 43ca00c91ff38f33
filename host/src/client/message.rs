//! The message that is posted: `multipart/related` (RFC 2387) of the description, the picture, and what
//! comes along. Files are read while they are sent, so that a large picture takes no memory.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, Take};

use super::description::Description;
use super::error::ClientError;
use crate::media_type::file_names::of_file_name;

/// Bytes that are read from a file at once.
const PIECE: usize = 64 << 10;

/// A request's body.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A picture on its way to the server.
#[derive(Clone, Debug)]
pub struct Picture {
    bytes: Source,
    media_type: String,
}

#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    /// What can be read only once.
    Memory(Bytes),
}

/// A further picture, by the name under which parameters speak of it.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Its Content-ID.
    pub cid: String,
    /// Itself.
    pub picture: Picture,
}

impl Picture {
    /// The picture in a file. The media type, where it isn't given, goes by the file's name; it is a
    /// hint, and the server looks for itself.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of_file(path: &Path, media_type: Option<&str>) -> Result<Self, ClientError> {
        let failed = |source| ClientError::file(path.display(), "cannot be read", source);
        let about = std::fs::metadata(path).map_err(failed)?;
        if about.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let bytes = if about.is_file() {
            // Now, and not in the middle of a message.
            std::fs::File::open(path).map_err(failed)?;
            Source::File(path.to_owned())
        } else {
            Source::Memory(std::fs::read(path).map_err(failed)?.into())
        };
        let media_type = media_type.unwrap_or_else(|| of_file_name(&path.to_string_lossy())).to_owned();
        Ok(Self { bytes, media_type })
    }

    /// The picture on standard input.
    ///
    /// # Errors
    /// It cannot be read, or is empty.
    pub fn of_standard_input(media_type: Option<&str>) -> Result<Self, ClientError> {
        let mut bytes = vec![];
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|source| ClientError::file("standard input", "cannot be read", source))?;
        if bytes.is_empty() {
            return Err(ClientError::Misuse("there is no picture on standard input: it is empty".to_owned()));
        }
        let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
        Ok(Self { bytes: Source::Memory(bytes.into()), media_type })
    }
}

/// Everything that is posted for one picture.
pub(super) struct Message<'a> {
    pub(super) description: &'a Description,
    pub(super) picture: &'a Picture,
    pub(super) attachments: &'a [Attachment],
}

/// A message that is ready to be sent, once.
pub(super) struct Opened {
    pub(super) content_type: String,
    pub(super) length: u64,
    pub(super) body: Body,
}

enum Piece {
    Bytes(Bytes),
    File(Take<File>),
}

impl Message<'_> {
    /// Opens the files.
    ///
    /// # Errors
    /// One cannot be opened.
    pub(super) async fn open(&self) -> Result<Opened, ClientError> {
        // Nobody who made a picture knows it: it is new for every attempt.
        let boundary = uuid::Uuid::new_v4().simple().to_string();
        let head = |media_type: &str, more: &str| {
            Piece::Bytes(format!("--{boundary}\r\nContent-Type: {media_type}\r\n{more}\r\n").into())
        };
        let end_of_part = || Piece::Bytes(Bytes::from_static(b"\r\n"));
        let mut pieces = vec![
            head(self.description.media_type, ""),
            Piece::Bytes(self.description.text.clone()),
            end_of_part(),
            head(&self.picture.media_type, ""),
        ];
        let mut length = 0;
        length += push(&mut pieces, self.picture).await?;
        pieces.push(end_of_part());
        for Attachment { cid, picture } in self.attachments {
            pieces.push(head(&picture.media_type, &format!("Content-ID: <{cid}>\r\n")));
            length += push(&mut pieces, picture).await?;
            pieces.push(end_of_part());
        }
        pieces.push(Piece::Bytes(format!("--{boundary}--\r\n").into()));
        let in_memory = pieces.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::File(_) => 0,
        });
        length += in_memory.sum::<u64>();
        Ok(Opened {
            content_type: format!("multipart/related; boundary={boundary}"),
            length,
            body: BodyExt::boxed_unsync(StreamBody::new(streamed(pieces))),
        })
    }
}

/// Adds the picture's bytes, and gives how many of them are in a file.
async fn push(pieces: &mut Vec<Piece>, picture: &Picture) -> Result<u64, ClientError> {
    let path = match &picture.bytes {
        Source::Memory(bytes) => {
            pieces.push(Piece::Bytes(bytes.clone()));
            return Ok(0);
        }
        Source::File(path) => path,
    };
    let failed = |source| ClientError::file(path.display(), "cannot be read", source);
    let file = File::open(path).await.map_err(failed)?;
    let length = file.metadata().await.map_err(failed)?.len();
    // What somebody appends meanwhile is not in the length that was announced.
    pieces.push(Piece::File(file.take(length)));
    Ok(length)
}

fn streamed(pieces: Vec<Piece>) -> impl stream::Stream<Item = io::Result<Frame<Bytes>>> + Send {
    let pieces = pieces.into_iter();
    stream::try_unfold((pieces, None::<Take<File>>), |(mut pieces, mut open)| async move {
        loop {
            if let Some(mut file) = open.take() {
                let mut buffer = Vec::with_capacity(PIECE);
                (&mut file).take(PIECE as u64).read_to_end(&mut buffer).await?;
                if !buffer.is_empty() {
                    return Ok(Some((Frame::data(Bytes::from(buffer)), (pieces, Some(file)))));
                }
                if file.limit() > 0 {
                    return Err(io::Error::other("the file became shorter while it was sent"));
                }
            }
            match pieces.next() {
                Some(Piece::Bytes(bytes)) if bytes.is_empty() => {}
                Some(Piece::Bytes(bytes)) => return Ok(Some((Frame::data(bytes), (pieces, None)))),
                Some(Piece::File(file)) => open = Some(file),
                None => return Ok(None),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_message_has_every_part_and_the_length_that_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.PNG");
        let large = vec![7; 3 * PIECE + 5];
        std::fs::write(&path, &large).unwrap();
        let picture = Picture::of_file(&path, None).unwrap();
        let logo = Picture { bytes: Source::Memory("logo".into()), media_type: "image/gif".to_owned() };
        let description = Description::written(b"{}".to_vec());
        let attachments = [Attachment { cid: "l@x".to_owned(), picture: logo }];
        let message = Message { description: &description, picture: &picture, attachments: &attachments };
        let opened = message.open().await.unwrap();
        let boundary = opened.content_type.split_once("boundary=").unwrap().1.to_owned();
        let body = opened.body.collect().await.unwrap().to_bytes();
        assert_eq!(body.len() as u64, opened.length);
        let mut expected =
            format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--{boundary}\r\nContent-Type: image/png\r\n\r\n")
                .into_bytes();
        expected.extend(large);
        expected.extend(
            format!("\r\n--{boundary}\r\nContent-Type: image/gif\r\nContent-ID: <l@x>\r\n\r\nlogo\r\n--{boundary}--\r\n")
                .bytes(),
        );
        assert!(body == expected, "{}", String::from_utf8_lossy(&body[..300]));
    }

    #[test]
    fn a_folder_or_nothing_is_no_picture() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none.png")] {
            let error = Picture::of_file(&path, None).unwrap_err().to_string();
            assert!(error.contains("cannot be read"), "{error}");
        }
    }
}
