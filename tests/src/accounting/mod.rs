//! Clients of servers that may die at any moment, who note every word that they get, and the account at the
//! end: every 202 against what the server says then, what its log says, and what is on the disk.

mod audit;
mod chance;
mod ledger;
mod lives;
mod recipe;
mod submitter;
mod wire;

pub use audit::{Audit, Rules};
pub use chance::Chance;
pub use ledger::{Entry, Ledger};
pub use lives::{Lives, Seen};
pub use recipe::Recipe;
pub use submitter::{StopOnDrop, Submitter};
