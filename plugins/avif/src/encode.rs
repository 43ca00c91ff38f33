//! From pixels to a file.

use rav1e::prelude::*;
use tintype_plugin::{Failure, Frame as Pixels, Limits, Params};

use crate::container::{Cicp, Part, write};
use crate::error::Error;

/// What a client may say about the file.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "quality": {
      "description": "Higher is better and larger.",
      "type": "integer", "minimum": 1, "maximum": 100, "default": 80
    },
    "speed": {
      "description": "Higher is faster and somewhat larger; by default 9, and 10 from 2 megapixels on.",
      "type": "integer", "minimum": 1, "maximum": 10
    },
    "chroma-subsampling": {
      "description": "Whether colour is stored at half the resolution (4:2:0) or in full (4:4:4), which keeps coloured edges crisp.",
      "type": "string", "enum": ["4:2:0", "4:4:4"], "default": "4:2:0"
    }
  },
  "additionalProperties": false
}"#;

/// As for JPEG and WebP.
const USUAL_QUALITY: i64 = 80;

/// Slower ones take longer than a task has, for files a few per cent smaller.
const USUAL_SPEED: i64 = 9;
const USUAL_SPEED_OF_LARGE: i64 = 10;
const LARGE: usize = 2_000_000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    quality: i64,
    speed: Option<i64>,
    halves_chroma: bool,
}

impl Options {
    pub(crate) fn read(params: &Params) -> Result<Self, Failure> {
        let halves_chroma = match params.get::<&str>("chroma-subsampling")? {
            None | Some("4:2:0") => true,
            Some("4:4:4") => false,
            Some(_) => {
                return Err(Failure::invalid_parameters("chroma-subsampling: must be 4:2:0 or 4:4:4."));
            }
        };
        Ok(Self {
            quality: within(params, "quality", 1..=100)?.unwrap_or(USUAL_QUALITY),
            speed: within(params, "speed", 1..=10)?,
            halves_chroma,
        })
    }

    /// AV1's scale, from 0, which loses nothing, to 255. A root, because the steps of the lower half of
    /// that scale can hardly be seen.
    fn quantizer(&self) -> usize {
        let loss = (100 - self.quality) as f32 / 100.0;
        ((loss.sqrt() * 255.0) as usize).max(FINEST)
    }
}

/// What comes before it is a mode of its own.
const FINEST: usize = 4;

/// The host has compared it with the schema; a codec must not trust its caller with an encoder that panics.
fn within(params: &Params, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Failure> {
    let Some(value) = params.get::<i64>(name)? else { return Ok(None) };
    if !range.contains(&value) {
        let (first, last) = range.into_inner();
        return Err(Failure::invalid_parameters(format!(
            "{name}: {value} is not between {first} and {last}."
        )));
    }
    Ok(Some(value))
}

pub(crate) fn encode(
    frame: Pixels,
    icc: Option<&[u8]>,
    options: &Options,
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let size = (frame.width(), frame.height());
    let (width, height) = (size.0 as usize, size.1 as usize);
    let pixels = frame.pixels();
    let is_gray = pixels.iter().all(|[red, green, blue, _]| red == green && green == blue);
    let has_alpha = pixels.iter().any(|[.., alpha]| *alpha < u8::MAX);
    let alpha: Vec<u8> = if has_alpha { pixels.iter().map(|[.., alpha]| *alpha).collect() } else { vec![] };
    let (planes, sampling) = match (is_gray, options.halves_chroma) {
        (true, _) => (vec![pixels.iter().map(|[red, ..]| *red).collect()], ChromaSampling::Cs400),
        (false, true) => (halved(pixels, width), ChromaSampling::Cs420),
        (false, false) => (whole(pixels), ChromaSampling::Cs444),
    };
    drop(frame);

    // A profile says what the primaries are; of what else there is, the matrix alone is this file's own.
    let (primaries, transfer) = if icc.is_some() {
        (ColorPrimaries::Unspecified, TransferCharacteristics::Unspecified)
    } else {
        (ColorPrimaries::BT709, TransferCharacteristics::SRGB)
    };
    let description = ColorDescription {
        color_primaries: primaries,
        transfer_characteristics: transfer,
        matrix_coefficients: MatrixCoefficients::BT601,
    };
    let cicp =
        Cicp { primaries: primaries as u8, transfer: transfer as u8, matrix: MATRIX, full_range: true };
    let part = |planes, sampling, description| {
        let config = config((width, height), options, sampling, description);
        compressed(config, planes)
    };
    let color = part(planes, sampling, Some(description))?;
    let alpha = if has_alpha { Some(part(vec![alpha], ChromaSampling::Cs400, None)?) } else { None };
    let file = write(size, &color, alpha.as_ref(), cicp, icc);
    if file.len() as u64 > limits.max_output_bytes {
        return Err(Error::TooLarge {
            subject: "The encoded result in bytes",
            found: file.len() as u64,
            limit: limits.max_output_bytes,
        });
    }
    Ok(file)
}

/// BT.601, as in JPEG.
const MATRIX: u8 = 6;

fn config(
    (width, height): (usize, usize),
    options: &Options,
    chroma_sampling: ChromaSampling,
    color_description: Option<ColorDescription>,
) -> EncoderConfig {
    let usual = if width * height < LARGE { USUAL_SPEED } else { USUAL_SPEED_OF_LARGE };
    let speed = options.speed.unwrap_or(usual);
    let mut speed_settings = SpeedSettings::from_preset(speed as u8);
    // One picture has nothing before and nothing after it.
    speed_settings.scene_detection_mode = SceneDetectionSpeed::None;
    speed_settings.rdo_lookahead_frames = 1;
    speed_settings.multiref = false;
    let quantizer = options.quantizer();
    EncoderConfig {
        width,
        height,
        bit_depth: 8,
        chroma_sampling,
        pixel_range: PixelRange::Full,
        color_description,
        still_picture: true,
        quantizer,
        min_quantizer: quantizer as u8,
        speed_settings,
        ..EncoderConfig::default()
    }
}

fn compressed(config: EncoderConfig, planes: Vec<Vec<u8>>) -> Result<Part, Error> {
    let refused = |error: &dyn std::fmt::Display| Error::Encoding(error.to_string());
    let width = config.width;
    let mut context: Context<u8> = Config::new()
        .with_encoder_config(config)
        .with_threads(1)
        .new_context()
        .map_err(|error| refused(&error))?;
    let mut frame = context.new_frame();
    let depths: &[u8] = if planes.len() == 1 { &[8] } else { &[8, 8, 8] };
    for (plane, samples) in frame.planes.iter_mut().zip(planes) {
        let stride = if plane.cfg.xdec == 0 { width } else { width.div_ceil(2) };
        plane.copy_from_raw_u8(&samples, stride, 1);
    }
    context.send_frame(frame).map_err(|error| refused(&error))?;
    context.flush();
    let mut data = vec![];
    loop {
        match context.receive_packet() {
            Ok(packet) => data.extend(packet.data),
            Err(EncoderStatus::Encoded) => {}
            Err(EncoderStatus::LimitReached) => break,
            Err(error) => return Err(refused(&error)),
        }
    }
    Ok(Part { data, configuration: context.container_sequence_header(), depths })
}

/// Luma and both chromas, in 65,536ths of red, green and blue (BT.601).
const LUMA: [i32; 3] = [19_595, 38_470, 7_471];
const BLUE: [i32; 3] = [-11_059, -21_709, 32_768];
const RED: [i32; 3] = [32_768, -27_439, -5_329];

/// By `weights`, of colours that are sums of so many pixels as a power of two says.
fn weighed(weights: [i32; 3], colors: [i32; 3], power: u32, neutral: i32) -> u8 {
    let sum: i32 = weights.into_iter().zip(colors).map(|(weight, color)| weight * color).sum();
    let bits = 16 + power;
    (((sum + (1 << (bits - 1))) >> bits) + neutral).clamp(0, 255) as u8
}

fn whole(pixels: &[[u8; 4]]) -> Vec<Vec<u8>> {
    let plane = |weights, neutral| {
        let color = |&[red, green, blue, _]: &[u8; 4]| [red, green, blue].map(i32::from);
        pixels.iter().map(|pixel| weighed(weights, color(pixel), 0, neutral)).collect()
    };
    vec![plane(LUMA, 0), plane(BLUE, 128), plane(RED, 128)]
}

/// With a chroma for each four pixels. At an odd edge they count twice.
fn halved(pixels: &[[u8; 4]], width: usize) -> Vec<Vec<u8>> {
    let color = |&[red, green, blue, _]: &[u8; 4]| [red, green, blue].map(i32::from);
    let luma = pixels.iter().map(|pixel| weighed(LUMA, color(pixel), 0, 0)).collect();
    let (mut blue, mut red) = (vec![], vec![]);
    for rows in pixels.chunks(2 * width) {
        let (upper, lower) = rows.split_at_checked(width).unwrap_or((rows, rows));
        let lower = if lower.is_empty() { upper } else { lower };
        for (upper, lower) in upper.chunks(2).zip(lower.chunks(2)) {
            let four = [upper.first(), upper.last(), lower.first(), lower.last()];
            let sums = four
                .into_iter()
                .flatten()
                .map(color)
                .fold([0; 3], |[a, b, c], [d, e, f]| [a + d, b + e, c + f]);
            blue.push(weighed(BLUE, sums, 2, 128));
            red.push(weighed(RED, sums, 2, 128));
        }
    }
    vec![luma, blue, red]
}
