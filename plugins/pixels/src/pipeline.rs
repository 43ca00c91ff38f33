//! From a file to a file: decode once, do every step, encode once.
//!
//! Must never know where steps come from or who waits for the result.

use crate::decode::decode;
use crate::encode::Encoder;
use crate::observer::reached;
use crate::operation::upright;
use crate::{Error, Format, Limits, Observer, Operation, Output, Parameters};

/// One operation to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The operation's name.
    pub operation: String,
    /// Its parameters.
    pub parameters: Parameters,
}

/// The format that the result shall have.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Such as `image/webp`.
    pub media_type: String,
    /// The format's parameters.
    pub parameters: Parameters,
}

/// How much of the work decoding is, as a share: measured with photographs, of
/// which decoding is about 60 %, resizing 20 % and encoding 20 %.
const DECODED: f32 = 0.6;
const TRANSFORMED: f32 = 0.8;

/// Does all steps on a picture and writes it in the target format, or in its
/// own where there is none.
///
/// The picture is turned upright by its Exif orientation first, unless the
/// first step is an `auto-orient` that is not enabled.
///
/// # Errors
/// Any [`Error`]; those of parameters come before those of the picture.
pub fn process(
    input: Vec<u8>,
    steps: &[Step],
    target: Option<&Target>,
    limits: &Limits,
    observer: &dyn Observer,
) -> Result<Output, Error> {
    let transforms = steps
        .iter()
        .map(|step| {
            Operation::named(&step.operation)
                .ok_or_else(|| Error::UnknownOperation(step.operation.clone()))?
                .read(&step.parameters)
        })
        .collect::<Result<Vec<_>, _>>()?;
    if transforms.iter().skip(1).any(|later| later.wants_stored_orientation()) {
        return Err(Error::parameter(
            "enabled",
            "auto-orient can only be disabled as the first operation, because the picture is \
             turned before it",
        ));
    }
    let encoder = target
        .map(|target| {
            let format = Format::from_media_type(&target.media_type)
                .ok_or_else(|| Error::UnknownTarget { media_type: target.media_type.clone() })?;
            Encoder::read(format, &target.parameters)
        })
        .transpose()?;

    let (format, mut picture) = decode(&input, limits)?;
    // The file may be as large as its pixels; nothing needs it any more.
    drop(input);
    reached(observer, DECODED)?;

    if !transforms.first().is_some_and(|first| first.wants_stored_orientation()) {
        picture = upright(picture, limits)?;
    }
    for (index, transform) in transforms.iter().enumerate() {
        picture = transform.apply(picture, limits)?;
        let share = (index + 1) as f32 / transforms.len() as f32;
        reached(observer, DECODED + (TRANSFORMED - DECODED) * share)?;
    }

    let encoder = match encoder {
        Some(encoder) => encoder,
        None => Encoder::read(format, &Parameters::default())?,
    };
    let output = encoder.encode(picture, limits)?;
    reached(observer, 1.0)?;
    Ok(output)
}
