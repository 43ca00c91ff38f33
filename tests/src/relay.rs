//! What lies between a client and a server, and may break: a relay of connections that a test can cut, make
//! slow, and turn to another server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A relay that lives as long as the test.
pub struct Relay {
    address: SocketAddr,
    way: Arc<Mutex<Way>>,
}

/// What becomes of connections.
struct Way {
    to: Place,
    /// Both ends of those that are open.
    open: Vec<TcpStream>,
    is_away: bool,
    /// For so long everything is kept before it is passed on, in either direction.
    delay: Duration,
    /// Of so many connections the server hears everything, and the client nothing.
    lost: usize,
}

/// Where a server listens.
#[derive(Clone)]
enum Place {
    Port(String),
    Socket(PathBuf),
}

impl Relay {
    /// A relay to this host and port.
    #[must_use]
    pub fn to(server: &str) -> Self {
        Self::begin(Place::Port(server.to_owned()), 0)
    }

    /// The same; of the first of these connections the server hears everything, and the client nothing.
    #[must_use]
    pub fn losing(server: &str, lost: usize) -> Self {
        Self::begin(Place::Port(server.to_owned()), lost)
    }

    /// A relay to this socket in a folder.
    #[must_use]
    pub fn to_socket(socket: &Path) -> Self {
        Self::begin(Place::Socket(socket.to_owned()), 0)
    }

    fn begin(to: Place, lost: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let way = Way { to, open: vec![], is_away: false, delay: Duration::ZERO, lost };
        let way = Arc::new(Mutex::new(way));
        let followed = Arc::clone(&way);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                relay(client, &followed);
            }
        });
        Self { address, way }
    }

    /// Host and port that a client takes for the server's.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// What a client takes for the server's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The server is gone: connections are cut, and further ones too.
    pub fn go_away(&self) {
        self.way.lock().unwrap().is_away = true;
        self.cut();
    }

    /// It is there again.
    pub fn come_back(&self) {
        self.way.lock().unwrap().is_away = false;
    }

    /// From now on another server is behind the address, one at this socket; connections to the one before
    /// are cut.
    pub fn turn_to_socket(&self, socket: &Path) {
        self.way.lock().unwrap().to = Place::Socket(socket.to_owned());
        self.cut();
    }

    /// Keeps everything for so long before it is passed on, in either direction.
    pub fn delay(&self, delay: Duration) {
        self.way.lock().unwrap().delay = delay;
    }

    /// Cuts all connections, and gives how many ends there were.
    pub fn cut(&self) -> usize {
        let open = std::mem::take(&mut self.way.lock().unwrap().open);
        open.iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
        open.len()
    }
}

impl Place {
    fn connect(&self) -> std::io::Result<TcpStream> {
        match self {
            Self::Port(server) => TcpStream::connect(server),
            // Whatever it is called, it can be read, written and cut like the other.
            Self::Socket(path) => Ok(TcpStream::from(OwnedFd::from(UnixStream::connect(path)?))),
        }
    }
}

fn relay(client: TcpStream, way: &Arc<Mutex<Way>>) {
    // Nothing is cut between the look and the connection, or it would be forgotten.
    let mut locked = way.lock().unwrap();
    if locked.is_away {
        return;
    }
    let Ok(server) = locked.to.connect() else { return };
    for stream in [&client, &server] {
        locked.open.push(stream.try_clone().unwrap());
    }
    let is_lost = locked.lost > 0;
    locked.lost = locked.lost.saturating_sub(1);
    drop(locked);
    let (there, back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (one, other) = (Arc::clone(way), Arc::clone(way));
    thread::spawn(move || pass(there, server, &one));
    thread::spawn(move || if is_lost { lose(back, &client) } else { pass(back, client, &other) });
}

/// Waits for the answer, and cuts the connection instead of passing it on.
fn lose(mut from: TcpStream, to: &TcpStream) {
    let _ = from.read(&mut [0]);
    for stream in [&from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, way: &Mutex<Way>) {
    let mut buffer = [0; 1 << 14];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let delay = way.lock().unwrap().delay;
        if !delay.is_zero() {
            thread::sleep(delay);
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
