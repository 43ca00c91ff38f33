//! Luma and chroma, each a picture of its own, as JPEG stores them.
//!
//! A photograph that is only made smaller never needs to become RGB: resampling
//! is linear, and so is the conversion. That is half of the samples, and none of
//! the conversions there and back.

use crate::{Channels, Error, Limits, Picture, Samples};

/// Y, Cb and Cr of ITU-R BT.601 in full range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planes {
    pub(crate) luma: Picture,
    pub(crate) chroma: [Picture; 2],
    /// The ICC profile that the file carried.
    pub(crate) icc: Option<Vec<u8>>,
}

impl Planes {
    /// Of three gray pictures.
    pub(crate) fn new(planes: Vec<Picture>, icc: Option<Vec<u8>>) -> Result<Self, Error> {
        let [luma, blue, red] = <[Picture; 3]>::try_from(planes)
            .map_err(|planes| Error::Processing(format!("{} planes make no colour", planes.len())))?;
        Ok(Self { luma, chroma: [blue, red], icc })
    }

    /// Each plane, changed.
    pub(crate) fn map(
        self,
        luma: impl FnOnce(Picture) -> Result<Picture, Error>,
        mut chroma: impl FnMut(Picture) -> Result<Picture, Error>,
    ) -> Result<Self, Error> {
        let Self { luma: y, chroma: [blue, red], icc } = self;
        Ok(Self { luma: luma(y)?, chroma: [chroma(blue)?, chroma(red)?], icc })
    }

    /// Turned by what their orientation says, and upright then.
    pub(crate) fn upright(self, limits: &Limits) -> Result<Self, Error> {
        self.map(|plane| crate::upright(plane, limits), |plane| crate::upright(plane, limits))
    }

    /// As pixels. Chroma must be as large as luma.
    pub(crate) fn into_picture(self, limits: &Limits) -> Result<Picture, Error> {
        let Self { luma, chroma: [blue, red], icc } = self;
        let (width, height, orientation) = (luma.width, luma.height, luma.orientation);
        let length = limits.check(width, height, Channels::Rgb, 1)?;
        let mut samples = vec![0; length];
        tintype_jpeg::to_rgb(luma.bytes(), blue.bytes(), red.bytes(), &mut samples);
        Ok(Picture {
            width,
            height,
            channels: Channels::Rgb,
            samples: Samples::Eight(samples),
            icc,
            orientation,
        })
    }
}
