//! What a process takes of the machine, from `/proc`.

use std::fs;
use std::time::Duration;

/// Clock ticks per second in `/proc/<pid>/stat`: part of the kernel's interface, 100 on every architecture that Linux has today.
const TICKS_PER_SECOND: u64 = 100;

/// Resident memory of a process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Memory {
    /// Now, in megabytes of 1,000,000 bytes.
    pub(super) resident: f64,
    /// The most it ever had.
    pub(super) peak: f64,
}

/// Memory of a process; none if it has ended.
pub(super) fn memory(pid: u32) -> Option<Memory> {
    parse_status(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// Processor time of all threads of a process so far, in user and in system mode; none if it has ended.
pub(super) fn cpu(pid: u32) -> Option<Duration> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_status(status: &str) -> Option<Memory> {
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(f64::from(kibibytes) * 1_024.0 / 1_000_000.0)
    };
    Some(Memory {
        resident: megabytes("VmRSS:")?,
        peak: megabytes("VmHWM:")?,
    })
}

fn parse_stat(stat: &str) -> Option<Duration> {
    // The program's name stands in brackets and may hold blanks and brackets: what counts comes after the last one.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut times = rest.split_ascii_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(Duration::from_millis(
        user.saturating_add(system).saturating_mul(1_000 / TICKS_PER_SECOND),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn user_and_system_time_are_added() {
        let stat = "42 (a) b) (c) S 1 42 42 0 -1 4194304 1 0 0 0 150 25 7 9 20 0 1 0 987654 1 1";
        assert_eq!(parse_stat(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(parse_stat("42 (a) S 1"), None);
    }

    #[test]
    fn memory_is_in_megabytes() {
        let status = "Name:\tx\nVmHWM:\t   62500 kB\nVmRSS:\t   31250 kB\n";
        assert_eq!(
            parse_status(status),
            Some(Memory {
                resident: 32.0,
                peak: 64.0
            })
        );
        assert_eq!(parse_status("VmRSS:\t12 kB\n"), None);
    }

    #[test]
    fn this_process_has_both() {
        let pid = std::process::id();
        let memory = memory(pid).unwrap();
        assert!(memory.resident > 0.0 && memory.peak >= memory.resident);
        assert!(cpu(pid).is_some());
        assert_eq!(cpu(u32::MAX), None);
    }
}
