//! `/metrics`, `/livez` and `/readyz` (and the older names `/health` and `/ready`) of one consumer.

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

use super::health::Health;
use super::metrics::{self, Telemetry};

#[derive(Clone)]
struct Shared {
    health: Arc<Health>,
    telemetry: Arc<Telemetry>,
}

/// Binds now, so that a taken port stops the start and not the tenth minute.
pub(crate) async fn bind(listen: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(listen).await
}

/// Serves until the token is cancelled.
pub(crate) async fn serve(
    listener: TcpListener,
    health: Arc<Health>,
    telemetry: Arc<Telemetry>,
    token: CancellationToken,
) {
    let shared = Shared { health, telemetry };
    let router = Router::new()
        .route("/metrics", get(render))
        .route("/health", get(live))
        .route("/livez", get(live))
        .route("/ready", get(ready))
        .route("/readyz", get(ready))
        .with_state(shared);
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(token.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::warn!(%error, "health and metrics are no longer served");
    }
}

async fn live(State(shared): State<Shared>) -> Response {
    answer(shared.health.live())
}

async fn ready(State(shared): State<Shared>) -> Response {
    answer(shared.health.ready())
}

async fn render(State(shared): State<Shared>) -> Response {
    shared.telemetry.commit_age(shared.health.commit_age());
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
