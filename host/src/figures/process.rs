//! The process as the system sees it, under the names that every Prometheus client library uses. They are
//! read when they are asked for; a system without `/proc` leaves some of them out.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::gauge;

#[derive(Debug)]
pub(super) struct Process {
    started: SystemTime,
}

impl Process {
    /// This process, which has just begun.
    pub(super) fn started_now() -> Self {
        Self { started: SystemTime::now() }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let seconds = Some(&Unit::Seconds);
        gauge(&mut encoder, "process_start_time", "When the process began, since 1970", seconds, &started)?;
        let cpu = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default();
        let total = ConstCounter::new(cpu.as_secs_f64());
        let help = "Processor time of the process, in user and system mode";
        total.encode(encoder.encode_descriptor("process_cpu", help, seconds, MetricType::Counter)?)?;

        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (name, help, field) in [
            ("process_resident_memory", "Memory of the process in RAM", "VmRSS:"),
            ("process_virtual_memory", "Address space of the process", "VmSize:"),
        ] {
            if let Some(bytes) = bytes_of(&status, field) {
                gauge(&mut encoder, name, help, Some(&Unit::Bytes), &bytes)?;
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            gauge(&mut encoder, "process_open_fds", "Open file descriptors", None, &open.count())?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            gauge(&mut encoder, "process_max_fds", "File descriptors that may be open", None, &most)?;
        }
        Ok(())
    }
}

/// The value of a line such as `VmRSS:     1234 kB`, in bytes.
fn bytes_of(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_kib_are_given_as_bytes() {
        let status = "Name:\ttintype\nVmSize:\t  2048 kB\nVmRSS:\t     3 kB\n";
        assert_eq!((bytes_of(status, "VmRSS:"), bytes_of(status, "VmSwap:")), (Some(3072), None));
    }
}
