//! `resize`: another number of pixels.
//!
//! First the sizes are planned, then the pixels are resampled straight from the
//! part of the source that remains visible, so that nothing is resized only to
//! be cut off.

pub(super) mod kernel;
mod letterbox;
pub(super) mod manner;
pub(crate) mod mapping;
pub(super) mod plan;
pub(crate) mod reduced;
pub(super) mod resample;
mod rows;
#[cfg(test)]
mod tests;

use self::kernel::Kernel;
use self::manner::{
    Fit, Manner, background_schema, enlarge_schema, fit_schema, gravity_schema, kernel_schema,
};
use self::mapping::Mapping;
use self::plan::{Plan, Size};
use self::resample::Source;
use super::focus::{Focus, Window};
use super::gravity::Gravity;
use super::{Operation, Transform};
use crate::{Channels, Error, Limits, Parameters, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "resize",
    summary: "Changes the size, filling, fitting into or stretching to the rectangle asked for.",
    schema: concat!(
        r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "width": {
      "description": "Pixels along the x axis. Without it the height decides, and the aspect ratio is kept.",
      "type": "integer", "minimum": 1, "maximum": 65535
    },
    "height": {
      "description": "Pixels along the y axis. Without it the width decides, and the aspect ratio is kept.",
      "type": "integer", "minimum": 1, "maximum": 65535
    },
    "fit": "##,
        fit_schema!("\"cover\""),
        ",\n    \"gravity\": ",
        gravity_schema!(),
        ",\n    \"background\": ",
        background_schema!(),
        ",\n    \"kernel\": ",
        kernel_schema!(),
        ",\n    \"enlarge\": ",
        enlarge_schema!("true"),
        r#"
  },
  "anyOf": [{ "required": ["width"] }, { "required": ["height"] }],
  "additionalProperties": false
}"#
    ),
    read: |parameters| Ok(Resize::read(parameters, USUAL)?.into()),
};

const MAX_SIDE: u32 = 65_535;

/// What nobody said otherwise.
const USUAL: Manner = Manner {
    fit: Fit::Cover,
    gravity: Focus::CENTRE,
    background: None,
    kernel: Kernel::Lanczos3,
    enlarge: true,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Resize {
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) manner: Manner,
}

impl Resize {
    pub(super) fn read(parameters: &Parameters, otherwise: Manner) -> Result<Self, Error> {
        let resize = Self {
            width: parameters.size("width", 1..=MAX_SIDE)?,
            height: parameters.size("height", 1..=MAX_SIDE)?,
            manner: Manner::read(parameters, otherwise)?,
        };
        if resize.width.is_none() && resize.height.is_none() {
            return Err(Error::parameter("resize", "width or height is missing"));
        }
        Ok(resize)
    }

    /// To this width, whatever the height is then.
    pub(super) fn to_width(width: u32) -> Self {
        Self { width: Some(width), height: None, manner: USUAL }
    }

    /// What becomes of the whole of this picture, if that is within the limits: a
    /// canvas too large shall not cost a resampling.
    pub(super) fn plan(&self, picture: &Picture, mapping: &Mapping, limits: &Limits) -> Result<Plan, Error> {
        let source = mapping.source;
        let plan = self.plan_for(source, picture.channels, picture.bytes_per_sample(), limits)?;
        let Some(part) = plan.part.filter(|part| !part.covers(source)) else { return Ok(plan) };
        let seen = mapping.of(part);
        let window = Window { width: seen.width, height: seen.height };
        let found = self.towards(self.manner.gravity.on(picture, window));
        Ok(Plan::make(source, self.width, self.height, &found.manner))
    }

    /// With what is sought found.
    fn towards(self, gravity: Gravity) -> Self {
        Self { manner: Manner { gravity: Focus::At(gravity), ..self.manner }, ..self }
    }

    /// The plan for a picture of which only the header is known: what is sought
    /// is taken to be in the middle.
    fn plan_for(
        &self,
        source: Size,
        channels: Channels,
        bytes_per_sample: usize,
        limits: &Limits,
    ) -> Result<Plan, Error> {
        let plan = Plan::make(source, self.width, self.height, &self.manner);
        limits.check(plan.drawn.0, plan.drawn.1, channels, bytes_per_sample)?;
        if let Some(canvas) = plan.canvas {
            limits.check(canvas.0, canvas.1, channels, bytes_per_sample)?;
        }
        Ok(plan)
    }

    /// Puts the border around what was resampled, if the plan has one.
    pub(super) fn finish(&self, picture: Picture, plan: &Plan, limits: &Limits) -> Result<Picture, Error> {
        match plan.canvas {
            Some(canvas) => self.manner.place(picture, canvas, limits),
            None => Ok(picture),
        }
    }
}

impl Transform for Resize {
    fn settled(&self, first: &Picture, _: &Limits) -> Result<Option<Box<dyn Transform>>, Error> {
        let plan = Plan::make(Size(first.width, first.height), self.width, self.height, &self.manner);
        let Some(part) = plan.part.filter(|_| self.manner.gravity.is_sought()) else { return Ok(None) };
        let window = Window { width: part.width, height: part.height };
        Ok(Some(Box::new(self.towards(self.manner.gravity.on(first, window)))))
    }

    fn as_resize(&self) -> Option<Resize> {
        Some(*self)
    }

    fn apply(&self, mut picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        let plan = self.plan(&picture, &Mapping::in_full(&picture), limits)?;
        if !plan.keeps(Size(picture.width, picture.height)) {
            let icc = picture.icc.take();
            let source = Source::new(picture, self.manner.kernel)?;
            let resized = source.resampled(plan.drawn, plan.part)?;
            // Given up before the result is widened or framed.
            drop(source);
            picture = Picture { icc, ..resized.into_picture()? };
        }
        self.finish(picture, &plan, limits)
    }
}
