//! Pixels as planes.

/// Planes of luma and chroma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Separated {
    /// Y, as large as the picture.
    pub luma: Vec<u8>,
    /// Cb and Cr.
    pub chroma: [Vec<u8>; 2],
    /// Width and height of the planes of chroma.
    pub chroma_size: (u32, u32),
}

/// ITU-R BT.601 in full range, 16 bits behind the point. Each row adds up to 1,
/// 0 and 0, so that gray stays gray.
const TO_LUMA: [i32; 3] = [19_595, 38_470, 7_471];
const TO_BLUE: [i32; 3] = [-11_059, -21_709, 32_768];
const TO_RED: [i32; 3] = [32_768, -27_439, -5_329];

fn dot(factors: [i32; 3], pixel: [i32; 3]) -> i32 {
    factors[0] * pixel[0] + factors[1] * pixel[1] + factors[2] * pixel[2]
}

/// Converts RGB. With `halved`, chroma is the mean of two by two pixels, of
/// which the last ones may be fewer.
#[must_use]
pub fn from_rgb(pixels: &[u8], width: u32, halved: bool) -> Separated {
    let wide = width as usize;
    let rows: Vec<&[[u8; 3]]> = pixels.as_chunks::<3>().0.chunks_exact(wide.max(1)).collect();
    let luma = rows
        .iter()
        .flat_map(|row| row.iter())
        .map(|&pixel| ((dot(TO_LUMA, pixel.map(i32::from)) + (1 << 15)) >> 16) as u8)
        .collect();

    let step = if halved { 2 } else { 1 };
    let chroma_wide = wide.div_ceil(step);
    let chroma_high = rows.len().div_ceil(step);
    let mut chroma = [(); 2].map(|()| Vec::with_capacity(chroma_wide * chroma_high));
    let [blue, red] = &mut chroma;
    let centred = |sum: i32, bits: u32| (((sum + (1 << bits >> 1)) >> bits) + 128).clamp(0, 255) as u8;
    for pair in rows.chunks(step) {
        match pair {
            [upper, lower] => {
                let squares = upper.chunks(2).zip(lower.chunks(2));
                for (upper, lower) in squares {
                    let ends = |row: &[[u8; 3]]| {
                        let first = row.first().copied().unwrap_or_default().map(i32::from);
                        (first, row.last().copied().unwrap_or_default().map(i32::from))
                    };
                    let ((a, b), (c, d)) = (ends(upper), ends(lower));
                    let sum =
                        std::array::from_fn(|channel| a[channel] + b[channel] + c[channel] + d[channel]);
                    blue.push(centred(dot(TO_BLUE, sum), 18));
                    red.push(centred(dot(TO_RED, sum), 18));
                }
            }
            [row] if halved => {
                for pair in row.chunks(2) {
                    let first = pair.first().copied().unwrap_or_default();
                    let last = pair.last().copied().unwrap_or_default();
                    let sum =
                        std::array::from_fn(|channel| i32::from(first[channel]) + i32::from(last[channel]));
                    blue.push(centred(dot(TO_BLUE, sum), 17));
                    red.push(centred(dot(TO_RED, sum), 17));
                }
            }
            [row] => {
                for &pixel in *row {
                    blue.push(centred(dot(TO_BLUE, pixel.map(i32::from)), 16));
                    red.push(centred(dot(TO_RED, pixel.map(i32::from)), 16));
                }
            }
            _ => {}
        }
    }
    Separated { luma, chroma, chroma_size: (chroma_wide as u32, chroma_high as u32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_nearly_the_same() {
        let pixels: Vec<u8> = (0..3 * 17 * 5).map(|at| (at * 37 % 256) as u8).collect();
        let Separated { luma, chroma: [blue, red], .. } = from_rgb(&pixels, 17, false);
        let mut back = vec![0; pixels.len()];
        crate::to_rgb(&luma, &blue, &red, &mut back);
        for (found, expected) in back.iter().zip(&pixels) {
            assert!(found.abs_diff(*expected) <= 2, "{found} {expected}");
        }
    }

    #[test]
    fn halved_chroma_is_the_mean_of_what_is_there() {
        // Gray but for one pixel in the odd last column and row.
        let mut pixels = vec![100; 3 * 9];
        pixels[24..].copy_from_slice(&[200, 100, 100]);
        let Separated { luma, chroma: [blue, red], chroma_size } = from_rgb(&pixels, 3, true);
        assert_eq!(chroma_size, (2, 2));
        assert_eq!(luma[..8], [100; 8]);
        assert_eq!((&blue[..3], &red[..3]), (&[128; 3][..], &[128; 3][..]));
        assert_eq!((blue[3], red[3]), (111, 178));
    }
}
