//! A task as it is kept, and the only ways in which it changes.
//!
//! `Queued → Running → Finished`, with `Running → Queued` when a worker gives a task back or the
//! server died. Nothing leaves `Finished`. Whoever ends a run names its attempt, so that a worker
//! whose lease has passed on cannot overwrite what its successor did (fencing).

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::description::Description;
use super::failure::{Failure, FailureCode};
use super::turns::Client;
use crate::blob::{BlobKey, Expected, Part};
use crate::digest::Digest;
use crate::id::TaskId;
use crate::trace::TraceContext;

/// The detail of a cancelled task.
pub(super) const CANCELLED: &str = "Cancelled by the client.";

/// What is known of bytes in the blob store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobInfo {
    /// For an input what the client said, for a result what the plugin said.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// Of the bytes.
    pub digest: Digest,
}

impl BlobInfo {
    /// What the blob store shall find.
    #[must_use]
    pub fn expected(&self) -> Expected {
        Expected { size: self.size, digest: self.digest }
    }
}

/// A picture that came beside the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The Content-ID under which the description speaks of it.
    pub cid: String,
    /// Its bytes.
    pub blob: BlobInfo,
}

/// What only a worker needs to know of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// What to do.
    pub description: Description,
    /// With what, beside the image.
    pub attachments: Vec<Attachment>,
}

/// Where a task's end is announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Checked against what the operator allows.
    pub url: String,
    /// What the URIs in the announcement begin with: how the client reached the server.
    pub public_url: String,
}

/// Where [`Details`] are kept: long ones would make a record too large for one page of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DetailsAt {
    /// Here, as JSON.
    Inline(String),
    /// In the blob store, as JSON.
    Blob(BlobInfo),
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub id: TaskId,
    /// Place in the order of acceptance, for estimating how many are before it.
    pub ticket: u64,
    /// When it was accepted.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub submitted: Timestamp,
    /// The names of its operations, in their order.
    pub operations: Vec<String>,
    /// What to do, and with what.
    pub details: DetailsAt,
    /// The image.
    pub input: BlobInfo,
    /// How many further pictures there are.
    pub attachments: u32,
    /// Whose it is: the id of an API key, or nobody's.
    pub owner: Option<String>,
    /// From where a task that is nobody's was sent: turns are fair between addresses then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Who wants to be told of its end.
    pub callback: Option<Callback>,
    /// By whose digest the same request would be recognised.
    pub idempotency_key: Option<Digest>,
    /// The trace that it belongs to, by the span of the request that submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// How often it was begun; the number of the attempt that runs or ran last.
    pub attempts: u32,
    /// How often the server died while running it.
    pub crashes: u32,
    /// Where it stands.
    pub state: State,
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Waiting.
    Queued,
    /// A worker has it.
    Running,
    /// Over.
    Finished {
        /// When.
        #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
        completed: Timestamp,
        /// How.
        outcome: Outcome,
    },
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// With these results, at least one, kept under the number of the attempt that made them.
    Ok(Vec<BlobInfo>),
    /// Without.
    Failed(Failure),
}

impl Outcome {
    /// Of a task that its client wants no more.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::Failed(Failure::new(FailureCode::Cancelled, CANCELLED))
    }

    /// Of a task during which the server died so often.
    #[must_use]
    pub fn interrupted(crashes: u32) -> Self {
        let detail = format!("The server was interrupted {crashes} times while running this task.");
        Self::Failed(Failure::new(FailureCode::Interrupted, &detail))
    }
}

/// A change that a task's state doesn't allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalTransition {
    /// Only a queued task can be claimed.
    #[error("the task is not queued")]
    NotQueued,
    /// The attempt is not the one that runs: the task has passed on, or is over.
    #[error("attempt {0} no longer holds the task")]
    Fenced(u32),
    /// Only a task that is not over can be cancelled.
    #[error("the task is over")]
    Over,
}

impl Record {
    /// In whose line it waits.
    #[must_use]
    pub fn client(&self) -> Client {
        match (&self.owner, self.address) {
            (Some(key), _) => Client::Key(key.as_str().into()),
            (None, Some(address)) => Client::Address(address),
            (None, None) => Client::Unknown,
        }
    }

    /// `Queued → Running`; gives the number of the attempt.
    ///
    /// # Errors
    /// The task is running or finished.
    pub fn claim(&mut self) -> Result<u32, IllegalTransition> {
        match self.state {
            State::Queued => {
                self.attempts = self.attempts.saturating_add(1);
                self.state = State::Running;
                Ok(self.attempts)
            }
            State::Running | State::Finished { .. } => Err(IllegalTransition::NotQueued),
        }
    }

    /// `Running → Queued`, because the worker gives the task back unharmed.
    ///
    /// # Errors
    /// `attempt` doesn't hold the task.
    pub fn release(&mut self, attempt: u32) -> Result<(), IllegalTransition> {
        self.check_holder(attempt)?;
        self.state = State::Queued;
        Ok(())
    }

    /// `Running → Finished`.
    ///
    /// # Errors
    /// `attempt` doesn't hold the task.
    pub fn finish(
        &mut self,
        attempt: u32,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), IllegalTransition> {
        self.check_holder(attempt)?;
        self.end(now, outcome);
        Ok(())
    }

    /// `Queued → Finished` or `Running → Finished`, because the client wants it no more. Whoever runs
    /// it is fenced off.
    ///
    /// # Errors
    /// The task is over.
    pub fn cancel(&mut self, now: Timestamp) -> Result<(), IllegalTransition> {
        match self.state {
            State::Queued | State::Running => {
                self.end(now, Outcome::cancelled());
                Ok(())
            }
            State::Finished { .. } => Err(IllegalTransition::Over),
        }
    }

    /// `Running → Queued` because the server died while running it, or `Running → Finished` when
    /// that has happened `max_attempts` times.
    ///
    /// # Errors
    /// `attempt` doesn't hold the task.
    pub fn interrupt(
        &mut self,
        attempt: u32,
        max_attempts: u32,
        now: Timestamp,
    ) -> Result<(), IllegalTransition> {
        self.check_holder(attempt)?;
        self.crashes = self.crashes.saturating_add(1);
        if self.crashes >= max_attempts {
            self.end(now, Outcome::interrupted(self.crashes));
        } else {
            self.state = State::Queued;
        }
        Ok(())
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Finished { .. })
    }

    /// The names under which its bytes are kept.
    #[must_use]
    pub fn blobs(&self) -> Vec<BlobKey> {
        let results = match &self.state {
            State::Finished { outcome: Outcome::Ok(results), .. } => {
                u32::try_from(results.len()).unwrap_or(u32::MAX)
            }
            _ => 0,
        };
        let parts = std::iter::once(Part::Input)
            .chain(matches!(self.details, DetailsAt::Blob(_)).then_some(Part::Details))
            .chain((1..=self.attachments).map(Part::Attachment))
            .chain((1..=results).map(|number| Part::Result { attempt: self.attempts, number }));
        parts.map(|part| BlobKey { task: self.id, part }).collect()
    }

    /// Whether it may have taken the server down, so that it should next run alone.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.crashes > 0
    }

    /// A clock that was set back must not make a task end before it began.
    fn end(&mut self, now: Timestamp, outcome: Outcome) {
        self.state = State::Finished { completed: now.max(self.submitted), outcome };
    }

    fn check_holder(&self, attempt: u32) -> Result<(), IllegalTransition> {
        match self.state {
            State::Running if self.attempts == attempt => Ok(()),
            _ => Err(IllegalTransition::Fenced(attempt)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::task::IdSource;

    pub(crate) fn queued() -> Record {
        Record {
            id: IdSource::after(None).next(),
            ticket: 1,
            submitted: Timestamp::UNIX_EPOCH,
            operations: vec!["resize".to_owned()],
            details: DetailsAt::Inline("{}".to_owned()),
            input: BlobInfo { media_type: "image/png".to_owned(), size: 3, digest: Digest::of(b"png") },
            attachments: 0,
            owner: None,
            address: None,
            callback: None,
            idempotency_key: None,
            trace: None,
            attempts: 0,
            crashes: 0,
            state: State::Queued,
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Change {
        Claim,
        Release(u32),
        Finish(u32),
        Interrupt(u32),
        Cancel,
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            Just(Change::Claim),
            (0..6_u32).prop_map(Change::Release),
            (0..6_u32).prop_map(Change::Finish),
            (0..6_u32).prop_map(Change::Interrupt),
            Just(Change::Cancel),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_tried_the_states_keep_their_rules(changes in prop::collection::vec(change(), 0..40)) {
            let mut record = queued();
            for change in changes {
                let before = record.clone();
                let legal = match change {
                    Change::Claim => record.claim().is_ok(),
                    Change::Release(attempt) => record.release(attempt).is_ok(),
                    Change::Finish(attempt) => record.finish(attempt, Outcome::Ok(vec![]), Timestamp::UNIX_EPOCH).is_ok(),
                    Change::Interrupt(attempt) => record.interrupt(attempt, 2, Timestamp::UNIX_EPOCH).is_ok(),
                    Change::Cancel => record.cancel(Timestamp::UNIX_EPOCH).is_ok(),
                };
                if !legal {
                    prop_assert_eq!(&record, &before, "a refused change changes nothing");
                }
                match before.state {
                    State::Finished { .. } => prop_assert!(!legal, "nothing leaves Finished"),
                    State::Queued => prop_assert_eq!(legal, matches!(change, Change::Claim | Change::Cancel)),
                    State::Running => {
                        let holder = before.attempts;
                        let held = match change {
                            Change::Claim => false,
                            Change::Cancel => true,
                            Change::Release(by) | Change::Finish(by) | Change::Interrupt(by) => by == holder,
                        };
                        prop_assert_eq!(legal, held, "only the attempt that runs may end it");
                    }
                }
                prop_assert!(record.attempts >= before.attempts);
                prop_assert!(record.crashes <= 2);
            }
        }
    }

    #[test]
    fn a_record_without_a_trace_is_as_it_was_before_there_were_any_and_one_with_a_trace_keeps_it() {
        let record = queued();
        let bytes = rmp_serde::to_vec_named(&record).unwrap();
        let has_the_word = |bytes: &[u8]| bytes.windows(5).any(|word| word == b"trace");
        assert!(!has_the_word(&bytes), "an older server finds nothing new");
        assert_eq!(rmp_serde::from_slice::<Record>(&bytes).unwrap(), record);

        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let traced = Record { trace: TraceContext::parse(header), ..record };
        let bytes = rmp_serde::to_vec_named(&traced).unwrap();
        assert!(has_the_word(&bytes));
        assert_eq!(rmp_serde::from_slice::<Record>(&bytes).unwrap(), traced);
    }

    #[test]
    fn the_second_crash_ends_a_task_as_interrupted() {
        let mut record = queued();
        let first = record.claim().unwrap();
        record.interrupt(first, 2, Timestamp::UNIX_EPOCH).unwrap();
        assert!(record.state == State::Queued && record.is_suspect());
        let second = record.claim().unwrap();
        record.interrupt(second, 2, Timestamp::UNIX_EPOCH).unwrap();
        let State::Finished { outcome: Outcome::Failed(failure), .. } = &record.state else {
            panic!("{record:?}")
        };
        assert_eq!(failure.code, FailureCode::Interrupted);
        assert!(failure.detail.contains("2 times"));
    }

    #[test]
    fn giving_a_task_back_is_no_crash() {
        let mut record = queued();
        let attempt = record.claim().unwrap();
        record.release(attempt).unwrap();
        assert_eq!((record.crashes, record.attempts), (0, 1));
        assert_eq!(
            record.finish(attempt, Outcome::Ok(vec![]), Timestamp::UNIX_EPOCH),
            Err(IllegalTransition::Fenced(attempt))
        );
    }
}
