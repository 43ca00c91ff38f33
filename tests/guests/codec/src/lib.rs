//! A codec of a format that nobody else knows, in which a test can write a picture down:
//! `DOTS`, one byte each for width, height and number of frames, then the frames' pixels.
//!
//! Files that begin with `ODD` have it misbehave.

use tintype_plugin::{Animation, Codec, Descriptor, Failure, Frame, Picture, SizeHint, Target};

struct OddCodec;

const DOTS: &str = "image/x-dots";
const SIGN: &str = r#"{"type": "object", "properties": {"sign": {"type": "string", "maxLength": 8}}, "additionalProperties": false}"#;

impl Codec for OddCodec {
    fn describe() -> Descriptor {
        Descriptor::new("odd-codec", "1.0.0", "Dots, which nobody else knows.")
            .accepts(DOTS)
            .produces_with(DOTS, SIGN)
    }

    fn probe(head: &[u8]) -> Option<&'static str> {
        match head {
            [b'D', b'O', b'T', b'S', ..] => Some(DOTS),
            b"ODD lie" => Some("image/x-never-declared"),
            b"ODD trap" => panic!("the codec's own words"),
            [b'O', b'D', b'D', ..] => Some(DOTS),
            _ => None,
        }
    }

    fn decode(file: Vec<u8>, hint: Option<SizeHint>) -> Result<Picture, Failure> {
        match file.as_slice() {
            [b'D', b'O', b'T', b'S', width, height, frames, pixels @ ..] => {
                decode([*width, *height, *frames].map(u32::from), pixels, hint)
            }
            b"ODD lie" => Ok(Picture::still(Frame::new(1, 1, vec![0; 4])?)),
            b"ODD none" => Ok(Picture { frames: vec![], animation: None, color_profile: None }),
            b"ODD two" => {
                let frame = Frame::new(1, 1, vec![0; 4])?;
                Ok(Picture { frames: vec![frame.clone(), frame], animation: None, color_profile: None })
            }
            b"ODD sizes" => Ok(Picture {
                frames: vec![Frame::new(1, 1, vec![0; 4])?, Frame::new(2, 1, vec![0; 8])?],
                animation: Some(Animation { delays_ms: vec![1, 1], plays: 0 }),
                color_profile: None,
            }),
            _ => Err(Failure::invalid_image("They are no dots.")),
        }
    }

    fn encode(picture: Picture, target: Target) -> Result<Vec<u8>, Failure> {
        let [width, height, frames] =
            [picture.frames[0].width(), picture.frames[0].height(), picture.frames.len() as u32]
                .map(|number| number as u8);
        let mut file = [b"DOTS".as_slice(), &[width, height, frames]].concat();
        for frame in &picture.frames {
            file.extend(frame.pixels().as_flattened());
        }
        file.extend(target.params.get("sign")?.unwrap_or("").bytes());
        Ok(file)
    }
}

/// With a hint, every second pixel of every second row is left out, as long as it is heeded.
fn decode(
    [mut width, mut height, frames]: [u32; 3],
    pixels: &[u8],
    hint: Option<SizeHint>,
) -> Result<Picture, Failure> {
    let mut all = vec![];
    for frame in pixels.chunks_exact((width * height * 4) as usize).take(frames as usize) {
        all.push(Frame::new(width, height, frame.to_vec())?);
    }
    let enough = |width: u32, height: u32| {
        hint.is_some_and(|hint| {
            hint.width.is_none_or(|least| width >= least) && hint.height.is_none_or(|least| height >= least)
        })
    };
    while enough(width / 2, height / 2) && width > 1 && height > 1 {
        all = all.iter().map(halved).collect::<Result<_, _>>()?;
        (width, height) = (width / 2, height / 2);
    }
    let animation = (all.len() > 1).then(|| Animation { delays_ms: vec![40; all.len()], plays: 0 });
    Ok(Picture { frames: all, animation, color_profile: None })
}

fn halved(frame: &Frame) -> Result<Frame, Failure> {
    let rows = frame.pixels().chunks_exact(frame.width() as usize).step_by(2);
    let rgba = rows.flat_map(|row| row.iter().step_by(2).flatten().copied()).collect();
    Frame::new(frame.width() / 2, frame.height() / 2, rgba)
}

tintype_plugin::export_codec!(OddCodec);
