//! Portable pixmaps, as <https://netpbm.sourceforge.net/doc/ppm.html> has them: a header of text, then
//! three bytes a pixel.

use tintype_plugin::Failure;

pub struct Header {
    pub width: u64,
    pub height: u64,
    /// Where the pixels begin.
    end: usize,
}

pub fn is_ppm(head: &[u8]) -> bool {
    matches!(head, [b'P', b'6', next, ..] if is_space(*next))
}

pub fn header(file: &[u8]) -> Result<Header, Failure> {
    if !is_ppm(file) {
        return Err(Failure::invalid_image("This is not a PPM picture."));
    }
    let damaged = || Failure::invalid_image("The PPM is damaged: its header has no three numbers.");
    let mut at = 2;
    let mut number = || number(file, &mut at).ok_or_else(damaged);
    let (width, height, most) = (number()?, number()?, number()?);
    if width == 0 || height == 0 {
        return Err(Failure::invalid_image(
            "The PPM is damaged: it has no pixels.",
        ));
    }
    if most != 255 {
        return Err(Failure::invalid_image(format!(
            "This PPM has values up to {most}; only 255 is read."
        )));
    }
    // One space, whatever comes after it.
    if !file.get(at).is_some_and(|byte| is_space(*byte)) {
        return Err(damaged());
    }
    Ok(Header {
        width,
        height,
        end: at + 1,
    })
}

/// The pixels with full opacity, which PPM doesn't know.
pub fn pixels(file: &[u8], header: &Header) -> Result<Vec<u8>, Failure> {
    let data = file.get(header.end..).unwrap_or_default();
    let bytes = header.width * header.height * 3;
    if (data.len() as u64) < bytes {
        return Err(Failure::invalid_image("The PPM is damaged: it ends early."));
    }
    // Another picture may follow.
    let pixels = data[..bytes as usize].as_chunks().0.iter();
    Ok(pixels
        .flat_map(|&[red, green, blue]| [red, green, blue, 255])
        .collect())
}

/// A file of these pixels. What shines through them is white.
pub fn file(width: u32, height: u32, pixels: &[[u8; 4]]) -> Vec<u8> {
    let mut file = format!("P6\n{width} {height}\n255\n").into_bytes();
    file.reserve(pixels.len() * 3);
    for &[red, green, blue, alpha] in pixels {
        let alpha = u32::from(alpha);
        let on_white = |c: u8| ((u32::from(c) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        file.extend([red, green, blue].map(on_white));
    }
    file
}

/// The number after spaces and comments, at least one space; large ones are all the same.
fn number(file: &[u8], at: &mut usize) -> Option<u64> {
    const LARGE: u64 = 1_000_000_000;
    let begin = *at;
    while let Some(&byte) = file.get(*at) {
        if byte == b'#' {
            *at += file[*at..]
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r'))?;
        } else if !is_space(byte) {
            break;
        }
        *at += 1;
    }
    let digits = *at;
    let mut number = 0;
    while let Some(digit) = file.get(*at).filter(|byte| byte.is_ascii_digit()) {
        number = (number * 10 + u64::from(digit - b'0')).min(LARGE);
        *at += 1;
    }
    (begin < digits && digits < *at).then_some(number)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"P6 # two pixels\n2\t1\n#\n255\n\x01\x02\x03\xff\xfe\xfd";

    fn read(file: &[u8]) -> Result<Vec<u8>, Failure> {
        pixels(file, &header(file)?)
    }

    #[test]
    fn a_file_is_read_with_its_comments() {
        let read = read(FILE).unwrap();
        assert_eq!(read, [1, 2, 3, 255, 255, 254, 253, 255]);
        let Header { width, height, .. } = header(FILE).unwrap();
        assert_eq!((width, height), (2, 1));
    }

    #[test]
    fn what_shines_through_is_white() {
        let pixels = [[1, 2, 3, 255], [100, 0, 0, 128], [9, 9, 9, 0]];
        assert_eq!(
            file(3, 1, &pixels),
            b"P6\n3 1\n255\n\x01\x02\x03\xb1\x7f\x7f\xff\xff\xff"
        );
    }

    #[test]
    fn what_is_no_ppm_or_only_a_part_of_one_is_refused() {
        for length in 0..FILE.len() {
            let refused = read(&FILE[..length]);
            assert!(matches!(refused, Err(Failure::InvalidImage(_))), "{length}");
        }
        for other in [
            "P5 1 1 255 aaa",
            "P61 1 255 aaa",
            "P6 0 1 255 ",
            "P6 1 1 65535 aaaaaa",
        ] {
            assert!(
                matches!(read(other.as_bytes()), Err(Failure::InvalidImage(_))),
                "{other}"
            );
        }
    }
}
