//! The server's end of the socket.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{Reply, Request, reachable};
use crate::plugin::Listing;
use crate::task::{Refusal, Tasks};

/// Longest request; the longest that there is has some 100 bytes.
const LONGEST: u64 = 4 << 10;
/// Most entries of one answer: some MiB.
const MOST: usize = 5_000;
/// Pause after a connection could not be accepted, as when file descriptors are used up.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens. It is removed with the value.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens at `path`, in place of what an earlier process left there.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let unfinished = path.with_extension("new");
        for path in [path, &unfinished] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let (short, _folder) = reachable(&unfinished)?;
        let listener = UnixListener::bind(short)?;
        // Nobody else may connect, not even in the moment before this.
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o600))?;
        fs::rename(&unfinished, path)?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers for as long as the server runs.
    pub async fn serve(self, tasks: Arc<Tasks>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let tasks = Arc::clone(&tasks);
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, &tasks).await {
                            tracing::debug!(%error, "a control connection broke");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a control connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // What remains is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, tasks: &Tasks) -> io::Result<()> {
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from);
    loop {
        let mut line = String::new();
        if (&mut from).take(LONGEST).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let reply = match serde_json::from_str(&line) {
            Ok(request) => answer(request, tasks).await,
            Err(error) => Reply::Failed(format!(
                "the server does not understand this command ({error}): use a tintype of its version"
            )),
        };
        let mut line = serde_json::to_vec(&reply)?;
        line.push(b'\n');
        to.write_all(&line).await?;
    }
}

async fn answer(request: Request, tasks: &Tasks) -> Reply {
    let answered = match request {
        Request::Export { after, limit } => tasks.export(after, limit.min(MOST)).await.map(Reply::Entries),
        Request::Knows(id) => tasks.knows(id).await.map(Reply::Knows),
        Request::Ready => return ready(tasks),
        Request::Plugins => Ok(Reply::Plugins(Listing::of(&tasks.registry()))),
    };
    answered.unwrap_or_else(|error| Reply::Failed(error.to_string()))
}

/// As `/health/ready`: a full queue is work, and no fault.
fn ready(tasks: &Tasks) -> Reply {
    match tasks.admit() {
        Ok(()) | Err(Refusal::QueueFull(_)) => Reply::Ready,
        Err(refusal) => Reply::Failed(refusal.to_string()),
    }
}
