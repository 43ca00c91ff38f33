//! HTTP/1.1 for a load generator: one keep-alive connection, requests that are ready as bytes, and of
//! an answer only what is needed. The generator shares its cores with the server, so what it spends
//! is missing from what it measures.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

/// Longest wait for an answer: far beyond anything worth measuring, but not for ever.
const PATIENCE: Duration = Duration::from_secs(60);
/// Room for a head and a status document at once.
const READ: usize = 16 << 10;

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What matters of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub code: u16,
    /// Path of `Location`, if there is one.
    pub location: Option<String>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects to host and port.
    pub fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, received: Vec::with_capacity(READ) })
    }

    /// Sends a whole request and reads the whole answer.
    pub fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request)?;
        self.received.clear();
        let mut answered = 0;
        let head = loop {
            self.read_more()?;
            // The end of the head may straddle two reads.
            let from = usize::saturating_sub(answered, 3);
            if let Some(at) = find(&self.received[from..], b"\r\n\r\n") {
                break from + at + 4;
            }
            answered = self.received.len();
        };
        let parsed = Head::parse(&self.received[..head])?;
        while self.received.len() < head + parsed.length {
            self.read_more()?;
        }
        ensure!(self.received.len() == head + parsed.length, "more came than one answer");
        Ok(Answer { code: parsed.code, location: parsed.location, body: self.received[head..].to_vec() })
    }

    fn read_more(&mut self) -> anyhow::Result<()> {
        let filled = self.received.len();
        self.received.resize(filled + READ, 0);
        let read = self.stream.read(&mut self.received[filled..])?;
        self.received.truncate(filled + read);
        ensure!(read > 0, "the connection was closed in the middle of an exchange");
        Ok(())
    }
}

struct Head {
    code: u16,
    length: usize,
    location: Option<String>,
}

impl Head {
    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let text = std::str::from_utf8(bytes)?;
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap_or_default();
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let Some(code) = code else { bail!("no status line: {status:?}") };
        let mut head = Self { code, length: 0, location: None };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length = value.parse()?;
            } else if name.eq_ignore_ascii_case("location") {
                head.location = Some(path(value).to_owned());
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                bail!("an answer of unknown length: this client reads none");
            }
        }
        Ok(head)
    }
}

/// A request without a body.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n\r\n").into_bytes()
}

/// A request that submits a picture for one operation, in one message of known length.
pub fn submit(operation: &str, media_type: &str, picture: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /images/tasks?operation={operation} HTTP/1.1\r\nHost: bench\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\n\r\n",
        picture.len()
    );
    [head.as_bytes(), picture].concat()
}

/// A request that submits a picture with a description in JSON, as a form.
pub fn submit_form(task: &str, media_type: &str, picture: &[u8]) -> Vec<u8> {
    submit_form_from("127.0.0.1", task, media_type, picture)
}

/// The same, as a proxy would send it on for a client at this address.
pub fn submit_form_from(address: &str, task: &str, media_type: &str, picture: &[u8]) -> Vec<u8> {
    const BOUNDARY: &str = "a-line-that-no-picture-of-a-bench-has";
    let before = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"task\"\r\n\r\n{task}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"picture\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    );
    let after = format!("\r\n--{BOUNDARY}--\r\n");
    let head = format!(
        "POST /images/tasks HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: {address}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\
         Content-Length: {}\r\nAccept: application/json\r\n\r\n",
        before.len() + picture.len() + after.len()
    );
    [head.as_bytes(), before.as_bytes(), picture, after.as_bytes()].concat()
}

fn path(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::TcpListener;

    use super::*;

    /// A server that reads one request and then sends these pieces, each by itself.
    fn answered_by(pieces: &'static [&'static str]) -> anyhow::Result<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let _ = stream.read(&mut [0; 1000]).unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).unwrap();
            }
        });
        Connection::open(&address).unwrap().exchange(&get("/x"))
    }

    #[test]
    fn an_answer_is_read_whole_in_whatever_pieces_it_comes() {
        let whole =
            "HTTP/1.1 202 Accepted\r\nLocation: http://h:1/images/task/7\r\nContent-Length: 5\r\n\r\nhello";
        let expected =
            Answer { code: 202, location: Some("/images/task/7".to_owned()), body: b"hello".to_vec() };
        assert_eq!(answered_by(&[
            "HTTP/1.1 202 Accepted\r\nLocation: http://h:1/images/task/7\r\nContent-Length: 5\r\n\r\nhello"
        ]).unwrap(), expected);
        for cut in 1..whole.len() {
            let (first, second) = whole.split_at(cut);
            let pieces: &'static [&'static str] = Box::leak(Box::new([first, second]));
            assert_eq!(answered_by(pieces).unwrap(), expected, "cut at {cut}");
        }
    }

    #[test]
    fn what_cannot_be_measured_is_an_error() {
        for wrong in [
            &["nonsense\r\n\r\n"] as &[&str],
            &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
            &["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"],
            &[],
        ] {
            let wrong: &'static [&'static str] = wrong.to_vec().leak();
            answered_by(wrong).unwrap_err();
        }
    }
}
