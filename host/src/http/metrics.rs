//! `GET /metrics`: what the server counts, for Prometheus.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;

use super::App;
use super::caller::Caller;
use super::openapi::answers;
use super::problem::Problem;

/// OpenMetrics 1.0, which Prometheus asks for and understands.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the server counts.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "health",
    responses(answers::Metrics, answers::Unauthorized)
)]
pub(super) async fn metrics(State(app): State<App>, _: Caller) -> Result<Response, Problem> {
    let mut text = String::new();
    encode(&mut text, &app.metrics)
        .map_err(|_| Problem::internal("A figure could not be written as text."))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS), (CACHE_CONTROL, "no-store")], text).into_response())
}
