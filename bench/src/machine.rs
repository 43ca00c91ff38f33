//! What Linux counts of processes and of the whole machine (proc(5)).

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// Clock ticks in which `/proc` counts CPU time: 100 a second wherever Linux is used on servers.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of a process so far, its own and the kernel's on its behalf.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program, in parentheses, may contain anything.
    let fields = stat.rsplit_once(") ").context("/proc/PID/stat has no name")?.1;
    let ticks = |at: usize| -> Option<u32> { fields.split(' ').nth(at)?.parse().ok() };
    // `utime` and `stime`, fields 14 and 15; the third is the first one here.
    let (user, system) = ticks(11).zip(ticks(12)).context("/proc/PID/stat has no times")?;
    Ok(TICK * (user + system))
}

/// The processes that this one has started and that live.
pub fn children(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = vec![];
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let after = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(1)?.parse().ok());
        if after == Some(parent) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// Bytes of memory that a process has resident.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.context("/proc/PID/status has no VmRSS")? << 10)
}

/// A moment, for what everybody has used since.
pub struct Usage {
    busy: Duration,
    all: Duration,
    ours: Duration,
}

impl Usage {
    /// Of the machine, of this process and of these others, until now.
    pub fn now(servers: &[u32]) -> anyhow::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu")).context("/proc/stat")?;
        let ticks: Vec<u32> =
            line.split_whitespace().filter_map(|ticks| ticks.parse().ok()).take(8).collect();
        let all: u32 = ticks.iter().sum();
        // The fourth is idle, the fifth waits for a disk.
        let idle: u32 = ticks.iter().skip(3).take(2).sum();
        let mut ours = cpu_time(std::process::id())?;
        for server in servers {
            ours += cpu_time(*server)?;
        }
        Ok(Self { busy: TICK * (all - idle), all: TICK * all, ours })
    }

    /// The part of the machine, from 0 to 1, that others have used since `before`.
    pub fn others_since(&self, before: &Self) -> f64 {
        let others = (self.busy - before.busy).saturating_sub(self.ours - before.ours);
        others.as_secs_f64() / (self.all - before.all).as_secs_f64().max(f64::EPSILON)
    }
}
