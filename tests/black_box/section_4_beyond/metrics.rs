//! What the server counts, as Prometheus reads it.

use tintype_tests::Client;

use crate::steps::{garbage, hostile, hostile_server, resize};

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
