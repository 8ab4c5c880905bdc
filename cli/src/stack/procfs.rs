//! What `/proc` says about processes and sockets.

use std::fs;
use std::path::{Path, PathBuf};

/// Clock ticks per second in `/proc/<pid>/stat`: part of the kernel's interface, 100 on every architecture that Linux has today.
const TICKS_PER_SECOND: u64 = 100;
const PAGE_BYTES: u64 = 4096;

/// A process that cannot be mistaken for a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The process number.
    pub(crate) pid: i32,
    /// Start time in clock ticks since boot.
    pub(crate) started: u64,
}

impl Identity {
    /// The process that has this number now, unless it is a zombie.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let started = parse_stat(&stat)?;
        Some(Self { pid, started })
    }

    /// Whether the very process still runs.
    pub(crate) fn alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Seconds since 1970 at which the process started.
    pub(crate) fn started_at(self) -> Option<u64> {
        Some(boot_time()?.saturating_add(self.started / TICKS_PER_SECOND))
    }
}

/// The start time in a line of `/proc/<pid>/stat`; none for a zombie, which is dead in all but name.
fn parse_stat(stat: &str) -> Option<u64> {
    // The program's name stands in brackets and may hold blanks and brackets: what counts comes after the last one.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))
        .and_then(|seconds| seconds.trim().parse().ok())
}

/// All process numbers.
pub(crate) fn pids() -> Vec<i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Whether the environment that the process was started with holds exactly this setting.
pub(crate) fn has_variable(pid: i32, setting: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|bytes| bytes.split(|byte| *byte == 0).any(|entry| entry == setting.as_bytes()))
}

/// Working folder of a process.
pub(crate) fn cwd(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// Program file of a process.
pub(crate) fn exe(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Resident memory in bytes.
pub(crate) fn resident(pid: i32) -> u64 {
    fs::read_to_string(format!("/proc/{pid}/statm"))
        .ok()
        .and_then(|text| text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
        .map_or(0, |pages| pages.saturating_mul(PAGE_BYTES))
}

/// The command line, for messages.
pub(crate) fn command(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    // Arguments are separated by zero bytes, and may themselves hold line breaks.
    let text = String::from_utf8_lossy(&bytes).replace(|char: char| char.is_control(), " ");
    let short: String = text.trim().chars().take(80).collect();
    if short.is_empty() { "?".to_owned() } else { short }
}

/// Who listens on a TCP port of this machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// Nobody.
    None,
    /// A process that could be found.
    Process(i32),
    /// Somebody whose open files we may not read.
    Unknown,
}

/// Looks the port up in the socket tables, then the socket among the open files of all processes.
pub(crate) fn listener(port: u16) -> Listener {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    if inodes.is_empty() {
        return Listener::None;
    }
    pids()
        .into_iter()
        .find(|pid| holds_socket(*pid, &inodes))
        .map_or(Listener::Unknown, Listener::Process)
}

/// Inodes of the sockets that listen on the port, from one socket table.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let local = fields.next()?;
            let state = fields.nth(1)?;
            let inode = fields.nth(5)?;
            (local.ends_with(&suffix) && state == LISTEN).then(|| inode.to_owned())
        })
        .collect()
}

fn holds_socket(pid: i32, inodes: &[String]) -> bool {
    fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| {
            target.to_str().is_some_and(|target| {
                inodes
                    .iter()
                    .any(|inode| target.strip_prefix("socket:[") == Some(&format!("{inode}]")))
            })
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_program_name_with_brackets_is_skipped() {
        let stat = "42 (a) b) (c) S 1 42 42 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 987654 1 1";
        assert_eq!(parse_stat(stat), Some(987_654));
    }

    #[test]
    fn a_zombie_counts_as_gone() {
        let stat = "42 (x) Z 1 42 42 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 987654 1 1";
        assert_eq!(parse_stat(stat), None);
    }

    #[test]
    fn only_listening_sockets_of_the_port_are_taken() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:4418 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n\
            1: 0100007F:4418 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0\n\
            2: 0100007F:4419 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0\n";
        assert_eq!(listening_inodes(table, 0x4418), vec!["111"]);
    }

    #[test]
    fn our_own_socket_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(listener(port), Listener::Process(own));
    }

    #[test]
    fn we_are_alive_and_an_older_namesake_is_not() {
        let own = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.alive());
        let namesake = Identity {
            started: own.started.saturating_sub(1),
            ..own
        };
        assert!(!namesake.alive());
    }
}
