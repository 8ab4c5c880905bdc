//! Processes of the running stack: found by their pid files, and signalled by number.

use crate::stack::Stack;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a part stays away in a test that takes it away: `ONHAND_OUTAGE_SECONDS`, or this.
#[must_use]
pub fn outage(otherwise: Duration) -> Duration {
    let seconds = std::env::var("ONHAND_OUTAGE_SECONDS").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    seconds.map_or(otherwise, Duration::from_secs)
}

/// Process id of a part of the stack with this state folder.
///
/// # Errors
/// If the part has no pid file.
pub fn pid(state: &str, part: &str) -> Result<u32> {
    let file = format!("{state}/run/{part}.pid");
    let text = std::fs::read_to_string(&file).with_context(|| file.clone())?;
    text.split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .with_context(|| format!("{file} holds no number"))
}

/// Whether a process with this number is there and is no zombie.
#[must_use]
pub fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z')
    })
}

/// The process and all that descend from it: a stopped postmaster alone would leave its servers running.
#[must_use]
pub fn tree(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        at += 1;
        found.extend(children(parent));
    }
    found
}

fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(Path::new(&path)).ok()?;
    // The name in parentheses may hold anything; behind it come the state and the parent.
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}

/// Sends a signal by name (`KILL`, `STOP`, `CONT`, `TERM`) to these processes.
///
/// # Errors
/// If one of them is not there.
pub fn signal(name: &str, pids: &[u32]) -> Result<()> {
    let numbers: Vec<String> = pids.iter().map(u32::to_string).collect();
    let status = Command::new("kill").arg(format!("-{name}")).args(&numbers).status()?;
    ensure!(status.success(), "kill -{name} {numbers:?}");
    Ok(())
}

/// Ends a part as a power cut would. A large one is still there for a while when this returns.
///
/// # Errors
/// If the part does not run.
pub fn kill_part(state: &str, part: &str) -> Result<()> {
    signal("KILL", &[pid(state, part)?])
}

/// Stalls a process and all that descend from it as it is now, or lets them go on. Some may have ended meanwhile.
///
/// # Errors
/// If `kill` cannot be run.
pub fn signal_tree(name: &str, root: u32) -> Result<()> {
    for pid in tree(root) {
        Command::new("kill")
            .args([&format!("-{name}"), &pid.to_string()])
            .stderr(Stdio::null())
            .status()?;
    }
    Ok(())
}

/// A part whose process stands still; it goes on when this is dropped.
#[derive(Debug)]
pub struct Stopped {
    pid: u32,
}

impl Stopped {
    /// Stops the process of a part.
    ///
    /// # Errors
    /// If the part does not run.
    pub fn part(stack: &Stack, part: &str) -> Result<Self> {
        let pid = pid(&stack.state, part)?;
        signal("STOP", &[pid])?;
        Ok(Self { pid })
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Err(error) = signal("CONT", &[self.pid]) {
            eprintln!("{} stands still: {error}", self.pid);
        }
    }
}

/// A part that gets its processor in slices only, until this is dropped.
#[derive(Debug)]
pub struct Slowed {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Slowed {
    /// Lets the process of a part run for `runs` after each pause of `stands`.
    ///
    /// # Errors
    /// If the part does not run.
    pub fn part(stack: &Stack, part: &str, stands: Duration, runs: Duration) -> Result<Self> {
        pid(&stack.state, part)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stack, part, ended) = (stack.clone(), part.to_owned(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                if let Ok(stopped) = Stopped::part(&stack, &part) {
                    std::thread::sleep(stands);
                    drop(stopped);
                }
                std::thread::sleep(runs);
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Slowed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its last slice ends with the process running, whatever became of the test.
            let _ = thread.join();
        }
    }
}
