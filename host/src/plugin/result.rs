//! What a plugin's result must be, whatever the plugin says.

use super::ending::Ending;
use super::interface::{Frame, Image, Picture};
use super::limits::RunLimits;

/// Most results of one run: what is known of each must fit into the task's record.
const MOST_RESULTS: usize = 16;

/// Files: what was declared, what was asked for, and not too much.
pub(super) fn check_images(
    images: &[Image],
    wanted: Option<&str>,
    produces: &[&str],
    max_output: usize,
) -> Result<(), Ending> {
    if images.is_empty() || images.len() > MOST_RESULTS {
        return Err(Ending::PluginError(format!(
            "The plugin gave {} results; it must give from 1 to {MOST_RESULTS}.",
            images.len()
        )));
    }
    for image in images {
        let given = image.media_type.as_str();
        if !produces.contains(&given) {
            return Err(Ending::PluginError(format!(
                "The plugin gave a result of type {given:?}, which it does not declare that it produces."
            )));
        }
        if let Some(wanted) = wanted.filter(|wanted| *wanted != given) {
            return Err(Ending::PluginError(format!(
                "The plugin gave a result of type {given:?} instead of {wanted:?}."
            )));
        }
    }
    let total: usize = images.iter().map(|image| image.bytes.len()).sum();
    if total > max_output {
        return Err(Ending::TooLarge(format!(
            "The result of {total} bytes is larger than the limit of {max_output} bytes."
        )));
    }
    Ok(())
}

/// A decoded picture.
pub(super) fn check_picture(picture: &Picture, limits: &RunLimits) -> Result<(), Ending> {
    check_frames(&picture.frames, limits)?;
    let delays =
        picture.animation.as_ref().map_or(picture.frames.len(), |animation| animation.delays_ms.len());
    if delays != picture.frames.len() || (picture.animation.is_none() && picture.frames.len() > 1) {
        return Err(Ending::PluginError(format!(
            "The plugin gave {} frames, and says of {} how long they are shown.",
            picture.frames.len(),
            if picture.animation.is_some() { delays } else { 0 }
        )));
    }
    Ok(())
}

/// Frames: within the limits, as long as their sizes say, and all of one size.
pub(super) fn check_frames(frames: &[Frame], limits: &RunLimits) -> Result<(), Ending> {
    let Some(first) = frames.first() else {
        return Err(Ending::PluginError("The plugin gave a picture without a frame.".to_owned()));
    };
    let (width, height) = (first.width, first.height);
    for frame in frames {
        if (frame.width, frame.height) != (width, height) {
            return Err(Ending::PluginError(format!(
                "The plugin gave frames of {width}x{height} and of {}x{} pixels; all of a picture have one size.",
                frame.width, frame.height
            )));
        }
        let bytes = (u64::from(width) * u64::from(height)).saturating_mul(4);
        if bytes == 0 || frame.rgba.len() as u64 != bytes {
            return Err(Ending::PluginError(format!(
                "The plugin gave {} bytes as a frame of {width}x{height} pixels, which has {bytes}.",
                frame.rgba.len()
            )));
        }
    }
    let too_large = |what: &str, found: u64, limit: u64| {
        Err(Ending::TooLarge(format!("The picture's {what} is {found}; the limit is {limit}.")))
    };
    if width.max(height) > limits.max_side {
        return too_large("longer side in pixels", width.max(height).into(), limits.max_side.into());
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.max_pixels {
        return too_large("number of pixels", pixels, limits.max_pixels);
    }
    if frames.len() as u64 > u64::from(limits.max_frames) {
        return too_large("number of frames", frames.len() as u64, limits.max_frames.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::interface::Animation;

    fn png(len: usize) -> Image {
        Image { media_type: "image/png".to_owned(), bytes: vec![0; len] }
    }

    #[test]
    fn a_result_must_be_what_was_declared_and_asked_for_and_within_the_limit() {
        let produces = ["image/png", "image/webp"];
        assert_eq!(check_images(&[png(10)], Some("image/png"), &produces, 10), Ok(()));
        assert!(matches!(check_images(&[], None, &produces, 10), Err(Ending::PluginError(_))));
        assert!(matches!(check_images(&[png(6), png(6)], None, &produces, 10), Err(Ending::TooLarge(_))));
        assert!(matches!(
            check_images(&[png(1)], Some("image/webp"), &produces, 10),
            Err(Ending::PluginError(_))
        ));
        let page = Image { media_type: "text/html".to_owned(), bytes: vec![] };
        assert!(matches!(check_images(&[page], None, &produces, 10), Err(Ending::PluginError(_))));
    }

    fn limits() -> RunLimits {
        RunLimits { max_pixels: 20, max_side: 10, max_frames: 2, ..RunLimits::least() }
    }

    fn frame(width: u32, height: u32) -> Frame {
        Frame { width, height, rgba: vec![0; (width * height * 4) as usize] }
    }

    #[test]
    fn frames_have_one_size_that_is_true_and_within_the_limits() {
        let check = |frames: &[Frame]| check_frames(frames, &limits());
        assert_eq!(check(&[frame(5, 4), frame(5, 4)]), Ok(()));
        let lie = Frame { width: u32::MAX, height: u32::MAX, rgba: vec![0; 4] };
        for wrong in [vec![], vec![frame(2, 2), frame(2, 3)], vec![lie], vec![frame(0, 0)]] {
            assert!(matches!(check(&wrong), Err(Ending::PluginError(_))), "{wrong:?}");
        }
        for large in [vec![frame(11, 1)], vec![frame(5, 5)], vec![frame(1, 1), frame(1, 1), frame(1, 1)]] {
            assert!(matches!(check(&large), Err(Ending::TooLarge(_))), "{large:?}");
        }
    }

    #[test]
    fn several_frames_say_how_long_each_is_shown() {
        let picture = |frames: usize, delays: Option<usize>| Picture {
            frames: vec![frame(1, 1); frames],
            animation: delays.map(|delays| Animation { delays_ms: vec![40; delays], plays: 0 }),
            color_profile: None,
        };
        let check = |frames, delays| check_picture(&picture(frames, delays), &limits());
        assert_eq!((check(1, None), check(1, Some(1)), check(2, Some(2))), (Ok(()), Ok(()), Ok(())));
        for (frames, delays) in [(2, None), (2, Some(1)), (1, Some(0))] {
            assert!(matches!(check(frames, delays), Err(Ending::PluginError(_))), "{frames} {delays:?}");
        }
    }
}
