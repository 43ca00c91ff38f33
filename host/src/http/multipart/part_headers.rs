//! The headers of one part: the four that mean something here, read from a whole header block.
//!
//! Knows MIME's header syntax (RFC 5322 section 2.2, RFC 2045 section 3). What a name or an id
//! refers to, and whether it is unique in its message, is for the caller.

use memchr::memmem;
use percent_encoding::percent_decode_str;

use super::error::{HeaderProblem, MultipartError};
use super::transfer_encoding::TransferEncoding;
use crate::media_type::parameters::{Parameters, skip_ows, token_end};
use crate::media_type::{MediaType, MediaTypeError};

/// Longest piece of a client's own text that a message repeats, in characters.
const MAX_QUOTED_CHARACTERS: usize = 40;

/// What a part says about itself. All of it is optional, and none of it is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHeaders {
    /// `Content-Type`; RFC 2046 section 5.1 reads its absence as text/plain in US-ASCII.
    pub content_type: Option<MediaType>,
    /// `Content-ID` without its angle brackets (RFC 2392).
    pub content_id: Option<String>,
    /// `Content-Disposition`.
    pub disposition: Option<ContentDisposition>,
    /// `Content-Transfer-Encoding`; already undone in the data that follows.
    pub transfer_encoding: TransferEncoding,
}

/// `Content-Disposition` (RFC 2183, RFC 7578 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDisposition {
    /// `form-data`, `attachment`, …, in lower case.
    pub kind: String,
    /// The form field's name.
    pub name: Option<String>,
    /// The file's name on the client's machine, for messages only: it is never a path here. From
    /// `filename*` (RFC 5987) where that can be decoded, which RFC 7578 forbids and some clients do.
    pub filename: Option<String>,
}

/// Where the header block that begins at 0 ends, with its blank line; `None` while that is missing.
/// Bytes before `searched` were looked at before.
pub(super) fn block_end(block: &[u8], searched: usize) -> Option<usize> {
    if block.starts_with(b"\r\n") {
        return Some(2);
    }
    let from = searched.saturating_sub(3);
    let at = memmem::find(block.get(from..)?, b"\r\n\r\n")?;
    Some(from + at + 4)
}

/// An id as `Content-ID` and the `start` parameter of `multipart/related` have it: `<id>`, or `id`
/// alone as some clients write it.
pub fn parse_content_id(text: &str) -> Option<String> {
    let text = text.trim_matches([' ', '\t']);
    let id = match text.strip_prefix('<') {
        Some(rest) => rest.strip_suffix('>')?,
        None => text,
    };
    let plain = |char: char| !(char.is_whitespace() || char.is_control() || matches!(char, '<' | '>'));
    (!id.is_empty() && id.chars().all(plain)).then(|| id.to_owned())
}

impl PartHeaders {
    /// Reads a block that [`block_end`] found. `part` is for messages.
    pub(super) fn parse(block: &[u8], part: usize) -> Result<Self, MultipartError> {
        let mut headers = Self::default();
        let mut seen = Vec::new();
        for field in Fields::new(block) {
            let wrong = |problem| MultipartError::Header { part, line: field.line, problem };
            let (name, value) = field.split().map_err(wrong)?;
            let Some(known) = KnownHeader::named(name) else {
                continue;
            };
            if seen.contains(&known) {
                return Err(wrong(HeaderProblem::Duplicate(known.name())));
            }
            seen.push(known);
            let value = std::str::from_utf8(value)
                .map_err(|_| wrong(HeaderProblem::NotUtf8(known.name())))?
                .trim_matches([' ', '\t']);
            match known {
                KnownHeader::Type => {
                    let media_type = MediaType::parse(value);
                    headers.content_type =
                        Some(media_type.map_err(|error| wrong(HeaderProblem::ContentType(error)))?);
                }
                KnownHeader::Id => {
                    let id = parse_content_id(value);
                    headers.content_id = Some(id.ok_or_else(|| wrong(HeaderProblem::ContentId))?);
                }
                KnownHeader::Disposition => {
                    headers.disposition = Some(ContentDisposition::parse(value).map_err(wrong)?);
                }
                KnownHeader::TransferEncoding => {
                    headers.transfer_encoding = TransferEncoding::named(value).ok_or_else(|| {
                        let name = value.chars().take(MAX_QUOTED_CHARACTERS).collect();
                        MultipartError::UnsupportedTransferEncoding { part, name }
                    })?;
                }
            }
        }
        Ok(headers)
    }
}

impl ContentDisposition {
    fn parse(value: &str) -> Result<Self, HeaderProblem> {
        let start = skip_ows(value.as_bytes(), 0);
        let end = token_end(value.as_bytes(), start);
        let kind = match value.get(start..end) {
            Some(kind) if !kind.is_empty() => kind.to_ascii_lowercase(),
            _ => return Err(HeaderProblem::NoDispositionType),
        };
        let params: Result<Parameters, MediaTypeError> = Parameters::parse(value, end);
        let params = params.map_err(HeaderProblem::ContentDisposition)?;
        let filename = params.get("filename*").and_then(extended_value);
        Ok(Self {
            kind,
            name: params.get("name").map(str::to_owned),
            filename: filename.or_else(|| params.get("filename").map(str::to_owned)),
        })
    }
}

/// `UTF-8'language'percent-encoded` (RFC 5987 section 3.2); other charsets are left alone.
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    Some(percent_decode_str(encoded).decode_utf8().ok()?.into_owned())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KnownHeader {
    Type,
    Id,
    Disposition,
    TransferEncoding,
}

impl KnownHeader {
    fn named(name: &[u8]) -> Option<Self> {
        [Self::Type, Self::Id, Self::Disposition, Self::TransferEncoding]
            .into_iter()
            .find(|known| known.name().as_bytes().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Type => "Content-Type",
            Self::Id => "Content-ID",
            Self::Disposition => "Content-Disposition",
            Self::TransferEncoding => "Content-Transfer-Encoding",
        }
    }
}

/// One header, unfolded.
struct Field {
    text: Vec<u8>,
    /// The line it begins on, from 1.
    line: usize,
}

impl Field {
    fn split(&self) -> Result<(&[u8], &[u8]), HeaderProblem> {
        if self.text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(HeaderProblem::ControlCharacter);
        }
        if self.text.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(HeaderProblem::FoldedNothing);
        }
        let colon = memchr::memchr(b':', &self.text).ok_or(HeaderProblem::NoColon)?;
        let (name, value) = self.text.split_at(colon);
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return Err(HeaderProblem::Name);
        }
        Ok((name, value.get(1..).unwrap_or_default()))
    }
}

/// The fields of a block. A line that begins with white space goes on with the one before
/// (RFC 5322 section 2.2.3); the white space stays, only the line end goes.
struct Fields<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Fields<'a> {
    fn new(block: &'a [u8]) -> Self {
        Self { rest: block, line: 0 }
    }

    fn take_line(&mut self) -> &'a [u8] {
        let end = memmem::find(self.rest, b"\r\n").unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(2..).unwrap_or_default();
        self.line += 1;
        line
    }
}

impl Iterator for Fields<'_> {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        let mut text = self.take_line().to_vec();
        if text.is_empty() {
            return None;
        }
        let line = self.line;
        while matches!(self.rest.first(), Some(b' ' | b'\t')) {
            text.extend_from_slice(self.take_line());
        }
        Some(Field { text, line })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parsed(block: &str) -> PartHeaders {
        PartHeaders::parse(format!("{block}\r\n").as_bytes(), 1).unwrap()
    }

    fn refused(block: &[u8]) -> (usize, HeaderProblem) {
        match PartHeaders::parse(&[block, b"\r\n\r\n"].concat(), 1) {
            Err(MultipartError::Header { part: 1, line, problem }) => (line, problem),
            other => panic!("{} gave {other:?}", block.escape_ascii()),
        }
    }

    #[test]
    fn no_headers_are_headers_too() {
        assert_eq!(parsed(""), PartHeaders::default());
        assert_eq!(block_end(b"\r\nContent-Type: x\r\n\r\n", 0), Some(2));
    }

    #[test]
    fn the_four_are_read_in_any_case_and_others_ignored() {
        let headers = parsed(
            "content-type: Image/PNG\r\nCONTENT-ID:<logo@client>\r\nX-Other: \u{fe}\u{1}\r\n\
             Content-disposition:Form-Data; name=a\r\ncontent-transfer-encoding:\tbinary\r\n",
        );
        assert_eq!(headers.content_type, Some(MediaType::of("image/png")));
        assert_eq!(headers.content_id.as_deref(), Some("logo@client"));
        assert_eq!(headers.transfer_encoding, TransferEncoding::Binary);
        let disposition = headers.disposition.unwrap();
        assert_eq!((disposition.kind.as_str(), disposition.name.as_deref()), ("form-data", Some("a")));
    }

    #[test]
    fn a_folded_header_is_unfolded() {
        let headers = parsed("Content-Type:\r\n multipart/related;\r\n\tboundary=\"a\r\n b\"\r\n");
        assert_eq!(headers.content_type.unwrap().param("boundary"), Some("a b"));
    }

    #[test]
    fn a_disposition_has_its_names() {
        let disposition = |value: &str| parsed(&format!("Content-Disposition: {value}\r\n")).disposition;
        let given = disposition("form-data; name=\"bild\"; filename=\"grün \\\"1\\\".png\"").unwrap();
        assert_eq!((given.kind.as_str(), given.name.as_deref()), ("form-data", Some("bild")));
        assert_eq!(given.filename.as_deref(), Some("grün \"1\".png"));
        let given = disposition("Attachment; FileName=a; filename*=utf-8'de'gr%C3%BCn").unwrap();
        assert_eq!((given.kind.as_str(), given.filename.as_deref()), ("attachment", Some("grün")));
        for undecodable in ["latin1''gr%FCn", "UTF-8''%FF", "UTF-8"] {
            let value = format!("form-data; filename=a; filename*={undecodable}");
            assert_eq!(disposition(&value).unwrap().filename.as_deref(), Some("a"));
        }
    }

    #[test]
    fn a_content_id_loses_its_brackets() {
        let table = [
            ("<logo@client>", Some("logo@client")),
            (" <a> ", Some("a")),
            ("a@b", Some("a@b")),
            ("<a", None),
            ("a>", None),
            ("<>", None),
            ("", None),
            ("<a b>", None),
            ("<<a>>", None),
            ("<a> (comment)", None),
        ];
        for (text, id) in table {
            assert_eq!(parse_content_id(text).as_deref(), id, "{text:?}");
        }
    }

    #[test]
    fn transfer_encodings_have_names() {
        let encoding = |name| parsed(&format!("Content-Transfer-Encoding: {name}\r\n")).transfer_encoding;
        assert_eq!(encoding("BASE64 "), TransferEncoding::Base64);
        assert_eq!(encoding("Quoted-Printable"), TransferEncoding::QuotedPrintable);
        assert_eq!(encoding("8bit"), TransferEncoding::EightBit);
        let block = b"Content-Transfer-Encoding: x-uuencode\r\n\r\n";
        let name = "x-uuencode".to_owned();
        let expected = MultipartError::UnsupportedTransferEncoding { part: 3, name };
        assert_eq!(PartHeaders::parse(block, 3), Err(expected));
    }

    #[test]
    fn a_wrong_header_is_refused_with_its_line() {
        use HeaderProblem as Is;
        assert_eq!(refused(b"X: 1\r\nContent-Type"), (2, Is::NoColon));
        assert_eq!(refused(b"X: 1\r\n 2\r\n--xyz--"), (3, Is::NoColon));
        assert_eq!(refused(b" X: 1"), (1, Is::FoldedNothing));
        assert_eq!(refused(b": 1"), (1, Is::Name));
        assert_eq!(refused(b"X : 1"), (1, Is::Name));
        assert_eq!(refused("Ü: 1".as_bytes()), (1, Is::Name));
        assert_eq!(refused(b"X: 1\nY: 2"), (1, Is::ControlCharacter));
        assert_eq!(refused(b"X: 1\rY: 2"), (1, Is::ControlCharacter));
        assert_eq!(refused(b"X: \0"), (1, Is::ControlCharacter));
        assert_eq!(refused(b"Content-ID: <a"), (1, Is::ContentId));
        assert_eq!(
            refused(b"Content-Type: image/png\r\ncontent-type: image/png"),
            (2, Is::Duplicate("Content-Type"))
        );
        assert_eq!(refused(b"Content-Type: \xff"), (1, Is::NotUtf8("Content-Type")));
        assert_eq!(refused(b"Content-Disposition: ;name=x"), (1, Is::NoDispositionType));
        assert!(matches!(refused(b"Content-Type: png"), (1, Is::ContentType(_))));
        assert!(matches!(refused(b"Content-Disposition: form-data; name"), (1, Is::ContentDisposition(_))));
        assert!(matches!(
            refused(b"Content-Disposition: form-data; name=a; name=b"),
            (1, Is::ContentDisposition(_))
        ));
    }
}
