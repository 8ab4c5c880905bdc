//! Health, metrics and the landing page.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::AppState;

const LANDING: &str = include_str!("landing.html");

/// Whether the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    /// Always "alive".
    #[schema(example = "alive")]
    status: &'static str,
    /// Version of this program.
    version: &'static str,
}

/// Whether this instance can do its work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ready", "parts": {"postgres": "up", "redis": "up",
    "elasticsearch": "up"}}))]
pub(crate) struct Readiness {
    /// ready, degraded (writes and reads work, search or the cache does not), or unready.
    status: &'static str,
    /// Each part by itself.
    parts: Parts,
}

/// State of the parts behind this instance: up, down, or draining for the instance itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Parts {
    /// Needed for everything.
    postgres: &'static str,
    /// Without it, reads come from Postgres.
    redis: &'static str,
    /// Without it, there is no product search.
    elasticsearch: &'static str,
    /// Whether this instance is shutting down.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'static str>,
}

/// Answers as long as the process lives, whatever its surroundings.
#[utoipa::path(
    get, path = "/livez", tag = "system", summary = "Is the process alive?",
    responses((status = 200, description = "It is", body = Alive))
)]
pub(crate) async fn livez() -> Json<Alive> {
    Json(Alive {
        status: "alive",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The same under its older name.
#[utoipa::path(
    get, path = "/health", tag = "system", summary = "Is the process alive?",
    responses((status = 200, description = "It is", body = Alive))
)]
pub(crate) async fn health() -> Json<Alive> {
    livez().await
}

/// Whether requests should be sent here: Postgres answers and the instance is not shutting down.
#[utoipa::path(
    get, path = "/readyz", tag = "system", summary = "Can it do its work?",
    responses((status = 200, description = "It can, perhaps degraded", body = Readiness),
        (status = 503, description = "It cannot", body = Readiness))
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> Response {
    let (postgres, redis, elasticsearch) =
        tokio::join!(state.postgres_answers(), state.redis_answers(), state.search_answers());
    let draining = state.is_draining();
    let status = match (postgres && !draining, redis && elasticsearch) {
        (false, _) => "unready",
        (true, false) => "degraded",
        (true, true) => "ready",
    };
    let word = |up: bool| if up { "up" } else { "down" };
    let parts = Parts {
        postgres: word(postgres),
        redis: word(redis),
        elasticsearch: word(elasticsearch),
        instance: draining.then_some("draining"),
    };
    let code = if status == "unready" {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    (code, Json(Readiness { status, parts })).into_response()
}

/// The same under its older name.
#[utoipa::path(
    get, path = "/ready", tag = "system", summary = "Can it do its work?",
    responses((status = 200, description = "It can, perhaps degraded", body = Readiness),
        (status = 503, description = "It cannot", body = Readiness))
)]
pub(crate) async fn ready(state: State<AppState>) -> Response {
    readyz(state).await
}

/// Metrics in the Prometheus text format.
#[utoipa::path(
    get, path = "/metrics", tag = "system", summary = "Metrics",
    responses((status = 200, description = "Prometheus text format", body = String,
        content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(state): State<AppState>) -> Response {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], state.render_metrics()).into_response()
}

/// Where to go from here.
pub(crate) async fn landing() -> Html<&'static str> {
    Html(LANDING)
}
