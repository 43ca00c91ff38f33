//! Tasks: what they are, how they are kept, queued and run. Knows plugins by their public face, and
//! nothing of HTTP.

pub mod description;
mod estimate;
mod failure;
mod id;
mod plan;
mod record;
mod service;
mod store;
mod worker;

pub use self::failure::{Failure, FailureCode};
pub use self::id::{IdSource, TaskId};
pub use self::plan::{Plan, PlanError, Stage};
pub use self::record::{Attachment, BlobInfo, DescriptionAt, IllegalTransition, Outcome, Record, State};
pub use self::service::{Parts, Refusal, Status, Submission, SubmitError, Tasks};
pub use self::store::{NewTask, Recovered, StoreError, TaskStore};
pub use self::worker::{WorkerOptions, Workers};
