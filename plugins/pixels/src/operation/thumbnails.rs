//! `thumbnails`: several sizes of one picture, which is decoded once.
//!
//! Resampling costs what its source costs to read, so that a small thumbnail of
//! a photograph is nearly as dear as a large one. It is therefore made from a
//! larger thumbnail where that shows the whole picture and has pixels to spare:
//! see [`SPARE`]. Of a JPEG only as much is decoded as the largest one needs.

#[cfg(test)]
mod tests;

use super::focus::Focus;
use super::resize::Resize;
use super::resize::kernel::Kernel;
use super::resize::manner::{
    Fit, Manner, background_schema, enlarge_schema, fit_schema, gravity_schema, kernel_schema,
};
use super::resize::mapping::Reduced;
use super::resize::plan::{Part, Plan, Size};
use super::resize::resample::Source;
use super::{Operation, Split};
use crate::{Error, Limits, Parameters, Picture, Value};

pub(super) const OPERATION: Operation = Operation {
    name: "thumbnails",
    summary: "Makes several sizes of the picture, a result each, in their order. Must be the last operation.",
    schema: concat!(
        r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "sizes": {
      "description": "From 1 to 16 sizes. As text: 320x240,160,64, where a number alone is the side of a square. As an array: of such numbers, such texts, and objects with a width, a height or both and with what is special to this size.",
      "type": ["array", "string"],
      "minItems": 1, "maxItems": 16,
      "items": {
        "anyOf": [
          { "type": "integer", "minimum": 1, "maximum": 65535 },
          { "type": "string", "pattern": "^ *[1-9][0-9]{0,4}(x[1-9][0-9]{0,4})? *$" },
          {
            "type": "object",
            "properties": {
              "width": { "type": "integer", "minimum": 1, "maximum": 65535 },
              "height": { "type": "integer", "minimum": 1, "maximum": 65535 },
              "fit": { "$ref": "#/properties/fit" },
              "gravity": { "$ref": "#/properties/gravity" },
              "background": { "$ref": "#/properties/background" },
              "enlarge": { "$ref": "#/properties/enlarge" }
            },
            "anyOf": [{ "required": ["width"] }, { "required": ["height"] }],
            "additionalProperties": false
          }
        ]
      },
      "pattern": "^ *[1-9][0-9]{0,4}(x[1-9][0-9]{0,4})?( *, *[1-9][0-9]{0,4}(x[1-9][0-9]{0,4})?){0,15} *$",
      "examples": ["320x240,160,64", [640, "320x240", { "width": 1200, "height": 630, "fit": "cover" }]]
    },
    "fit": "##,
        fit_schema!("\"inside\""),
        ",\n    \"gravity\": ",
        gravity_schema!(),
        ",\n    \"background\": ",
        background_schema!(),
        ",\n    \"kernel\": ",
        kernel_schema!(),
        ",\n    \"enlarge\": ",
        enlarge_schema!("false"),
        r#"
  },
  "required": ["sizes"],
  "additionalProperties": false
}"#
    ),
    read: |parameters| Ok(super::Prepared::Split(Box::new(Thumbnails::read(parameters)?))),
};

/// Most sizes: as many results as a task may have.
const MOST_SIZES: usize = 16;

/// How many times as wide and high a thumbnail must be for another to be made
/// from it, instead of from the picture. Of photographs, what is made by way of
/// one twice as large has an SSIM of 0.9993 or more against what is made
/// directly (1.25 times: 0.998); larger ones add less than 0.0003. From six
/// megapixels a thumbnail takes 10 ms, from one twice its size less than 1 ms.
const SPARE: f64 = 2.0;

/// What nobody said otherwise: a thumbnail shows all of the picture, and is
/// never larger than it.
const USUAL: Manner = Manner {
    fit: Fit::Inside,
    gravity: Focus::CENTRE,
    background: None,
    kernel: Kernel::Lanczos3,
    enlarge: false,
};

#[derive(Debug)]
struct Thumbnails {
    /// At least one.
    sizes: Vec<Resize>,
    kernel: Kernel,
}

impl Thumbnails {
    fn read(parameters: &Parameters) -> Result<Self, Error> {
        let manner = Manner::read(parameters, USUAL)?;
        let sizes = match parameters.find("sizes") {
            None => return Err(Error::parameter("sizes", "is missing")),
            Some(Value::Text(text)) => {
                text.split(',').map(|size| of_text(size, manner)).collect::<Result<Vec<_>, _>>()?
            }
            Some(Value::List(list)) => {
                list.iter().map(|size| of_value(size, manner)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(Error::parameter("sizes", "must be text or an array")),
        };
        if sizes.is_empty() || sizes.len() > MOST_SIZES {
            let count = sizes.len();
            return Err(Error::parameter("sizes", format!("{count} are not from 1 to {MOST_SIZES}")));
        }
        Ok(Self { sizes, kernel: manner.kernel })
    }
}

/// `320x240`, or `64` for a square.
fn of_text(text: &str, manner: Manner) -> Result<Resize, Error> {
    let side = |digits: &str| {
        let side: Option<u32> = digits.trim().parse().ok();
        side.filter(|side| (1..=65_535).contains(side)).ok_or_else(|| {
            Error::parameter(
                "sizes",
                format!("{text:?} is not of the form 320x240 or 64 with numbers from 1 to 65535"),
            )
        })
    };
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    Ok(Resize { width: Some(side(width)?), height: Some(side(height)?), manner })
}

fn of_value(value: &Value, manner: Manner) -> Result<Resize, Error> {
    match value {
        Value::Text(text) => of_text(text, manner),
        Value::Integer(side) => of_text(&side.to_string(), manner),
        // 64.0 is an integer to JSON Schema, and is written as 64 here.
        Value::Number(side) => of_text(&side.to_string(), manner),
        Value::Object(parameters) => Resize::read(parameters, manner)
            .map_err(|error| Error::parameter("sizes", error.to_string().trim_end_matches('.'))),
        _ => Err(Error::parameter("sizes", "each must be a number, text such as 320x240, or an object")),
    }
}

/// One of the results to be made.
struct Thumbnail<'a> {
    /// Its place among the results.
    place: usize,
    size: &'a Resize,
    plan: Plan,
    /// Which of the larger ones it is made from, if not from the picture.
    from: Option<usize>,
}

impl Split for Thumbnails {
    fn count(&self) -> usize {
        self.sizes.len()
    }

    fn as_resizes(&self) -> &[Resize] {
        &self.sizes
    }

    fn split(
        &self,
        picture: Reduced,
        limits: &Limits,
        write: &mut dyn FnMut(usize, Picture) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let thumbnails = self.order(&picture, limits)?;
        let Reduced { mut picture, mapping } = picture;
        let whole = mapping.source;
        let icc = picture.icc.take();
        let mut put = |thumbnail: &Thumbnail<'_>, picture: Picture| {
            let finished = thumbnail.size.finish(picture, &thumbnail.plan, limits)?;
            write(thumbnail.place, Picture { icc: icc.clone(), ..finished })
        };

        // Those that keep every pixel are the largest; they come before the pixels are premultiplied.
        let kept = thumbnails.iter().take_while(|thumbnail| thumbnail.plan.keeps(whole)).count();
        for thumbnail in thumbnails.iter().take(kept) {
            put(thumbnail, picture.clone())?;
        }
        if kept == thumbnails.len() {
            return Ok(());
        }
        let source = Source::new(picture, self.kernel)?;
        // In the order of the thumbnails; only those that another is made from.
        let mut larger: Vec<Option<Source>> = (0..kept).map(|_| None).collect();
        for (index, thumbnail) in thumbnails.iter().enumerate().skip(kept) {
            let part = thumbnail.plan.part;
            let (from, part) = match thumbnail.from.and_then(|from| larger.get(from)?.as_ref()) {
                Some(larger) => (larger, part.map(|part| part.within(whole, larger.size()))),
                None => (&source, mapping.of_planned(part)),
            };
            let resized = from.resampled(thumbnail.plan.drawn, part)?;
            if thumbnails.iter().any(|other| other.from == Some(index)) {
                put(thumbnail, resized.to_picture()?)?;
                larger.push(Some(resized));
            } else {
                put(thumbnail, resized.into_picture()?)?;
                larger.push(None);
            }
        }
        Ok(())
    }
}

impl Thumbnails {
    /// Plans all of them, before any work, and puts the largest first, so that
    /// what another can be made from is there before it.
    fn order(&self, picture: &Reduced, limits: &Limits) -> Result<Vec<Thumbnail<'_>>, Error> {
        let Reduced { picture, mapping } = picture;
        let whole = mapping.source;
        let mut thumbnails = vec![];
        for (place, size) in self.sizes.iter().enumerate() {
            let plan = size.plan(picture, mapping, limits)?;
            thumbnails.push(Thumbnail { place, size, plan, from: None });
        }
        let pixels = |Size(width, height)| u64::from(width) * u64::from(height);
        thumbnails.sort_by_key(|thumbnail| {
            (!thumbnail.plan.keeps(whole), std::cmp::Reverse(pixels(thumbnail.plan.drawn)))
        });
        if self.kernel == Kernel::Nearest {
            // It reads only the pixels that it takes, and would take others by way of a larger one.
            return Ok(thumbnails);
        }
        for index in 0..thumbnails.len() {
            let (before, rest) = thumbnails.split_at_mut(index);
            let Some(thumbnail) = rest.first_mut() else { break };
            // The smallest that serves.
            thumbnail.from = before.iter().rposition(|larger| larger.serves(&thumbnail.plan, whole));
        }
        Ok(thumbnails)
    }
}

impl Thumbnail<'_> {
    /// Whether this one shows the whole picture, smaller, and still has pixels
    /// to spare for what another shows of it.
    fn serves(&self, other: &Plan, whole: Size) -> bool {
        let Plan { drawn, part, .. } = self.plan;
        let is_smaller = drawn != whole && drawn == drawn.at_most(whole);
        if !is_smaller || part.is_some_and(|part| !part.covers(whole)) {
            return false;
        }
        let shown = other.part.unwrap_or(Part::whole(whole)).within(whole, drawn);
        shown.width >= SPARE * other.drawn.width() && shown.height >= SPARE * other.drawn.height()
    }
}
