//! Pictures and files to work on, made here.

use tintype_pixels::{Channels, Format, Limits, Parameters, Picture, Value, encode};

/// Waves, edges and a little grain: what a photograph is made of.
pub fn photograph(width: u32, height: u32, channels: Channels) -> Picture {
    let mut grain = 1_u32;
    let mut samples = Vec::with_capacity((width * height) as usize * channels.count());
    // A sine for each column and row, not for each pixel: there are 24 million.
    let wave = |at: u32, length: f64| (f64::from(at) / length).sin();
    let columns: Vec<f64> = (0..width).map(|x| 60.0 * wave(x, 90.0) + 30.0 * wave(x, 7.0)).collect();
    for y in 0..height {
        let row = 60.0 * wave(y, 70.0) + 20.0 * wave(y, 11.0);
        for (x, column) in (0_u32..).zip(&columns) {
            grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let edge = if (x / 130 + y / 110) % 2 == 0 { 20.0 } else { -20.0 };
            let level = 128.0 + column + row + edge + f64::from(grain >> 29);
            let pixel = [level, 255.0 - level / 2.0, 60.0 + level / 3.0, 255.0 - f64::from(y % 200)];
            let places = match channels {
                Channels::Gray => [0].as_slice(),
                Channels::GrayAlpha => &[0, 3],
                Channels::Rgb => &[0, 1, 2],
                Channels::Rgba => &[0, 1, 2, 3],
            };
            samples.extend(places.iter().map(|place| pixel[*place] as u8));
        }
    }
    Picture::eight(width, height, channels, samples).unwrap()
}

/// Its file.
pub fn file(picture: Picture, format: Format, parameters: &[(&str, Value)]) -> Vec<u8> {
    let parameters: Parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    encode(picture, format, &parameters, &Limits::default()).unwrap().bytes
}

/// A JPEG of it.
pub fn jpeg(picture: Picture, sampling: &str, progressive: bool) -> Vec<u8> {
    let parameters = [
        ("quality", Value::Integer(90)),
        ("chroma-subsampling", Value::Text(sampling.to_owned())),
        ("progressive", Value::Boolean(progressive)),
    ];
    file(picture, Format::Jpeg, &parameters)
}

pub fn decode(bytes: &[u8]) -> Picture {
    tintype_pixels::decode(bytes, &Limits::default()).unwrap().1
}
