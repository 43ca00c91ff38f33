//! The web console: served to everybody, locked down by its own headers, and turned off by a switch. What it
//! does in a browser is in `tests/console`.

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Server};

fn text(answer: &Answer, name: &str) -> String {
    answer.header(name).unwrap_or_default().to_owned()
}

#[test]
fn the_page_may_load_nothing_but_its_own_files_and_speak_to_nobody_but_its_server() {
    let server = Server::new();
    let client = server.client();
    let page = client.get("/");
    assert_eq!((page.code, text(&page, "content-type").as_str()), (200, "text/html;charset=UTF-8"));
    for (path, media_type) in [
        ("/", "text/html;charset=UTF-8"),
        ("/console/main.js", "text/javascript;charset=UTF-8"),
        ("/console/style.css", "text/css;charset=UTF-8"),
        ("/console/icon.svg", "image/svg+xml"),
    ] {
        let answer = client.get(path);
        assert_eq!((answer.code, text(&answer, "content-type").as_str()), (200, media_type), "{path}");
        assert_eq!(
            text(&answer, "content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(text(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(text(&answer, "referrer-policy"), "no-referrer", "{path}");
    }
    let html = page.text();
    // Behind a proxy the page may be below a path of its own.
    assert!(!html.contains("=\"/") && !html.contains("<style") && !html.contains("style="), "{html}");
}

#[test]
fn a_browser_that_has_a_file_is_not_sent_it_again() {
    let server = Server::new();
    let client = server.client();
    for path in ["/", "/console/main.js"] {
        let first = client.get(path);
        let etag = text(&first, "etag");
        assert_eq!((etag.len(), text(&first, "cache-control").as_str()), (66, "no-cache"), "{path}");
        let again = client.send("GET", path, &[("If-None-Match", &etag)], &[]);
        assert_eq!((again.code, again.body.len(), text(&again, "etag")), (304, 0, etag), "{path}");
        let other = client.send("GET", path, &[("If-None-Match", "\"another\"")], &[]);
        assert_eq!((other.code, &other.body), (200, &first.body), "{path}");
    }
    let head = client.send("HEAD", "/", &[], &[]);
    assert_eq!((head.code, head.body.len()), (200, 0));
}

#[test]
fn the_console_needs_no_key_and_what_it_asks_for_does() {
    let server = Setup::default().key("shop").start();
    let client = server.client();
    assert_eq!((client.get("/").code, client.get("/console/main.js").code), (200, 200));
    client.get("/images/tasks").refused(401, "unauthorized");
}

#[test]
fn a_file_that_the_console_has_not_is_not_found() {
    let server = Server::new();
    let client = server.client();
    for path in
        ["/console/", "/console/none.js", "/console/..%2Fconsole.rs", "/console/index.html/x", "/console/%00"]
    {
        client.get(path).refused(404, "not-found");
    }
}

#[test]
fn the_console_can_be_turned_off() {
    let server = Setup::default().with("console", "false").start();
    let client = server.client();
    for path in ["/", "/console/main.js", "/console/style.css"] {
        let problem = client.get(path).refused(404, "not-found");
        assert!(problem.detail.contains("turned off"), "{}", problem.detail);
    }
    assert_eq!(client.get("/plugins").code, 200);
}
