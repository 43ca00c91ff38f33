//! What stands in the variable places of a path.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// As axum's, except that what cannot be read names no resource: 404, as a problem document.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|_| {
            Problem::not_found("The path is not UTF-8 once its percent signs are undone. Nothing is there.")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::Router;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn bytes_that_are_no_text_name_nothing() {
        let router: Router = Router::new().route("/{name}", get(|Path(name): Path<String>| async { name }));
        for (path, code) in [("/%C3%BC", StatusCode::OK), ("/%ff", StatusCode::NOT_FOUND)] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), code, "{path}");
            let refused = response.extensions().get::<Problem>().is_some();
            assert_eq!(refused, code == StatusCode::NOT_FOUND, "{path}");
        }
    }
}
