//! `onhand down`: ends every process of the stack in order, whoever started it.

use anyhow::{Result, bail};
use futures_util::future::join_all;

use super::layout::Layout;
use super::part::Part;
use super::progress::Progress;
use super::{parts, process, up};

/// Stops the whole stack, or only the named parts. Data stay.
pub(crate) async fn down(only: &[String]) -> Result<()> {
    let progress = Progress::new();
    let layout = Layout::from_env()?;
    if !layout.state.is_dir() {
        println!("nothing to stop: {} does not exist", layout.state.display());
        return Ok(());
    }
    let chosen = choose(only)?;
    let _lock = up::lock(&layout, &progress)?;
    let last = chosen.iter().map(|part| part.stop_wave).max().unwrap_or(0);
    for wave in 0..=last {
        let stops = chosen
            .iter()
            .filter(|part| part.stop_wave == wave)
            .map(|part| stop(*part, &layout, &progress));
        for result in join_all(stops).await {
            result?;
        }
    }
    Ok(())
}

fn choose(only: &[String]) -> Result<Vec<Part>> {
    let all = parts::all();
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|part| part.name != *name)) {
        bail!("no part is called {unknown}");
    }
    Ok(all
        .into_iter()
        .filter(|part| only.is_empty() || only.iter().any(|name| name == part.name))
        .collect())
}

async fn stop(part: Part, layout: &Layout, progress: &Progress) -> Result<()> {
    if process::all(layout, part.name).is_empty() {
        process::forget(layout, part.name);
        return Ok(());
    }
    let task = progress.start(part.name, "stopping");
    match process::stop(layout, part.name, part.stop_signal, part.stop_deadline).await {
        Ok(false) => task.done("stopped"),
        Ok(true) => task.done("ended by force"),
        Err(error) => {
            task.failed();
            return Err(error);
        }
    }
    Ok(())
}
