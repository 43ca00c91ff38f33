//! Somebody who is called back: a small HTTP server that keeps what it is told, and answers as the test
//! wants. It checks signatures with a code of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::{Status, eventually};

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Method, target and version.
    pub request: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: String,
}

/// A receiver that lives as long as the test.
pub struct Receiver {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// What a receiver answers to its n-th call, n from 0; with nothing it keeps the caller waiting.
type Answers = Box<dyn Fn(usize) -> Option<&'static str> + Send + Sync>;

impl Receiver {
    /// A receiver that answers like this: with a whole head, without the empty line at its end.
    #[must_use]
    pub fn answering(answers: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let (kept, answers) = (Arc::clone(&calls), Arc::<Answers>::new(Box::new(answers)));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, answers) = (Arc::clone(&kept), Arc::clone(&answers));
                std::thread::spawn(move || serve(stream, &kept, &answers));
            }
        });
        Self { address, calls }
    }

    /// A receiver that is content.
    #[must_use]
    pub fn content() -> Self {
        Self::answering(|_| Some("HTTP/1.1 204 No Content"))
    }

    /// What the operator writes to let callbacks through to it.
    #[must_use]
    pub fn listed(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A URL at which it listens.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Waits until it was called so often, and gives the last of them.
    pub fn wait_for(&self, count: usize) -> Call {
        eventually(
            || self.calls().get(count - 1).cloned(),
            || format!("{} calls of {count} came", self.calls().len()),
        )
    }
}

fn serve(stream: TcpStream, calls: &Mutex<Vec<Call>>, answers: &Answers) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let request = line()?;
    let mut headers = vec![];
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let number = {
        let mut calls = calls.lock().unwrap();
        calls.push(Call { request, headers, body: String::from_utf8(body).unwrap() });
        calls.len() - 1
    };
    match answers(number) {
        Some(answer) => {
            let answer = format!("{answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).ok()
        }
        // Until the caller has had enough.
        None => reader.read(&mut [0]).map(drop).ok(),
    }
}

impl Call {
    /// The value of a header, which must be there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no {name} in {self:?}"), |(_, value)| value)
    }

    /// What it says of a task.
    #[must_use]
    pub fn status(&self) -> Status {
        Status(serde_json::from_str(&self.body).unwrap())
    }

    /// Whether it is signed with this secret (Standard Webhooks, "Verifying signatures").
    #[must_use]
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let mac = hmac_sha256(&key, format!("{id}.{timestamp}.{}", self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

/// RFC 2104, for keys that are no longer than a block.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 64);
    let padded =
        |pad: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or_default() ^ pad).collect() };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}
