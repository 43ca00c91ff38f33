//! QOI: colour, 8 bits, with alpha where the picture has any.

use super::sink::Sink;
use crate::{Error, Format, Limits, Picture};

pub(super) fn encode(picture: Picture, limits: &Limits) -> Result<Vec<u8>, Error> {
    let picture = picture.into_eight().widened(true, false, limits)?;
    let mut sink = Sink::new(limits);
    let outcome = ::qoi::Encoder::new(picture.bytes(), picture.width, picture.height)
        .and_then(|encoder| encoder.encode_to_stream(&mut sink));
    sink.finish(Format::Qoi, outcome.map(drop))
}
