//! What the end of a file's name says of its format, and which end a format's files get. Only names:
//! what the bytes are is for whoever reads them to find out.

use std::path::Path;

/// Ends of names with their media types; where a type has several, files are written with the first.
const ENDS: &[(&str, &str)] = &[
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("jpe", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("bmp", "image/bmp"),
    ("tiff", "image/tiff"),
    ("tif", "image/tiff"),
    ("qoi", "image/qoi"),
    ("avif", "image/avif"),
    ("heic", "image/heic"),
    ("jxl", "image/jxl"),
    ("svg", "image/svg+xml"),
];

/// The same for what a task gives instead of a picture.
const OTHER_ENDS: &[(&str, &str)] =
    &[("json", "application/json"), ("txt", "text/plain"), ("xml", "application/xml")];

/// The media type that a picture's file name speaks of, or the one of any bytes.
#[must_use]
pub fn of_file_name(file: &str) -> &'static str {
    picture_type(Path::new(file)).unwrap_or("application/octet-stream")
}

/// The media type of a picture, if the name speaks of one.
#[must_use]
pub fn picture_type(file: &Path) -> Option<&'static str> {
    let end = file.extension()?.to_str()?.to_ascii_lowercase();
    ENDS.iter().find(|(known, _)| *known == end).map(|(_, media_type)| *media_type)
}

/// What the names of files of this media type (without parameters) end in. Never anything but letters
/// and digits, whatever the media type is.
#[must_use]
pub fn extension(media_type: &str) -> &'static str {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = ENDS.iter().chain(OTHER_ENDS).find(|(_, known)| *known == essence);
    known.map_or("bin", |(end, _)| end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_formats_lead_to_each_other() {
        assert_eq!(of_file_name("a/Photo.JPEG"), "image/jpeg");
        assert_eq!(of_file_name("-"), "application/octet-stream");
        assert_eq!(picture_type(Path::new("notes.txt")), None);
        assert_eq!(extension("image/JPEG"), "jpg");
        assert_eq!(extension("application/json;charset=UTF-8"), "json");
        assert_eq!(extension("image/../../x"), "bin");
    }
}
