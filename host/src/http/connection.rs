//! A client's connection as hyper sees it, with two things added that hyper leaves to its user: a
//! client that takes nothing of its answer is cut off, and one that is refused while it still sends
//! gets to see why. Knows bytes and time; never what they mean.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::transport::Transport;

/// Longest time for which what a refused client still sends is read and thrown away. At its end the
/// connection breaks: nobody needs half a minute to notice an answer.
const LINGER: Duration = Duration::from_secs(30);
/// Longest silence in that time.
const LINGER_PAUSE: Duration = Duration::from_secs(5);

/// Set when an answer goes out before the whole request has come in.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread(Arc<AtomicBool>);

impl Unread {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// See the module.
pub(super) struct Connection {
    stream: Transport,
    /// Longest time in which nothing of what is to be written is taken.
    write_timeout: Duration,
    /// Made when a write first has to wait, and reused: most never do.
    timer: Option<Pin<Box<Sleep>>>,
    /// A write waits, and `timer` runs for it.
    stalled: bool,
    unread: Unread,
    /// Our half is closed; the other one is still heard, until then.
    lingering_until: Option<Instant>,
}

impl Connection {
    pub(super) fn new(stream: Transport, write_timeout: Duration) -> Self {
        Self {
            stream,
            write_timeout,
            timer: None,
            stalled: false,
            unread: Unread::default(),
            lingering_until: None,
        }
    }

    /// What tells this connection that the request it answers has not come in whole.
    pub(super) fn unread(&self) -> Unread {
        self.unread.clone()
    }

    fn rest_until(&mut self, deadline: Instant) {
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(deadline),
            None => self.timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx))
    }

    /// What a write gives, unless it has waited too long.
    fn in_time<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = false;
            return written;
        }
        if !self.stalled {
            self.stalled = true;
            self.rest_until(Instant::now() + self.write_timeout);
        }
        ready!(self.poll_timer(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of its answer")))
    }

    /// Reads and forgets until the other side has no more to say, or has said it for too long.
    ///
    /// A socket that is closed while something in it is unread sends a reset, and that makes the other
    /// side's system throw away what it hasn't read yet: the answer (RFC 9112 section 9.6).
    fn poll_linger(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let mut waste = [0; 8192];
        loop {
            let mut waste = ReadBuf::new(&mut waste);
            match self.stream.poll_waste(cx, &mut waste) {
                Poll::Ready(Ok(())) if !waste.filled().is_empty() => {
                    // Whoever sends and sends must not keep a thread from its other connections.
                    if Instant::now() >= until {
                        return Poll::Ready(());
                    }
                    self.rest_until(until.min(Instant::now() + LINGER_PAUSE));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.poll_timer(cx),
            }
        }
    }

    /// Whether something has arrived that nobody has read.
    fn has_unread(&mut self) -> bool {
        self.unread.is_set() || self.stream.has_unread()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.in_time(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.in_time(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let until = match self.lingering_until {
            Some(until) => until,
            None => {
                let closed = Pin::new(&mut self.stream).poll_shutdown(cx);
                ready!(self.in_time(closed, cx))?;
                if !self.has_unread() {
                    return Poll::Ready(Ok(()));
                }
                let now = Instant::now();
                self.rest_until(now + LINGER_PAUSE);
                *self.lingering_until.insert(now + LINGER)
            }
        };
        self.poll_linger(until, cx).map(Ok)
    }
}
