//! An animation, frame by frame: each is decoded, taken through all steps and
//! written before the next is decoded.

use super::Plan;
use crate::animation::{Animation, Frame};
use crate::encode::{AnimationEncoder, Output};
use crate::observer::reached;
use crate::operation::upright;
use crate::{Error, Limits, Observer};

pub(super) fn animate(
    mut frames: Animation<'_>,
    plan: &mut Plan,
    mut encoder: AnimationEncoder,
    limits: &Limits,
    observer: &dyn Observer,
) -> Result<Output, Error> {
    // One more, for the file as a whole.
    let shares = frames.count() as f32 + 1.0;
    let mut done = 0u32;
    while let Some(Frame { mut picture, delay_ms }) = frames.next_frame()? {
        if !plan.wants_stored_orientation() {
            picture = upright(picture, limits)?;
        }
        for transform in &mut plan.transforms {
            if done == 0
                && let Some(settled) = transform.settled(&picture, limits)?
            {
                *transform = settled;
            }
            picture = transform.apply(picture, limits)?;
        }
        encoder.push(Frame { picture, delay_ms })?;
        done += 1;
        reached(observer, done as f32 / shares)?;
    }
    let output = encoder.finish()?;
    reached(observer, 1.0)?;
    Ok(output)
}
