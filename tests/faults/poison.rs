//! A picture that takes the whole process down whenever it is opened, and a supervisor that starts the
//! server again, as an operator's does.

use std::time::{Duration, Instant};

use tintype_tests::{Client, Related, Rule, Server, eventually, task_xml};

use crate::account::{Orders, Promises, complaints, note};
use crate::orders::Order;
use crate::{id_of, setup};

/// Far more than a start takes on a busy machine, and far less than anybody would call an outage.
const QUICK: Duration = Duration::from_secs(20);

#[test]
fn a_poisonous_picture_is_given_up_after_two_deaths_and_costs_no_other_task() {
    outlive(2, setup());
}

#[test]
fn with_three_attempts_it_is_given_up_after_three() {
    outlive(3, setup().with("max-attempts", 3));
}

fn outlive(attempts: usize, setup: tintype_tests::server::Setup) {
    let mut server = setup.with("deadline", "10m").start();
    let client = server.client();
    let blockers = [client.accepted(&hostile("spin", &[])), client.accepted(&hostile("spin", &[]))];
    blockers.iter().for_each(|task| client.wait_until_running(task));

    let neighbour = client.accepted(&hostile("work", &[("count", "40")]));
    // Too large for the journal of pictures, which is read at every start.
    let poison = client.accepted(&Order::echo(&[1; 400_000]).message);
    let others: Vec<Order> = vec![
        Order::resize(11),
        Order::echo(b"bytes"),
        Order::attached(b"logo"),
        Order::long_words(),
        Order::garbage(),
    ];
    let others: Orders =
        others.into_iter().map(|order| (id_of(&client.accepted(&order.message)).to_owned(), order)).collect();
    server.faults().follow(&[Rule::abort("O").at(&format!("{}.input", id_of(&poison)))]);

    // One worker takes the neighbour and stays with it, the other one opens the picture.
    assert_eq!(client.delete(&blockers[0]).code, 200);
    client.wait_until_running(&neighbour);
    // It may die of the picture before it has answered.
    if let Some(answer) = client.try_send("DELETE", &blockers[1], &[], &[]) {
        assert_eq!(answer.code, 200);
    }
    let deaths = supervise(&mut server, &poison, &neighbour);

    let client = server.client();
    let end = client.wait(&poison);
    assert_eq!(end.code(), "interrupted", "{end:?}");
    assert!(end.detail().contains(&format!("{attempts} times")), "{end:?}");
    assert_eq!(deaths, attempts);
    assert_eq!(server.faults().made().len(), attempts, "each attempt opened it once, and no other did");
    assert_eq!(client.wait(&neighbour).state(), "OK");
    for (id, order) in &others {
        let status = client.wait(&format!("/images/task/{id}"));
        assert_eq!(order.complaint(&status, |href| Some(client.get(href))), None);
    }
    server.faults().lift();
    // The poison, the neighbour, and the two that kept the workers busy were not ordered here.
    assert_eq!(complaints(&server, &Promises::new(), &others, 4), Vec::<String>::new());
}

#[test]
fn a_server_that_is_killed_between_two_writes_loses_nothing() {
    for n in 1..=10 {
        let mut server = setup().start();
        let (client, faults) = (server.client(), server.faults());
        faults.follow(&[Rule::kill("W").only(n)]);
        let mut orders = Orders::new();
        let order = Order::echo(b"bytes");
        let headers = [("Content-Type", order.message.0.as_str())];
        while let Some(answer) = client.try_send("POST", "/images/tasks", &headers, &order.message.1) {
            assert_eq!(answer.code, 202, "{answer:?}");
            orders.insert(id_of(answer.header("content-location").unwrap()).to_owned(), order.clone());
        }
        faults.lift();
        server.wait();
        assert_eq!(server.try_restart(), Ok(()));
        let mut promises = Promises::new();
        faults.journal().iter().for_each(|entry| note(&mut promises, entry));
        assert_eq!(promises.len(), orders.len());
        // The one whose answer did not come may be there.
        assert_eq!(complaints(&server, &promises, &orders, 1), Vec::<String>::new(), "write {n}");
    }
}

/// Starts the server again whenever it has died, until the picture is given up; gives how often.
fn supervise(server: &mut Server, poison: &str, neighbour: &str) -> usize {
    let mut deaths = 0;
    let began = Instant::now();
    while !is_over(&server.client(), poison) {
        assert!(began.elapsed() < 5 * QUICK, "{poison} is never over");
        if server.is_alive() {
            std::thread::yield_now();
            continue;
        }
        deaths += 1;
        if deaths == 2 {
            assert_eq!(last_attempt(server, neighbour), 2, "it ran again, and to its end");
        }
        let died = Instant::now();
        while server.try_restart().is_err() {
            // The picture was opened again before the server could say that it is ready.
            deaths += 1;
            assert!(began.elapsed() < 5 * QUICK, "it never starts again");
        }
        let ready = died.elapsed();
        assert!(ready < QUICK, "a start took {ready:?}");
        if deaths == 1 {
            let client = server.client();
            let runs = || phase(&client, neighbour).filter(|phase| phase != "queued");
            eventually(runs, || "what ran does not run again".to_owned());
            println!("ready {ready:?}, running again {:?} after the death", died.elapsed());
        }
    }
    deaths
}

fn is_over(client: &Client, task: &str) -> bool {
    phase(client, task).is_some_and(|phase| !["queued", "running"].contains(&phase.as_str()))
}

/// None if the server dies before it can answer.
fn phase(client: &Client, task: &str) -> Option<String> {
    let path = format!("{task}?redirect=false");
    let answer = client.try_send("GET", &path, &[("Accept", "application/json")], &[])?;
    Some(answer.json()["phase"].as_str()?.to_owned())
}

/// The attempt with which the task ended in this life of the server.
fn last_attempt(server: &Server, task: &str) -> u64 {
    let lines = server.log();
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let of_task = lines.filter(|line| line["task"] == id_of(task));
    of_task.filter_map(|line| line["attempt"].as_u64()).next_back().unwrap_or_default()
}

fn hostile(operation: &str, params: &[(&str, &str)]) -> (String, Vec<u8>) {
    Related::simple(&task_xml(operation, params, ""), "application/octet-stream", b"bytes")
}
