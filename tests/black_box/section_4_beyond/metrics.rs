//! What the server counts, as Prometheus reads it.

use tintype_tests::server::Setup;
use tintype_tests::{Client, Connection, Related, Server, eventually};

use crate::steps::{busy_server, garbage, hostile, hostile_server, resize};

/// The value of a sample, by its name and labels as they are written.
fn sample(client: &Client, name: &str) -> Option<f64> {
    let text = client.get("/metrics").text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn runs_are_counted_by_plugin_and_by_how_they_ended() {
    let server = hostile_server();
    let client = server.client();
    let answer = client.get("/metrics");
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"), "{answer:?}");

    client.process(&resize());
    client.process(&resize());
    client.process(&garbage());
    client.process(&hostile("trap", &[]));
    let version = env!("CARGO_PKG_VERSION");
    let standard = format!("plugin=\"standard\",version=\"{version}\"");
    let runs = |outcome: &str| {
        sample(&client, &format!("tintype_plugin_runs_total{{{standard},outcome=\"{outcome}\"}}"))
    };
    assert_eq!((runs("ok"), runs("invalid-image"), runs("trap")), (Some(2.0), Some(1.0), None));
    let trapped = "tintype_plugin_runs_total{plugin=\"hostile\",version=\"1.0.0\",outcome=\"trap\"}";
    assert_eq!(sample(&client, trapped), Some(1.0));

    let of = |figure: &str| sample(&client, &format!("tintype_plugin_{figure}{{{standard}}}")).unwrap();
    for histogram in
        ["run_duration_seconds", "run_cpu_seconds", "run_peak_memory_bytes", "queue_wait_seconds"]
    {
        assert!((of(&format!("{histogram}_count")) - 3.0).abs() < f64::EPSILON, "{histogram}");
    }
    assert!(of("run_peak_memory_bytes_sum") > 3.0 * 65536.0);
    let (wall, processor) = (of("run_duration_seconds_sum"), of("run_cpu_seconds_sum"));
    assert!(processor > 0.0 && processor <= wall * 1.01 + 0.001, "{processor} s of {wall} s");
}

#[test]
fn requests_and_tasks_are_counted_by_what_came_of_them() {
    let server = hostile_server();
    let client = server.client();
    let key = [("Idempotency-Key", "one")];
    for _ in 0..2 {
        assert_eq!(client.submit_with(&resize(), &key).code, 202);
    }
    client.process(&resize());
    client.process(&garbage());
    client.submit(&("text/plain".to_owned(), b"x".to_vec())).refused(415, "unsupported-media-type");
    eventually(
        || (sample(&client, "tintype_tasks_ended_total{outcome=\"ok\"}") == Some(2.0)).then_some(()),
        || "not all tasks are counted".to_owned(),
    );
    for (name, value) in [
        ("tintype_http_requests_total{method=\"POST\",route=\"/images/tasks\",status=\"2xx\"}", 4.0),
        ("tintype_http_requests_total{method=\"POST\",route=\"/images/tasks\",status=\"4xx\"}", 1.0),
        ("tintype_http_request_duration_seconds_count{method=\"POST\",route=\"/images/tasks\"}", 5.0),
        ("tintype_tasks_refused_total{reason=\"unsupported-media-type\"}", 1.0),
        ("tintype_tasks_refused_total{reason=\"queue-full\"}", 0.0),
        ("tintype_tasks_accepted_total", 3.0),
        ("tintype_tasks_repeated_total", 1.0),
        ("tintype_tasks_ended_total{outcome=\"invalid-image\"}", 1.0),
        ("tintype_tasks_attempts_total", 3.0),
        ("tintype_tasks_duration_seconds_count", 3.0),
        ("tintype_blobs_failed", 0.0),
        ("tintype_store_failed", 0.0),
        ("tintype_plugins", 4.0),
    ] {
        assert_eq!(sample(&client, name), Some(value), "{name}");
    }
    let resized = "plugin=\"standard\",operation=\"resize\",outcome=";
    for (outcome, runs) in [("ok", 2.0), ("invalid-image", 1.0)] {
        let name = format!("tintype_plugin_operation_duration_seconds_count{{{resized}\"{outcome}\"}}");
        assert_eq!(sample(&client, &name), Some(runs), "{name}");
    }
    for at_least_one in [
        "tintype_blob_keep_duration_seconds_count",
        "tintype_store_commit_duration_seconds_count",
        "tintype_store_flush_duration_seconds_count",
        "tintype_http_upload_received_bytes_total",
        "tintype_sandbox_slots",
        "tintype_workers",
        "tintype_disk_free_bytes",
        "tintype_disk_size_bytes",
        "tintype_build_info{version=\"0.1.0\"}",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
    ] {
        assert!(sample(&client, at_least_one).is_some_and(|value| value >= 1.0), "{at_least_one}");
    }
    assert!(sample(&client, "process_cpu_seconds_total").is_some_and(|value| value > 0.0));
}

#[test]
fn what_waits_and_who_works_can_be_seen() {
    let (_server, client, spinning) = busy_server(Setup::default());
    let idle = [sample(&client, "tintype_queue_tasks"), sample(&client, "tintype_queue_oldest_age_seconds")];
    assert_eq!(idle, [Some(0.0), Some(0.0)]);
    let waiting = client.accepted(&resize());
    let one = |name: &str| assert_eq!(sample(&client, name), Some(1.0), "{name}");
    one("tintype_queue_tasks");
    one("tintype_workers_busy");
    one("tintype_sandbox_slots_used");
    assert_eq!(sample(&client, "tintype_sandbox_slots"), Some(2.0));
    eventually(
        || sample(&client, "tintype_queue_oldest_age_seconds").filter(|age| *age > 0.0),
        || "the oldest task does not get older".to_owned(),
    );
    client.delete(&spinning);
    client.wait(&waiting);
    eventually(
        || (sample(&client, "tintype_workers_busy") == Some(0.0)).then_some(()),
        || "the worker never rests".to_owned(),
    );
    assert_eq!(sample(&client, "tintype_sandbox_slots_used"), Some(0.0));
}

#[test]
fn an_upload_is_seen_while_it_is_under_way() {
    let server = Server::new();
    let client = server.client();
    let (content_type, _) = resize();
    let mut connection = Connection::open(server.address());
    connection.send(format!(
        "POST /images/tasks HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: 9999999\r\n\r\n"
    ));
    let (_, body) = Related::simple("<task/>", "image/png", &vec![1; 2_000_000]);
    connection.send(&body[..1_000_000]);
    let pending = |bytes: f64| {
        eventually(
            || (sample(&client, "tintype_http_upload_pending_bytes") == Some(bytes)).then_some(()),
            || format!("there are never {bytes} bytes under way"),
        );
    };
    pending(1_000_000.0);
    assert_eq!(sample(&client, "tintype_http_uploads"), Some(1.0));
    drop(connection);
    pending(0.0);
    assert_eq!(sample(&client, "tintype_http_uploads"), Some(0.0));
}

#[test]
fn a_client_cannot_make_figures_whatever_it_sends() {
    let server = Server::new();
    let client = server.client();
    let series = || -> usize {
        let text = client.get("/metrics").text();
        text.lines().filter(|line| !line.starts_with('#')).count()
    };
    let send = |word: &str| {
        for path in ["/", "/images/task/", "/images/", "/plugins/", "/schemas/", "/images/tasks?operation="] {
            let path = format!("{path}{word}");
            client.get(&path);
            let unheard_of = format!("{} {path} HTTP/1.1\r\nHost: h\r\n\r\n", word.to_uppercase());
            assert!(Connection::open(server.address()).send(unheard_of).answer().code >= 400);
            client.send("POST", &path, &[("Content-Type", "image/png"), ("Accept", word)], b"x");
        }
    };
    send("first");
    series();
    let before = series();
    for number in 0..20 {
        send(&format!("word{}", "x".repeat(number)));
    }
    assert_eq!(series(), before);
}
