//! The server's address as a user writes it, and the URIs made of it. Every URI that is asked for begins
//! with what the user wrote: what a server says of itself behind a proxy need not lead anywhere from
//! here, and no key goes where the user has not sent it.

use std::fmt;

use http::Uri;

/// Where a server is: scheme, host, port, and the path before `/images`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    is_https: bool,
    host: String,
    port: u16,
    /// As it stands in `Host`.
    authority: String,
    /// Without a slash at the end.
    path: String,
}

impl ServerAddress {
    /// Where `make run` serves.
    pub const DEFAULT: &'static str = "http://127.0.0.1:8080";

    /// Reads `http://HOST[:PORT][/PATH]` or the same with https.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rule = "it must be like http://127.0.0.1:8080, http://[::1]:8080 or https://example.org/pictures";
        let wrong = |why: &str| format!("{text:?} is no server's address: {why}");
        if !["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(wrong(rule));
        }
        let uri: Uri = text.parse().map_err(|_| wrong(rule))?;
        let authority = uri.authority().ok_or_else(|| wrong(rule))?;
        if authority.as_str().contains('@') {
            return Err(wrong(
                "a name or a password does not belong there; keys go into TINTYPE_KEY or --key-file",
            ));
        }
        if text.contains(['?', '#']) {
            return Err(wrong("it ends before ? and #"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong(rule));
        }
        let is_https = uri.scheme_str() == Some("https");
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().ends_with(':') => {
                return Err(wrong("there is no port after the colon"));
            }
            // RFC 9110 sections 4.2.1 and 4.2.2.
            None => {
                if is_https {
                    443
                } else {
                    80
                }
            }
        };
        Ok(Self {
            is_https,
            host: host.to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The URI of a path below the server.
    #[must_use]
    pub fn uri(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// The URI of a task.
    #[must_use]
    pub fn task(&self, id: &str) -> String {
        self.uri(&format!("/images/task/{id}"))
    }

    /// The id in what a user calls a task: the id itself, or the task's URI at this server.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn task_id(&self, word: &str) -> Result<String, String> {
        let id = if word.contains("://") {
            let rest = word.strip_prefix(&self.task(""));
            rest.ok_or_else(|| format!("{word} is no task of {self}: name its server by --server"))?
        } else {
            word
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if id.is_empty() || !id.bytes().all(is_plain) {
            return Err(format!("{word:?} is no task: it must be a task's id or its address"));
        }
        Ok(id.to_owned())
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// What stands in a request's first line (RFC 9112 section 3.2.1).
    pub(super) fn target(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        for (text, host, port, target) in [
            ("http://127.0.0.1:8080", "127.0.0.1", 8080, "/images/tasks"),
            ("http://[::1]:9", "::1", 9, "/images/tasks"),
            ("http://localhost/", "localhost", 80, "/images/tasks"),
            ("https://example.org/a/b/", "example.org", 443, "/a/b/images/tasks"),
        ] {
            let address = ServerAddress::parse(text).unwrap();
            assert_eq!((address.host(), address.port()), (host, port), "{text}");
            assert_eq!(address.target("/images/tasks"), target);
            assert_eq!(address.to_string(), text.trim_end_matches('/'));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_one_is() {
        for (text, rule) in [
            ("localhost:8080", "it must be like"),
            ("ftp://a", "it must be like"),
            ("http://", "it must be like"),
            ("http://me:secret@a", "TINTYPE_KEY"),
            ("http://a/?b", "before ?"),
            ("http://a:", "colon"),
        ] {
            let refused = ServerAddress::parse(text).unwrap_err();
            assert!(refused.contains(rule), "{refused}");
        }
    }

    #[test]
    fn a_task_goes_by_its_id_or_by_its_address_at_this_server() {
        let address = ServerAddress::parse("https://a.example/p").unwrap();
        assert_eq!(address.task_id("01-ab").unwrap(), "01-ab");
        assert_eq!(address.task_id("https://a.example/p/images/task/01-ab").unwrap(), "01-ab");
        for word in ["https://b.example/p/images/task/01", "../x", "", "https://a.example/p/images/task/"] {
            assert!(address.task_id(word).is_err(), "{word}");
        }
    }
}
