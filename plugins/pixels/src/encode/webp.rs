//! WebP: lossy or lossless, 8 bits; one frame or many.

mod container;
mod lossy;
mod moving;

use image_webp::{ColorType, WebPEncoder};

use self::container::Chunks;
pub(super) use self::moving::Moving;
use super::describes;
use super::sink::Sink;
use crate::metadata;
use crate::{Channels, Error, Format, Limits, Parameters, Picture};

pub(super) const SCHEMA: &str = concat!(
    r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "quality": {
      "description": "Higher is better and larger. Of no effect where lossless is true.",
      "type": "integer", "minimum": 1, "maximum": 100, "default": 80
    },
    "lossless": {
      "description": "Whether every pixel is kept as it is: smaller for drawings, several times larger for photographs.",
      "type": "boolean", "default": false
    },
    "metadata": "#,
    metadata::schema!(),
    r#"
  },
  "additionalProperties": false
}"#
);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Of the encoder's own scale; none is lossless.
    lossy: Option<u8>,
}

impl Options {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Error> {
        let quality = parameters.integer("quality", 1..=100)?.unwrap_or(80) as u8;
        let lossless = parameters.boolean("lossless")?.unwrap_or(false);
        Ok(Self { lossy: (!lossless).then(|| own_quality(quality)) })
    }
}

/// Which quality of the encoder's looks like this quality of libwebp's, that
/// everybody knows: on photographs the SSIM of both is the same there.
fn own_quality(quality: u8) -> u8 {
    const SAME: [(u8, u8); 13] = [
        (0, 33),
        (10, 54),
        (20, 63),
        (30, 72),
        (40, 77),
        (50, 81),
        (60, 84),
        (70, 87),
        (75, 88),
        (80, 91),
        (90, 97),
        (95, 99),
        (100, 100),
    ];
    let [below, above] = SAME
        .array_windows()
        .find(|[_, (above, _)]| quality <= *above)
        .unwrap_or(&[(0, 100), (100, 100)])
        .map(|(theirs, ours)| (u32::from(theirs), u32::from(ours)));
    let (from, to) = (below.1, above.1);
    let share = u32::from(quality) - below.0;
    let steps = above.0 - below.0;
    (from + ((to - from) * share + steps / 2) / steps) as u8
}

pub(super) fn encode(picture: Picture, options: Options, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut picture = picture.into_eight();
    if options.lossy.is_some() {
        // The encoder takes gray for luma of the whole range, and WebP's is of 16 to 235.
        picture = picture.widened(true, false, limits)?;
    }
    // WebP has no gray, so that a gray profile would contradict the file.
    let icc = picture.icc.take().filter(|profile| describes(profile, Channels::Rgb));
    let (width, height) = (picture.width, picture.height);
    let chunks = Chunks::of(picture.channels, picture.bytes(), (width, height), options)?;
    drop(picture);
    let mut sink = Sink::new(limits);
    let outcome = container::write_still(&mut sink, (width, height), &chunks, icc.as_deref());
    sink.finish(Format::WebP, outcome)
}

impl Chunks {
    /// Encodes one frame, which is not gray if it is to be lossy.
    fn of(channels: Channels, bytes: &[u8], size: (u32, u32), options: Options) -> Result<Self, Error> {
        match options.lossy {
            Some(quality) => lossy::encode(channels, bytes, size, quality),
            None => lossless(channels, bytes, size),
        }
    }
}

fn lossless(channels: Channels, bytes: &[u8], size: (u32, u32)) -> Result<Chunks, Error> {
    let color = match channels {
        Channels::Gray => ColorType::L8,
        Channels::GrayAlpha => ColorType::La8,
        Channels::Rgb => ColorType::Rgb8,
        Channels::Rgba => ColorType::Rgba8,
    };
    let mut file = vec![];
    WebPEncoder::new(&mut file)
        .encode(bytes, size.0, size.1, color)
        .map_err(|error| Error::encoding(Format::WebP, error))?;
    // A simple file is a header of 12 bytes and the one chunk that is wanted.
    Ok(Chunks::new(file.split_off(file.len().min(12)), channels.has_alpha()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_quality_is_never_a_lower_one_of_the_encoder_s_own() {
        let own: Vec<_> = (1..=100).map(own_quality).collect();
        assert!(own.is_sorted(), "{own:?}");
        assert_eq!((own[79], own[99]), (91, 100));
    }
}
