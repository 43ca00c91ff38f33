//! Whether pictures can be written just now.
//!
//! After an error nobody's upload is used to find out whether the next one would fail too: tasks are
//! refused before their body is read, none is begun, and a probe is written every second until it
//! succeeds. Unlike the task store the pictures recover by themselves: what failed was a file of its
//! own, and is gone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::service::Tasks;
use super::submit::Refusal;
use crate::blob::BlobError;

/// Time until the first probe, and between two.
const PAUSE: Duration = Duration::from_secs(1);
/// The most that it grows to when a disk fails again and again: a probe can succeed where a result
/// doesn't, and each try costs a run.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A disk that worked for so many pauses has recovered.
const WELL_AGAIN: u32 = 10;

/// What is known of the disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    state: Mutex<State>,
    failed: Notify,
}

#[derive(Debug, Default)]
struct State {
    trouble: Option<Refusal>,
    /// Bytes that there was no room for.
    needed: u64,
    /// Since when all has been well, after which pause.
    recovered: Option<(Instant, Duration)>,
}

impl Disk {
    /// Why nothing can be written, if that is so.
    pub(super) fn trouble(&self) -> Option<Refusal> {
        self.lock().trouble.clone()
    }

    /// Notes an error with something of `size` bytes.
    pub(super) fn failed(&self, error: &BlobError, size: u64) -> Refusal {
        let mut state = self.lock();
        let refusal = match error {
            BlobError::NoSpace => {
                state.needed = state.needed.max(size);
                Refusal::NoSpace
            }
            BlobError::Unavailable { .. } => Refusal::BlobsUnreachable,
            BlobError::NotFound(_) | BlobError::Damaged(_) | BlobError::Io { .. } => Refusal::DiskFailed,
        };
        if state.trouble.replace(refusal.clone()).is_none() {
            tracing::error!(%error, "pictures cannot be written: no tasks are taken or begun until they can");
        }
        self.failed.notify_one();
        refusal
    }

    /// How long to wait between probes in a trouble that has just begun.
    fn pause(&self) -> Duration {
        match self.lock().recovered {
            Some((since, pause)) if since.elapsed() < pause * WELL_AGAIN => (pause * 2).min(LONGEST_PAUSE),
            _ => PAUSE,
        }
    }

    fn recover(&self, pause: Duration) {
        *self.lock() = State { trouble: None, needed: 0, recovered: Some((Instant::now(), pause)) };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches for the end of every trouble, for as long as the server runs.
pub async fn watch_disk(tasks: Arc<Tasks>) {
    loop {
        tasks.disk.failed.notified().await;
        let pause = tasks.disk.pause();
        while tasks.disk.trouble().is_some() {
            tokio::time::sleep(pause).await;
            if has_room(&tasks) && tasks.blobs.probe().await.is_ok() {
                tasks.disk.recover(pause);
                tracing::info!("pictures can be written again");
                tasks.waiting.notify_one();
            }
        }
    }
}

/// Whether there is room for what there was none for; a store that doesn't know may have it.
fn has_room(tasks: &Tasks) -> bool {
    let needed = tasks.disk.lock().needed;
    tasks.blobs.free_space().is_none_or(|free| free > needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fails_again_and_again_is_tried_less_and_less_often() {
        let disk = Disk::default();
        let mut pauses = vec![];
        for _ in 0..8 {
            disk.failed(&BlobError::NoSpace, 7);
            assert!(matches!(disk.trouble(), Some(Refusal::NoSpace)));
            let pause = disk.pause();
            pauses.push(pause.as_secs());
            disk.recover(pause);
            assert!(disk.trouble().is_none());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        disk.lock().recovered = Some((Instant::now(), Duration::ZERO));
        assert_eq!(disk.pause(), PAUSE, "it was well for long enough");
    }
}
