//! Whole tasks in a closed loop: each client posts one, asks for it every few milliseconds, and fetches
//! its result before it posts the next. The wire is that of [`crate::http`]; the peer speaks it too.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};

use crate::http::{self, Connection};

/// Between two questions about a task: as often as an impatient client asks.
const POLL_EVERY: Duration = Duration::from_millis(10);
/// Longest wait for a task to be over.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of it.
pub struct Carried {
    /// How long each client waited for its 202, the shortest first.
    pub accepts: Vec<Duration>,
    /// From posting a task to having its result, the shortest first.
    pub tasks: Vec<Duration>,
    /// From the first task's beginning to the last one's end.
    pub took: Duration,
}

impl Carried {
    /// Tasks a second.
    #[allow(clippy::cast_precision_loss)] // far fewer than 2^52
    pub fn rate(&self) -> f64 {
        self.tasks.len() as f64 / self.took.as_secs_f64()
    }
}

/// Has `clients` carry tasks to the server at `address` and back for some time.
pub fn carry(address: &str, clients: usize, request: &[u8], time: Duration) -> anyhow::Result<Carried> {
    carry_to(&vec![address; clients], request, time)
}

/// The same with a client for each of these addresses.
pub fn carry_to(addresses: &[&str], request: &[u8], time: Duration) -> anyhow::Result<Carried> {
    let start = Barrier::new(addresses.len());
    let start = &start;
    let carried: Vec<Carried> = std::thread::scope(|scope| {
        let running: Vec<_> = addresses
            .iter()
            .map(|address| scope.spawn(move || client(address, request, time, start)))
            .collect();
        let ended = running.into_iter().map(|client| client.join());
        ended.map(|client| client.map_err(|_| anyhow!("a client panicked"))?).collect::<anyhow::Result<_>>()
    })?;
    let mut all = Carried { accepts: vec![], tasks: vec![], took: Duration::ZERO };
    for one in carried {
        all.accepts.extend(one.accepts);
        all.tasks.extend(one.tasks);
        all.took = all.took.max(one.took);
    }
    all.accepts.sort_unstable();
    all.tasks.sort_unstable();
    Ok(all)
}

fn client(address: &str, request: &[u8], time: Duration, start: &Barrier) -> anyhow::Result<Carried> {
    let connection = Connection::open(address);
    start.wait();
    let mut connection = connection?;
    let began = Instant::now();
    let mut carried = Carried { accepts: vec![], tasks: vec![], took: Duration::ZERO };
    while carried.took < time {
        let (accepted, over) = one(&mut connection, request)?;
        carried.accepts.push(accepted);
        carried.tasks.push(over);
        carried.took = began.elapsed();
    }
    Ok(carried)
}

/// One task: how long its acceptance took, and all of it.
pub fn one(connection: &mut Connection, request: &[u8]) -> anyhow::Result<(Duration, Duration)> {
    let posted = Instant::now();
    let answer = connection.exchange(request)?;
    let accepted = posted.elapsed();
    ensure!(answer.code == 202, "{} where 202 was expected: {}", answer.code, text(&answer.body));
    let poll = http::get(&answer.location.context("a 202 says where the task is")?);
    let result = loop {
        std::thread::sleep(POLL_EVERY);
        let answer = connection.exchange(&poll)?;
        match (answer.code, answer.location) {
            (303, Some(result)) => break result,
            (200, _) if !text(&answer.body).contains("FAILED") && posted.elapsed() < PATIENCE => {}
            (code, _) => return Err(anyhow!("a task came to nothing: {code} {}", text(&answer.body))),
        }
    };
    let answer = connection.exchange(&http::get(&result))?;
    ensure!(answer.code == 200 && !answer.body.is_empty(), "a result was answered with {}", answer.code);
    Ok((accepted, posted.elapsed()))
}

fn text(body: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(body)
}
