//! From a file to files: decode once, do every step, encode each result once.
//!
//! Must never know where steps come from or who waits for the results.

use crate::decode::decode;
use crate::decode::jpeg::File;
use crate::encode::Encoder;
use crate::limits::at_most;
use crate::observer::reached;
use crate::operation::{Prepared, Resize, Resized, Split, Transform, reduced, upright};
use crate::{Error, Format, Limits, Observer, Operation, Output, Parameters, Picture, Planes};

/// One operation to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The operation's name.
    pub operation: String,
    /// Its parameters.
    pub parameters: Parameters,
}

/// The format that the results shall have.
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

/// Does all steps on a picture and writes what comes of it in the target
/// format, or in the picture's own where there is none: one file, or several
/// after an operation that gives several.
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
) -> Result<Vec<Output>, Error> {
    let plan = Plan::read(steps)?;
    let encoder = target
        .map(|target| {
            let format = Format::from_media_type(&target.media_type)
                .ok_or_else(|| Error::UnknownTarget { media_type: target.media_type.clone() })?;
            Encoder::read(format, &target.parameters)
        })
        .transpose()?;

    let format = Format::sniff(&input).ok_or(Error::UnknownFormat)?;
    let encoder = match encoder {
        Some(encoder) => encoder,
        None => Encoder::read(format, &Parameters::default())?,
    };
    let results = Results { encoder, limits, observer, written: vec![] };
    let mut transforms = plan.transforms.iter().enumerate();
    let transformed = |index: usize| {
        let share = (index + 1) as f32 / plan.transforms.len() as f32;
        reached(observer, DECODED + (TRANSFORMED - DECODED) * share)
    };
    let mut picture = match (format, plan.first_resize()) {
        (Format::Jpeg, Some((index, resize))) => {
            let is_last = index + 1 == plan.transforms.len() && plan.split.is_none();
            let file = File::open(&input, limits)?;
            let decoded = || reached(observer, DECODED);
            let resized = reduced::resized(file, resize, is_last && encoder.takes_planes(), limits, decoded)?;
            drop(input);
            transformed(index)?;
            transforms.nth(index);
            match resized {
                Resized::Picture(picture) => picture,
                Resized::Planes(planes) => return results.of_planes(planes),
            }
        }
        _ => {
            let (_, picture) = decode(&input, limits)?;
            // The file may be as large as its pixels; nothing needs it any more.
            drop(input);
            reached(observer, DECODED)?;
            if plan.wants_stored_orientation() { picture } else { upright(picture, limits)? }
        }
    };
    for (index, transform) in transforms {
        picture = transform.apply(picture, limits)?;
        transformed(index)?;
    }
    match plan.split {
        Some(split) => results.of_split(picture, split.as_ref()),
        None => results.of_one(picture),
    }
}

/// The steps with their parameters: what happens between decoding and encoding.
struct Plan {
    transforms: Vec<Box<dyn Transform>>,
    /// What makes several pictures of the one, last of all.
    split: Option<Box<dyn Split>>,
}

impl Plan {
    fn read(steps: &[Step]) -> Result<Self, Error> {
        let mut plan = Self { transforms: vec![], split: None };
        let mut split_by = None;
        for step in steps {
            let operation = Operation::named(&step.operation)
                .ok_or_else(|| Error::UnknownOperation(step.operation.clone()))?;
            if let Some(earlier) = split_by {
                return Err(Error::parameter(
                    earlier,
                    format!(
                        "it gives several pictures and must be the last operation; {} comes after it",
                        operation.name
                    ),
                ));
            }
            match operation.read(&step.parameters)? {
                Prepared::Transform(transform) => plan.transforms.push(transform),
                Prepared::Split(split) => {
                    plan.split = Some(split);
                    split_by = Some(operation.name);
                }
            }
        }
        if plan.transforms.iter().skip(1).any(|later| later.wants_stored_orientation()) {
            return Err(Error::parameter(
                "enabled",
                "auto-orient can only be disabled as the first operation, because the picture is \
                 turned before it",
            ));
        }
        Ok(plan)
    }

    /// The resize that is the first to change the picture, and its place.
    fn first_resize(&self) -> Option<(usize, Resize)> {
        let index = self.transforms.iter().position(|transform| !transform.keeps_upright())?;
        Some((index, self.transforms.get(index)?.as_resize()?))
    }

    fn wants_stored_orientation(&self) -> bool {
        self.transforms.first().is_some_and(|first| first.wants_stored_orientation())
    }
}

/// The files, as they come.
struct Results<'a> {
    encoder: Encoder,
    limits: &'a Limits,
    observer: &'a dyn Observer,
    /// Each with its place among the results.
    written: Vec<(usize, Output)>,
}

impl Results<'_> {
    fn of_one(mut self, picture: Picture) -> Result<Vec<Output>, Error> {
        self.write(0, picture, 1)?;
        Ok(self.in_order())
    }

    fn of_planes(mut self, planes: Planes) -> Result<Vec<Output>, Error> {
        let output = self.encoder.encode_planes(planes, self.limits)?;
        self.add(0, output, 1)?;
        Ok(self.in_order())
    }

    fn of_split(mut self, picture: Picture, split: &dyn Split) -> Result<Vec<Output>, Error> {
        let count = split.count();
        split.split(picture, self.limits, &mut |place, part| self.write(place, part, count))?;
        Ok(self.in_order())
    }

    fn write(&mut self, place: usize, picture: Picture, count: usize) -> Result<(), Error> {
        let output = self.encoder.encode(picture, self.limits)?;
        self.add(place, output, count)
    }

    fn add(&mut self, place: usize, output: Output, count: usize) -> Result<(), Error> {
        self.written.push((place, output));
        let together = self.written.iter().map(|(_, output)| output.bytes.len() as u64).sum();
        at_most("The size of the results together in bytes", together, self.limits.max_output_bytes)?;
        let share = self.written.len() as f32 / count as f32;
        reached(self.observer, TRANSFORMED + (1.0 - TRANSFORMED) * share)
    }

    fn in_order(mut self) -> Vec<Output> {
        self.written.sort_by_key(|&(place, _)| place);
        self.written.into_iter().map(|(_, output)| output).collect()
    }
}
