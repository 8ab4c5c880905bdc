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
        let Stat { started, .. } = read_stat(pid)?;
        Some(Self { pid, started })
    }

    /// Whether the very process is still there.
    pub(crate) fn alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Whether the very process is still there, but only to end: the kernel takes its time over the memory and the files of a
    /// large one, which keeps its ports meanwhile and may even answer on one.
    pub(crate) fn ending(self) -> bool {
        let Some(stat) = read_stat(self.pid).filter(|stat| stat.started == self.started) else {
            return false;
        };
        let status = || fs::read_to_string(format!("/proc/{}/status", self.pid));
        stat.exiting || status().is_ok_and(|status| is_killed(&status))
    }

    /// Seconds since 1970 at which the process started.
    pub(crate) fn started_at(self) -> Option<u64> {
        Some(boot_time()?.saturating_add(self.started / TICKS_PER_SECOND))
    }
}

/// What a line of `/proc/<pid>/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// Start time in clock ticks since boot.
    started: u64,
    /// Whether its first thread has begun to end, or has ended before others.
    exiting: bool,
}

fn read_stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// None for a zombie of which no thread is left, which is dead in all but name.
fn parse_stat(stat: &str) -> Option<Stat> {
    /// `PF_EXITING` of the kernel's `sched.h`.
    const EXITING: u64 = 0x4;
    // The program's name stands in brackets and may hold blanks and brackets: what counts comes after the last one.
    let (_, rest) = stat.rsplit_once(") ")?;
    // From the third field of proc_pid_stat(5) on.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field.checked_sub(3)?)?.parse::<u64>().ok();
    let (flags, threads, started) = (number(9)?, number(20)?, number(22)?);
    let ended = matches!(fields.first(), Some(&("Z" | "X")));
    if ended && threads <= 1 {
        return None;
    }
    let exiting = ended || flags & EXITING != 0;
    Some(Stat { started, exiting })
}

/// Whether SIGKILL waits for the first thread or for the whole process, in the text of `/proc/<pid>/status`.
fn is_killed(status: &str) -> bool {
    const KILL: u64 = 1 << (nix::libc::SIGKILL - 1);
    status
        .lines()
        .filter_map(|line| line.strip_prefix("SigPnd:").or_else(|| line.strip_prefix("ShdPnd:")))
        .filter_map(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .any(|mask| mask & KILL != 0)
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

    fn line(state: &str, flags: u32, threads: u32) -> String {
        format!("42 (a) b) (c) {state} 1 42 42 0 -1 {flags} 1 0 0 0 1 2 0 0 20 0 {threads} 0 987654 1 1")
    }

    fn stat(exiting: bool) -> Option<Stat> {
        let started = 987_654;
        Some(Stat { started, exiting })
    }

    #[test]
    fn a_program_name_with_brackets_is_skipped() {
        assert_eq!(parse_stat(&line("S", 4_194_304, 1)), stat(false));
    }

    #[test]
    fn a_zombie_counts_as_gone_once_its_last_thread_is() {
        assert_eq!(parse_stat(&line("Z", 4_194_316, 1)), None);
        assert_eq!(parse_stat(&line("Z", 4_194_316, 9)), stat(true));
    }

    #[test]
    fn a_process_that_gives_its_memory_back_is_ending() {
        assert_eq!(parse_stat(&line("D", 4_194_308, 40)), stat(true));
    }

    #[test]
    fn a_signal_that_waits_for_a_thread_or_the_process_is_seen() {
        let status = |thread, process| format!("Name:\tx\nSigPnd:\t{thread:016x}\nShdPnd:\t{process:016x}\n");
        assert!(is_killed(&status(0x100, 0)));
        assert!(is_killed(&status(0, 0x4100)));
        assert!(!is_killed(&status(0x4000, 0x80)), "SIGTERM may be handled");
    }

    #[test]
    fn what_lives_is_not_ending() {
        let own = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(!own.ending());
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
