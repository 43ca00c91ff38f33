//! From luma and chroma to red, green and blue of 8 bits, by the matrices of ITU-T H.273.

use crate::container::Cicp;
use crate::error::Error;

/// Bits after the point.
const FRACTION: u32 = 16;
const HALF: i32 = 1 << (FRACTION - 1);

/// What is done to each pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Converter {
    matrix: Matrix,
    /// What luma is at black.
    black: i32,
    /// What chroma is without colour.
    neutral: i32,
    /// To 0 to 255, times 2 to the [`FRACTION`].
    luma: i32,
}

#[derive(Debug, Clone, Copy)]
enum Matrix {
    /// Green, blue and red as they are.
    Identity,
    /// Half of what luma has more of green; and orange.
    YCgCo { chroma: i32 },
    /// Differences of blue and red from luma: how much of each is added to red, green and blue.
    Difference { red: i32, green: [i32; 2], blue: i32 },
}

impl Converter {
    /// For samples of `depth` bits, from 8 to 12.
    ///
    /// # Errors
    /// Nothing here knows the matrix.
    pub(crate) fn new(cicp: Cicp, depth: u8) -> Result<Self, Error> {
        let fixed = |factor: f64| (factor * f64::from(1u32 << FRACTION)).round() as i32;
        let deeper = depth.saturating_sub(8);
        let (black, luma_range, chroma_range) = if cicp.full_range {
            let most = (1u32 << depth) - 1;
            (0, f64::from(most), f64::from(most))
        } else {
            (16 << deeper, f64::from(219u32 << deeper), f64::from(224u32 << deeper))
        };
        let chroma = 255.0 / chroma_range;
        let by_shares = |red: f64, blue: f64| {
            let green = 1.0 - red - blue;
            let (of_red, of_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
            Matrix::Difference {
                red: fixed(of_red * chroma),
                green: [fixed(of_blue * blue / green * chroma), fixed(of_red * red / green * chroma)],
                blue: fixed(of_blue * chroma),
            }
        };
        let matrix = match cicp.matrix {
            0 => Matrix::Identity,
            1 => by_shares(0.2126, 0.0722),
            4 => by_shares(0.30, 0.11),
            // What says nothing is taken for BT.601, as libavif does.
            2 | 5 | 6 => by_shares(0.299, 0.114),
            7 => by_shares(0.212, 0.087),
            8 => Matrix::YCgCo { chroma: fixed(chroma) },
            9 => by_shares(0.2627, 0.0593),
            _ => return Err(Error::Unsupported("its colours are computed in a way that is not known here")),
        };
        Ok(Self { matrix, black, neutral: 1 << (depth - 1), luma: fixed(255.0 / luma_range) })
    }

    /// Whether samples are red, green and blue, which cannot be halved.
    pub(crate) fn is_identity(&self) -> bool {
        matches!(self.matrix, Matrix::Identity)
    }

    /// A row without colour, into red, green and blue.
    pub(crate) fn gray_row(&self, luma: &[u16], row: &mut [[u8; 4]]) {
        for (pixel, luma) in row.iter_mut().zip(luma) {
            let gray = self.gray(*luma);
            *pixel = [gray, gray, gray, u8::MAX];
        }
    }

    /// A sample that stands for itself: gray, or alpha.
    pub(crate) fn gray(&self, luma: u16) -> u8 {
        rounded((i32::from(luma) - self.black) * self.luma)
    }

    /// A row in colour.
    pub(crate) fn row(&self, [luma, blue, red]: [&[u16]; 3], row: &mut [[u8; 4]]) {
        let samples = luma.iter().zip(blue).zip(red);
        let level = |luma: u16| (i32::from(luma) - self.black) * self.luma;
        let lean = |chroma: u16| i32::from(chroma) - self.neutral;
        match self.matrix {
            Matrix::Identity => {
                for (pixel, ((green, blue), red)) in row.iter_mut().zip(samples) {
                    *pixel = [self.gray(*red), self.gray(*green), self.gray(*blue), u8::MAX];
                }
            }
            Matrix::YCgCo { chroma } => {
                for (pixel, ((luma, green), orange)) in row.iter_mut().zip(samples) {
                    let (luma, green, orange) = (level(*luma), lean(*green) * chroma, lean(*orange) * chroma);
                    let rest = luma - green;
                    *pixel = [rounded(rest + orange), rounded(luma + green), rounded(rest - orange), u8::MAX];
                }
            }
            Matrix::Difference { red: to_red, green: [blue_to_green, red_to_green], blue: to_blue } => {
                for (pixel, ((luma, blue), red)) in row.iter_mut().zip(samples) {
                    let (luma, blue, red) = (level(*luma), lean(*blue), lean(*red));
                    *pixel = [
                        rounded(luma + red * to_red),
                        rounded(luma - blue * blue_to_green - red * red_to_green),
                        rounded(luma + blue * to_blue),
                        u8::MAX,
                    ];
                }
            }
        }
    }
}

fn rounded(fixed: i32) -> u8 {
    ((fixed + HALF) >> FRACTION).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(matrix: u8, full_range: bool, depth: u8, samples: [u16; 3]) -> [u8; 3] {
        let cicp = Cicp { primaries: 1, transfer: 13, matrix, full_range };
        let converter = Converter::new(cicp, depth).unwrap();
        let mut row = [[0; 4]];
        converter.row([&samples[..1], &samples[1..2], &samples[2..]], &mut row);
        let [red, green, blue, alpha] = row[0];
        assert_eq!(alpha, 255);
        [red, green, blue]
    }

    #[test]
    fn black_white_and_red_are_what_they_were_in_every_matrix_range_and_depth() {
        assert_eq!(pixel(6, true, 8, [0, 128, 128]), [0; 3]);
        assert_eq!(pixel(6, true, 8, [255, 128, 128]), [255; 3]);
        assert_eq!(pixel(6, true, 8, [76, 85, 255]), [254, 0, 0]);
        assert_eq!(pixel(1, false, 8, [16, 128, 128]), [0; 3]);
        assert_eq!(pixel(1, false, 8, [235, 128, 128]), [255; 3]);
        assert_eq!(pixel(1, false, 8, [63, 102, 240]), [255, 1, 0]);
        assert_eq!(pixel(9, false, 10, [940, 512, 512]), [255; 3]);
        assert_eq!(pixel(9, true, 12, [4095, 2048, 2048]), [255; 3]);
        assert_eq!(pixel(0, true, 10, [0, 512, 1023]), [255, 0, 128]);
        assert_eq!(pixel(8, true, 8, [64, 64, 255]), [255, 0, 1]);
    }

    #[test]
    fn no_sample_of_twelve_bits_overflows() {
        for matrix in [0, 1, 2, 4, 5, 6, 7, 8, 9] {
            for full_range in [false, true] {
                for depth in [8, 10, 12] {
                    for sample in 0..8 {
                        // More than the depth allows can come from a broken decoder alone.
                        let of = |bit: u16| if sample >> bit & 1 == 1 { u16::MAX >> (16 - depth) } else { 0 };
                        pixel(matrix, full_range, depth, [of(0), of(1), of(2)]);
                    }
                }
            }
        }
    }

    #[test]
    fn an_unknown_matrix_is_refused() {
        for matrix in [3, 10, 11, 12, 13, 14, 255] {
            let cicp = Cicp { primaries: 1, transfer: 13, matrix, full_range: true };
            assert!(matches!(Converter::new(cicp, 8), Err(Error::Unsupported(_))), "{matrix}");
        }
    }
}
