//! Who is asking: the holder of an API key, or anybody where there are no keys.

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;

use super::App;
use super::exchange::Exchange;
use super::problem::Problem;
use crate::auth;

/// The sender of a request. Handlers that take one are closed to everybody else.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) auth::Caller);

impl Caller {
    /// What tasks of the caller's are known by.
    pub(super) fn owner(&self) -> Option<String> {
        self.0.owner().map(|id| id.as_str().to_owned())
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let exchange = Exchange::of(&parts.extensions);
        let known = app.keys.authenticate(&parts.headers).map(Self);
        known.inspect(|caller| exchange.is_of(caller.owner())).map_err(|error| {
            Problem::unauthorized(error.to_string())
                .with(WWW_AUTHENTICATE, HeaderValue::from_static(error.challenge()))
        })
    }
}
