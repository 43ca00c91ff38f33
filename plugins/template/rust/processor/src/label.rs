//! Labels in PNG files: chunks of type `iTXt`, as <https://www.w3.org/TR/png-3/#11iTXt> has them.

use tintype_plugin::Failure;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The same picture with this label and no other of its keyword; without one if `text` is empty.
pub fn label(png: &[u8], keyword: &str, text: &str) -> Result<Vec<u8>, Failure> {
    // The schema lets this pass, and PNG does not.
    if text.contains('\0') {
        return Err(Failure::invalid_parameters(
            "text: must not contain the character U+0000.",
        ));
    }
    let Some(mut rest) = png.strip_prefix(SIGNATURE) else {
        return Err(Failure::invalid_image("This is not a PNG picture."));
    };
    let mut labelled = Vec::with_capacity(png.len() + keyword.len() + text.len() + 17);
    labelled.extend_from_slice(SIGNATURE);
    for index in 0.. {
        let Some((chunk, after)) = split_chunk(rest) else {
            return Err(Failure::invalid_image("The PNG is damaged: it ends early."));
        };
        if (index == 0) != (chunk.kind == b"IHDR") {
            return Err(Failure::invalid_image(
                "The PNG is damaged: its header is not where it belongs.",
            ));
        }
        if !chunk.is_label(keyword) {
            labelled.extend_from_slice(chunk.whole);
        }
        match chunk.kind {
            b"IHDR" if !text.is_empty() => labelled.extend(new_label(keyword, text)),
            b"IEND" => break,
            _ => {}
        }
        rest = after;
    }
    Ok(labelled)
}

/// A piece of a PNG: length, kind, data, checksum.
struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    whole: &'a [u8],
}

/// The first chunk, and what comes after it. Lengths are the sender's word: nothing is believed.
fn split_chunk(bytes: &[u8]) -> Option<(Chunk<'_>, &[u8])> {
    let length = usize::try_from(u32::from_be_bytes(*bytes.first_chunk()?)).ok()?;
    let (whole, after) = bytes.split_at_checked(length.checked_add(12)?)?;
    Some((
        Chunk {
            kind: whole.get(4..8)?,
            data: whole.get(8..length + 8)?,
            whole,
        },
        after,
    ))
}

impl Chunk<'_> {
    fn is_label(&self, keyword: &str) -> bool {
        matches!(self.kind, b"tEXt" | b"zTXt" | b"iTXt")
            && self
                .data
                .strip_prefix(keyword.as_bytes())
                .is_some_and(|rest| rest.first() == Some(&0))
    }
}

fn new_label(keyword: &str, text: &str) -> Vec<u8> {
    // Not compressed, of no particular language, and the keyword not translated.
    let mut chunk = [b"iTXt", keyword.as_bytes(), b"\0\0\0\0\0", text.as_bytes()].concat();
    let checksum = crc32(&chunk);
    // A schema bounds both texts: they are far below 4 GiB.
    let length = (chunk.len() - 4) as u32;
    chunk.splice(0..0, length.to_be_bytes());
    chunk.extend(checksum.to_be_bytes());
    chunk
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// One grey pixel.
    pub const PLAIN: &[u8] = b"\x89PNG\r\n\x1a\n\
        \0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\
        \0\0\0\x0aIDAT\x78\xda\x63\x68\0\0\0\x82\0\x81\xda\x45\x08\x3b\
        \0\0\0\0IEND\xae\x42\x60\x82";
    /// The same with the comment "Grüße", as another program wrote it.
    pub const LABELLED: &[u8] = b"\x89PNG\r\n\x1a\n\
        \0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\
        \0\0\0\x13iTXtComment\0\0\0\0\0Gr\xc3\xbc\xc3\x9fe\x4e\x32\x21\x35\
        \0\0\0\x0aIDAT\x78\xda\x63\x68\0\0\0\x82\0\x81\xda\x45\x08\x3b\
        \0\0\0\0IEND\xae\x42\x60\x82";

    #[test]
    fn a_label_is_written_behind_the_header() {
        assert_eq!(label(PLAIN, "Comment", "Grüße").unwrap(), LABELLED);
    }

    #[test]
    fn a_label_is_replaced_by_a_new_one_and_taken_out_by_none() {
        let other = label(PLAIN, "Comment", "Salut").unwrap();
        assert_eq!(label(&other, "Comment", "Grüße").unwrap(), LABELLED);
        assert_eq!(label(LABELLED, "Comment", "").unwrap(), PLAIN);
        assert_eq!(label(LABELLED, "Author", "").unwrap(), LABELLED);
    }

    #[test]
    fn what_is_no_png_or_only_a_part_of_one_is_refused() {
        assert!(matches!(
            label(b"GIF89a", "Comment", ""),
            Err(Failure::InvalidImage(_))
        ));
        for length in 0..LABELLED.len() {
            assert!(
                matches!(
                    label(&LABELLED[..length], "Comment", ""),
                    Err(Failure::InvalidImage(_))
                ),
                "{length}"
            );
        }
    }

    #[test]
    fn a_text_that_png_cannot_hold_is_refused() {
        assert!(matches!(
            label(PLAIN, "Comment", "a\0b"),
            Err(Failure::InvalidParameters(_))
        ));
    }
}
