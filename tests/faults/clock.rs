//! The clock of the day jumps ten years, while the server serves and while it is down. Time that only
//! goes on is what leases, retention and retries are about, and that does not jump.

use std::time::{Duration, Instant};

use tintype_tests::server::Setup;
use tintype_tests::{Client, Receiver, Related, Server, eventually, pictures, task_xml};

use crate::account::list;
use crate::orders::Order;
use crate::{id_of, setup};

const TEN_YEARS: i64 = 10 * 365 * 24 * 3600;
const JUMPS: [i64; 2] = [TEN_YEARS, -TEN_YEARS];

/// As the tests of callbacks have it.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn resize() -> (String, Vec<u8>) {
    Order::resize(8).message
}

fn wait_for_code(client: &Client, path: &str, code: u16) {
    eventually(|| (client.get(path).code == code).then_some(()), || format!("{path} never gives {code}"));
}

/// That something does not happen is only seen by looking for a while.
fn stays(client: &Client, path: &str, code: u16, time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        let answer = client.get(path);
        assert_eq!(answer.code, code, "{answer:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A task that is over, by its path and that of its result.
fn done(server: &Server) -> (String, String) {
    let client = server.client();
    let task = client.accepted(&resize());
    let status = client.wait(&task);
    (task, tintype_tests::client::path(status.href()))
}

#[test]
fn the_shim_shifts_the_clock_of_the_day() {
    let server = setup().start();
    server.faults().shift_clock(TEN_YEARS);
    let (task, _) = done(&server);
    let submitted = server.client().status(&task).0["submitted"].as_str().unwrap().to_owned();
    let year = |time: &str| time[..4].parse::<i64>().unwrap();
    let now = year(&jiff::Timestamp::now().to_string());
    assert!(year(&submitted) >= now + 9, "{submitted}");
}

#[test]
fn ids_and_lists_stay_in_the_order_of_submission() {
    // Longer than all jumps together: which tasks are kept is another question.
    let mut server = setup().with("retention", "500000h").start();
    let mut ids = vec![];
    for offset in [0, TEN_YEARS, 0, -TEN_YEARS, 1, -2 * TEN_YEARS] {
        server.faults().shift_clock(offset);
        ids.extend((0..3).map(|_| id_of(&server.client().accepted(&resize())).to_owned()));
        server = server.kill_and_restart();
        ids.extend((0..3).map(|_| id_of(&server.client().accepted(&resize())).to_owned()));
    }
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let mut listed = list(&server.client());
    listed.reverse();
    assert_eq!(listed, ids);
}

#[test]
fn a_running_task_ends_in_its_first_attempt() {
    for jump in JUMPS {
        let server = setup().with("lease", "2s").start();
        let client = server.client();
        let work = task_xml("work", &[("count", "150")], "");
        let task = client.accepted(&Related::simple(&work, "application/octet-stream", b"x"));
        client.wait_until_running(&task);
        server.faults().shift_clock(jump);
        assert_eq!(client.wait(&task).state(), "OK");
        let end = server.wait_for_log("an attempt is over");
        let end: serde_json::Value = serde_json::from_str(&end).unwrap();
        assert_eq!((&end["attempt"], &end["outcome"]), (&1.into(), &"ok".into()), "{end}");
        assert_eq!(end["task"], id_of(&task), "{end}");
    }
}

#[test]
fn a_jump_forwards_deletes_no_result_while_the_server_serves() {
    // It looks for what is old every tenth of that.
    let server = setup().with("retention", "8s").start();
    let (task, result) = done(&server);
    server.faults().shift_clock(TEN_YEARS);
    stays(&server.client(), &result, 200, Duration::from_secs(2));
    wait_for_code(&server.client(), &task, 410);
}

#[test]
fn a_jump_forwards_while_the_server_is_down_deletes_no_result() {
    let server = setup().with("retention", "24h").start();
    let (_, result) = done(&server);
    server.faults().shift_clock(TEN_YEARS);
    // It looks for what is old as soon as it has started.
    let server = server.kill_and_restart();
    stays(&server.client(), &result, 200, Duration::from_secs(1));
    server.faults().shift_clock(0);
    let server = server.kill_and_restart();
    stays(&server.client(), &result, 200, Duration::from_secs(1));
}

#[test]
fn results_still_go_away_after_a_jump_backwards() {
    let server = setup().with("retention", "2s").start();
    let (before, _) = done(&server);
    server.faults().shift_clock(-TEN_YEARS);
    let (after, _) = done(&server);
    wait_for_code(&server.client(), &before, 410);
    wait_for_code(&server.client(), &after, 410);
}

#[test]
fn results_still_go_away_after_a_jump_backwards_while_the_server_was_down() {
    let server = setup().with("retention", "2s").start();
    let (before, _) = done(&server);
    server.faults().shift_clock(-TEN_YEARS);
    let server = server.kill_and_restart();
    let (after, _) = done(&server);
    wait_for_code(&server.client(), &before, 410);
    wait_for_code(&server.client(), &after, 410);
}

#[test]
fn an_idempotency_key_is_recognised_after_any_jump() {
    for jump in JUMPS {
        let server = setup().start();
        let key = [("Idempotency-Key", "k")];
        let task = |server: &Server| {
            let answer = server.client().submit_with(&resize(), &key);
            assert_eq!(answer.code, 202, "{answer:?}");
            id_of(answer.header("content-location").unwrap()).to_owned()
        };
        let first = task(&server);
        server.faults().shift_clock(jump);
        assert_eq!(task(&server), first, "{jump} seconds while it serves");
        let server = server.kill_and_restart();
        assert_eq!(task(&server), first, "{jump} seconds and a restart");
    }
}

fn calling(receiver: &Receiver) -> (String, Vec<u8>) {
    let task = format!(
        "<task><operation name=\"resize\"><param name=\"width\">8</param></operation><callback href=\"{}\"/></task>",
        receiver.url("/")
    );
    Related::simple(&task, "image/png", &pictures::png(16, 16))
}

fn announcing(receiver: &Receiver) -> Setup {
    setup().with("callback-hosts", receiver.listed()).env("TINTYPE_CALLBACK_SECRET", SECRET)
}

#[test]
fn callbacks_go_out_after_a_jump_backwards() {
    let receiver = Receiver::content();
    let server = announcing(&receiver).start();
    server.client().accepted(&calling(&receiver));
    receiver.wait_for(1);
    server.faults().shift_clock(-TEN_YEARS);
    server.client().accepted(&calling(&receiver));
    receiver.wait_for(2);
}

#[test]
fn a_callback_that_is_to_be_tried_again_is_tried_again_after_any_jump() {
    for jump in JUMPS {
        let receiver = Receiver::answering(|call| {
            Some(if call == 0 { "HTTP/1.1 500 Internal Server Error" } else { "HTTP/1.1 200 OK" })
        });
        let server = announcing(&receiver).start();
        server.client().accepted(&calling(&receiver));
        server.wait_for_log("the end was not announced");
        server.faults().shift_clock(jump);
        receiver.wait_for(2);
        server.wait_for_log("the end was announced");
    }
}

#[test]
fn a_callback_that_was_due_before_the_server_died_goes_out_though_the_clock_went_back() {
    // The first caller never gets an answer: it is still waiting for it when it dies.
    let receiver = Receiver::answering(|call| (call > 0).then_some("HTTP/1.1 200 OK"));
    let server = announcing(&receiver).start();
    server.client().accepted(&calling(&receiver));
    receiver.wait_for(1);
    server.faults().shift_clock(-TEN_YEARS);
    let server = server.kill_and_restart();
    receiver.wait_for(2);
    server.wait_for_log("the end was announced");
}
