//! Which path leads where, and what surrounds every request.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::middleware;
use crate::openapi::{ApiDoc, describe_tokens};
use crate::problem;
use crate::routes::{batch, inventory, items, locations, products, reservations, stock, system};
use crate::state::AppState;

/// The whole public interface.
pub fn router(state: AppState) -> Router {
    around_all(bare(state.clone()), &state)
}

/// The endpoints alone.
fn bare(state: AppState) -> Router {
    let (routes, mut document) = documented().split_for_parts();
    describe_tokens(&mut document);
    routes
        .route("/", get(system::landing))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .fallback(middleware::no_route)
        .method_not_allowed_fallback(middleware::no_method)
        .with_state(state)
}

/// What every request passes through, outermost last.
fn around_all(endpoints: Router, state: &AppState) -> Router {
    let deadline = state.config().request_timeout();
    endpoints
        .layer(DefaultBodyLimit::max(state.config().max_body_bytes))
        .layer(axum::middleware::from_fn_with_state(
            state.config().max_body_bytes,
            middleware::refuse_large_body,
        ))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(axum::middleware::from_fn_with_state(deadline, middleware::around))
}

/// What the metrics listener serves.
pub(crate) fn metrics_router(state: AppState) -> Router {
    Router::new()
        .route("/metrics", get(system::metrics))
        .route("/livez", get(system::livez))
        .route("/readyz", get(system::readyz))
        .with_state(state)
}

fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(stock::add))
        .routes(routes!(stock::remove))
        .routes(routes!(stock::adjust))
        .routes(routes!(stock::move_stock))
        .routes(routes!(reservations::reserve))
        .routes(routes!(reservations::read))
        .routes(routes!(reservations::confirm))
        .routes(routes!(reservations::cancel))
        .routes(routes!(inventory::product))
        .routes(routes!(batch::stock))
        .routes(routes!(items::post, items::put))
        .routes(routes!(items::read, items::put_by_sku))
        .routes(routes!(items::post_many))
        .routes(routes!(locations::post, locations::put))
        .routes(routes!(locations::read, locations::put_by_id))
        .routes(routes!(products::search))
        .routes(routes!(products::read))
        .routes(routes!(system::livez))
        .routes(routes!(system::health))
        .routes(routes!(system::readyz))
        .routes(routes!(system::ready))
        .routes(routes!(system::metrics))
        .routes(routes!(problem::page::index_page))
        .routes(routes!(problem::page::problem_page))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use reqwest::{Client, Method, RequestBuilder};
    use serde_json::Value;

    use super::*;
    use crate::config::ApiServerConfig;

    /// A server whose parts all point to a port that nothing listens on.
    async fn server() -> String {
        let mut config = ApiServerConfig::default();
        config.database.url = "postgres://nobody@127.0.0.1:1/none".into();
        config.redis.url = "redis://127.0.0.1:1/0".into();
        config.elasticsearch.url = "http://127.0.0.1:1".into();
        config.api.max_body_bytes = 2_048;
        let state = AppState::new(config).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let panics = Router::new().route(
            "/panic",
            get(|| async {
                if true {
                    panic!("oops")
                }
            }),
        );
        let app = around_all(panics.merge(bare(state.clone())), &state);
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}")
    }

    async fn problem(request: RequestBuilder) -> (u16, String, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["request_id"], id);
        assert_eq!(body["status"], status);
        (status, body["code"].as_str().unwrap().to_owned(), body)
    }

    #[tokio::test]
    async fn whatever_goes_wrong_is_a_problem() {
        let base = server().await;
        let client = Client::new();
        let post = |path: &str| client.post(format!("{base}{path}"));
        let json = |path: &str, body: &str| {
            post(path)
                .header("content-type", "application/json")
                .body(body.to_owned())
        };
        let large = "x".repeat(3_000);
        let line = r#"{"sku":"A","location":"W","quantity":1}"#;
        let cases = [
            (client.get(format!("{base}/nowhere")), 404, "not_found"),
            (
                client.request(Method::DELETE, format!("{base}/v1/stock/add")),
                405,
                "method_not_allowed",
            ),
            (client.get(format!("{base}/panic")), 500, "internal"),
            (post("/v1/stock/add").body("x"), 415, "unsupported_media_type"),
            (json("/v1/stock/add", &large), 413, "body_too_large"),
            (json("/v1/stock/add", "{"), 400, "malformed_json"),
            (json("/v1/stock/add", r#"{"sku":1}"#), 400, "invalid_argument"),
            (
                json("/v1/batch/items", r#"{"items":[]}"#).header("if-match", "\"1\""),
                400,
                "invalid_argument",
            ),
            (json("/v1/stock/add", line), 503, "database_unavailable"),
            (
                json("/v1/batch/stock", r#"{"product_ids":["A"]}"#),
                503,
                "database_unavailable",
            ),
            (
                client.get(format!("{base}/v1/inventory/product/A")),
                503,
                "database_unavailable",
            ),
            (client.get(format!("{base}/v1/products?q=a")), 503, "search_unavailable"),
            (
                client.get(format!("{base}/v1/products?limit=0")),
                400,
                "invalid_argument",
            ),
            (client.get(format!("{base}/v1/reservations/x")), 400, "invalid_argument"),
        ];
        for (request, status, code) in cases {
            let (got_status, got_code, body) = problem(request).await;
            assert_eq!((got_status, got_code.as_str()), (status, code), "{body}");
        }
    }

    #[tokio::test]
    async fn a_request_id_is_echoed_and_absent_parts_are_named() {
        let base = server().await;
        let request = Client::new()
            .get(format!("{base}/ready"))
            .header("x-request-id", "mine");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["x-request-id"], "mine");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["parts"]["postgres"], "down");
        assert_eq!(body["parts"]["redis"], "down");
        assert_eq!(body["parts"]["elasticsearch"], "down");
    }

    #[test]
    fn every_operation_is_described() {
        let mut document = documented().into_openapi();
        describe_tokens(&mut document);
        let document = serde_json::to_value(document).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        for path in [
            "/v1/reservations/{id}/confirm",
            "/v1/batch/stock",
            "/v1/products",
            "/metrics",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path}");
                assert!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()));
            }
        }
        let answered = |path: &str, method: &str, status: &str| {
            let header = &document["paths"][path][method]["responses"][status]["headers"]["Consistency-Token"];
            header.is_object()
        };
        let taken = |path: &str, method: &str| {
            let parameters = document["paths"][path][method]["parameters"].as_array();
            parameters.is_some_and(|all| all.iter().any(|one| one["name"] == "Consistency-Token"))
        };
        assert!(answered("/v1/reservations", "post", "201") && answered("/v1/items/{sku}", "put", "200"));
        assert!(taken("/v1/batch/stock", "post") && taken("/v1/products", "get"));
        assert!(!taken("/v1/stock/add", "post") && !taken("/livez", "get"));
        let refusals = &document["paths"]["/v1/reservations"]["post"]["responses"]["409"];
        let examples = &refusals["content"]["application/problem+json"]["examples"];
        assert_eq!(examples["insufficient_stock"]["value"]["status"], 409);
    }
}
