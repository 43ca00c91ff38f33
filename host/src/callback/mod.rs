//! Telling somebody that a task has ended: one signed POST, and when to try it again.
//!
//! Follows Standard Webhooks 1.0.0 (standardwebhooks.com). Knows nothing of tasks: what is sent, and
//! keeping what is still to be sent, is the business of whoever calls [`Sender::send`].
//!
//! | what | file |
//! |---|---|
//! | the signature | `signature.rs` |
//! | how an operator writes where callbacks may go | `host_rule.rs` |
//! | which addresses are nobody's business | `address.rs` |
//! | whether a URL may be called | `guard.rs` |
//! | a connection to an address that was checked | `connect.rs` |
//! | one delivery | `sender.rs` |
//! | when the next one is | `schedule.rs` |

mod address;
mod connect;
mod guard;
mod host_rule;
mod schedule;
mod sender;
mod signature;

pub(crate) use self::connect::Stream;
pub use self::connect::{Resolve, RootsError, SystemResolver, Tls};
pub use self::guard::{CallbackUrl, Guard, GuardError};
pub use self::host_rule::HostRule;
pub use self::schedule::{GIVE_UP_AFTER, next_attempt};
pub use self::sender::{Delivery, DeliveryError, Outcome, Sender, SenderError};
pub use self::signature::{SecretError, Signer, VerifyError};
