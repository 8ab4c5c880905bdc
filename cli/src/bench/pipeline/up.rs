//! `onhand up`, from within a run: starts what was killed.

use std::process::Stdio;

use anyhow::{Result, ensure};
use tokio::process::Command;

/// Starts these parts, or all that are missing.
pub(super) async fn run(parts: &[&str]) -> Result<()> {
    let ended = Command::new(std::env::current_exe()?)
        .arg("up")
        .args(parts)
        .stdin(Stdio::null())
        .output()
        .await?;
    ensure!(
        ended.status.success(),
        "`onhand up` ended with {}: {}",
        ended.status,
        String::from_utf8_lossy(&ended.stderr).trim_end()
    );
    Ok(())
}
