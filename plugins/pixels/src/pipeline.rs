//! From a file to files: decode once, do every step, encode each result once.
//!
//! Must never know where steps come from or who waits for the results.

mod animate;

use crate::decode::jpeg::File;
use crate::decode::{animation, decode};
use crate::encode::{AnimationEncoder, Encoder};
use crate::limits::at_most;
use crate::metadata::{Carried, Wish};
use crate::observer::reached;
use crate::operation::{Describe, Prepared, Reduced, Resize, Resized, Split, Transform, reduced, upright};
use crate::origin::{Origin, Photograph};
use crate::{
    DOCUMENT, Error, Format, Limits, Observer, Operation, Output, Parameters, Picture, Planes, Product,
};

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
/// format, or in the picture's own where there is none: one file, several
/// after an operation that gives several, or a document after one that describes.
///
/// An animation stays one, if the format can hold it and there is one result;
/// else its first frame is the picture.
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
) -> Result<Vec<Product>, Error> {
    let mut plan = Plan::read(steps)?;
    let encoder = plan
        .picture_target(target)?
        .map(|target| {
            let format = Format::from_media_type(&target.media_type)
                .ok_or_else(|| Error::UnknownTarget { media_type: target.media_type.clone() })?;
            Encoder::read(format, &target.parameters)
        })
        .transpose()?;

    let wish = target.map_or(Ok(Wish::Nothing), |target| Wish::read(&target.parameters))?;
    let format = Format::sniff(&input).ok_or(Error::UnknownFormat)?;
    let carried = wish.of(&input);
    let photograph = plan.describe().map(|_| Photograph::read(&input, format));
    let encoder = match encoder {
        Some(encoder) => encoder,
        None => Encoder::read(format, &Parameters::default())?,
    };
    if matches!(plan.end, End::Picture)
        && encoder.is_for_animations()
        && let Some(frames) = animation(&input, limits)?
        && let Some(encoder) = AnimationEncoder::by(encoder, frames.plays(), limits)
    {
        let output = animate::animate(frames, &mut plan, encoder, limits, observer)?;
        return Ok(vec![Product::Picture(carried.put_into(output))]);
    }

    let results = Results { encoder, carried, limits, observer, written: vec![] };
    let mut transforms = plan.transforms.iter().enumerate();
    let transformed = |index: usize| {
        let share = (index + 1) as f32 / plan.transforms.len() as f32;
        reached(observer, DECODED + (TRANSFORMED - DECODED) * share)
    };
    if let (Format::Jpeg, Some(split)) = (format, plan.only_split()) {
        let picture = reduced::enough_for(File::open(&input, limits)?, split.as_resizes(), limits)?;
        drop(input);
        reached(observer, TRANSFORMED)?;
        return results.of_split(picture, split);
    }
    let (mut picture, orientation) = match (format, plan.first_resize()) {
        (Format::Jpeg, Some((index, resize))) => {
            let may_halve = plan.ends_with(index) && encoder.takes_planes();
            let file = File::open(&input, limits)?;
            let orientation = file.orientation();
            let decoded = || reached(observer, DECODED);
            let resized = reduced::resized(file, resize, may_halve, limits, decoded)?;
            drop(input);
            transformed(index)?;
            transforms.nth(index);
            match resized {
                Resized::Picture(picture) => (picture, orientation),
                Resized::Planes(planes) => return results.of_planes(planes),
            }
        }
        _ => {
            let (_, picture) = decode(&input, limits)?;
            // The file may be as large as its pixels; nothing needs it any more.
            drop(input);
            reached(observer, DECODED)?;
            let orientation = picture.orientation;
            let picture = if plan.wants_stored_orientation() { picture } else { upright(picture, limits)? };
            (picture, orientation)
        }
    };
    for (index, transform) in transforms {
        picture = transform.apply(picture, limits)?;
        transformed(index)?;
    }

    if let Some((describe, photograph)) = plan.describe().zip(photograph) {
        let origin = Origin { format, orientation, photograph };
        let document = describe.describe(&picture, &origin)?;
        let length = document.len() as u64;
        at_most("The size of the document in bytes", length, limits.max_output_bytes)?;
        reached(observer, 1.0)?;
        return Ok(vec![Product::Document(document)]);
    }
    match &plan.end {
        End::Split(split) => results.of_split(Reduced::in_full(picture), split.as_ref()),
        End::Picture | End::Describe(_) => results.of_one(picture),
    }
}

/// The steps with their parameters: what happens between decoding and encoding.
struct Plan {
    transforms: Vec<Box<dyn Transform>>,
    end: End,
}

/// What becomes of the picture after all transforms.
enum End {
    Picture,
    Split(Box<dyn Split>),
    Describe(Box<dyn Describe>),
}

impl Plan {
    fn read(steps: &[Step]) -> Result<Self, Error> {
        let mut plan = Self { transforms: vec![], end: End::Picture };
        let mut ended_by = None;
        for step in steps {
            let operation = Operation::named(&step.operation)
                .ok_or_else(|| Error::UnknownOperation(step.operation.clone()))?;
            if let Some(earlier) = ended_by {
                let gives = match plan.end {
                    End::Describe(_) => "a document",
                    End::Picture | End::Split(_) => "several pictures",
                };
                return Err(Error::parameter(
                    earlier,
                    format!(
                        "it gives {gives} and must be the last operation; {} comes after it",
                        operation.name
                    ),
                ));
            }
            plan.end = match operation.read(&step.parameters)? {
                Prepared::Transform(transform) => {
                    plan.transforms.push(transform);
                    continue;
                }
                Prepared::Split(split) => End::Split(split),
                Prepared::Describe(describe) => End::Describe(describe),
            };
            ended_by = Some(operation.name);
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

    /// The end that gives several pictures, if nothing before changes the picture.
    fn only_split(&self) -> Option<&dyn Split> {
        match &self.end {
            End::Split(split) if self.transforms.iter().all(|transform| transform.keeps_upright()) => {
                Some(split.as_ref())
            }
            _ => None,
        }
    }

    /// Whether nothing comes after this transform but the file.
    fn ends_with(&self, index: usize) -> bool {
        index + 1 == self.transforms.len() && matches!(self.end, End::Picture)
    }

    fn describe(&self) -> Option<&dyn Describe> {
        match &self.end {
            End::Describe(describe) => Some(describe.as_ref()),
            End::Picture | End::Split(_) => None,
        }
    }

    /// The format that pictures shall have. A document has its own, and can be
    /// asked for by that alone.
    fn picture_target<'a>(&self, target: Option<&'a Target>) -> Result<Option<&'a Target>, Error> {
        let Some(target) = target else { return Ok(None) };
        match (self.describe().is_some(), target.media_type == DOCUMENT) {
            (false, false) => Ok(Some(target)),
            (true, true) => Ok(None),
            (true, false) => Err(Error::parameter(
                "info",
                format!(
                    "it gives {DOCUMENT}, no picture; leave the output's format out instead of asking for {}",
                    target.media_type
                ),
            )),
            (false, true) => Err(Error::parameter(
                "output",
                format!(
                    "only info gives {DOCUMENT}, as the last operation; a picture can be {}",
                    Format::media_types()
                ),
            )),
        }
    }

    fn wants_stored_orientation(&self) -> bool {
        self.transforms.first().is_some_and(|first| first.wants_stored_orientation())
    }
}

/// The files, as they come.
struct Results<'a> {
    encoder: Encoder,
    carried: Carried,
    limits: &'a Limits,
    observer: &'a dyn Observer,
    /// Each with its place among the results.
    written: Vec<(usize, Product)>,
}

impl Results<'_> {
    fn of_one(mut self, picture: Picture) -> Result<Vec<Product>, Error> {
        self.write(0, picture, 1)?;
        Ok(self.in_order())
    }

    fn of_planes(mut self, planes: Planes) -> Result<Vec<Product>, Error> {
        let output = self.encoder.encode_planes(planes, self.limits)?;
        self.add(0, output, 1)?;
        Ok(self.in_order())
    }

    fn of_split(mut self, picture: Reduced, split: &dyn Split) -> Result<Vec<Product>, Error> {
        let count = split.count();
        split.split(picture, self.limits, &mut |place, part| self.write(place, part, count))?;
        Ok(self.in_order())
    }

    fn write(&mut self, place: usize, picture: Picture, count: usize) -> Result<(), Error> {
        let output = self.encoder.encode(picture, self.limits)?;
        self.add(place, output, count)
    }

    fn add(&mut self, place: usize, output: Output, count: usize) -> Result<(), Error> {
        self.written.push((place, Product::Picture(self.carried.put_into(output))));
        let together = self.written.iter().map(|(_, product)| product.bytes().len() as u64).sum();
        at_most("The size of the results together in bytes", together, self.limits.max_output_bytes)?;
        let share = self.written.len() as f32 / count as f32;
        reached(self.observer, TRANSFORMED + (1.0 - TRANSFORMED) * share)
    }

    fn in_order(mut self) -> Vec<Product> {
        self.written.sort_by_key(|&(place, _)| place);
        self.written.into_iter().map(|(_, product)| product).collect()
    }
}
