//! Commands on this machine to a running server: a Unix socket in its data folder that only its own
//! user can open. There is no administration over HTTP.
//!
//! A request is one line of JSON, its answer another one; a connection takes any number of them.

mod client;
mod server;

use serde::{Deserialize, Serialize};

pub use self::client::{Connection, ControlError};
pub use self::server::Control;
use crate::id::TaskId;
use crate::plugin::Listing;
use crate::task::Entry;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// The next tasks in the order of their ids.
    Export {
        /// The last id of the page before.
        after: Option<TaskId>,
        /// Most entries.
        limit: usize,
    },
    /// Whether a task is still there.
    Knows(TaskId),
    /// Which plugins there are.
    Plugins,
    /// Whether a task would be taken now.
    Ready,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Request::Export`]; empty when there are no more.
    Entries(Vec<Entry>),
    /// To [`Request::Knows`].
    Knows(bool),
    /// To [`Request::Plugins`].
    Plugins(Listing),
    /// To [`Request::Ready`]: it would. Otherwise the answer is [`Reply::Failed`].
    Ready,
    /// It cannot be answered, and why.
    Failed(String),
}

/// A socket's path has at most 107 bytes (unix(7)), a folder's may have 4,095: a long one is reached by a
/// handle to its folder.
fn reachable(path: &std::path::Path) -> std::io::Result<(std::path::PathBuf, Option<std::fs::File>)> {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::ffi::OsStrExt as _;
    const LONGEST: usize = 107;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok((path.to_owned(), None));
    };
    if path.as_os_str().as_bytes().len() <= LONGEST || folder.as_os_str().is_empty() {
        return Ok((path.to_owned(), None));
    }
    let handle = std::fs::File::open(folder)?;
    let short = std::path::Path::new("/proc/self/fd").join(handle.as_raw_fd().to_string()).join(name);
    Ok((short, Some(handle)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_socket_is_reached_however_long_the_path_of_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a".repeat(120)).join("b".repeat(120));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("control");
        let (short, handle) = reachable(&path).unwrap();
        assert!(handle.is_some());
        let listener = tokio::net::UnixListener::bind(&short).unwrap();
        let (again, _handle) = reachable(&path).unwrap();
        let (connected, accepted) = tokio::join!(tokio::net::UnixStream::connect(&again), listener.accept());
        connected.unwrap();
        accepted.unwrap();
    }
}
