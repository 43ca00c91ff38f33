//! Memory and address space: what running plugins may take, against what there is.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::Findings;
use crate::config::{ByteSize, Config, SettingValue as _};
use crate::plugin::{RunLimits, Sandbox};

/// Bytes that a server takes beside what plugins and the store's cache may: threads, connections, compiled
/// plugins.
const OWN: u64 = 100 << 20;
/// Mappings that a run may split the pool's into: for each of eight linear memories its image, what is
/// used of it, and the rest.
const MAPPINGS_A_RUN: u64 = 24;
/// Mappings of everything else: libraries, threads, compiled plugins.
const OTHER_MAPPINGS: u64 = 1_000;

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// Of the machine.
    total: Option<u64>,
    /// Of it, what a program could have now.
    available: Option<u64>,
    /// That this control group may have.
    group: Option<u64>,
}

pub(super) fn examine(config: &Config, findings: &mut Findings) {
    let workers = config.tasks.workers() as u64;
    let a_run = config.plugins.memory.0.saturating_add(config.plugins.max_output.0);
    let wanted =
        workers.saturating_mul(a_run).saturating_add(config.storage.store_cache.0).saturating_add(OWN);
    compare(wanted, workers, Memory::of_this_machine(), findings);
    address_space(config, findings);
    let runs = workers.saturating_add(1);
    let mappings = runs.saturating_mul(MAPPINGS_A_RUN).saturating_add(OTHER_MAPPINGS);
    if let Some(most) = number("/proc/sys/vm/max_map_count").filter(|most| *most < mappings) {
        findings.warning(format!(
            "vm.max_map_count is {most}, and {workers} workers may need {mappings} mappings: raise it \
             (sysctl vm.max_map_count={}), or lower workers",
            mappings.next_multiple_of(1 << 16)
        ));
    }
    if number("/proc/sys/vm/overcommit_memory") == Some(2) {
        findings.warning(
            "vm.overcommit_memory is 2: the system counts memory that is only reserved, and may refuse it while \
             there is some. Set it to 0, or vm.overcommit_ratio high enough for all that workers may take",
        );
    }
}

fn compare(wanted: u64, workers: u64, memory: Memory, findings: &mut Findings) {
    let of = |limit: Option<u64>| limit.filter(|limit| *limit < wanted);
    let all = format!(
        "{workers} workers at their limits (workers × (memory + max_output)), the store's cache and the server \
         itself take {}",
        rounded(wanted)
    );
    let change = "lower workers, memory or max_output";
    if let Some(limit) = of(memory.group) {
        findings.warning(format!(
            "{all}, and this control group may have {}: {change}, or raise the limit (MemoryMax= of systemd, \
             --memory of Docker)",
            rounded(limit)
        ));
    } else if let Some(limit) = of(memory.total) {
        findings.warning(format!("{all}, and this machine has {}: {change}", rounded(limit)));
    } else if let Some(limit) = of(memory.available) {
        findings.warning(format!(
            "{all}, and of this machine's memory {} are free now: {change}, or stop what else uses it. What a \
             running server has does not count as free",
            rounded(limit)
        ));
    }
}

/// As a server does it: nothing else knows what it needs.
fn address_space(config: &Config, findings: &mut Findings) {
    let limits = RunLimits::from_settings(&config.plugins);
    match Sandbox::new(limits, config.tasks.workers(), config.plugins.allow_wasi) {
        Ok(sandbox) if sandbox.is_pooled() => {}
        Ok(_) => {
            let limit = getrlimit(Resource::As).current.map_or_else(
                || "the address space has no limit, so workers are too many for it".to_owned(),
                |limit| format!("the limit is {}", rounded(limit)),
            );
            findings.warning(format!(
                "there is no address space for a pool of instances, so that every run maps its own memory, which \
                 takes longer: raise the limit (ulimit -v unlimited, LimitAS=infinity of systemd), or lower workers; \
                 {limit}"
            ));
        }
        Err(error) => {
            findings.problem(format!("{error}; lower workers, or give the process more address space"))
        }
    }
}

/// In a unit that people compare by.
fn rounded(bytes: u64) -> String {
    ByteSize(bytes >> 20 << 20).show()
}

impl Memory {
    fn of_this_machine() -> Self {
        let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
        };
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self {
            total: field("MemTotal"),
            available: field("MemAvailable"),
            group: group_limit(&groups, Path::new("/sys/fs/cgroup")),
        }
    }
}

/// The least limit of a process's control group and of those around it. `groups` is its
/// `/proc/PID/cgroup`: lines `0::PATH`, of the older version `N:memory:PATH`.
fn group_limit(groups: &str, root: &Path) -> Option<u64> {
    let line = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?.trim_start_matches('/').to_owned());
        let older = controllers.split(',').any(|controller| controller == "memory");
        (older || controllers.is_empty()).then_some((older, path))
    };
    let limits = groups.lines().filter_map(line).flat_map(|(older, path)| {
        let (root, file) = match older {
            true => (root.join("memory"), "memory.limit_in_bytes"),
            false => (root.to_owned(), "memory.max"),
        };
        let around: Vec<PathBuf> =
            Path::new(&path).ancestors().map(|path| root.join(path).join(file)).collect();
        around.into_iter().filter_map(|file| number(&file.to_string_lossy()))
    });
    limits.min()
}

/// The number in a file; none where it is `max`, or isn't there.
fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GIB: u64 = 1 << 30;

    fn said(memory: Memory) -> String {
        let mut findings = Findings::default();
        compare(2 * GIB, 2, memory, &mut findings);
        let mut out = vec![];
        findings.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_narrowest_limit_that_is_too_narrow_is_named() {
        let machine = Memory { total: Some(4 * GIB), available: Some(GIB), group: None };
        assert!(said(machine).contains("take 2GiB") && said(machine).contains("1GiB are free now"));
        let small = Memory { total: Some(GIB), ..machine };
        assert!(said(small).contains("this machine has 1GiB"));
        let grouped = Memory { group: Some(512 << 20), ..small };
        assert!(said(grouped).contains("this control group may have 512MiB: lower workers"));
        let enough = Memory { total: Some(4 * GIB), available: Some(3 * GIB), group: Some(3 * GIB) };
        assert_eq!(said(enough), "settings and machine: nothing is wrong\n");
    }

    #[test]
    fn a_group_has_no_more_than_those_around_it() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("system.slice/memory.max", "1073741824\n");
        write("system.slice/tintype.service/memory.max", "max\n");
        assert_eq!(group_limit("0::/system.slice/tintype.service\n", root.path()), Some(GIB));
        assert_eq!(group_limit("0::/user.slice\n", root.path()), None);
        write("memory/docker/abc/memory.limit_in_bytes", "536870912\n");
        assert_eq!(
            group_limit("5:cpu,memory:/docker/abc\n1:name=systemd:/x\n", root.path()),
            Some(512 << 20)
        );
    }
}
