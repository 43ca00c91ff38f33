//! Whether pictures can be written just now.
//!
//! After an error nobody's upload is used to find out whether the next one would fail too: tasks are
//! refused before their body is read, none is begun, and a probe is written every second until it
//! succeeds. Unlike the task store the pictures recover by themselves: what failed was a file of its
//! own, and is gone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::service::Tasks;
use super::submit::Refusal;
use crate::blob::BlobError;

/// Time between two probes.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    trouble: Mutex<Option<Refusal>>,
    failed: Notify,
}

impl Disk {
    /// Why nothing can be written, if that is so.
    pub(super) fn trouble(&self) -> Option<Refusal> {
        self.lock().clone()
    }

    /// Notes an error.
    pub(super) fn failed(&self, error: &BlobError) -> Refusal {
        let refusal = match error {
            BlobError::NoSpace => Refusal::NoSpace,
            BlobError::NotFound(_) | BlobError::Damaged(_) | BlobError::Io { .. } => Refusal::DiskFailed,
        };
        let before = self.lock().replace(refusal.clone());
        if before.is_none() {
            tracing::error!(%error, "pictures cannot be written: no tasks are taken or begun until they can");
        }
        self.failed.notify_one();
        refusal
    }

    fn lock(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches for the end of every trouble, for as long as the server runs.
pub async fn watch_disk(tasks: Arc<Tasks>) {
    loop {
        tasks.disk.failed.notified().await;
        while tasks.disk.trouble().is_some() {
            tokio::time::sleep(PAUSE).await;
            if tasks.blobs.probe().await.is_ok() {
                *tasks.disk.lock() = None;
                tracing::info!("pictures can be written again");
                tasks.waiting.notify_one();
            }
        }
    }
}
