//! The absolute URIs of answers: from the configured public URL, else from the request.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header::{FORWARDED, HOST};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Version};

use super::App;
use super::problem::Problem;
use crate::task::TaskId;

/// The address of the client's end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Scheme, host and path before `/images`, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicUrl(String);

impl PublicUrl {
    pub(super) fn task(&self, id: TaskId) -> String {
        format!("{}/images/task/{id}", self.0)
    }

    /// A result; the first one also lives at the address without a number.
    pub(super) fn result(&self, id: TaskId, number: usize) -> String {
        if number == 1 {
            format!("{}/images/{id}", self.0)
        } else {
            format!("{}/images/{id}/{number}", self.0)
        }
    }

    /// The list of tasks with the same filters, after this one.
    pub(super) fn page(&self, query: &str, after: TaskId) -> String {
        let filters = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "after");
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(filters)
            .append_pair("after", &after.to_string())
            .finish();
        format!("{}/images/tasks?{query}", self.0)
    }

    /// What every URI here begins with.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// One that was used before.
    pub(super) fn known(url: &str) -> Self {
        Self(url.to_owned())
    }

    fn of(parts: &Parts, app: &App) -> Option<Self> {
        // RFC 9112 section 3.2: whatever the server goes by, a client names it once.
        match parts.headers.get_all(HOST).iter().count() {
            0 if parts.version >= Version::HTTP_11 => return None,
            0 | 1 => {}
            _ => return None,
        }
        if let Some(url) = &app.config.http.public_url {
            return Some(Self(url.trim_end_matches('/').to_owned()));
        }
        let trusted = parts
            .extensions
            .get::<Peer>()
            .is_some_and(|peer| app.config.http.trusted_proxies.contains(&peer.0));
        let (proto, host) = if trusted { forwarded(&parts.headers) } else { (None, None) };
        let is_https = match proto {
            Some(proto) => proto.eq_ignore_ascii_case("https"),
            None => app.config.http.tls_cert.is_some(),
        };
        let scheme = if is_https { "https" } else { "http" };
        // RFC 9112 section 3.2.2: an authority in the request line wins over Host.
        let host = host
            .or_else(|| parts.uri.authority().map(ToString::to_string))
            .or_else(|| header(&parts.headers, HOST.as_str()))
            .unwrap_or_else(|| app.config.http.listen.to_string());
        let authority: Authority = host.parse().ok()?;
        // User information in a URI of ours would send clients' passwords around.
        (!authority.as_str().contains('@')).then(|| Self(format!("{scheme}://{authority}")))
    }
}

impl FromRequestParts<App> for PublicUrl {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(parts, app).ok_or_else(|| {
            Problem::bad_request("There must be one Host header, with a host, or a host and a port.")
        })
    }
}

pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Scheme and host as the nearest proxy saw them: RFC 7239's header, else the older two.
fn forwarded(headers: &HeaderMap) -> (Option<String>, Option<String>) {
    if let Some(value) = header(headers, FORWARDED.as_str()) {
        // Each proxy appends: the last element is the one of the proxy that we trust.
        let last = value.rsplit(',').next().unwrap_or_default();
        let pair = |wanted: &str| {
            last.split(';').find_map(|pair| {
                let (name, value) = pair.trim().split_once('=')?;
                name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
            })
        };
        return (pair("proto"), pair("host"));
    }
    let last = |name: &str| {
        header(headers, name).and_then(|value| value.rsplit(',').next().map(|value| value.trim().to_owned()))
    };
    (last("x-forwarded-proto"), last("x-forwarded-host"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_nearest_proxys_word_counts() {
        let rfc = headers(&[(
            "forwarded",
            r#"for=1.2.3.4;host=evil.example, for=10.0.0.1;proto=https;host="pics.example.org:444""#,
        )]);
        assert_eq!(forwarded(&rfc), (Some("https".to_owned()), Some("pics.example.org:444".to_owned())));
        let older =
            headers(&[("x-forwarded-proto", "http, https"), ("x-forwarded-host", "pics.example.org")]);
        assert_eq!(forwarded(&older), (Some("https".to_owned()), Some("pics.example.org".to_owned())));
    }
}
