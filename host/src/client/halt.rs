//! What ends a wait before its time: Ctrl-C, or `--timeout`. Either leaves a task with the server.
//!
//! The first Ctrl-C lets an upload finish, because only then is it known what to ask for later; a second
//! one ends the program at once.

use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::error::{ClientError, exit};

/// What ends a wait before its time.
#[derive(Clone, Debug)]
pub struct Halt {
    interrupted: watch::Receiver<bool>,
    deadline: Option<Instant>,
}

impl Halt {
    /// One that listens to Ctrl-C from now on.
    #[must_use]
    pub fn on_interrupt() -> Self {
        let (interrupt, interrupted) = watch::channel(false);
        // Before anything else begins: until then Ctrl-C ends the program as if by a signal.
        let signals = signal(SignalKind::interrupt());
        tokio::spawn(async move {
            let Ok(mut signals) = signals else {
                // Then it ends the program, as it does by default; nobody hears of it.
                return std::future::pending().await;
            };
            signals.recv().await;
            interrupt.send_replace(true);
            signals.recv().await;
            std::process::exit(exit::INTERRUPTED.into());
        });
        Self { interrupted, deadline: None }
    }

    /// The same, and when so much time has passed.
    #[must_use]
    pub fn within(&self, limit: Option<Duration>) -> Self {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        Self { interrupted: self.interrupted.clone(), deadline }
    }

    /// Whether Ctrl-C was pressed.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        *self.interrupted.borrow()
    }

    /// Does `work` unless Ctrl-C is pressed or the time is up.
    ///
    /// # Errors
    /// Either, or the work's own.
    pub async fn unless<T>(
        &self,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let mut interrupted = self.interrupted.clone();
        let interrupted = async {
            if interrupted.wait_for(|interrupted| *interrupted).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            done = self.in_time(work) => done,
            () = interrupted => Err(ClientError::Interrupted),
        }
    }

    /// Does `work` unless the time is up.
    ///
    /// # Errors
    /// It is, or the work's own.
    pub async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let work = pin!(work);
        match self.deadline {
            Some(deadline) => {
                tokio::time::timeout_at(deadline, work).await.unwrap_or(Err(ClientError::TimedOut))
            }
            None => work.await,
        }
    }

    pub(super) async fn sleep(&self, time: Duration) -> Result<(), ClientError> {
        self.unless(async {
            tokio::time::sleep(time).await;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn halt() -> (watch::Sender<bool>, Halt) {
        let (interrupt, interrupted) = watch::channel(false);
        (interrupt, Halt { interrupted, deadline: None })
    }

    #[tokio::test]
    async fn an_interrupt_ends_a_wait_and_not_an_upload() {
        let (interrupt, halt) = halt();
        interrupt.send_replace(true);
        assert!(halt.is_interrupted());
        let waited = halt.unless(std::future::pending::<Result<(), _>>()).await;
        assert!(matches!(waited, Err(ClientError::Interrupted)));
        assert_eq!(halt.in_time(async { Ok(1) }).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_time_limit_ends_both() {
        let (_interrupt, halt) = halt();
        let halt = halt.within(Some(Duration::from_millis(1)));
        for ended in [
            halt.unless(std::future::pending::<Result<(), _>>()).await,
            halt.in_time(std::future::pending()).await,
            halt.sleep(Duration::from_secs(3600)).await,
        ] {
            assert!(matches!(ended, Err(ClientError::TimedOut)));
        }
    }
}
