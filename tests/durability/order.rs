//! The order of the promise, observed from outside: the real server under strace.

use std::thread;

use rustix::process::Signal;
use tempfile::TempDir;
use tintype_tests::server::Setup;
use tintype_tests::{Client, Related, Server, eventually};

use super::promise::{Blob, check_accepted, check_gone, check_named, check_published};
use super::strace::{self, Call};

/// A server whose every write is seen.
struct Watched {
    server: Server,
    folder: TempDir,
}

impl Watched {
    fn start(more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let trace = folder.path().join("trace").display().to_string();
        let server = Setup::default().hostile().under(&strace::command(&trace, more)).start();
        Self { server, folder }
    }

    /// Stops the server, and gives what was seen of it.
    fn stop(mut self) -> Vec<Call> {
        let process = self.server.process_id();
        self.server.signal(Signal::TERM);
        assert_eq!(self.server.wait(), Some(0));
        let trace = self.folder.path().join("trace");
        eventually(|| strace::read(&trace, process), || "the trace does not end".to_owned())
    }
}

/// A task whose pictures can be told from all others in a trace, and what is kept of it.
struct Sent {
    message: (String, Vec<u8>),
    id: String,
    input: Vec<u8>,
    attachment: Vec<u8>,
}

impl Sent {
    /// Of small pictures, which go into the journal.
    fn new(number: usize) -> Self {
        Self::of(number, 1_000)
    }

    /// Of pictures that are files from the beginning.
    fn large(number: usize) -> Self {
        Self::of(number, 30_000)
    }

    fn of(number: usize, repeated: usize) -> Self {
        let bytes = |what: &str| format!("{what} {number}, ").repeat(repeated).into_bytes();
        let (input, attachment) = (bytes("picture"), bytes("attachment"));
        let task =
            "<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:a\"/></operation></task>";
        let message = Related::new(task)
            .part("Content-Type: application/octet-stream", &input)
            .part("Content-Type: application/octet-stream\r\nContent-ID: <a>", &attachment)
            .build();
        Self { message, id: String::new(), input, attachment }
    }

    /// Submits it and asks for it until it is over; also follows it, so that its end is told in two ways.
    fn run(mut self, client: &Client) -> Self {
        let task = client.accepted(&self.message);
        self.id = task.rsplit('/').next().unwrap().to_owned();
        let states: Vec<String> =
            client.events(&task, &[]).map(|event| event.status.state().to_owned()).collect();
        assert_eq!(states.last().map(String::as_str), Some("OK"), "{states:?}");
        eventually(|| (client.get(&task).code == 303).then_some(()), || format!("{task} is never over"));
        self
    }

    fn accepted(&self) -> [Blob; 2] {
        [
            Blob { part: "input", bytes: self.input.clone() },
            Blob { part: "attachment-1", bytes: self.attachment.clone() },
        ]
    }

    fn result(&self) -> [Blob; 1] {
        [Blob { part: "result-1-1", bytes: self.attachment.clone() }]
    }

    fn check(&self, calls: &[Call]) -> Result<(), String> {
        check_accepted(calls, &self.id, &self.accepted())?;
        check_published(calls, &self.id, &self.result())
    }
}

#[test]
fn a_202_and_a_result_come_after_all_that_they_promise_is_on_the_disk() {
    if !strace::is_there() {
        return;
    }
    for (sent, flaws) in [(Sent::new(1), &FLAWS_OF_SMALL[..]), (Sent::large(1), &FLAWS_OF_LARGE[..])] {
        let watched = Watched::start(&[]);
        let sent = sent.run(&watched.server.client());
        let calls = watched.stop();
        sent.check(&calls).unwrap();
        assert_each_is_found(flaws, &sent, &calls);
    }
}

type IsFlawed = fn(&Call) -> bool;

fn is(call: &Call, name: &str, file: &str) -> bool {
    call.name == name && (call.file.contains(file) || call.path(1).contains(file))
}

const FLAWS_OF_SMALL: [(IsFlawed, &str); 4] = [
    (|call| is(call, "pwrite64", "/blobs/journal/"), "nothing was renamed to it"),
    (|call| is(call, "fdatasync", "/blobs/journal/"), "no fdatasync of"),
    (|call| is(call, "pwrite64", "/tasks/db"), "its record was not written"),
    (|call| is(call, "fdatasync", "/tasks/db"), "no fdatasync of"),
];

const FLAWS_OF_LARGE: [(IsFlawed, &str); 8] = [
    (|call| is(call, "write", "/blobs/tmp/"), "had other bytes"),
    (|call| is(call, "fsync", "/blobs/tmp/"), "no fsync of"),
    (|call| is(call, "rename", ".input"), "nothing was renamed to it"),
    (|call| is(call, "rename", ".result-1-1"), "nothing was renamed to it"),
    (|call| is(call, "fsync", "/blobs") && call.file.ends_with("/blobs"), "no fsync of"),
    (|call| is(call, "fsync", "/blobs/") && !call.file.contains("/blobs/tmp/"), "no fsync of"),
    (|call| is(call, "pwrite64", "/tasks/db"), "its record was not written"),
    (|call| is(call, "fdatasync", "/tasks/db"), "no fdatasync of"),
];

/// The same trace with one thing wrong each time: the check must see it, and say what it is.
fn assert_each_is_found(flaws: &[(IsFlawed, &str)], sent: &Sent, calls: &[Call]) {
    for (number, (is_flawed, complaint)) in flaws.iter().enumerate() {
        let left_out: Vec<Call> = calls.iter().filter(|call| !is_flawed(call)).cloned().collect();
        let error = sent.check(&left_out).expect_err(&format!("flaw {number} is not found"));
        assert!(error.contains(complaint), "flaw {number}: {error}");
        // What comes, but is over too late, is worth as little.
        let mut late = calls.to_vec();
        late.iter_mut().filter(|call| is_flawed(call)).for_each(|call| call.ended = usize::MAX);
        let error = sent.check(&late).expect_err(&format!("flaw {number}, late, is not found"));
        assert!(error.contains("no f"), "flaw {number}, late: {error}");
    }
}

#[test]
fn of_many_tasks_at_once_each_202_waits_for_its_own() {
    if !strace::is_there() {
        return;
    }
    let watched = Watched::start(&[]);
    let sent: Vec<Sent> = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|number| {
                let client = watched.server.client();
                let sent = if number % 4 == 3 { Sent::large(number) } else { Sent::new(number) };
                scope.spawn(move || sent.run(&client))
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let calls = watched.stop();
    for sent in &sent {
        sent.check(&calls).unwrap();
    }
}

#[test]
fn a_202_does_not_rely_on_a_folder_that_another_is_still_making() {
    if !strace::is_there() {
        return;
    }
    // Whoever makes a folder is held up just after: longer than a busy machine needs for another task.
    let watched = Watched::start(&["-e", "inject=mkdir:delay_exit=1500000"]);
    let sent: Vec<Sent> = thread::scope(|scope| {
        let client = watched.server.client();
        let first = scope.spawn({
            let client = client.clone();
            move || Sent::large(1).run(&client)
        });
        let folders = || std::fs::read_dir(watched.server.folder().join("data/blobs")).unwrap().count();
        eventually(|| (folders() > 2).then_some(()), || "no folder is made".to_owned());
        let second = Sent::large(2).run(&client);
        vec![first.join().unwrap(), second]
    });
    let calls = watched.stop();
    for sent in &sent {
        sent.check(&calls).unwrap();
    }
}

#[test]
fn a_description_in_a_file_of_its_own_is_kept_like_a_picture() {
    if !strace::is_there() {
        return;
    }
    let watched = Watched::start(&[]);
    let client = watched.server.client();
    let task =
        format!("<task>{}</task>", "<operation name=\"echo\" plugin=\"hostile\" version=\"1\"/>".repeat(16));
    let message = Related::simple(&task, "application/octet-stream", b"bytes");
    let accepted = client.accepted(&message);
    let id = accepted.rsplit('/').next().unwrap();
    let status = client.wait(&accepted);
    assert_eq!(status.state(), "OK", "{status:?}");
    let details = std::fs::read_dir(watched.server.folder().join("data/blobs"))
        .unwrap()
        .find_map(|folder| std::fs::read(folder.unwrap().path().join(format!("{id}.details"))).ok());
    let blobs = [
        Blob { part: "input", bytes: b"bytes".to_vec() },
        Blob { part: "details", bytes: details.expect("its description is short") },
    ];
    check_accepted(&watched.stop(), id, &blobs).unwrap();
}

/// Every sync of the log is held up, so that there is time to look at what it is not about yet.
const SLOW_LOG: [&str; 2] = ["-e", "inject=fdatasync:delay_enter=700000"];

#[test]
fn a_task_is_in_no_list_before_it_is_on_the_disk() {
    if !strace::is_there() {
        return;
    }
    let watched = Watched::start(&SLOW_LOG);
    let client = watched.server.client();
    let id = thread::scope(|scope| {
        let accepted = scope.spawn(|| watched.server.client().accepted(&Sent::new(1).message));
        let listed = || {
            let list = client.send("GET", "/images/tasks", &[("Accept", "application/json")], &[]).json();
            list["tasks"][0]["id"].as_str().map(str::to_owned)
        };
        let id = eventually(listed, || "it is never listed".to_owned());
        assert!(accepted.join().unwrap().ends_with(&id));
        id
    });
    check_named(&watched.stop(), &id).unwrap();
}

#[test]
fn a_task_is_not_gone_before_that_is_on_the_disk() {
    if !strace::is_there() {
        return;
    }
    let watched = Watched::start(&SLOW_LOG);
    let client = watched.server.client();
    let sent = Sent::new(1).run(&client);
    let task = format!("/images/task/{}", sent.id);
    thread::scope(|scope| {
        let deleted = scope.spawn(|| watched.server.client().delete(&task).code);
        eventually(|| (client.get(&task).code == 410).then_some(()), || "it is never gone".to_owned());
        assert_eq!(deleted.join().unwrap(), 204);
    });
    let calls = watched.stop();
    check_gone(&calls, &sent.id).unwrap();
}
