//! Writing animations, frame by frame, in the formats that can hold them.

use super::{Encoder, Output, describes, gif, webp};
use crate::animation::Frame;
use crate::limits::at_most;
use crate::{Error, Format, Limits, Parameters};

/// Takes frames one after the other, and gives a file at last.
pub struct AnimationEncoder {
    encoder: Encoder,
    plays: u32,
    limits: Limits,
    begun: Option<Begun>,
}

struct Begun {
    size: (u32, u32),
    frames: u32,
    moving: Moving,
}

enum Moving {
    Gif(Box<gif::Moving>),
    WebP(Box<webp::Moving>),
}

impl AnimationEncoder {
    /// For an animation that is shown so many times, for ever if that is 0.
    /// `None`, if the format can hold a single picture only.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub fn new(
        format: Format,
        parameters: &Parameters,
        plays: u32,
        limits: &Limits,
    ) -> Result<Option<Self>, Error> {
        Ok(Self::by(Encoder::read(format, parameters)?, plays, limits))
    }

    pub(crate) fn by(encoder: Encoder, plays: u32, limits: &Limits) -> Option<Self> {
        encoder.is_for_animations().then_some(Self { encoder, plays, limits: *limits, begun: None })
    }

    /// Writes a frame, which must have the size of the first.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Encoding`], or [`Error::Processing`], if its
    /// size is another.
    pub fn push(&mut self, mut frame: Frame) -> Result<(), Error> {
        let picture = &mut frame.picture;
        let size = (picture.width, picture.height);
        picture.icc = picture.icc.take().filter(|profile| describes(profile, picture.channels));
        match &mut self.begun {
            Some(begun) if begun.size != size => Err(Error::Processing(format!(
                "frame {} has become {} by {} pixels, and the first {} by {}; all must have one size",
                begun.frames + 1,
                size.0,
                size.1,
                begun.size.0,
                begun.size.1
            ))),
            Some(begun) => {
                begun.frames += 1;
                match &mut begun.moving {
                    Moving::Gif(moving) => moving.push(frame),
                    Moving::WebP(moving) => moving.push(frame),
                }
            }
            None => {
                let longer = u64::from(size.0.max(size.1));
                let limit = self.encoder.format().max_side().into();
                at_most("The longer side of the result in pixels", longer, limit)?;
                let moving = match self.encoder {
                    Encoder::Gif(options) => {
                        Moving::Gif(Box::new(gif::Moving::new(frame, self.plays, options, &self.limits)?))
                    }
                    Encoder::WebP(options) => {
                        Moving::WebP(Box::new(webp::Moving::new(frame, self.plays, options, &self.limits)?))
                    }
                    other => return Err(Error::encoding(other.format(), "it holds no animation")),
                };
                self.begun = Some(Begun { size, frames: 1, moving });
                Ok(())
            }
        }
    }

    /// The file.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Encoding`], the latter if there was no frame.
    pub fn finish(self) -> Result<Output, Error> {
        let format = self.encoder.format();
        let bytes = match self.begun.map(|begun| begun.moving) {
            Some(Moving::Gif(moving)) => moving.finish(),
            Some(Moving::WebP(moving)) => moving.finish(),
            None => Err(Error::encoding(format, "there is no frame")),
        }?;
        Ok(Output { format, bytes })
    }
}

impl std::fmt::Debug for AnimationEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let frames = self.begun.as_ref().map_or(0, |begun| begun.frames);
        write!(f, "AnimationEncoder({}, {frames} frames)", self.encoder.format())
    }
}
