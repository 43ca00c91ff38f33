//! A command's end of the socket.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::{Reply, Request, reachable};

/// Why a running server did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It is about to start or to stop, or runs as somebody else.
    #[error(
        "the process that has the data folder cannot be reached ({0}): if it is starting or stopping, try again; \
         if it runs as another user, run this command as that user"
    )]
    Unreachable(#[source] io::Error),
    /// It went away.
    #[error("the server hung up ({0}): start it again, or run this command while it is stopped")]
    Broken(#[source] io::Error),
    /// It said no.
    #[error("the server says: {0}")]
    Failed(String),
}

/// A connection to a running server.
pub struct Connection {
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
}

impl Connection {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// [`ControlError::Unreachable`].
    pub async fn open(path: &Path) -> Result<Self, ControlError> {
        let (short, _folder) = reachable(path).map_err(ControlError::Unreachable)?;
        let (from, to) = UnixStream::connect(short).await.map_err(ControlError::Unreachable)?.into_split();
        Ok(Self { from: BufReader::new(from), to })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`ControlError::Broken`], [`ControlError::Failed`].
    pub async fn ask(&mut self, request: &Request) -> Result<Reply, ControlError> {
        let ended = || ControlError::Broken(io::ErrorKind::UnexpectedEof.into());
        let mut line = serde_json::to_vec(request).map_err(|error| ControlError::Broken(error.into()))?;
        line.push(b'\n');
        self.to.write_all(&line).await.map_err(ControlError::Broken)?;
        let mut answer = String::new();
        if self.from.read_line(&mut answer).await.map_err(ControlError::Broken)? == 0 {
            return Err(ended());
        }
        match serde_json::from_str(&answer) {
            Ok(Reply::Failed(words)) => Err(ControlError::Failed(words)),
            Ok(reply) => Ok(reply),
            Err(error) => Err(ControlError::Broken(error.into())),
        }
    }
}
