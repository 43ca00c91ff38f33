//! The file formats, and telling them apart by content.
//!
//! Must never know a file's name or the type that a client declared for it.

use std::fmt;

/// A file format that can be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// ISO/IEC 10918, with JFIF, Exif or Adobe markers.
    Jpeg,
    /// Portable Network Graphics.
    Png,
    /// WebP, lossy and lossless.
    WebP,
    /// Graphics Interchange Format.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// Tagged Image File Format.
    Tiff,
    /// The "Quite OK Image" format.
    Qoi,
}

impl Format {
    /// All of them, the most common first.
    pub const ALL: [Self; 7] =
        [Self::Jpeg, Self::Png, Self::WebP, Self::Gif, Self::Bmp, Self::Tiff, Self::Qoi];

    /// What a file's first bytes say it is.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            // 42 and 43 are TIFF and BigTIFF, in the file's own byte order.
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            [b'q', b'o', b'i', b'f', ..] => Some(Self::Qoi),
            // Two letters alone would claim any text that begins with "BM";
            // the size of the second header tells a real one.
            [b'B', b'M', rest @ ..] => match rest.get(12..16) {
                Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]) => Some(Self::Bmp),
                _ => None,
            },
            _ => None,
        }
    }

    /// The format of a media type, lower case, without parameters.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type() == media_type)
    }

    /// Such as `image/jpeg`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Qoi => "image/qoi",
        }
    }

    /// The most pixels along one side that the format itself can express.
    #[must_use]
    pub fn max_side(self) -> u32 {
        match self {
            Self::Jpeg | Self::Gif => 65_535,
            // 14 bits; one less than they can hold, because readers commonly do
            // (libwebp's WEBP_MAX_DIMENSION).
            Self::WebP => 16_383,
            Self::Png | Self::Bmp => i32::MAX as u32,
            Self::Tiff | Self::Qoi => u32::MAX,
        }
    }

    /// For messages: `JPEG, PNG, …`.
    pub(crate) fn names() -> String {
        Self::ALL.map(|format| format.to_string()).join(", ")
    }

    /// For messages: `image/jpeg, image/png, …`.
    pub(crate) fn media_types() -> String {
        Self::ALL.map(Self::media_type).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Qoi => "QOI",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_begins_with_bm_is_no_bitmap() {
        assert_eq!(Format::sniff(b"BMW makes motor cars and motor cycles"), None);
    }

    #[test]
    fn no_prefix_of_a_signature_is_mistaken_for_the_format() {
        assert_eq!(Format::sniff(b""), None);
        assert_eq!(Format::sniff(b"\x89PNG"), None);
        assert_eq!(Format::sniff(b"RIFF\0\0\0\0WAVE"), None);
    }

    #[test]
    fn every_media_type_leads_back_to_its_format() {
        for format in Format::ALL {
            assert_eq!(Format::from_media_type(format.media_type()), Some(format));
        }
    }
}
