//! Tasks: what they are, how they are kept, queued and run. Knows plugins by their public face, and
//! nothing of HTTP.

mod at_work;
pub mod description;
mod disk;
mod estimate;
mod failure;
mod figures;
mod orphans;
mod plan;
mod presets;
mod record;
mod retention;
mod service;
mod spans;
mod store;
mod submit;
mod turns;
mod watch;
mod worker;

pub use self::disk::watch_disk;
pub use self::failure::{Failure, FailureCode};
pub use self::figures::{Figures, register};
pub use self::orphans::sweep_orphans;
pub use self::plan::{PlanError, plan};
pub use self::presets::check_presets;
pub use self::record::{
    Attachment, BlobInfo, Callback, Details, DetailsAt, IllegalTransition, Outcome, Record, State,
};
pub use self::retention::sweep;
pub use self::service::{Found, OnEnd, Parts, Removed, Status, Tasks};
pub use self::store::{
    Bound, DueCallback, Entry, Idempotency, KeptTask, Lookup, NewTask, News, Page, PendingAnnouncement,
    Query, Recovered, StateFilter, StoreError, Submitted, TaskStore,
};
pub use self::submit::{Accepted, Refusal, Submission, SubmitError, Uploading};
pub use self::turns::{Client, Turn, Turns};
pub(crate) use self::turns::{FIRST_GUESS, LANE, LONG, MOST_AT_HAND, QUICK};
pub use self::watch::Subscription;
pub use self::worker::{WorkerOptions, Workers};
pub use crate::id::{IdSource, TaskId};
