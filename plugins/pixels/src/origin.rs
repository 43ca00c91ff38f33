//! What a file says beside its pixels: read for whoever asks what a picture is,
//! and never carried over into another file.
//!
//! Of Exif, which can say where a photographer lives, only what is listed here
//! is ever read: the camera and its settings. Must never give a position.

use std::io::Cursor;

use exif::{Exif, In, Reader, Tag, Value};

use crate::{Format, Orientation};

/// The most characters of a text. Names of cameras have a tenth of it.
const LONGEST: usize = 200;

/// The file that a picture came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Origin {
    pub(crate) format: Format,
    /// As stored; the picture may have been turned since.
    pub(crate) orientation: Orientation,
    pub(crate) photograph: Photograph,
}

/// How a photograph was taken, as far as its camera says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Photograph {
    pub(crate) make: Option<String>,
    pub(crate) model: Option<String>,
    /// As in RFC 3339, without an offset where the camera knew none.
    pub(crate) taken: Option<String>,
    /// Seconds.
    pub(crate) exposure: Option<f64>,
    pub(crate) f_number: Option<f64>,
    pub(crate) iso: Option<u32>,
    /// Millimetres, not converted to any film's.
    pub(crate) focal_length: Option<f64>,
}

impl Photograph {
    /// Metadata that make no sense say nothing: the picture decodes without them.
    pub(crate) fn read(file: &[u8], format: Format) -> Self {
        if !matches!(format, Format::Jpeg | Format::Png | Format::WebP | Format::Tiff) {
            // The others have no place for Exif.
            return Self::default();
        }
        let Ok(exif) = Reader::new().read_from_container(&mut Cursor::new(file)) else {
            return Self::default();
        };
        let taken = text(&exif, Tag::DateTimeOriginal).and_then(|date| date_time(&date));
        let offset = text(&exif, Tag::OffsetTimeOriginal).filter(|offset| is_offset(offset));
        Self {
            make: text(&exif, Tag::Make),
            model: text(&exif, Tag::Model),
            taken: taken.map(|taken| taken + &offset.unwrap_or_default()),
            exposure: number(&exif, Tag::ExposureTime),
            f_number: number(&exif, Tag::FNumber),
            iso: field(&exif, Tag::PhotographicSensitivity).and_then(|value| value.get_uint(0)),
            focal_length: number(&exif, Tag::FocalLength),
        }
    }
}

fn field(exif: &Exif, tag: Tag) -> Option<&Value> {
    exif.get_field(tag, In::PRIMARY).map(|field| &field.value)
}

fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(lines) = field(exif, tag)? else { return None };
    let text = String::from_utf8_lossy(lines.first()?);
    let shown: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    Some(shown.trim().to_owned()).filter(|text| !text.is_empty())
}

fn number(exif: &Exif, tag: Tag) -> Option<f64> {
    let Value::Rational(fractions) = field(exif, tag)? else { return None };
    // 0/0 is how cameras say that they don't know.
    fractions.first().map(exif::Rational::to_f64).filter(|number| number.is_finite() && *number > 0.0)
}

/// `2008:05:30 15:56:01` as `2008-05-30T15:56:01`; cameras whose clock was
/// never set write blanks or noughts.
fn date_time(exif: &str) -> Option<String> {
    let (date, time) = exif.split_once(' ')?;
    let parts: Vec<&str> = date.split(':').chain(time.split(':')).collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let digits = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let [year, month, day, hour, minute, second] = *parts.as_slice() else { return None };
    let known = digits && lengths == [4, 2, 2, 2, 2, 2] && month != "00" && day != "00";
    known.then(|| format!("{year}-{month}-{day}T{hour}:{minute}:{second}"))
}

/// `+02:00`.
fn is_offset(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit();
    matches!(text.as_bytes(), &[b'+' | b'-', a, b, b':', c, d] if [a, b, c, d].into_iter().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_internet_does_and_unset_clocks_say_nothing() {
        assert_eq!(date_time("2008:05:30 15:56:01").as_deref(), Some("2008-05-30T15:56:01"));
        for wrong in ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "2008-05-30", "2008:05:30 15:56:1"] {
            assert_eq!(date_time(wrong), None, "{wrong}");
        }
        assert!(is_offset("+02:00") && is_offset("-11:30") && !is_offset("Z") && !is_offset("+2:00"));
    }

    #[test]
    fn what_is_no_exif_says_nothing() {
        for file in [&b""[..], b"no picture", b"II*\0", &[0xFF; 64]] {
            assert_eq!(Photograph::read(file, Format::Png), Photograph::default());
        }
    }
}
