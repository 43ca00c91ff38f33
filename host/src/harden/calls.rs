//! Seccomp: system calls that a server never makes are refused with `EPERM`, to every thread.
//!
//! A list of what is denied, not of what is allowed: the C library chooses other calls with every release
//! and machine, and a server that dies of an update of its system is no safer. What is here are the calls
//! by which a process becomes another program, looks into others, or changes the machine; and those whose
//! code in the kernel is large and none of a server's business.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Denied on every machine.
const DENIED: &[libc::c_long] = &[
    // Becoming another program.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Looking into other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Another view of the files.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    // Another view of everything else.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_personality,
    // Being somebody else.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    // Large parts of the kernel that a server does without. tokio has no io_uring unless it is built so.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_fanotify_init,
    // The machine itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
];

/// Denied where the machine has them.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[libc::c_long] =
    &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_uselib];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[libc::c_long] = &[];

/// The kinds of sockets that a server opens: this machine's, the two internets', and the one by which the
/// C library asks for this machine's own addresses.
const SOCKETS: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// A process in a view of its own has rights there that it has nowhere else.
const OWN_VIEWS: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Programs of the x32 kind make their calls on x86-64, by the same numbers and this bit; a few have
/// numbers of their own, from [`X32_OWN`] on.
#[cfg(target_arch = "x86_64")]
const X32: libc::c_long = 0x4000_0000;
#[cfg(target_arch = "x86_64")]
const X32_OWN: std::ops::Range<libc::c_long> = 512..548;

/// Denies them to this process.
pub(super) fn deny() -> Result<(), seccompiler::Error> {
    for program in programs()? {
        seccompiler::apply_filter_all_threads(&program)?;
    }
    Ok(())
}

fn programs() -> Result<[BpfProgram; 2], BackendError> {
    let denied = filter(rules()?, libc::EPERM)?;
    // What it asks for is not in its arguments but in memory, where no filter looks. The C library takes it
    // for an old kernel, and clones as before.
    let unknown = filter(BTreeMap::from([(libc::SYS_clone3, vec![])]), libc::ENOSYS)?;
    Ok([denied, unknown])
}

fn filter(rules: BTreeMap<i64, Vec<SeccompRule>>, error: libc::c_int) -> Result<BpfProgram, BackendError> {
    let machine = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(error.unsigned_abs()), machine)?
        .try_into()
}

/// The calls that are denied, each with those of its arguments for which it is; with none, always.
fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        DENIED.iter().chain(DENIED_HERE).map(|call| (*call, vec![])).collect();
    let other = SOCKETS.map(|family| first_argument(SeccompCmpOp::Ne, family));
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(other.into_iter().collect::<Result<_, _>>()?)?]);
    let view = |flag: libc::c_int| {
        let mask = u64::from(flag.unsigned_abs());
        SeccompRule::new(vec![first_argument(SeccompCmpOp::MaskedEq(mask), flag)?])
    };
    rules.insert(libc::SYS_clone, OWN_VIEWS.into_iter().map(view).collect::<Result<_, _>>()?);
    #[cfg(target_arch = "x86_64")]
    {
        let again: Vec<_> = rules.iter().map(|(call, when)| (call | X32, when.clone())).collect();
        rules.extend(again);
        rules.extend(X32_OWN.map(|call| (call | X32, vec![])));
    }
    Ok(rules)
}

fn first_argument(is: SeccompCmpOp, value: libc::c_int) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(0, SeccompCmpArgLen::Dword, is, u64::from(value.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::Command;

    use super::*;

    #[test]
    fn no_other_program_is_started_and_threads_and_sockets_go_on() {
        let tried = std::thread::spawn(|| {
            for program in programs().unwrap() {
                // Of this thread alone: the other tests need theirs.
                seccompiler::apply_filter(&program).unwrap();
            }
            std::thread::spawn(|| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).join().unwrap();
            let other =
                rustix::net::socket(rustix::net::AddressFamily::VSOCK, rustix::net::SocketType::STREAM, None);
            (Command::new("true").status().map_err(|error| error.kind()), other.unwrap_err())
        });
        let (program, socket) = tried.join().unwrap();
        assert_eq!(program.unwrap_err(), std::io::ErrorKind::PermissionDenied);
        assert_eq!(socket, rustix::io::Errno::PERM);
    }

    #[test]
    fn a_call_of_another_kind_of_program_is_denied_as_its_twin_is() {
        let rules = rules().unwrap();
        #[cfg(target_arch = "x86_64")]
        assert!([libc::SYS_ptrace | X32, 520 | X32].iter().all(|call| rules.contains_key(call)));
        assert!(!rules.contains_key(&libc::SYS_openat));
    }
}
