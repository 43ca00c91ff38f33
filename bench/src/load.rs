//! A closed loop: each client sends its next request when it has the answer to the last.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};

use crate::http::{Answer, Connection};

/// How much work is put on a server.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Clients, each with one connection.
    pub clients: usize,
    /// Time in which nothing is counted.
    pub warmup: Duration,
    /// Time in which everything is.
    pub time: Duration,
}

/// What came of it.
pub struct Measured {
    /// How long each exchange took, the shortest first.
    pub latencies: Vec<Duration>,
    /// From the first counted request to the last answer.
    pub took: Duration,
    /// What the answers to counted requests led to.
    pub locations: Vec<String>,
}

impl Measured {
    /// Exchanges a second.
    #[allow(clippy::cast_precision_loss)] // far fewer than 2^52
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }
}

impl Load {
    /// Sends `requests`, in random order, to the server at `address`. An answer other than `expected`
    /// ends the measurement: a rate of refusals means nothing.
    pub fn put(&self, address: &str, requests: &[Vec<u8>], expected: u16) -> anyhow::Result<Measured> {
        let connections =
            (0..self.clients).map(|_| Connection::open(address)).collect::<anyhow::Result<Vec<_>>>()?;
        let start = Barrier::new(self.clients);
        let clients: Vec<Client> = std::thread::scope(|scope| {
            let running: Vec<_> = connections
                .into_iter()
                .map(|connection| scope.spawn(|| self.client(connection, &start, requests, expected)))
                .collect();
            let ended = running.into_iter().map(|client| client.join());
            ended
                .map(|client| client.map_err(|_| anyhow!("a client panicked"))?)
                .collect::<anyhow::Result<_>>()
        })?;

        let began = clients.iter().map(|client| client.began).min();
        let ended = clients.iter().map(|client| client.ended).max();
        let took = began.zip(ended).map_or(Duration::ZERO, |(began, ended)| ended - began);
        let mut measured = Measured { latencies: vec![], took, locations: vec![] };
        for client in clients {
            measured.latencies.extend(client.latencies);
            measured.locations.extend(client.locations);
        }
        measured.latencies.sort_unstable();
        ensure!(!measured.latencies.is_empty(), "no answer came within {:?}", self.time);
        Ok(measured)
    }

    fn client(
        &self,
        mut connection: Connection,
        start: &Barrier,
        requests: &[Vec<u8>],
        expected: u16,
    ) -> anyhow::Result<Client> {
        start.wait();
        let warm = Instant::now() + self.warmup;
        while Instant::now() < warm {
            check(&connection.exchange(any(requests))?, expected)?;
        }
        let began = Instant::now();
        let mut client = Client { latencies: vec![], locations: vec![], began, ended: began };
        let end = began + self.time;
        while client.ended < end {
            let sent = Instant::now();
            let answer = connection.exchange(any(requests))?;
            client.ended = Instant::now();
            client.latencies.push(client.ended - sent);
            check(&answer, expected)?;
            client.locations.extend(answer.location);
        }
        Ok(client)
    }
}

/// What one client saw.
struct Client {
    latencies: Vec<Duration>,
    locations: Vec<String>,
    began: Instant,
    ended: Instant,
}

fn any(requests: &[Vec<u8>]) -> &[u8] {
    &requests[fastrand::usize(..requests.len())]
}

fn check(answer: &Answer, expected: u16) -> anyhow::Result<()> {
    let body = String::from_utf8_lossy(&answer.body);
    ensure!(answer.code == expected, "{} where {expected} was expected: {body}", answer.code);
    Ok(())
}
