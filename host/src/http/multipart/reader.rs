//! The state machine over a whole message: preamble, parts, epilogue.
//!
//! Knows the order of things and the limits; finding delimiters, reading headers and decoding
//! bodies are its neighbours' work.

use std::collections::VecDeque;

use bytes::Bytes;

use super::boundary::Boundary;
use super::delimiter::{DelimiterScanner, Found, MAX_PADDING_BYTES};
use super::error::{MultipartError, Whereabouts};
use super::part_headers::{self, PartHeaders};
use super::transfer_encoding::Decoder;

/// A decoded piece is at most as long as the encoded one, so this bounds what one event allocates
/// even when a whole message is pushed at once.
const MAX_DECODED_BYTES: usize = 64 * 1024;

/// What a message may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MultipartLimits {
    /// Parts of one message. 16: a description, an image and fourteen attachments.
    pub max_parts: usize,
    /// Bytes of one part's headers with their line ends. 8 KiB: what servers commonly grant a
    /// whole request's, and these are the only bytes of a body that are kept in memory.
    pub max_header_bytes: usize,
    /// Bytes before the first delimiter. 64 KiB: mail programs write one line there, HTTP clients
    /// nothing; a wrong boundary should be noticed before a whole image was read in vain.
    pub max_preamble_bytes: u64,
    /// Bytes after the closing delimiter. 64 KiB, for the same reason.
    pub max_epilogue_bytes: u64,
}

impl Default for MultipartLimits {
    fn default() -> Self {
        Self {
            max_parts: 16,
            max_header_bytes: 8 * 1024,
            max_preamble_bytes: 64 * 1024,
            max_epilogue_bytes: 64 * 1024,
        }
    }
}

/// What a message is made of, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Part(PartHeaders),
    /// Some of its bytes, with its transfer encoding undone; never empty.
    Data(Bytes),
    /// It ends. A part without `Data` between has no bytes.
    PartEnd,
    /// The closing delimiter was read; no event follows.
    End,
}

/// Reads one message. Give it bytes with [`push`](Self::push), then take events with
/// [`next_event`](Self::next_event) until there is none; after the last byte call
/// [`finish`](Self::finish).
///
/// It keeps the chunks that were pushed and not yet read, one part's header block, and a
/// delimiter's length: taking all events between two pushes is what keeps its memory constant.
#[derive(Debug)]
pub struct Reader {
    boundary: Boundary,
    limits: MultipartLimits,
    scanner: DelimiterScanner,
    decoder: Decoder,
    state: State,
    input: Bytes,
    queue: VecDeque<Bytes>,
    /// The header block being read.
    headers: Vec<u8>,
    /// Encoded bytes of the present part, waiting to be decoded.
    encoded: Bytes,
    parts: usize,
    pushed: u64,
    /// Preamble or epilogue read so far.
    ignored: u64,
    failure: Option<MultipartError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    Headers,
    Body,
    /// The delimiter was seen, the part's end not yet told.
    PartEnd {
        last: bool,
    },
    /// The closing delimiter was seen, the message's end not yet told.
    End,
    Epilogue,
}

impl Reader {
    /// Starts a message.
    pub fn new(boundary: Boundary, limits: MultipartLimits) -> Self {
        Self {
            scanner: DelimiterScanner::new(&boundary),
            boundary,
            limits,
            decoder: Decoder::identity(),
            state: State::Preamble,
            input: Bytes::new(),
            queue: VecDeque::new(),
            headers: Vec::new(),
            encoded: Bytes::new(),
            parts: 0,
            pushed: 0,
            ignored: 0,
            failure: None,
        }
    }

    /// Adds the body's next bytes; any number of them, cut anywhere.
    pub fn push(&mut self, chunk: Bytes) {
        if self.failure.is_some() {
            return;
        }
        self.pushed += chunk.len() as u64;
        if !chunk.is_empty() {
            self.queue.push_back(chunk);
        }
    }

    /// The next event; `None` asks for more bytes.
    ///
    /// # Errors
    /// For the first thing that is wrong with the message, and the same again ever after.
    pub fn next_event(&mut self) -> Result<Option<Event>, MultipartError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let event = self.advance();
        if let Err(failure) = &event {
            self.failure = Some(failure.clone());
            self.queue.clear();
            self.input.clear();
        }
        event
    }

    /// Declares that the body is complete. Events that were not taken are dropped.
    ///
    /// # Errors
    /// [`MultipartError::Truncated`] when the closing delimiter is missing, and all that
    /// `next_event` has.
    pub fn finish(&mut self) -> Result<(), MultipartError> {
        while self.next_event()?.is_some() {}
        let within = match self.state {
            State::Epilogue | State::End => return Ok(()),
            State::Preamble => Whereabouts::Preamble,
            State::Headers => Whereabouts::Headers(self.parts),
            State::Body | State::PartEnd { .. } => Whereabouts::Body(self.parts),
        };
        let boundary = self.boundary.as_str().to_owned();
        let failure = MultipartError::Truncated { within, at: self.pushed, boundary };
        self.failure = Some(failure.clone());
        Err(failure)
    }

    /// Bytes kept between two pushes, for tests of the promise that they are few.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        let queued: usize = self.queue.iter().map(Bytes::len).sum();
        queued + self.input.len() + self.headers.len() + self.encoded.len() + self.scanner.held_bytes()
    }

    fn advance(&mut self) -> Result<Option<Event>, MultipartError> {
        loop {
            // Bytes that wait to be decoded come before those that wait to be searched.
            if !self.encoded.is_empty() {
                let piece = self.encoded.split_to(self.encoded.len().min(MAX_DECODED_BYTES));
                let decoded = self.decoder.decode(piece);
                let decoded = decoded.map_err(|fault| fault.in_part(self.parts))?;
                if !decoded.is_empty() {
                    return Ok(Some(Event::Data(decoded)));
                }
                continue;
            }
            match self.state {
                State::PartEnd { last } => {
                    self.decoder.finish().map_err(|fault| fault.in_part(self.parts))?;
                    if last {
                        self.state = State::End;
                    } else {
                        self.begin_part()?;
                    }
                    return Ok(Some(Event::PartEnd));
                }
                State::End => {
                    self.ignored = 0;
                    self.state = State::Epilogue;
                    return Ok(Some(Event::End));
                }
                State::Preamble | State::Headers | State::Body | State::Epilogue => {}
            }
            if self.input.is_empty() {
                match self.queue.pop_front() {
                    Some(chunk) => self.input = chunk,
                    None => return Ok(None),
                }
            }
            let event = match self.state {
                State::Preamble => self.preamble()?,
                State::Headers => self.part_headers()?,
                State::Body => self.body()?,
                State::Epilogue => self.epilogue()?,
                State::PartEnd { .. } | State::End => None,
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    fn preamble(&mut self) -> Result<Option<Event>, MultipartError> {
        match self.scanner.scan(&mut self.input) {
            Found::NeedMore => {}
            Found::Data(data) => {
                self.ignored += data.len() as u64;
                if self.ignored > self.limits.max_preamble_bytes {
                    return Err(MultipartError::PreambleTooLong {
                        limit: self.limits.max_preamble_bytes,
                        boundary: self.boundary.as_str().to_owned(),
                    });
                }
            }
            Found::Delimiter => self.begin_part()?,
            Found::Close => return Err(MultipartError::NoParts),
            Found::PaddingTooLong => return Err(self.padding_too_long()),
        }
        Ok(None)
    }

    fn begin_part(&mut self) -> Result<(), MultipartError> {
        if self.parts == self.limits.max_parts {
            return Err(MultipartError::TooManyParts { limit: self.limits.max_parts });
        }
        self.parts += 1;
        self.state = State::Headers;
        Ok(())
    }

    /// Moves bytes into the header block until its blank line is there.
    fn part_headers(&mut self) -> Result<Option<Event>, MultipartError> {
        let before = self.headers.len();
        // No further than the cap can reach, so that a large chunk is not copied for a small block.
        let room = (self.limits.max_header_bytes + 1).saturating_sub(before);
        self.headers.extend_from_slice(self.input.get(..room).unwrap_or(&self.input));
        let Some(end) = part_headers::block_end(&self.headers, before) else {
            if self.headers.len() > self.limits.max_header_bytes {
                return Err(self.headers_too_long());
            }
            self.input.clear();
            return Ok(None);
        };
        if end > self.limits.max_header_bytes {
            return Err(self.headers_too_long());
        }
        self.headers.truncate(end);
        let _ = self.input.split_to(end - before);
        let headers = PartHeaders::parse(&self.headers, self.parts)?;
        self.headers.clear();
        self.decoder = Decoder::new(headers.transfer_encoding);
        // The blank line's CRLF may be a delimiter's at the same time.
        self.scanner.at_line_start();
        self.state = State::Body;
        Ok(Some(Event::Part(headers)))
    }

    fn body(&mut self) -> Result<Option<Event>, MultipartError> {
        match self.scanner.scan(&mut self.input) {
            Found::NeedMore => {}
            Found::Data(data) if self.decoder.is_identity() => return Ok(Some(Event::Data(data))),
            Found::Data(data) => self.encoded = data,
            Found::Delimiter => self.state = State::PartEnd { last: false },
            Found::Close => self.state = State::PartEnd { last: true },
            Found::PaddingTooLong => return Err(self.padding_too_long()),
        }
        Ok(None)
    }

    fn epilogue(&mut self) -> Result<Option<Event>, MultipartError> {
        self.ignored += self.input.len() as u64;
        self.input.clear();
        if self.ignored > self.limits.max_epilogue_bytes {
            return Err(MultipartError::EpilogueTooLong { limit: self.limits.max_epilogue_bytes });
        }
        Ok(None)
    }

    fn headers_too_long(&self) -> MultipartError {
        MultipartError::HeadersTooLong { part: self.parts, limit: self.limits.max_header_bytes }
    }

    fn padding_too_long(&self) -> MultipartError {
        let waiting: usize = self.queue.iter().map(Bytes::len).sum();
        let at = self.pushed - (waiting + self.input.len()) as u64;
        MultipartError::PaddingTooLong { limit: MAX_PADDING_BYTES, at }
    }
}
