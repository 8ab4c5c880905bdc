//! A plain Python client in a virtual environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use onhand_tests::stack::Stack;
use serde_json::Value;

/// The client and the decoder that a third party would take; zstandard is what kafka-python unpacks zstd with.
const PACKAGES: [&str; 3] = ["kafka-python==3.0.12", "fastavro==1.13.1", "zstandard"];

/// Tests run side by side, and two must not make the environment.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes the environment below the state of the stack, where the end of the test run removes it.
fn environment(stack: &Stack) -> Result<PathBuf> {
    let _turn = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let home = Path::new(&stack.state).join("python");
    let python = home.join("bin/python");
    if !home.join("ready").exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES))?;
        std::fs::write(home.join("ready"), "")?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Every record of these topics, decoded, in the order of their partitions.
pub(super) fn read(stack: &Stack, registry: &str, topics: &[&str]) -> Result<Vec<Value>> {
    read_as(stack, registry, topics, None)
}

/// The same by a client that is built for this schema, and not for whatever a record was written with.
pub(super) fn read_as(stack: &Stack, registry: &str, topics: &[&str], schema: Option<&Path>) -> Result<Vec<Value>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/publish/reader.py");
    let mut command = Command::new(environment(stack)?);
    command.arg(script).arg(&stack.brokers).arg(registry);
    if let Some(schema) = schema {
        command.arg("--as").arg(schema);
    }
    command.args(topics);
    run(&mut command)?
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}
