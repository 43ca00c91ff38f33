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
//! | `GET /openapi.json` | `openapi.rs`, `openapi/` |
//! | `GET /`, `/console/…` | `console.rs`, `console/` |
//! | `GET /health/live`, `/health/ready` | `health.rs` |
//! | `GET /metrics` | `metrics.rs` |
//! | `GET /schemas/…` | `schemas.rs` |
//! | who asks | `caller.rs` |
//! | telling others | `announce.rs` |
//! | what a path names | `path.rs` |
//! | refusals | `problem.rs` |
//! | what every exchange gets | `envelope.rs`, `exchange.rs` |
//! | what is counted of them | `figures.rs` |
//! | connections, timeouts, shutdown | `server.rs`, `connection.rs`, `body.rs` |
//! | TLS | `tls.rs`, `transport.rs` |

mod announce;
mod body;
mod caller;
mod client_address;
mod connection;
mod console;
mod envelope;
mod events;
mod exchange;
mod figures;
mod health;
mod list;
mod media_range;
mod metrics;
mod multipart;
mod negotiate;
mod openapi;
mod path;
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
mod tls;
mod transport;
mod upload;
mod xml;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::announce::announce;
pub use self::figures::Figures;
pub use self::server::{Listening, Server, ServerError};
pub use self::tls::{Certificate, CertificateError};
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
    /// What is counted of requests.
    pub figures: Figures,
    /// All that is counted.
    pub metrics: Arc<prometheus_client::registry::Registry>,
    /// What announces the ends of tasks, where that is allowed.
    pub sender: Option<Arc<Sender>>,
}

/// What answers requests.
pub fn router(app: App) -> Router {
    answering(routes(), app)
}

/// What answers whoever watches a server that takes no tasks.
pub fn watching_router(app: App) -> Router {
    answering(watching_routes(OpenApiRouter::with_openapi(openapi::head())), app)
}

fn answering(routes: OpenApiRouter<App>, app: App) -> Router {
    let (router, _) = routes.split_for_parts();
    router
        .fallback(problem::no_such_resource)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(app.clone(), envelope::wrap))
        .with_state(app)
}

/// Every route, under the path and method that its handler is annotated with.
fn routes() -> OpenApiRouter<App> {
    let routes = OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(list::get, submit::post))
        .routes(routes!(task::redirect_from_plural))
        .routes(routes!(task::get, task::delete))
        .routes(routes!(events::get))
        .routes(routes!(result::get_first))
        .routes(routes!(result::get_numbered))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::get))
        .routes(routes!(schemas::get))
        .routes(routes!(openapi::get))
        .routes(routes!(console::page))
        .routes(routes!(console::asset));
    watching_routes(routes)
}

fn watching_routes(routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    routes.routes(routes!(health::live)).routes(routes!(health::ready)).routes(routes!(metrics::metrics))
}
