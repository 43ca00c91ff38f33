//! HTTP by hand, for what no decent client does: to stop midway, to send nonsense, to wait for a 100.

use std::io::{BufRead, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::Answer;
use crate::server::PATIENCE;

/// A connection to a server.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects to host and port.
    #[must_use]
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends some bytes. That the other side has hung up is no failure: its last words can be read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        match self.0.get_mut().write_all(bytes.as_ref()) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
            Err(error) => panic!("{error}"),
        }
        self
    }

    /// Sends byte by byte, at a pace that no honest client has, until the other side has had enough or
    /// nothing is left; gives how many were sent.
    pub fn trickle(&mut self, bytes: impl AsRef<[u8]>) -> usize {
        let stream = self.0.get_ref().try_clone().unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut is_fine = |byte: &u8| {
            self.send([*byte]);
            // The pause is the time in which nothing comes.
            stream
                .peek(&mut [0])
                .is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
        };
        let sent = bytes.as_ref().iter().take_while(|byte| is_fine(byte)).count();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        sent
    }

    /// The sending half, for a thread of its own.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender(self.0.get_ref().try_clone().unwrap())
    }

    /// Sends nothing more, but still reads.
    pub fn finish(&mut self) -> &mut Self {
        let _ = self.0.get_mut().shutdown(Shutdown::Write);
        self
    }

    /// Reads the next answer, which must say its length if it has a body.
    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("the connection was closed without an answer")
    }

    /// As [`answer`](Self::answer); none when the connection was closed instead.
    pub fn try_answer(&mut self) -> Option<Answer> {
        answer(&mut self.0)
    }

    /// Whether the other side closes the connection without another word.
    pub fn is_closed(&mut self) -> bool {
        line(&mut self.0).is_none()
    }

    /// Everything that still comes until the other side closes the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = vec![];
        match self.0.read_to_end(&mut rest) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => rest,
        }
    }

    /// The next line of whatever comes; none at the end.
    pub fn next_line(&mut self) -> Option<String> {
        line(&mut self.0)
    }
}

/// The next answer of a connection, whatever it goes over; none when it was closed instead.
pub(crate) fn answer(from: &mut impl BufRead) -> Option<Answer> {
    let status = line(from)?;
    let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let code = code.unwrap_or_else(|| panic!("no status line: {status:?}"));
    let mut headers = vec![];
    while let Some((name, value)) = line(from)?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { code, headers, body: vec![] };
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    answer.body = vec![0; length];
    from.read_exact(&mut answer.body).unwrap();
    Some(answer)
}

fn line(from: &mut impl BufRead) -> Option<String> {
    let mut line = vec![];
    match from.read_until(b'\n', &mut line) {
        Ok(0) => None,
        Ok(_) => Some(String::from_utf8(line).unwrap().trim_end().to_owned()),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
        Err(error) => panic!("{error}"),
    }
}

/// The sending half of a connection.
pub struct Sender(TcpStream);

impl Sender {
    /// Sends until the other side takes no more.
    pub fn send_as_much_as_is_taken(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }
}
