//! What lies between a client and a server, and may break: a relay of connections that a test can cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A relay that lives as long as the test.
pub struct Relay {
    address: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
    away: Arc<AtomicBool>,
}

impl Relay {
    /// A relay to this host and port.
    #[must_use]
    pub fn to(server: &str) -> Self {
        Self::losing(server, 0)
    }

    /// The same; of the first of these connections the server hears everything, and the client nothing.
    #[must_use]
    pub fn losing(server: &str, mut lost: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::<Mutex<Vec<TcpStream>>>::default();
        let away = Arc::<AtomicBool>::default();
        let (kept, gone, server) = (Arc::clone(&open), Arc::clone(&away), server.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if gone.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server) else { continue };
                for stream in [&client, &server] {
                    kept.lock().unwrap().push(stream.try_clone().unwrap());
                }
                let (there, back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(there, server));
                let is_lost = lost > 0;
                lost = lost.saturating_sub(1);
                std::thread::spawn(move || if is_lost { lose(back, &client) } else { pass(back, client) });
            }
        });
        Self { address, open, away }
    }

    /// What a client takes for the server's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The server is gone: connections are cut, and further ones too.
    pub fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// It is there again.
    pub fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    /// Cuts all connections, and gives how many ends there were.
    pub fn cut(&self) -> usize {
        let open = std::mem::take(&mut *self.open.lock().unwrap());
        open.iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
        open.len()
    }
}

/// Waits for the answer, and cuts the connection instead of passing it on.
fn lose(mut from: TcpStream, to: &TcpStream) {
    let _ = from.read(&mut [0]);
    for stream in [&from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 1 << 14];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
