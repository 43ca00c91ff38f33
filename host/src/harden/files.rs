//! Landlock: what is not needed cannot be opened, made, moved or deleted, nobody outside can be sent a
//! signal, and no further port can be listened at (landlock(7)).

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, make_bitflags,
    path_beneath_rules,
};

use super::needs::Needs;

/// The newest version whose restrictions are all wanted. Of older kernels everything is taken that they
/// have; of newer ones, nothing that has not been tried here.
const WANTED: ABI = ABI::V6;

const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
/// Neither devices nor links, and nothing that can be executed.
const WRITE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | MakeSock | RemoveFile | RemoveDir | Refer
});

/// Why files are open to this process as to any other.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The kernel has none.
    #[error("this kernel has none: it needs Linux 5.19 or later, with landlock in CONFIG_LSM or lsm=")]
    None,
    /// It has too little: with version 1 nothing can be moved from one folder to another.
    #[error("this kernel's is too old: it needs Linux 5.19 or later")]
    TooOld,
    /// It would hold for some threads only.
    #[error("{0} threads run already")]
    Threads(usize),
    /// The rules cannot be made.
    #[error("{0}")]
    Ruleset(#[from] RulesetError),
    /// `/proc` isn't there, for example.
    #[error("/proc/self: {0}")]
    Process(#[from] io::Error),
}

/// What the process is confined by.
#[derive(Debug)]
pub(super) struct Walls {
    /// Of landlock.
    version: i32,
    /// The rule for this folder is the inode's, and the kernel makes another one after it forgot it.
    _process: File,
}

impl fmt::Display for Walls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "landlock ABI {}", self.version)
    }
}

/// Closes everything to this process but what it needs.
pub(super) fn close(needs: &Needs) -> Result<Walls, FilesError> {
    let process = File::open("/proc/self")?;
    let threads = fs::read_dir("/proc/self/task")?.count();
    if threads > 1 {
        return Err(FilesError::Threads(threads));
    }
    let version = restrict(needs)?;
    Ok(Walls { version, _process: process })
}

/// Restricts this thread.
fn restrict(needs: &Needs) -> Result<i32, FilesError> {
    let mut network = BitFlags::from(AccessNet::BindTcp);
    if !needs.calls_others {
        network |= AccessNet::ConnectTcp;
    }
    let status = Ruleset::default()
        // Without it nothing may be moved from one folder to another: pictures could not be kept.
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(network)?
        .scope(Scope::from_all(WANTED))?
        .create()?
        // A folder that is not there is nobody's to see; what misses it says so.
        .add_rules(path_beneath_rules(&needs.read, READ))?
        .add_rules(path_beneath_rules(&needs.write, WRITE))?
        .restrict_self()?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::Available { .. }) => Err(FilesError::TooOld),
        (RulesetStatus::NotEnforced, _) => Err(FilesError::None),
        (_, LandlockStatus::Available { effective_abi, kernel_abi }) => {
            Ok(kernel_abi.unwrap_or(effective_abi as i32))
        }
        (_, _) => Err(FilesError::None),
    }
}

/// Whether [`close`] would do anything.
pub(super) fn is_possible() -> Result<(), FilesError> {
    // A thread of its own takes the restriction with it when it ends.
    let everything = Needs { write: vec![Path::new("/").to_owned()], calls_others: true, ..Needs::default() };
    let tried = std::thread::spawn(move || restrict(&everything)).join();
    tried.map_or(Err(FilesError::None), |tried| tried.map(drop))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_not_needed_can_neither_be_read_nor_written_nor_moved() {
        if is_possible().is_err() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let [data, plugins, outside] = ["data", "plugins", "outside"].map(|name| dir.path().join(name));
        for folder in [&data, &plugins, &outside] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("file"), "words").unwrap();
        }
        fs::create_dir(data.join("deeper")).unwrap();
        let needs = Needs { write: vec![data.clone()], read: vec![plugins.clone()], calls_others: false };
        let inside = std::thread::spawn(move || {
            restrict(&needs).unwrap();
            fs::read(plugins.join("file")).unwrap();
            fs::rename(data.join("file"), data.join("deeper/moved")).unwrap();
            fs::write(data.join("new"), "words").unwrap();
            let denied = [
                fs::write(plugins.join("new"), "words"),
                fs::write(outside.join("new"), "words"),
                fs::read(outside.join("file")).map(drop),
                fs::read_dir(&outside).map(drop),
                fs::rename(data.join("new"), outside.join("new")),
                std::net::TcpListener::bind("127.0.0.1:0").map(drop),
            ];
            denied.map(|done| done.map_err(|error| error.kind()))
        });
        let denied = inside.join().unwrap();
        // Ports are of version 4, Linux 6.7.
        let [files @ .., _port] = denied;
        for (number, done) in files.into_iter().enumerate() {
            // A move across that may not be made is answered as one between two disks is.
            let kind = done.unwrap_err();
            assert!(
                matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::CrossesDevices),
                "{number}: {kind}"
            );
        }
    }
}
