//! `otlp_endpoint`: a trace from the request over the queue to the runs of plugins and the callback, at a
//! collector that decodes what arrives.

use rustix::process::Signal;
use tintype_tests::server::Setup;
use tintype_tests::{Answer, Client, Collector, Receiver, Related, Server, Span, eventually, pictures};

use crate::steps::{Message, hostile, id_of, resize};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// 32 bytes in base64.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

const SERVER: u64 = 2;
const CLIENT: u64 = 3;
const CONSUMER: u64 = 5;
const ERROR: u64 = 2;

fn traced(collector: &Collector) -> Setup {
    Setup::default().hostile().with("otlp-endpoint", collector.endpoint())
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

/// Submits with this `traceparent` and gives the task's path.
fn submit(client: &Client, message: &Message, traceparent: &str) -> String {
    let answer = client.submit_with(message, &[("traceparent", traceparent)]);
    assert_eq!(answer.code, 202, "{answer:?}");
    location(&answer)
}

fn location(answer: &Answer) -> String {
    tintype_tests::client::path(answer.header("content-location").unwrap())
}

fn calling(receiver: &Receiver) -> Message {
    let task = format!(
        "<task><operation name=\"resize\"><param name=\"width\">8</param></operation>\
         <operation name=\"grayscale\"/><callback href=\"{}\"/></task>",
        receiver.url("/hook")
    );
    Related::simple(&task, "image/png", &pictures::png(16, 16))
}

fn with_callbacks(setup: Setup, receiver: &Receiver) -> Setup {
    setup.with("callback-hosts", receiver.listed()).env("TINTYPE_CALLBACK_SECRET", SECRET)
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name() == name).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

fn figure(server: &Server, name: &str) -> f64 {
    let text = server.client().get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn a_trace_goes_from_the_request_over_the_queue_to_the_run_and_the_callback() {
    let (collector, receiver) = (Collector::content(), Receiver::content());
    let server = with_callbacks(traced(&collector), &receiver).start();
    let task = submit(&server.client(), &calling(&receiver), &parent("01"));
    let call = receiver.wait_for(1);
    let names = ["POST /images/tasks", "queue", "task", "standard resize,grayscale", "callback"];
    let spans = collector.wait_for(TRACE, &names);
    assert_eq!(spans.len(), names.len(), "{spans:#?}");
    let [request, queue, attempt, run, callback] = names.map(|name| named(&spans, name));

    assert_eq!(request.text("parentSpanId"), PARENT);
    for (child, parent) in [(queue, request), (attempt, request), (run, attempt), (callback, request)] {
        assert_eq!(child.text("parentSpanId"), parent.text("spanId"), "{child:#?} of {parent:#?}");
        let ((began, ended), (before, _)) = (child.times(), parent.times());
        // Moments are told in whole milliseconds where they are kept with the task.
        assert!(began <= ended && before <= began + 1_000_000, "{child:#?} in {parent:#?}");
    }
    let mut ids: Vec<&str> = spans.iter().map(|span| span.text("spanId")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() == names.len() && ids.iter().all(|id| id.len() == 16), "{ids:?}");
    let kinds = [request, queue, attempt, run, callback].map(Span::kind);
    assert_eq!(kinds, [SERVER, 1, CONSUMER, 1, CLIENT]);
    assert!(spans.iter().all(|span| span.status() == (0, "") && span.service == "tintype"));

    for span in [request, queue, attempt, callback] {
        assert_eq!(span.attribute("tintype.task").as_deref(), Some(id_of(&task)), "{span:#?}");
    }
    for (span, key, value) in [
        (request, "http.route", "/images/tasks"),
        (request, "http.response.status_code", "202"),
        (attempt, "tintype.attempt", "1"),
        (attempt, "tintype.operations", "resize,grayscale"),
        (attempt, "tintype.outcome", "ok"),
        (run, "tintype.plugin", "standard"),
        (run, "tintype.plugin.version", env!("CARGO_PKG_VERSION")),
        (callback, "http.request.method", "POST"),
    ] {
        assert_eq!(span.attribute(key).as_deref(), Some(value), "{key} of {span:#?}");
    }
    assert_eq!(call.header("traceparent"), format!("00-{TRACE}-{}-01", callback.text("spanId")));
    for call in collector.receiver().calls() {
        assert_eq!(call.request, "POST /v1/traces HTTP/1.1");
        assert_eq!(call.header("content-type"), "application/json");
    }
    eventually(
        || (figure(&server, "tintype_otlp_spans_exported_total") >= 5.0).then_some(()),
        || "the spans are not counted".to_owned(),
    );
}

#[test]
fn a_task_that_failed_is_an_error_and_so_is_its_run() {
    let collector = Collector::content();
    let server = traced(&collector).start();
    let client = server.client();
    submit(&client, &hostile("trap", &[]), &parent("01"));
    let spans = collector.wait_for(TRACE, &["task", "hostile trap", "POST /images/tasks"]);
    let (attempt, run) = (named(&spans, "task"), named(&spans, "hostile trap"));
    assert_eq!((attempt.status(), run.status()), ((ERROR, "plugin-trap"), (ERROR, "trap")));
    assert_eq!(attempt.attribute("tintype.outcome").as_deref(), Some("plugin-trap"));
    assert_eq!(attempt.attribute("error.type").as_deref(), Some("plugin-trap"));
    assert_eq!(named(&spans, "POST /images/tasks").status().0, 0, "the request itself went well");
}

#[test]
fn a_refused_request_is_a_span_and_no_error_of_the_servers() {
    let collector = Collector::content();
    let server = traced(&collector).start();
    let headers = [("traceparent", parent("01"))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = server.client().submit_with(&("text/plain".to_owned(), b"x".to_vec()), &headers);
    assert_eq!(refused.code, 415);
    let spans = collector.wait_for(TRACE, &["POST /images/tasks"]);
    let span = named(&spans, "POST /images/tasks");
    assert_eq!(span.attribute("tintype.problem").as_deref(), Some("unsupported-media-type"));
    assert_eq!((spans.len(), span.status().0), (1, 0));
}

#[test]
fn what_its_client_does_not_sample_is_not_sent_but_handed_on() {
    let (collector, receiver) = (Collector::content(), Receiver::content());
    let mut server = with_callbacks(traced(&collector), &receiver).start();
    submit(&server.client(), &calling(&receiver), &parent("00"));
    let handed_on = receiver.wait_for(1).header("traceparent").to_owned();
    assert!(handed_on.starts_with(&format!("00-{TRACE}-")) && handed_on.ends_with("-00"), "{handed_on}");
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), Some(0));
    assert!(collector.spans().is_empty(), "{:#?}", collector.spans());
}

#[test]
fn without_a_client_s_trace_one_begins_here_as_often_as_the_operator_wants() {
    for (ratio, traces) in [("1", true), ("0", false)] {
        let collector = Collector::content();
        let mut server = traced(&collector).with("otlp-sample-ratio", ratio).start();
        // What is no traceparent is as none.
        submit(&server.client(), &resize(), "00-nonsense");
        server.client().process(&resize());
        server.signal(Signal::TERM);
        assert_eq!(server.wait(), Some(0));
        let spans = collector.spans();
        let begun: Vec<&Span> = spans.iter().filter(|span| span.kind() == SERVER).collect();
        assert_eq!(begun.len(), if traces { 2 } else { 0 }, "{spans:#?}");
        assert!(begun.iter().all(|span| span.text("parentSpanId").is_empty()), "{begun:#?}");
        let ends = spans.iter().filter(|span| span.name() == "task").count();
        assert_eq!(ends, begun.len(), "what was taken is with the collector when the server has stopped");
    }
}

#[test]
fn a_trace_survives_the_server() {
    let (collector, receiver) = (Collector::content(), Receiver::content());
    let setup = with_callbacks(traced(&collector), &receiver).with("workers", 1).with("deadline", "10m");
    let server = setup.start();
    let client = server.client();
    let spinning = client.accepted(&hostile("spin", &[]));
    client.wait_until_running(&spinning);
    submit(&client, &calling(&receiver), &parent("01"));
    let request = named(&collector.wait_for(TRACE, &["POST /images/tasks"]), "POST /images/tasks").clone();

    let server = server.kill_and_restart();
    server.client().delete(&spinning);
    let spans = collector.wait_for(TRACE, &["task", "queue", "callback"]);
    for name in ["task", "queue", "callback"] {
        assert_eq!(named(&spans, name).text("parentSpanId"), request.text("spanId"), "{name}");
    }
    receiver.wait_for(1);
}

#[test]
fn without_a_collector_a_client_s_trace_is_handed_on_as_it_came() {
    let receiver = Receiver::content();
    let server = with_callbacks(Setup::default(), &receiver).start();
    submit(&server.client(), &calling(&receiver), &parent("01"));
    assert_eq!(receiver.wait_for(1).header("traceparent"), parent("01"));
    server.client().accepted(&calling(&receiver));
    let untraced = receiver.wait_for(2);
    assert!(!untraced.headers.iter().any(|(name, _)| name == "traceparent"), "{untraced:?}");
}

#[test]
fn a_collector_that_never_answers_holds_no_task_up_and_what_it_misses_is_counted() {
    let collector = Collector::answering(|_| None);
    let mut server = traced(&collector).start();
    let client = server.client();
    // Four spans each: more than wait for the collector.
    let tasks: Vec<String> = (0..700).map(|_| client.accepted(&hostile("echo", &[]))).collect();
    for task in &tasks {
        assert_eq!(client.wait(task).state(), "OK");
    }
    assert!(figure(&server, "tintype_otlp_spans_dropped_total") > 0.0);
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), Some(0), "a collector does not keep it from stopping");
}

#[test]
fn a_collector_that_is_busy_for_a_moment_gets_everything_and_the_headers_that_it_wants() {
    let collector = Collector::answering(|call| {
        Some(if call == 0 { "HTTP/1.1 503 Service Unavailable" } else { "HTTP/1.1 200 OK" })
    });
    let server = traced(&collector).env("TINTYPE_OTLP_HEADERS", "authorization=Bearer hush,x-team=a").start();
    submit(&server.client(), &resize(), &parent("01"));
    let spans = collector.wait_for(TRACE, &["task"]);
    assert!(!spans.is_empty());
    server.wait_for_log("the collector takes no spans");
    server.wait_for_log("the collector takes spans again");
    let calls = collector.receiver().calls();
    let [first, second, ..] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(first.body, second.body, "the same again");
    assert_eq!((first.header("authorization"), first.header("x-team")), ("Bearer hush", "a"));
    assert!(!server.log().iter().any(|line| line.contains("hush")));
}

#[test]
fn an_endpoint_that_is_none_keeps_the_server_from_starting() {
    let setup = Setup::default().with("otlp-endpoint", "collector:4317");
    let folder = setup.folder();
    let Err(no_start) = setup.try_start_in(folder) else { panic!("it starts") };
    let log = no_start.log.join("\n");
    assert!(log.contains("otlp_endpoint") && log.contains("http://127.0.0.1:4318"), "{log}");
}
