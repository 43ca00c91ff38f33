//! Whole messages through the reader: what is read, what is refused, and that it doesn't matter how
//! a message is cut into chunks.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use proptest::prelude::*;

use super::error::{HeaderProblem, Whereabouts};
use super::transfer_encoding::TransferEncoding;
use super::*;
use crate::media_type::MediaType;

/// A header block, or a delimiter with padding: never both at once.
const MAX_HELD_BYTES: usize = 8 * 1024;

/// One part as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    headers: PartHeaders,
    body: Vec<u8>,
}

fn reader(boundary: &str) -> Reader {
    Reader::new(Boundary::new(boundary).unwrap(), MultipartLimits::default())
}

/// Reads a message of boundary `xyz` that arrives in these chunks.
fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Part>, MultipartError> {
    read_with(&mut reader("xyz"), chunks)
}

fn read_with<'a>(
    reader: &mut Reader,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Part>, MultipartError> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut open, mut ended) = (false, false);
    for chunk in chunks {
        reader.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = reader.next_event()? {
            assert!(!ended, "{event:?} after the end");
            match event {
                Event::Part(headers) => {
                    assert!(!open, "a part within a part");
                    open = true;
                    parts.push(Part { headers, body: Vec::new() });
                }
                Event::Data(data) => {
                    assert!(open && !data.is_empty());
                    parts.last_mut().unwrap().body.extend_from_slice(&data);
                }
                Event::PartEnd => {
                    assert!(open);
                    open = false;
                }
                Event::End => {
                    assert!(!open);
                    ended = true;
                }
            }
        }
        let held = reader.held_bytes();
        assert!(held <= MAX_HELD_BYTES, "{held} bytes held");
    }
    reader.finish()?;
    assert!(ended);
    Ok(parts)
}

fn bodies(message: &str) -> Result<Vec<String>, MultipartError> {
    let parts = read([message.as_bytes()])?;
    Ok(parts.into_iter().map(|part| String::from_utf8(part.body).unwrap()).collect())
}

fn refused(message: &str) -> MultipartError {
    let whole = read([message.as_bytes()]);
    let bytewise = read(message.as_bytes().chunks(1));
    assert_eq!(whole, bytewise, "chunks matter in {message:?}");
    whole.unwrap_err()
}

#[test]
fn the_message_of_the_note_is_read() {
    let message = "--xyz\r\nContent-Type: application/xml;charset=UTF-8\r\n\r\n<task/>\r\n\
                   --xyz\r\nContent-Type: image/png\r\n\r\n\u{1}PNG\r\n\r\n--xyz--\r\n";
    let parts = read([message.as_bytes()]).unwrap();
    let types: Vec<_> = parts.iter().map(|part| part.headers.content_type.clone().unwrap()).collect();
    assert!(types[0].is_xml() && types[0].param("charset") == Some("UTF-8"));
    assert_eq!(types[1], MediaType::of("image/png"));
    assert_eq!(parts[0].body, b"<task/>");
    assert_eq!(parts[1].body, b"\x01PNG\r\n", "only the last line end belongs to the delimiter");
}

#[test]
fn where_parts_begin_and_end() {
    let table: [(&str, &[&str]); 12] = [
        ("--xyz\r\n\r\n\r\n--xyz--", &[""]),
        ("--xyz\r\n\r\n--xyz--", &[""]),
        ("--xyz\r\nX: 1\r\n\r\n--xyz\r\nX: 1\r\n\r\n\r\n--xyz--", &["", ""]),
        ("--xyz\r\n\r\nheaderless\r\n--xyz--", &["headerless"]),
        ("--xyz\r\n\r\n\r\n\r\n--xyz--", &["\r\n"]),
        ("preamble --xyz\r\n--xyz\r\n\r\na\r\n--xyz--epilogue\r\n--xyz\r\nX", &["a"]),
        ("\r\n--xyz\r\n\r\na\r\n--xyz--\r\n", &["a"]),
        ("--xyz \t \r\n\r\na\r\n--xyz\t\r\n\r\nb\r\n--xyz-- \r\n", &["a", "b"]),
        ("--xyz\r\n\r\nin --xyz line\r\n--xyz--", &["in --xyz line"]),
        ("--xyz\r\n\r\na\r\n--xyzz\r\n--xyz-\r\n--xyz.\r\n--xyz--", &["a\r\n--xyzz\r\n--xyz-\r\n--xyz."]),
        ("--xyz\r\n\r\na\n--xyz\n--xyz--\n\r\n--xyz--", &["a\n--xyz\n--xyz--\n"]),
        ("--xyz\r\n\r\na\r\n--xyz\nb\r\n--xyz--", &["a\r\n--xyz\nb"]),
    ];
    for (message, expected) in table {
        assert_eq!(bodies(message).unwrap(), expected, "{message:?}");
        let bytewise = read(message.as_bytes().chunks(1)).unwrap();
        assert_eq!(read([message.as_bytes()]).unwrap(), bytewise, "{message:?}");
    }
}

#[test]
fn transfer_encodings_are_undone() {
    let part =
        |encoding, body| format!("--xyz\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n--xyz--");
    for encoding in ["binary", "8BIT", "7bit"] {
        assert_eq!(bodies(&part(encoding, "Zg=\u{0}=")).unwrap(), ["Zg=\u{0}="]);
    }
    assert_eq!(bodies(&part("base64", "Zm9v\r\nYg==\r\n")).unwrap(), ["foob"]);
    assert_eq!(bodies(&part("base64", "")).unwrap(), [""]);
    assert_eq!(bodies(&part("Quoted-Printable", "a=3D=\r\nb \r\nc=")).unwrap(), ["a=b\r\nc"]);
    let problem = "a character outside the alphabet";
    let encoding = TransferEncoding::Base64;
    assert_eq!(
        refused(&part("base64", "Zm9v\r\n$$$$")),
        MultipartError::Undecodable { part: 1, encoding, problem, at: 6 }
    );
    assert!(matches!(refused(&part("base64", "Zg")), MultipartError::Undecodable { at: 2, .. }));
    let name = "x-uuencode".to_owned();
    assert_eq!(
        refused(&part("x-uuencode", "")),
        MultipartError::UnsupportedTransferEncoding { part: 1, name }
    );
}

#[test]
fn a_message_cut_anywhere_before_its_closing_boundary_is_truncated() {
    let message = "p\r\n--xyz\r\nX: 1\r\n\r\nbody\r\n--xyz\r\n\r\n\r\n--xyz--";
    assert_eq!(bodies(message).unwrap().len(), 2);
    for end in 0..message.len() {
        let MultipartError::Truncated { at, within, .. } = refused(&message[..end]) else {
            panic!("cut at {end}");
        };
        assert_eq!(at, end as u64);
        let expected = match end {
            0..10 => Whereabouts::Preamble,
            10..18 => Whereabouts::Headers(1),
            18..31 => Whereabouts::Body(1),
            31..33 => Whereabouts::Headers(2),
            _ => Whereabouts::Body(2),
        };
        assert_eq!(within, expected, "cut at {end}");
    }
}

#[test]
fn a_catalogue_of_malformed_messages() {
    use MultipartError as Is;
    assert_eq!(refused("--xyz--\r\n"), Is::NoParts);
    assert_eq!(refused("text\r\n--xyz--\r\n"), Is::NoParts);
    let boundary = || "xyz".to_owned();
    assert_eq!(
        refused(&"--abc\r\n".repeat(10_000)),
        Is::PreambleTooLong { limit: 65_536, boundary: boundary() }
    );
    assert_eq!(
        refused(&format!("--xyz\r\n\r\n\r\n--xyz--{}", " ".repeat(65_537))),
        Is::EpilogueTooLong { limit: 65_536 }
    );
    assert_eq!(refused(&"--xyz\r\n\r\n\r\n".repeat(17)), Is::TooManyParts { limit: 16 });
    assert_eq!(
        refused(&format!("--xyz\r\nX: {}", "x".repeat(8190))),
        Is::HeadersTooLong { part: 1, limit: 8192 }
    );
    assert_eq!(
        refused(&format!("--xyz{}\r\n", " ".repeat(999))),
        Is::PaddingTooLong { limit: 998, at: 1003 }
    );
    // No blank line between headers and body.
    assert_eq!(
        refused("--xyz\r\nContent-Type: image/png\r\nPNG\r\n\r\n--xyz--"),
        Is::Header { part: 1, line: 2, problem: HeaderProblem::NoColon }
    );
    // A body without the blank line that a part without headers needs.
    assert_eq!(
        refused("--xyz\r\nbody\r\n--xyz--\r\n\r\n"),
        Is::Header { part: 1, line: 1, problem: HeaderProblem::NoColon }
    );
    assert_eq!(
        refused("--xyz\r\nX: 1\nY: 2\r\n\r\n\r\n--xyz--"),
        Is::Header { part: 1, line: 1, problem: HeaderProblem::ControlCharacter }
    );
    // Bare line feeds throughout: not one delimiter.
    assert!(matches!(
        refused("--xyz\nX: 1\n\nbody\n--xyz--\n"),
        Is::Truncated { within: Whereabouts::Preamble, .. }
    ));
}

#[test]
fn limits_are_met_exactly() {
    let headers = |bytes: usize| format!("--xyz\r\nX: {}\r\n\r\n\r\n--xyz--", "x".repeat(bytes - 7));
    assert_eq!(bodies(&headers(8192)).unwrap(), [""]);
    assert_eq!(refused(&headers(8193)), MultipartError::HeadersTooLong { part: 1, limit: 8192 });
    let sixteen = format!("{}--xyz--", "--xyz\r\n\r\n\r\n".repeat(16));
    assert_eq!(bodies(&sixteen).unwrap().len(), 16);
    let preamble = format!("{}\r\n--xyz\r\n\r\n\r\n--xyz--{}", "p".repeat(65_536), "e".repeat(65_536));
    assert_eq!(bodies(&preamble).unwrap().len(), 1);
}

#[test]
fn a_failure_stays_and_drops_what_comes_after() {
    let mut reader = reader("xyz");
    reader.push(Bytes::from_static(b"--xyz--"));
    assert_eq!(reader.next_event(), Err(MultipartError::NoParts));
    reader.push(Bytes::from_static(b"\r\n--xyz\r\n\r\n"));
    assert_eq!(reader.next_event(), Err(MultipartError::NoParts));
    assert_eq!(reader.finish(), Err(MultipartError::NoParts));
}

#[test]
fn data_is_handed_out_without_a_copy() {
    let body = "i".repeat(10_000);
    let message = Bytes::from(format!("--xyz\r\n\r\n{body}\r\n--xyz--"));
    let mut reader = reader("xyz");
    reader.push(message.clone());
    assert!(matches!(reader.next_event(), Ok(Some(Event::Part(_)))));
    let Ok(Some(Event::Data(data))) = reader.next_event() else { panic!("data") };
    assert_eq!(data, body);
    assert_eq!(data.as_ptr(), message[9..].as_ptr());
}

#[test]
fn messages_tell_the_client_what_to_change() {
    let error = refused("--xyz\r\n\r\ncut off");
    assert_eq!(
        error.to_string(),
        "the message ends within part 1, after 16 bytes; it must end with the closing boundary \
         `--xyz--` on a line of its own"
    );
    let error = refused("--xyz\r\nContent-Transfer-Encoding: gzip\r\n\r\n");
    assert_eq!(
        error.to_string(),
        "part 1 has Content-Transfer-Encoding `gzip`; use binary, 8bit, 7bit, base64 or \
         quoted-printable"
    );
}

#[test]
fn whatever_arrives_little_is_kept() {
    for filler in ["p", "--xyz ", "\r\n--xyz", "\r", "X: 1\r\n", " ", "\r\n--xy", "--xyz\r\n\r\n"] {
        for opening in ["", "--xyz", "--xyz\r\n", "--xyz\r\n\r\n"] {
            // `read` checks after every chunk what the reader holds.
            let _ = read(std::iter::once(opening).chain([filler; 5_000]).map(str::as_bytes));
        }
    }
}

/// Bodies that are full of almost-delimiters.
fn hostile_body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"\r\n--xy"[..]),
        Just(&b"\r\n--xyz"[..]),
        Just(&b"--xyz"[..]),
        Just(&b"\r"[..]),
        Just(&b"\n"[..]),
        Just(&b"-"[..]),
        Just(&b" "[..]),
        Just(&b"x\0\xff"[..]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()).prop_filter(
        "a real delimiter",
        |body| {
            let scanned = [b"\r\n", &body[..], b"\r\n--xyz--"].concat();
            let mut at = 0;
            // Only the delimiter that the message itself adds may be one.
            while let Some(found) = memchr::memmem::find(&scanned[at..], b"\r\n--xyz") {
                let after = &scanned[at + found + 7..];
                let padding = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                let ends = after.starts_with(b"--") || after[padding..].starts_with(b"\r\n");
                if ends {
                    return at + found + 9 == scanned.len();
                }
                at += found + 1;
            }
            false
        },
    )
}

fn message_of(bodies: &[Vec<u8>], headers: &str) -> Vec<u8> {
    let mut message = b"preamble".to_vec();
    for body in bodies {
        message.extend_from_slice(b"\r\n--xyz \r\n");
        message.extend_from_slice(headers.as_bytes());
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(body);
    }
    message.extend_from_slice(b"\r\n--xyz--epilogue");
    message
}

/// Cuts `message` into chunks of these lengths, over and over.
fn cut<'a>(mut message: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for length in lengths.iter().cycle() {
        if message.is_empty() {
            break;
        }
        let (chunk, rest) = message.split_at((*length).min(message.len()));
        chunks.push(chunk);
        message = rest;
    }
    chunks
}

proptest! {
    #[test]
    fn however_a_message_is_cut_its_parts_are_the_same(
        written in proptest::collection::vec(hostile_body(), 1..4),
        lengths in proptest::collection::vec(1_usize..40, 1..8),
        headers in prop_oneof![Just(""), Just("X: 1\r\n"), Just("Content-ID:\r\n <a@b>\r\n")],
    ) {
        let message = message_of(&written, headers);
        let parts = read([&message[..]]).unwrap();
        let bodies: Vec<_> = parts.iter().map(|part| part.body.clone()).collect();
        prop_assert_eq!(&bodies, &written);
        prop_assert_eq!(&read(message.chunks(1)).unwrap(), &parts);
        prop_assert_eq!(&read(cut(&message, &lengths)).unwrap(), &parts);
        for at in 0..message.len() {
            let (left, right) = message.split_at(at);
            prop_assert_eq!(&read([left, right]).unwrap(), &parts);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_chunks_matter(
        pieces in proptest::collection::vec(prop_oneof![
            Just(&b"\r\n--xyz"[..]), Just(&b"--xyz"[..]), Just(&b"\r\n"[..]), Just(&b"--"[..]),
            Just(&b"Content-Type: a/b"[..]), Just(&b"Content-Transfer-Encoding: base64\r\n"[..]),
            Just(&b"Content-Transfer-Encoding: quoted-printable\r\n"[..]), Just(&b" "[..]),
            Just(&b"=\r\nZg==:\0\xff"[..]),
        ], 0..30),
        lengths in proptest::collection::vec(1_usize..20, 1..8),
    ) {
        let message = pieces.concat();
        let whole = read([&message[..]]);
        prop_assert_eq!(&read(message.chunks(1)), &whole);
        prop_assert_eq!(&read(cut(&message, &lengths)), &whole);
    }

    #[test]
    fn decoded_bodies_are_what_was_encoded(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        width in 1_usize..80,
        lengths in proptest::collection::vec(1_usize..20, 1..8),
    ) {
        let quoted: String = body.iter().map(|byte| format!("={byte:02X}")).collect();
        for (name, encoded) in [("base64", base64_of(&body)), ("quoted-printable", quoted)] {
            let unit = if name == "base64" { 1 } else { 3 };
            let end = if name == "base64" { "\r\n" } else { "=\r\n" };
            let lines: Vec<&[u8]> = encoded.as_bytes().chunks(width * unit).collect();
            let encoded = lines.join(end.as_bytes());
            let message = message_of(&[encoded], &format!("Content-Transfer-Encoding: {name}\r\n"));
            let parts = read(cut(&message, &lengths)).unwrap();
            prop_assert_eq!(&parts[0].body, &body);
        }
    }

    #[test]
    fn multer_reads_the_same_forms(
        fields in proptest::collection::vec(("[a-z]{1,8}", hostile_body()), 1..5),
        lengths in proptest::collection::vec(1_usize..60, 1..8),
    ) {
        let mut message = Vec::new();
        for (name, body) in &fields {
            message.extend_from_slice(
                format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\
                         Content-Type: image/png\r\n\r\n").as_bytes());
            // multer takes every line that begins with the boundary for a delimiter.
            message.extend(memchr_replace(body, b"--xyz", b"__xyz"));
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"--xyz--\r\n");
        let chunks = cut(&message, &lengths);
        let ours: Vec<_> = read(chunks.iter().copied()).unwrap().into_iter().map(|part| {
            (part.headers.disposition.unwrap().name.unwrap(), part.body)
        }).collect();
        prop_assert_eq!(ours, read_by_multer(&chunks));
    }
}

fn memchr_replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::new();
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

fn read_by_multer(chunks: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
    let chunks: Vec<_> =
        chunks.iter().map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk))).collect();
    let mut multer = multer::Multipart::new(futures_util::stream::iter(chunks), "xyz");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut fields = Vec::new();
        while let Some(field) = multer.next_field().await.unwrap() {
            let name = field.name().unwrap().to_owned();
            fields.push((name, field.bytes().await.unwrap().to_vec()));
        }
        fields
    })
}

fn base64_of(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}
