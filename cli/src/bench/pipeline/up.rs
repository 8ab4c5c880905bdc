//! `onhand up`, from within a run: starts what was killed.

use std::process::Stdio;

use anyhow::{Result, ensure};
use tokio::process::Command;

/// Starts these parts, or all that are missing.
pub(super) async fn run(parts: &[&str]) -> Result<()> {
    let status = Command::new(std::env::current_exe()?)
        .arg("up")
        .args(parts)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await?;
    ensure!(
        status.success(),
        "`onhand up` ended with {status}; `onhand status` says what is missing"
    );
    Ok(())
}
