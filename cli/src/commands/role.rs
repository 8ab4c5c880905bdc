//! The long-running roles: settings, logs and signals around what the crates do.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use onhand_consumers::SinkKind;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::settings::{Settings, SettingsFile};

/// How soon a failed connector is noticed; a restart takes about as long.
const WATCH_INTERVAL: Duration = Duration::from_secs(3);

/// Runs one consumer until it is told to stop.
pub(super) async fn consume(sink: SinkKind, settings: &SettingsFile) -> Result<()> {
    install_tracing()?;
    let traces = onhand_trace::start(sink.name())?;
    let config = settings.load()?.consumer();
    tracing::info!(role = sink.name(), ?config, "starting");
    let ended = onhand_consumers::run(sink, config, stop_signal()?).await;
    flush(traces).await;
    ended?;
    tracing::info!(role = sink.name(), "stopped");
    Ok(())
}

/// Serves HTTP until it is told to stop.
pub(super) async fn api(settings: &SettingsFile) -> Result<()> {
    install_tracing()?;
    let traces = onhand_trace::start("api")?;
    let config = settings.load()?.api();
    tracing::info!(role = "api", ?config, "starting");
    let ended = onhand_api::run(config, stop_signal()?).await;
    flush(traces).await;
    ended?;
    tracing::info!(role = "api", "stopped");
    Ok(())
}

/// Compares the read models with Postgres until it is told to stop.
pub(super) async fn verify(settings: &SettingsFile) -> Result<()> {
    install_tracing()?;
    let settings = settings.load()?;
    let (targets, config) = (settings.targets(), settings.verify);
    tracing::info!(role = "verify", ?config, "starting");
    onhand_consumers::verify::run(targets, config, stop_signal()?).await?;
    tracing::info!(role = "verify", "stopped");
    Ok(())
}

/// Restarts a connector that has failed, looks after its slot and guards the schemas of its tables, until it is told to stop.
pub(super) async fn watch_connector(settings: &Settings, name: &str) -> Result<()> {
    install_tracing()?;
    tracing::info!(role = "watch", connector.name = name, "starting");
    let token = stop_signal()?;
    let connector = onhand_cdc::connect::Connector::new(&settings.connect, name)?;
    let registry = onhand_cdc::RegistryClient::new(&settings.registry)?;
    tokio::join!(
        onhand_cdc::guard::watch(&registry, WATCH_INTERVAL, token.clone()),
        connector.watch(WATCH_INTERVAL, token.clone()),
        crate::capture::watch(settings, name, WATCH_INTERVAL, token),
    );
    tracing::info!(role = "watch", "stopped");
    Ok(())
}

/// Sends the last spans; the exporter blocks, so it gets a thread of its own.
async fn flush(traces: Option<onhand_trace::Exporter>) {
    if let Err(error) = tokio::task::spawn_blocking(move || drop(traces)).await {
        tracing::warn!(%error, "the last spans were not exported");
    }
}

/// Logs go to standard output: `ONHAND_LOG` says `json` or `text` (by default text on a terminal), `RUST_LOG` how much.
fn install_tracing() -> Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stdout().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(terminal);
    match std::env::var("ONHAND_LOG").as_deref() {
        Ok("json") => builder.json().init(),
        Ok("text") => builder.init(),
        Ok(other) => bail!("ONHAND_LOG must be json or text, not {other:?}"),
        Err(_) if terminal => builder.init(),
        Err(_) => builder.json().init(),
    }
    Ok(())
}

/// A token that SIGTERM and ctrl-c cancel. A second signal ends the process at once.
fn stop_signal() -> Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be watched")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("ctrl-c cannot be watched")?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let name = next().await;
        tracing::info!(signal = name, "stopping");
        cancel.cancel();
        let name = next().await;
        tracing::warn!(signal = name, "stopping at once");
        std::process::exit(130);
    });
    Ok(token)
}
