//! One short day of a server whose disk may fail at any moment, and what its clients saw.

use rustix::io::Errno;
use tintype_tests::document::Problem;
use tintype_tests::{Answer, Client, Server, Status, eventually};

use crate::account::Orders;
use crate::id_of;
use crate::orders::Order;

/// What was seen.
pub struct Scenario {
    /// What got a 202.
    pub orders: Orders,
    /// How many submissions got none. Their records may be there after all: that a write was not
    /// acknowledged does not mean that it was not done.
    pub refused: usize,
    /// What should not have been seen.
    pub complaints: Vec<String>,
}

impl Scenario {
    /// Submits, waits, fetches, deletes. While a fault `lasts`, nobody waits for an end.
    pub fn play(server: &Server, lasts: bool) -> Self {
        let client = server.client();
        let mut seen = Self { orders: Orders::new(), refused: 0, complaints: vec![] };
        let large = b"more than is kept in memory while it arrives ".repeat(8_000);
        for order in [Order::resize(9), Order::echo(&large), Order::attached(b"logo"), Order::long_words()] {
            if let Some(id) = seen.submit(&client, order) {
                seen.see_to(server, &id, lasts);
            }
        }
        if let Some(id) = seen.orders.keys().next().cloned() {
            seen.delete(&client, &id);
        }
        seen
    }

    fn submit(&mut self, client: &Client, order: Order) -> Option<String> {
        let headers = [("Content-Type", order.message.0.as_str())];
        let Some(answer) = client.try_send("POST", "/images/tasks", &headers, &order.message.1) else {
            self.complaints.push("a submission got no answer".to_owned());
            return None;
        };
        if answer.code == 202 {
            let id = id_of(answer.header("content-location").unwrap()).to_owned();
            self.orders.insert(id.clone(), order);
            return Some(id);
        }
        self.refused += 1;
        self.expect_refusal("a submission", &answer);
        None
    }

    /// A fault of the disk is told as one.
    fn expect_refusal(&mut self, what: &str, answer: &Answer) {
        if ![503, 507].contains(&answer.code) {
            self.complaints.push(format!("{what} got {answer:?}"));
            return;
        }
        let problem = Problem::of(answer);
        if !["storage-failed", "disk-full"].contains(&problem.kind.as_str()) {
            self.complaints.push(format!("{what} got {problem:?}"));
        }
    }

    /// Waits for the end, unless there may be none for now; what then is there, is whole.
    fn see_to(&mut self, server: &Server, id: &str, lasts: bool) {
        let client = server.client();
        let status = eventually(
            || {
                let status = look(&client, id)?;
                let is_over = status.state() != "pending";
                (is_over || lasts || client.get("/health/ready").code != 200).then_some(status)
            },
            || format!("{id} is never over"),
        );
        if status.state() == "OK" {
            let complaint = self.orders[id].complaint(&status, |href| client.try_send("GET", href, &[], &[]));
            self.complaints.extend(complaint.map(|complaint| format!("{id}: {complaint}")));
        }
    }

    fn delete(&mut self, client: &Client, id: &str) {
        if let Some(order) = self.orders.get_mut(id) {
            order.given_up = true;
        }
        match client.try_send("DELETE", &format!("/images/task/{id}"), &[], &[]) {
            Some(answer) if [200, 204].contains(&answer.code) => {}
            // As it is documented: only submissions know 503.
            Some(answer) if answer.code == 500 => drop(answer.refused(500, "internal")),
            Some(answer) => self.expect_refusal("a deletion", &answer),
            None => self.complaints.push("a deletion got no answer".to_owned()),
        }
        look(client, id);
    }

    /// With the disk mended: whether the server has given up for good exactly when it must, and all
    /// goes on otherwise.
    pub fn look_after(&mut self, server: &Server, error: Errno) {
        let client = server.client();
        let was_log = |(_, path): &(char, String)| path.contains("data/tasks/");
        if !server.faults().made().iter().any(was_log) {
            super::wait_until_ready(&client);
        }
        let ready = client.get("/health/ready");
        // Only now: what was under way when the faults were lifted may have failed still.
        let made = server.faults().made();
        if error == Errno::IO && made.iter().any(|(_, path)| path.contains("data/blobs")) {
            // Its picture cannot be read or its result not be written: that may be told as the end.
            self.orders.values_mut().for_each(|order| order.may_fail = true);
        }
        if ready.code != 200 {
            self.expect_refusal("readiness", &ready);
            if !made.iter().any(was_log) {
                self.complaints.push(format!("the server is not ready, though its log is well: {ready:?}"));
            }
            let again = client.submit(&Order::resize(3).message);
            self.refused += 1;
            self.expect_refusal("a submission to a failed server", &again);
            return;
        }
        if made.iter().any(|at| was_log(at) && at.0 == 'S') {
            self.complaints.push("a failed sync of the log is forgotten".to_owned());
        }
        let wanted = self.orders.iter().filter(|(_, order)| !order.given_up);
        let wanted: Vec<String> = wanted.map(|(id, _)| id.clone()).collect();
        wanted.iter().for_each(|id| self.see_to(server, id, false));
        self.submit(&client, Order::resize(3));
    }
}

fn look(client: &Client, id: &str) -> Option<Status> {
    let path = format!("/images/task/{id}?redirect=false");
    let answer = client.try_send("GET", &path, &[("Accept", "application/json")], &[])?;
    (answer.code == 200).then(|| Status(answer.json()))
}
