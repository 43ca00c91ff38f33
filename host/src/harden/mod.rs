//! The process confines itself before it begins to work: a fault in it, or in what it is built from, then
//! reaches its own folders and nothing else of the machine. Plugins are confined by their sandbox already;
//! this is the wall behind it.
//!
//! | question | file |
//! |---|---|
//! | which files does a server need? | `needs.rs` |
//! | how is everything else closed to it (landlock)? | `files.rs` |
//! | which system calls are none of its business (seccomp)? | `calls.rs` |
//!
//! Landlock holds for the thread that asks for it and for those that it starts. So it is asked for by the
//! only thread that there is yet, and refused where there are more.

mod calls;
mod files;
mod needs;

use std::fmt;

pub use self::files::FilesError;
use self::files::Walls;
pub use self::needs::Needs;

/// How the process is confined: as far as its kernel can.
#[derive(Debug)]
pub struct Confined {
    files: Result<Walls, FilesError>,
    calls: Result<(), seccompiler::Error>,
}

/// Confines this process to what it needs, for good. To be called while it has one thread.
#[must_use]
pub fn confine(needs: &Needs) -> Confined {
    // In this order, though either would do: both set no_new_privs, and neither needs what the other denies.
    Confined { files: files::close(needs), calls: calls::deny() }
}

/// Whether this kernel has landlock, asked without being confined.
///
/// # Errors
/// It has not, or too little of it.
pub fn is_possible() -> Result<(), FilesError> {
    files::is_possible()
}

impl Confined {
    /// Says it to the operator, in one line.
    pub fn report(&self) {
        if self.files.is_ok() && self.calls.is_ok() {
            tracing::info!("{self}");
        } else {
            tracing::warn!("{self}");
        }
    }
}

impl fmt::Display for Confined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.files, &self.calls) {
            (Ok(walls), Ok(())) => write!(f, "confined: {walls}, seccomp"),
            (Ok(walls), Err(error)) => write!(f, "confined: {walls}; without seccomp: {error}"),
            (Err(error), Ok(())) => write!(f, "confined: seccomp; without landlock: {error}"),
            (Err(files), Err(calls)) => {
                write!(f, "not confined; without landlock: {files}; without seccomp: {calls}")
            }
        }
    }
}
