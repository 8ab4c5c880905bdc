//! `/metrics`, `/livez` and `/readyz` (and the older names `/health` and `/ready`) of a process: a consumer, or the verification.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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

/// Serves until the token is cancelled, and keeps the recorder of metrics small meanwhile: whoever measures serves.
pub(crate) async fn serve<P: Probes>(listener: TcpListener, probes: Arc<P>, token: CancellationToken) {
    serve_and_keep(listener, probes, token, metrics::UPKEEP).await;
}

async fn serve_and_keep<P: Probes>(listener: TcpListener, probes: Arc<P>, token: CancellationToken, upkeep: Duration) {
    let router = Router::new()
        .route("/metrics", get(render::<P>))
        .route("/health", get(live::<P>))
        .route("/livez", get(live::<P>))
        .route("/ready", get(ready::<P>))
        .route("/readyz", get(ready::<P>))
        .with_state(probes);
    let serving = axum::serve(listener, router).with_graceful_shutdown(token.clone().cancelled_owned());
    let keeping = token.run_until_cancelled(metrics::keep(upkeep));
    let (served, _) = tokio::join!(serving.into_future(), keeping);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ::metrics::histogram;

    use super::*;

    struct Quiet;

    impl Probes for Quiet {
        fn live(&self) -> (bool, Value) {
            (true, Value::Null)
        }

        fn ready(&self) -> (bool, Value) {
            (true, Value::Null)
        }
    }

    /// Memory of this process.
    fn resident_bytes() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
    }

    #[tokio::test]
    async fn what_is_measured_takes_no_memory_when_nobody_asks_for_it() {
        const ROUNDS: usize = 16;
        const VALUES: usize = 500_000;
        assert!(metrics::handle().is_some(), "this process has another recorder");
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (stop, upkeep) = (CancellationToken::new(), Duration::from_millis(20));
        let serving = tokio::spawn(serve_and_keep(listener, Arc::new(Quiet), stop.clone(), upkeep));
        let measured = histogram!("onhand_test_unread_seconds");
        let begin = resident_bytes();
        for _ in 0..ROUNDS {
            for _ in 0..VALUES {
                measured.record(0.01);
            }
            tokio::time::sleep(upkeep * 2).await;
        }
        let grown = resident_bytes().saturating_sub(begin);
        // Kept, each would take three times as much: its instant too. Other tests of this process need some memory meanwhile.
        let all = ROUNDS * VALUES * size_of::<f64>();
        assert!(grown < all, "{grown} bytes are kept for values of {all}");
        stop.cancel();
        serving.await.unwrap();
    }
}
