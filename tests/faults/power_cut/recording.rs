//! A real server at work, with everything that it does to its disk written down.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;
use tempfile::TempDir;
use tintype_tests::journal::Entry;
use tintype_tests::{Client, Connection, Rule, Server};

use super::ATTEMPTS;
use crate::account::Orders;
use crate::orders::Order;
use crate::replay::{Random, Tree};
use crate::{id_of, setup};

/// Clients at once: enough for commits that many wait for.
const CLIENTS: u64 = 4;

/// What was done, and what was ordered.
pub struct Recording {
    pub journal: Vec<Entry>,
    pub orders: Orders,
    /// What really was on the disk in the end, while the power was on.
    pub disk: Tree,
}

/// Lets several clients have about so many tasks done, by a server that lives so often: its first life
/// ends well, its second by a kill. Before it there are these folders.
pub fn record(tasks: u64, lives: u64, folders: &[&str]) -> Recording {
    let folder = TempDir::new().unwrap();
    folders.iter().for_each(|name| std::fs::create_dir(folder.path().join(name)).unwrap());
    let mut server = setup().with("max-attempts", ATTEMPTS).start_in(folder);
    let orders = Mutex::new(Orders::new());
    let number = AtomicUsize::new(0);
    for life in 0..lives {
        let each = tasks / lives / CLIENTS + 1;
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (server, orders, number) = (&server, &orders, &number);
                let random = Random::new(life * CLIENTS + client);
                scope.spawn(move || serve_client(server, orders, number, random, each));
            }
        });
        let unfinished = begin_an_upload(&server);
        if life + 1 == lives {
            break;
        }
        server = if life == 0 {
            drop(unfinished);
            // While it stops, tasks are still in the queue.
            (20..24).for_each(|width| drop(submit(&server.client(), Order::resize(width), &orders)));
            server.signal(Signal::TERM);
            server.restart()
        } else {
            die_writing(&mut server);
            server.restart()
        };
    }
    die_writing(&mut server);
    let journal = server.faults().journal();
    let mut disk = Tree::new();
    read_folder(server.folder(), "data", &mut disk);
    Recording { journal, orders: orders.into_inner().unwrap(), disk }
}

fn read_folder(root: &Path, path: &str, tree: &mut Tree) {
    tree.insert(path.to_owned(), None);
    for entry in std::fs::read_dir(root.join(path)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read_folder(root, &path, tree);
        } else if entry.file_type().unwrap().is_file() {
            // Not the control socket: there is nothing in it to lose.
            tree.insert(path, Some(std::fs::read(entry.path()).unwrap()));
        }
    }
}

/// One client's day: it submits, looks, deletes.
fn serve_client(
    server: &Server,
    orders: &Mutex<Orders>,
    number: &AtomicUsize,
    mut random: Random,
    tasks: u64,
) {
    let client = server.client();
    for _ in 0..tasks {
        let order = Order::any(&mut random, number.fetch_add(1, Ordering::Relaxed));
        let id = submit(&client, order, orders);
        let task = format!("/images/task/{id}");
        match random.below(6) {
            // Told of its end.
            0 | 1 => drop(client.wait(&task)),
            // Cancelled, if it is not over yet.
            2 => give_up(&client, &id, orders),
            // Deleted.
            3 => {
                client.wait(&task);
                give_up(&client, &id, orders);
            }
            // Left alone.
            _ => {}
        }
    }
}

fn submit(client: &Client, order: Order, orders: &Mutex<Orders>) -> String {
    let key = order.key.as_deref().map(|key| ("Idempotency-Key", key));
    let answer = client.submit_with(&order.message, key.as_slice());
    assert_eq!(answer.code, 202, "{answer:?}");
    let id = id_of(answer.header("content-location").unwrap()).to_owned();
    orders.lock().unwrap().insert(id.clone(), order);
    id
}

fn give_up(client: &Client, id: &str, orders: &Mutex<Orders>) {
    orders.lock().unwrap().get_mut(id).unwrap().given_up = true;
    let task = format!("/images/task/{id}");
    let answer = client.delete(&task);
    assert!([200, 204].contains(&answer.code), "{answer:?}");
    // Now it is told what became of it, which must stay so.
    client.send("GET", &format!("{task}?redirect=false"), &[("Accept", "application/json")], &[]);
}

/// Kills the server at its next write. At any other moment something could be done and not yet be in
/// the journal.
fn die_writing(server: &mut Server) {
    server.faults().follow(&[Rule::kill("W")]);
    let (content_type, body) = Order::resize(1).message;
    let answer = server.client().try_send("POST", "/images/tasks", &[("Content-Type", &content_type)], &body);
    assert!(answer.is_none(), "{answer:?}");
    server.wait();
    server.faults().lift();
}

/// An upload that is never finished; its file is there as long as the connection.
fn begin_an_upload(server: &Server) -> Connection {
    let before = long_uploads(server);
    let mut connection = Connection::open(server.address());
    connection.send(
        "POST /images/tasks?operation=echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: 9999999\r\n\r\n",
    );
    connection.send(vec![1; 600_000]);
    tintype_tests::eventually(
        || (long_uploads(server) > before).then_some(()),
        || "nothing is written".to_owned(),
    );
    connection
}

/// Unfinished files that are longer than any picture of the day: a result, too, is one for a moment.
fn long_uploads(server: &Server) -> usize {
    let files = std::fs::read_dir(server.folder().join("data/blobs/tmp")).unwrap();
    // It may be gone by now.
    let lengths = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
    lengths.filter(|length| *length > 500_000).count()
}
