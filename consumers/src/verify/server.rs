//! `/metrics`, `/livez` and `/readyz` (and the older names `/health` and `/ready`) of the verification.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::duty::State;
use crate::ConsumerError;
use crate::runtime::metrics;

/// Binds now, so that a taken port stops the start and not the tenth minute.
pub(super) async fn bind(listen: SocketAddr) -> Result<TcpListener, ConsumerError> {
    TcpListener::bind(listen)
        .await
        .map_err(|source| ConsumerError::Listen { listen, source })
}

/// Serves until the token is cancelled.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>, token: CancellationToken) {
    let router = Router::new()
        .route("/metrics", get(render))
        .route("/health", get(live))
        .route("/livez", get(live))
        .route("/ready", get(ready))
        .route("/readyz", get(ready))
        .with_state(state);
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(token.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::warn!(%error, "health and metrics are no longer served");
    }
}

/// A late run is no reason to restart the process: that would only make it later.
async fn live() -> Response {
    axum::Json(json!({"status": "alive", "role": "verify"})).into_response()
}

async fn ready(Shared(state): Shared<Arc<State>>) -> Response {
    let (ok, body) = state.ready();
    let status = if ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(body)).into_response()
}

async fn render() -> Response {
    match metrics::handle() {
        Some(handle) => {
            handle.run_upkeep();
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            (kind, handle.render()).into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "no recorder in this process").into_response(),
    }
}
