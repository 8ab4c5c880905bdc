//! The schema registry (Apicurio), with a store that survives a restart: lost ids would make every old record unreadable.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::FutureExt;
use nix::sys::signal::Signal;

use super::jvm;
use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe};

const NAME: &str = "registry";
const HEAP: &str = "256m";

pub(super) const PART: Part = Part {
    name: NAME,
    needs: &[],
    ports: |stack| vec![stack.ports().registry()],
    prepare: |stack| stack.owner.make_dir(&stack.layout.data(NAME), 0o750),
    launch,
    probe: |stack| {
        async move {
            let url = format!("{}/subjects", stack.registry_url());
            probe::http(&stack.http, &url).await.map(drop)
        }
        .boxed()
    },
    start_deadline: Duration::from_secs(120),
    stop_signal: Signal::SIGTERM,
    stop_deadline: Duration::from_secs(20),
    stop_wave: 2,
    stands_back: false,
};

fn launch(stack: &Stack) -> Result<Launch> {
    // WRITE_DELAY=0: an id that was handed out is on disk, also after a kill.
    let store = format!(
        "jdbc:h2:file:{};WRITE_DELAY=0",
        stack.layout.data(NAME).join("registry").display()
    );
    Ok(jvm(stack, HEAP)
        .arg("-Dquarkus.http.host=127.0.0.1")
        .arg(format!("-Dquarkus.http.port={}", stack.ports().registry()))
        .arg("-jar")
        .arg(runner(stack)?)
        .env("REGISTRY_DATASOURCE_URL", store))
}

fn runner(stack: &Stack) -> Result<PathBuf> {
    let folder = stack.set().join("registry");
    fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with("-runner.jar"))
        .with_context(|| format!("no program in {}", folder.display()))
}
