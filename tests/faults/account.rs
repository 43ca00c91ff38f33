//! What was promised before a fault, and whether it is kept after it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tintype_tests::journal::Entry;
use tintype_tests::server::PATIENCE;
use tintype_tests::{Client, Server, Status};

use crate::id_of;
use crate::orders::Order;

/// Tasks by their ids.
pub type Orders = BTreeMap<String, Order>;

/// What a client was told of a task. Later ones include the earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// 202.
    Accepted,
    /// It ended, in this state.
    Over(String),
    /// It was deleted.
    Gone,
}

/// What was told of each task.
pub type Promises = BTreeMap<String, Told>;

/// Adds what an answer in the journal says.
pub fn note(promises: &mut Promises, entry: &Entry) {
    let Entry::Said(bytes) = entry else { return };
    let answer = String::from_utf8_lossy(bytes);
    let code = answer.get(9..12).unwrap_or_default();
    let found = match code {
        "202" => after(&answer, "content-location: ").map(|id| (id, Told::Accepted)),
        "200" | "303" => after(&answer, "content-location: ").and_then(|id| {
            let state = ["OK", "FAILED"]
                .into_iter()
                .find(|state| answer.contains(&format!("\"state\":\"{state}\"")))?;
            Some((id, Told::Over(state.to_owned())))
        }),
        "410" => after(&answer, "The task ").map(|id| (id, Told::Gone)),
        _ => None,
    };
    if let Some((id, told)) = found {
        let known = promises.entry(id).or_insert_with(|| told.clone());
        *known = told.max(known.clone());
    }
}

/// The first task's id after this word.
fn after(answer: &str, word: &str) -> Option<String> {
    let rest = answer.split_once(word)?.1;
    let line = rest.lines().next()?;
    let is_id = |piece: &&str| piece.len() == 36 && piece.matches('-').count() == 4;
    line.split(|c: char| !c.is_ascii_hexdigit() && c != '-').find(is_id).map(str::to_owned)
}

/// What is wrong with a server that was started after a fault: nothing, if all promises are kept. So many
/// submissions were `refused` by a failing disk; of them there may be traces.
pub fn complaints(server: &Server, promises: &Promises, orders: &Orders, refused: usize) -> Vec<String> {
    let client = server.client();
    let mut complaints = vec![];
    let listed = list(&client);
    let unknown: Vec<_> = listed.iter().filter(|id| !orders.contains_key(*id)).collect();
    if unknown.len() > refused {
        complaints.push(format!("nobody submitted {unknown:?}"));
    }
    for (id, told) in promises {
        complaints
            .extend(look_at_once(&client, id, told).map(|complaint| format!("{id} ({told:?}): {complaint}")));
    }
    // A task whose 202 was on its way when the power went is no promise, but if it is there, it is whole.
    let all: BTreeSet<&String> = promises.keys().chain(&listed).collect();
    for id in &all {
        let Some(order) = orders.get(*id) else { continue };
        let told = promises.get(*id);
        if told != Some(&Told::Gone) {
            complaints.extend(
                see_to_the_end(&client, id, order).map(|complaint| format!("{id} ({told:?}): {complaint}")),
            );
        }
    }
    complaints.extend(repeat_one(&client, promises, orders));
    complaints.extend(submit_another(&client, all.into_iter().next_back()));
    complaints.extend(leftovers(server).into_iter().map(|path| format!("{path} is left over")));
    complaints
}

/// What was told to be over must never be seen as anything else again.
fn look_at_once(client: &Client, id: &str, told: &Told) -> Option<String> {
    let seen = look(client, id);
    match (told, &seen) {
        (Told::Accepted, Ok(_)) | (Told::Gone, Err(410)) => None,
        // It may have been deleted before the power went, without anybody being told.
        (Told::Accepted | Told::Over(_), Err(410)) => None,
        (Told::Over(state), Ok(status)) if status.state() == state => None,
        _ => Some(format!("it is found as {seen:?}")),
    }
}

fn see_to_the_end(client: &Client, id: &str, order: &Order) -> Option<String> {
    let began = Instant::now();
    let status = loop {
        match look(client, id) {
            Ok(status) if status.state() != "pending" => break status,
            Ok(_) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(2)),
            Err(410) if order.given_up => return None,
            other => return Some(format!("it never ended: {other:?}")),
        }
    };
    order.complaint(&status, |href| client.try_send("GET", href, &[], &[]))
}

fn look(client: &Client, id: &str) -> Result<Status, u16> {
    let path = format!("/images/task/{id}?redirect=false");
    let answer = client.try_send("GET", &path, &[("Accept", "application/json")], &[]).ok_or(0_u16)?;
    if answer.code == 200 { Ok(Status(answer.json())) } else { Err(answer.code) }
}

/// A repetition of an accepted request is that request.
fn repeat_one(client: &Client, promises: &Promises, orders: &Orders) -> Option<String> {
    let repeatable =
        |id: &&String| orders.get(*id).is_some_and(|order| order.key.is_some() && !order.given_up);
    let id = promises.keys().rev().find(repeatable)?;
    let order = &orders[id];
    let key = [("Idempotency-Key", order.key.as_deref()?)];
    let answer = client.submit_with(&order.message, &key);
    let found = answer.header("content-location").map(id_of);
    (found != Some(id)).then(|| format!("{id} was repeated and became {found:?}: {answer:?}"))
}

/// A server that keeps its old promises must be able to make new ones, under an id that is newer.
fn submit_another(client: &Client, newest: Option<&String>) -> Option<String> {
    let order = Order::resize(7);
    let answer = client.submit(&order.message);
    let Some(id) = answer.header("content-location").map(id_of).filter(|_| answer.code == 202) else {
        return Some(format!("nothing new is accepted: {answer:?}"));
    };
    if newest.is_some_and(|newest| newest.as_str() >= id) {
        return Some(format!("the new id {id} is not after {newest:?}"));
    }
    see_to_the_end(client, id, &order).map(|complaint| format!("the new task {id}: {complaint}"))
}

/// The ids of all tasks, newest first.
pub fn list(client: &Client) -> Vec<String> {
    let (mut ids, mut next) = (vec![], Some("/images/tasks?limit=100".to_owned()));
    while let Some(path) = next {
        let page = client.send("GET", &path, &[("Accept", "application/json")], &[]);
        assert_eq!(page.code, 200, "{page:?}");
        let json = page.json();
        ids.extend(
            json["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()),
        );
        next = json["next"].as_str().map(str::to_owned);
    }
    ids
}

/// Temporary files that nobody will finish.
pub fn leftovers(server: &Server) -> Vec<String> {
    let data = server.folder().join("data");
    let names = |folder: &str| {
        let entries = std::fs::read_dir(data.join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path().display().to_string()).collect::<Vec<_>>()
    };
    let snapshots = names("tasks").into_iter().filter(|path| path.ends_with(".generating"));
    names("blobs/tmp").into_iter().chain(snapshots).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup;

    const ID: &str = "01a204d0-6250-786c-905f-b5df3bb9f575";
    const OTHER: &str = "01a204d0-6333-7546-92d9-07d3fdc50dbb";

    fn told(answers: &[String]) -> Vec<(String, Told)> {
        let mut promises = Promises::new();
        answers.iter().for_each(|answer| note(&mut promises, &Entry::Said(answer.clone().into_bytes())));
        promises.into_iter().collect()
    }

    #[test]
    fn answers_are_read_as_the_promises_that_they_are() {
        let head = format!("x-request-id: {OTHER}\r\ncontent-location: http://h/images/task/{ID}\r\n\r\n");
        let accepted = format!("HTTP/1.1 202 Accepted\r\n{head}");
        let pending = format!("HTTP/1.1 200 OK\r\n{head}{{\"state\":\"pending\"}}");
        let over = format!("HTTP/1.1 303 See Other\r\n{head}{{\"state\":\"OK\"}}");
        let gone = format!("HTTP/1.1 410 Gone\r\n\r\n<detail>The task &quot;{ID}&quot; is gone.</detail>");
        let mut answers = vec![accepted, pending];
        assert_eq!(told(&answers), [(ID.to_owned(), Told::Accepted)]);
        answers.insert(0, over);
        assert_eq!(told(&answers), [(ID.to_owned(), Told::Over("OK".to_owned()))]);
        answers.insert(0, gone);
        assert_eq!(told(&answers), [(ID.to_owned(), Told::Gone)]);
        assert_eq!(told(&[format!("HTTP/1.1 503 Service Unavailable\r\n{head}")]), []);
    }

    #[test]
    fn every_kind_of_broken_promise_is_complained_about() {
        let server = setup().start();
        let client = server.client();
        let order = Order::echo(b"bytes");
        let task = client.accepted(&order.message);
        client.wait(&task);
        let id = id_of(&task).to_owned();
        let told = |id: &str, told| Promises::from([(id.to_owned(), told)]);
        let ok = || Told::Over("OK".to_owned());
        let orders = Orders::from([(id.clone(), order)]);
        let wrong_orders = Orders::from([(id.clone(), Order::echo(b"other"))]);
        let failing_orders = Orders::from([(id.clone(), Order::garbage())]);

        assert_eq!(complaints(&server, &told(&id, ok()), &orders, 0), Vec::<String>::new());
        // Each look leaves a task of its own behind.
        let mut looks = 0;
        let mut expect = |promises: &Promises, orders: &Orders, words: &str| {
            looks += 1;
            let found = complaints(&server, promises, orders, looks);
            assert!(found.iter().any(|complaint| complaint.contains(words)), "{words}: {found:?}");
        };
        expect(&told(OTHER, Told::Accepted), &orders, "it is found as Err(404)");
        expect(&told(&id, Told::Gone), &orders, "it is found as Ok(");
        expect(&told(&id, Told::Over("FAILED".to_owned())), &orders, "it is found as Ok(");
        expect(&told(&id, ok()), &wrong_orders, "its result is another task's");
        expect(&told(&id, ok()), &failing_orders, "it ended as");
        let path = server.folder().join("data/blobs/tmp/7");
        std::fs::write(&path, b"half a picture").unwrap();
        expect(&Promises::new(), &orders, "is left over");
        std::fs::remove_file(path).unwrap();
        assert!(complaints(&server, &Promises::new(), &Orders::new(), 0)[0].contains("nobody submitted"));

        let of_task = |entry: &std::fs::DirEntry| entry.path().to_string_lossy().ends_with(".result-1-1");
        for folder in std::fs::read_dir(server.folder().join("data/blobs")).unwrap() {
            for file in std::fs::read_dir(folder.unwrap().path()).unwrap().map(Result::unwrap).filter(of_task)
            {
                std::fs::write(file.path(), b"BYTES").unwrap();
            }
        }
        expect(&told(&id, ok()), &orders, "its result gives 500");
    }
}
