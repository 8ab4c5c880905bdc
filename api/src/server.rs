//! Start and clean end of the process's HTTP side.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::ApiServerConfig;
use crate::error::ApiError;
use crate::housekeeping;
use crate::replication;
use crate::router::{metrics_router, router};
use crate::state::AppState;
use crate::summaries;
use crate::sweeper;

/// How often histograms are folded, so that they do not grow between two scrapes.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Serves until the token is cancelled, then ends cleanly: not ready, no new connections, open
/// requests finished, queued writes decided, all within the deadline.
///
/// # Errors
/// [`ApiError`] if a setting cannot work, a listener cannot be opened, or serving fails.
pub async fn run(config: ApiServerConfig, token: CancellationToken) -> Result<(), ApiError> {
    let (listen, metrics_listen) = (config.api.listen, config.api.metrics_listen);
    let (upkeep, house) = (config.api.upkeep.clone(), config.api.housekeeping.clone());
    let summaries = config.api.summaries.clone();
    let state = AppState::new(config)?;
    let public = bind(listen).await?;
    let private = bind(metrics_listen).await?;
    tracing::info!(listen = %listen, metrics_listen = %metrics_listen, "serving http");

    // The duties end first, the metrics last.
    let duties = CancellationToken::new();
    let end = CancellationToken::new();
    let sweeping = tokio::spawn(sweeper::run(upkeep, state.store().pool().clone(), duties.clone()));
    let keeping = tokio::spawn(housekeeping::run(house, state.store().pool().clone(), duties.clone()));
    let summarising = tokio::spawn(summaries::run(summaries, state.store().pool().clone(), duties.clone()));
    let measuring = tokio::spawn(keep_metrics(state.clone(), end.clone()));
    let private = serve(private, metrics_router(state.clone()), end.clone());
    let intake = CancellationToken::new();
    let mut public = serve(public, router(state.clone()), intake.clone());

    let early = tokio::select! {
        () = token.cancelled() => None,
        ended = &mut public => Some(ended),
    };
    state.start_draining();
    duties.cancel();
    let result = match early {
        Some(ended) => flatten(ended),
        None => finish(&state, &intake, public).await,
    };
    let deadline = state.config().shutdown_deadline();
    if tokio::time::timeout(deadline, state.lanes().drain()).await.is_err() {
        tracing::error!("queued writes were not decided before the deadline");
    }
    for duty in [sweeping, keeping, summarising] {
        if tokio::time::timeout(deadline, duty).await.is_err() {
            tracing::warn!("a background duty was not finished before the deadline");
        }
    }
    end.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(1), private).await;
    measuring.abort();
    tracing::info!("http server stopped");
    result
}

/// Stops taking connections once the balancers had time to notice, and waits for open requests.
async fn finish(
    state: &AppState,
    intake: &CancellationToken,
    public: JoinHandle<std::io::Result<()>>,
) -> Result<(), ApiError> {
    tokio::time::sleep(Duration::from_millis(state.config().drain_delay_ms)).await;
    intake.cancel();
    let deadline = state.config().shutdown_deadline();
    let abort = public.abort_handle();
    if let Ok(ended) = tokio::time::timeout(deadline, public).await {
        return flatten(ended);
    }
    abort.abort();
    tracing::warn!("open requests were cut off at the shutdown deadline");
    Ok(())
}

fn flatten(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> Result<(), ApiError> {
    ended
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(ApiError::Serve)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ApiError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ApiError::Listen { address, source })
}

fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> JoinHandle<std::io::Result<()>> {
    // Answers are small and should not wait to be joined with the next one.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "cannot set nodelay");
        }
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::spawn(server.into_future())
}

async fn keep_metrics(state: AppState, end: CancellationToken) {
    while end
        .run_until_cancelled(tokio::time::sleep(METRICS_UPKEEP))
        .await
        .is_some()
    {
        state.keep_metrics();
        // Whoever looks at the metrics sees that Postgres is away: its gauge stands still and the pools show it.
        let _ = tokio::time::timeout(METRICS_UPKEEP, replication::measure(state.store().pool())).await;
    }
}
