//! Processes of the running stack: found by their pid files, and signalled by number.

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

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
