//! The wire. Knows tasks, and of plugins only what they say of themselves.
//!
//! | path | file |
//! |---|---|
//! | `POST /images/tasks` | `submit.rs`, `upload.rs`, `query.rs`, `multipart/` |
//! | `GET /images/tasks` | `list.rs` |
//! | `GET`, `DELETE /images/task/{id}` | `task.rs`, `status.rs`, `prefer.rs` |
//! | `GET /images/task/{id}/events` | `events.rs` |
//! | `GET /images/{id}`, `/images/{id}/{n}` | `result.rs`, `range.rs` |
//! | `GET /plugins`, `/plugins/{name}` | `plugins.rs` |
//! | `GET /health/live`, `/health/ready` | `health.rs` |
//! | `GET /schemas/…` | `schemas.rs` |
//! | who asks | `caller.rs` |
//! | telling others | `announce.rs` |
//! | refusals | `problem.rs` |
//! | what every exchange gets | `envelope.rs` |
//! | connections, timeouts, shutdown | `server.rs`, `body.rs` |

mod announce;
mod body;
mod caller;
mod envelope;
mod events;
mod health;
mod list;
mod media_range;
mod multipart;
mod negotiate;
mod plugins;
mod prefer;
mod problem;
mod public_url;
mod query;
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
use axum::routing::get;

pub use self::announce::announce;
pub use self::server::{Server, ServerError};
use crate::auth::{Keys, Quota};
use crate::callback::Sender;
use crate::config::Config;
use crate::task::Tasks;

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// The service behind the wire.
    pub tasks: Arc<Tasks>,
    /// What the operator has set.
    pub config: Arc<Config>,
    /// Who may come in.
    pub keys: Arc<Keys>,
    /// How much each may ask for.
    pub quota: Arc<Quota>,
    /// What announces the ends of tasks, where that is allowed.
    pub sender: Option<Arc<Sender>>,
}

/// Every route.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/images/tasks", get(list::get).post(submit::post))
        .route("/images/tasks/{id}", get(task::redirect_from_plural))
        .route("/images/task/{id}", get(task::get).delete(task::delete))
        .route("/images/task/{id}/events", get(events::get))
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
