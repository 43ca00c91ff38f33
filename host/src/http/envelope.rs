//! What every exchange gets: a request id, a line in the log, its place in the figures and, if it submits
//! a task, in a trace; and a problem document where one is due.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use super::App;
use super::client_address;
use super::connection::Unread;
use super::exchange::Exchange;
use super::figures::{method_label, route};
use super::negotiate::Format;
use super::problem::Problem;
use crate::task::TaskId;
use crate::trace::{Kind, Span, TraceContext, ago};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id that is taken over: two UUIDs, or what the common proxies make.
const LONGEST_ID: usize = 80;

/// The route by which tasks come in.
const SUBMISSION: &str = "/images/tasks";

/// Routes that machines ask all day long.
const WATCHED: [&str; 3] = ["/health/live", "/health/ready", "/metrics"];

pub(super) async fn wrap(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers()).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    // Problems must be said in some format even to who accepts none.
    let format = Format::accepted(request.headers()).unwrap_or(Format::Xml);
    let has_body = !request.body().is_end_stream();
    // Such a request may have had a Content-Length too: hyper drops it, as it must, and tells nobody. Then
    // what follows may be no request but what somebody smuggles past a proxy, and the connection has
    // to end (RFC 9112 section 6.1).
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let unread = request.extensions().get::<Unread>().cloned().unwrap_or_default();
    let method = method_label(request.method());
    let route = route(request.extensions().get::<MatchedPath>().map(MatchedPath::as_str));
    let client = client_address::of(request.headers(), request.extensions(), &app);
    let submits = *request.method() == Method::POST && route == SUBMISSION;
    let parent = if submits { traceparent(request.headers()) } else { None };
    let trace = if submits { app.tasks.tracer().of_request(parent) } else { None };
    let exchange = Exchange::traced(trace);
    if let Some(task) = named_task(route, request.uri().path()) {
        exchange.is_about(task);
    }
    request.extensions_mut().insert(exchange.clone());

    // What is said on the way has the request's id, too.
    let span = tracing::info_span!(target: "tintype::request", "request", request_id = id);
    let mut response = next.run(request).instrument(span).await;

    let problem = response.extensions_mut().remove::<Problem>();
    let slug = problem.as_ref().map(Problem::slug);
    let detail = problem.as_ref().and_then(Problem::for_the_log).map(str::to_owned);
    if let Some(problem) = problem {
        response = problem.render(format, &id);
        if has_body {
            // Of the body something may be unread: the connection ends with this answer, and a client
            // that isn't told would send its next request into the void.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            unread.set();
        }
    }
    if is_chunked {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let took = began.elapsed();
    app.figures.answered(method, route, response.status(), took);
    if let (true, Some(reason)) = (submits, slug) {
        app.figures.refused(reason);
    }
    let (request_id, exchange) = (&id, &exchange);
    let told = Told { request_id, method, route, client, problem: slug, detail, exchange, took };
    if let Some(context) = trace.filter(|context| app.tasks.tracer().wants(context)) {
        app.tasks.tracer().take(told.span(context, parent, &response));
    }
    told.log(&response);
    response
}

/// What is told of an exchange that is over.
struct Told<'a> {
    request_id: &'a str,
    method: &'static str,
    route: &'static str,
    client: Option<IpAddr>,
    problem: Option<&'static str>,
    detail: Option<String>,
    exchange: &'a Exchange,
    took: Duration,
}

impl Told<'_> {
    /// Never the path or the query: clients put secrets there.
    fn log(&self, response: &Response) {
        let Self { request_id, method, route, client, problem, detail, exchange, took } = self;
        let status = response.status().as_u16();
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (bytes, received) = (length(response), exchange.received());
        let client = client.map(tracing::field::display);
        let (owner, task) = (exchange.owner(), exchange.task().map(tracing::field::display));
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "tintype::request",
                    request_id, method, route, status, ms, bytes, received, client, owner, task,
                    problem, detail, "answered"
                )
            };
        }
        match status {
            // That a server is not ready is an answer, and asked for every few seconds.
            _ if WATCHED.contains(route) => line!(debug),
            500.. => line!(warn),
            _ => line!(info),
        }
    }

    /// A server's span (OpenTelemetry, "Semantic Conventions for HTTP Spans"): a refusal is the client's
    /// error, and none of the server's.
    fn span(&self, context: TraceContext, parent: Option<TraceContext>, response: &Response) -> Span {
        let status = response.status();
        let name = format!("{} {}", self.method, self.route);
        let mut span = Span::new(context, parent, &name, ago(self.took))
            .kind(Kind::Server)
            .with("http.request.method", self.method)
            .with("http.route", self.route)
            .with("http.response.status_code", status.as_u16())
            .with("tintype.request_id", self.request_id);
        if let Some(task) = self.exchange.task() {
            span = span.with("tintype.task", task.to_string());
        }
        if let Some(problem) = self.problem {
            span = span.with("tintype.problem", problem);
        }
        if status.is_server_error() { span.failed(self.problem.unwrap_or("internal")) } else { span }
    }
}

/// The bytes of an answer's body, as far as they are known beforehand.
fn length(response: &Response) -> Option<u64> {
    let declared = response.headers().get(CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse().ok());
    declared.or_else(|| response.body().size_hint().exact())
}

/// The id that a client or a proxy has given a request, if it is made of what ids are made of: it comes
/// into the log and into answers.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(REQUEST_ID).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let id = value.to_str().ok()?;
    let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    ((1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_sane)).then(|| id.to_owned())
}

fn traceparent(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all("traceparent").iter();
    match (values.next(), values.next()) {
        (Some(value), None) => TraceContext::parse(value.to_str().ok()?),
        _ => None,
    }
}

/// The task that a path is about.
fn named_task(route: &str, path: &str) -> Option<TaskId> {
    let prefix = route.split_once("{id}")?.0;
    TaskId::parse(path.strip_prefix(prefix)?.split('/').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let header = |value: &&'static str| (HeaderName::from_static(name), HeaderValue::from_static(value));
        values.iter().map(header).collect()
    }

    #[test]
    fn a_request_id_is_taken_over_if_it_is_one() {
        let id = |values: &[&'static str]| request_id(&headers("x-request-id", values));
        assert_eq!(id(&["Root=1-67891233:a_b.c"]), None);
        assert_eq!(id(&["1-67891233:a_b.c"]), Some("1-67891233:a_b.c".to_owned()));
        for wrong in [&["a", "b"][..], &[""], &["a b"], &["a\"b"], &[LONG], &[]] {
            assert_eq!(id(wrong), None, "{wrong:?}");
        }
    }

    const LONG: &str =
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890";

    #[test]
    fn a_path_names_its_task() {
        let id = "01a20442-92c2-7d82-8341-dcf65ca913db";
        for (route, path) in [
            ("/images/task/{id}", format!("/images/task/{id}")),
            ("/images/task/{id}/events", format!("/images/task/{id}/events")),
            ("/images/{id}/{number}", format!("/images/{id}/2")),
        ] {
            assert_eq!(named_task(route, &path), TaskId::parse(id), "{path}");
        }
        assert_eq!(named_task("/images/{id}", "/images/hush"), None);
        assert_eq!(named_task("/plugins", "/plugins"), None);
    }
}
