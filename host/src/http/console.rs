//! `GET /` and `/console/{name}`: the web console, a page that speaks this interface as any client does.
//!
//! The files in `console/` are part of the binary, as they are: nothing builds them, and they load nothing
//! from anywhere else. The page is served to everybody; what it then asks for needs a key where others
//! need one.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::App;
use super::openapi::{answers, params};
use super::path::Path;
use super::problem::Problem;
use crate::digest::Digest;

/// What the page may do: run and show its own files, speak to its own server, and show what that
/// answered. Whatever a plugin or a picture's name says cannot become code in it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The file that is served at `/`.
const PAGE: &str = "index.html";

/// A file of the console.
struct Asset {
    name: &'static str,
    bytes: &'static [u8],
    /// Of its bytes: a new binary's files are never taken for those of the old one.
    etag: String,
}

macro_rules! assets {
    ($($name:literal),+ $(,)?) => {
        LazyLock::new(|| vec![$( Asset::new($name, include_bytes!(concat!("console/", $name))) ),+])
    };
}

static ASSETS: LazyLock<Vec<Asset>> = assets![
    "index.html",
    "style.css",
    "icon.svg",
    "announce.js",
    "copy.js",
    "curl.js",
    "description.js",
    "element.js",
    "figures.js",
    "follow.js",
    "form_controls.js",
    "form_fields.js",
    "key.js",
    "main.js",
    "new_page.js",
    "offers.js",
    "operations.js",
    "output.js",
    "plugin_page.js",
    "plugins_page.js",
    "problem.js",
    "progress.js",
    "result.js",
    "server.js",
    "source.js",
    "submitted.js",
    "task_page.js",
    "task_row.js",
    "tasks_page.js",
    "thumbnail.js",
    "words.js",
];

impl Asset {
    fn new(name: &'static str, bytes: &'static [u8]) -> Self {
        Self { name, bytes, etag: format!("\"{}\"", Digest::of(bytes)) }
    }

    fn content_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html;charset=UTF-8",
            Some("css") => "text/css;charset=UTF-8",
            Some("svg") => "image/svg+xml",
            _ => "text/javascript;charset=UTF-8",
        }
    }
}

/// The web console.
#[utoipa::path(
    get, path = "/", operation_id = "console", tag = "discovery", security(()),
    params(params::KnownFile),
    responses(answers::ConsoleFile, answers::ConsoleUnchanged, answers::NotFound)
)]
pub(super) async fn page(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    file(&app, PAGE, &headers)
}

/// A file that the web console consists of.
#[utoipa::path(
    get, path = "/console/{name}", operation_id = "consoleFile", tag = "discovery", security(()),
    params(params::ConsolePath, params::KnownFile),
    responses(answers::ConsoleFile, answers::ConsoleUnchanged, answers::NotFound)
)]
pub(super) async fn asset(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    file(&app, &name, &headers)
}

fn file(app: &App, name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    if !app.config.http.console {
        return Err(Problem::not_found("The web console is turned off. Tasks are posted to /images/tasks."));
    }
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .ok_or_else(|| Problem::not_found("The web console has no such file. It is at /."))?;
    let mut response = if is_known(headers, &asset.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, asset.content_type())], asset.bytes).into_response()
    };
    let answered = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        answered.insert(ETAG, etag);
    }
    // Kept, but asked about each time: the modules of two binaries must not be mixed.
    answered.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answered.insert(CONTENT_SECURITY_POLICY, POLICY);
    answered.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answered.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// Whether the client has what bears this tag (RFC 9110 section 13.1.2, by weak comparison).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    fn names() -> BTreeSet<String> {
        ASSETS.iter().map(|asset| asset.name.to_owned()).collect()
    }

    fn text(asset: &Asset) -> &'static str {
        std::str::from_utf8(asset.bytes).unwrap()
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_binary() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/console");
        let files = std::fs::read_dir(folder).unwrap();
        let files: BTreeSet<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(files, names());
    }

    #[test]
    fn a_module_imports_only_what_is_there() {
        for asset in ASSETS.iter().filter(|asset| asset.name.ends_with(".js")) {
            let imports = text(asset).lines().filter_map(|line| line.split_once("from '"));
            for (_, rest) in imports {
                let wanted = rest.strip_prefix("./").and_then(|rest| rest.strip_suffix("';"));
                assert!(wanted.is_some_and(|name| names().contains(name)), "{}: {rest}", asset.name);
            }
        }
    }

    #[test]
    fn no_file_names_an_address_elsewhere() {
        for asset in ASSETS.iter() {
            // Where SVG comes from is a name, which nobody fetches.
            let text = text(asset).replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("://"), "{}", asset.name);
        }
    }

    #[test]
    fn a_tag_is_known_alone_in_a_list_and_when_weak() {
        let known = |value: &'static str| {
            let headers = [(IF_NONE_MATCH, HeaderValue::from_static(value))].into_iter().collect();
            is_known(&headers, "\"a\"")
        };
        assert!(known("\"a\"") && known("\"b\", W/\"a\"") && known("*"));
        assert!(!known("\"b\"") && !known("a") && !known(""));
    }
}
