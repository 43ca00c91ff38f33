//! A disk that is rebuilt from a journal, as it would be found after the power was cut at any moment.
//! Knows nothing of servers or tasks.

mod disk;
mod random;

pub use disk::{Cut, Disk, Tree, materialise};
pub use random::Random;
