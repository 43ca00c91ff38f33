//! The client: the other end of the wire, as the commands `submit`, `task` and `plugins` use it. Knows
//! the protocol and nothing of the server's inside.
//!
//! | question | file |
//! |---|---|
//! | which server | `address.rs` |
//! | with which key | `key.rs` |
//! | a connection to it | `connect.rs` |
//! | one request and its answer | `api.rs`, `answer.rs` |
//! | what went wrong, and with which exit code | `error.rs` |
//! | what is to be done, in XML | `description.rs` |
//! | which files are meant | `inputs.rs` |
//! | the message with description and pictures | `message.rs` |
//! | sending it until it is accepted | `submitting.rs` |
//! | trying again | `persistence.rs` |
//! | Ctrl-C and the time limit | `halt.rs` |
//! | waiting for the end of a task | `waiting.rs`, `events.rs` |
//! | what a task's status says | `status.rs` |
//! | what a result's file is called | `naming.rs` |
//! | getting results, and putting them there | `fetching.rs`, `placing.rs` |
//! | one picture from file to result | `course.rs` |
//! | many of them | `batch.rs` |
//! | what is shown meanwhile | `progress.rs` |
//! | what is said at the end | `report.rs` |

mod address;
mod answer;
mod api;
pub mod batch;
mod connect;
mod course;
mod description;
mod error;
mod events;
mod fetching;
mod halt;
mod inputs;
mod key;
mod message;
mod naming;
mod persistence;
mod placing;
mod progress;
mod report;
mod status;
mod submitting;
mod waiting;

pub use self::address::ServerAddress;
pub use self::api::Api;
pub use self::course::{Course, Wanted};
pub use self::description::{Description, Step, Steps};
pub use self::error::{ClientError, Refusal, exit};
pub use self::fetching::{Fetched, fetch};
pub use self::halt::Halt;
pub use self::inputs::{Input, Source, expand};
pub use self::key::from_surroundings as key;
pub use self::message::{Attachment, Picture};
pub use self::naming::Target;
pub use self::placing::Placing;
pub use self::progress::{Display, Line};
pub use self::report::{Outcome, Report};
pub use self::status::Status;
pub use self::waiting::wait;
