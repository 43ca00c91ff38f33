//! The wire. Knows tasks, and of plugins only what they say of themselves.
//!
//! | path | file |
//! |---|---|
//! | `POST /images/tasks` | `submit.rs`, `upload.rs`, `multipart/` |
//! | `GET /images/task/{id}` | `task.rs`, `status.rs` |
//! | `GET /images/{id}`, `/images/{id}/{n}` | `result.rs`, `range.rs` |
//! | `GET /plugins`, `/plugins/{name}` | `plugins.rs` |
//! | `GET /health/live`, `/health/ready` | `health.rs` |
//! | `GET /schemas/…` | `schemas.rs` |
//! | refusals | `problem.rs` |
//! | what every exchange gets | `envelope.rs` |
//! | connections, timeouts, shutdown | `server.rs`, `body.rs` |

mod body;
mod envelope;
mod health;
mod media_range;
mod multipart;
mod negotiate;
mod plugins;
mod problem;
mod public_url;
mod range;
mod result;
mod schemas;
mod server;
mod status;
mod submit;
mod task;
mod upload;
mod xml;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use self::server::{Server, ServerError};
use crate::config::Config;
use crate::task::Tasks;

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// The service behind the wire.
    pub tasks: Arc<Tasks>,
    /// What the operator has set.
    pub config: Arc<Config>,
}

/// Every route.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/images/tasks", post(submit::post))
        .route("/images/tasks/{id}", get(task::redirect_from_plural))
        .route("/images/task/{id}", get(task::get))
        .route("/images/{id}", get(result::get_first))
        .route("/images/{id}/{number}", get(result::get_numbered))
        .route("/plugins", get(plugins::list))
        .route("/plugins/{name}", get(plugins::get))
        .route("/schemas/{name}", get(schemas::get))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(problem::no_such_resource)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::middleware::from_fn(envelope::wrap))
        .with_state(app)
}
