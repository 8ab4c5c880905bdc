//! `/metrics`, `/livez` and `/readyz` (and the older names `/health` and `/ready`) of a process: a consumer, or the verification.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::ConsumerError;
use super::metrics;

/// What a process says of itself: whether it is well, and the body of the answer.
pub(crate) trait Probes: Send + Sync + 'static {
    /// Is the process worth keeping?
    fn live(&self) -> (bool, Value);

    /// Is it doing its work?
    fn ready(&self) -> (bool, Value);

    /// Brings metrics up to date that only this moment knows.
    fn refresh(&self) {}
}

/// Binds now, so that a taken port stops the start and not the tenth minute.
pub(crate) async fn bind(listen: SocketAddr) -> Result<TcpListener, ConsumerError> {
    TcpListener::bind(listen)
        .await
        .map_err(|source| ConsumerError::Listen { listen, source })
}

/// Serves until the token is cancelled.
pub(crate) async fn serve<P: Probes>(listener: TcpListener, probes: Arc<P>, token: CancellationToken) {
    let router = Router::new()
        .route("/metrics", get(render::<P>))
        .route("/health", get(live::<P>))
        .route("/livez", get(live::<P>))
        .route("/ready", get(ready::<P>))
        .route("/readyz", get(ready::<P>))
        .with_state(probes);
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(token.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::warn!(%error, "health and metrics are no longer served");
    }
}

async fn live<P: Probes>(State(probes): State<Arc<P>>) -> Response {
    answer(probes.live())
}

async fn ready<P: Probes>(State(probes): State<Arc<P>>) -> Response {
    answer(probes.ready())
}

async fn render<P: Probes>(State(probes): State<Arc<P>>) -> Response {
    probes.refresh();
    match metrics::handle() {
        Some(handle) => {
            handle.run_upkeep();
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            (kind, handle.render()).into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "no recorder in this process").into_response(),
    }
}

fn answer((ok, body): (bool, Value)) -> Response {
    let status = if ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(body)).into_response()
}
