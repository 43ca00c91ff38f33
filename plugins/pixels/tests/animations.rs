//! Pictures that move, from file to file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use tintype_pixels::{
    Channels, Error, Format, Kind, Limits, Picture, Unwatched, animation, decode as try_decode, process,
};

const MOVING: [Format; 2] = [Format::Gif, Format::WebP];

fn size(picture: &Picture) -> (u32, u32) {
    (picture.width, picture.height)
}

#[test]
fn what_moves_is_read_as_it_was_written() {
    for format in MOVING {
        for plays in [0, 1, 3] {
            let written = wanderer(8, 5);
            assert_eq!(frames(&moving(&written, plays, format)), (written, plays), "{format}");
        }
    }
}

#[test]
fn an_animation_stays_one_from_each_format_to_each() {
    for from in MOVING {
        for to in MOVING {
            let input = moving(&wanderer(8, 5), 2, from);
            let steps =
                [step("resize", &[("width", int(20)), ("kernel", text("nearest"))]), step("flop", &[])];
            let lossless = (to == Format::WebP).then_some(("lossless", tintype_pixels::Value::Boolean(true)));
            let output = run(input, &steps, target(to, lossless.as_slice())).unwrap();
            let (frames, plays) = frames(&output.bytes);
            assert_eq!((frames.len(), plays), (5, 2), "{from} {to}");
            for (step, (picture, delay_ms)) in frames.iter().enumerate() {
                assert_eq!((size(picture), *delay_ms), ((20, 4), 50 + 10 * step as u32));
                let row = &picture.bytes().as_chunks::<4>().0[3 * 20..];
                let found = row.iter().position(|[.., alpha]| *alpha == 255);
                assert_eq!(found, Some(16 - 4 * step), "{from} {to}");
            }
        }
    }
}

#[test]
fn without_a_target_an_animation_stays_one_too() {
    for format in MOVING {
        let output = run(moving(&wanderer(8, 3), 0, format), &[step("flip", &[])], None).unwrap();
        assert_eq!((output.format, frames(&output.bytes).0.len()), (format, 3));
    }
}

#[test]
fn the_first_frame_is_taken_where_the_format_holds_one_picture() {
    for from in MOVING {
        let written = wanderer(8, 3);
        let output =
            run(moving(&written, 0, from), &[step("convert", &[])], target(Format::Png, &[])).unwrap();
        assert_eq!(decode(&output.bytes), written[0].0, "{from}");
    }
}

#[test]
fn thumbnails_are_of_the_first_frame() {
    for from in MOVING {
        let steps = [step("thumbnails", &[("sizes", text("12,6"))])];
        let outputs = run_all(moving(&wanderer(8, 3), 0, from), &steps, None).unwrap();
        assert_eq!(outputs.len(), 2);
        assert!(outputs.iter().all(|output| animation(&output.bytes, &Limits::default()).unwrap().is_none()));
    }
}

#[test]
fn frames_that_repeat_are_one_that_is_shown_for_longer() {
    let still = gradient(16, 16, Channels::Rgba);
    let other = disc(16);
    for format in MOVING {
        let written = [(other.clone(), 40), (other.clone(), 60), (still.clone(), 20)];
        let (frames, _) = frames(&moving(&written, 0, format));
        let delays: Vec<_> = frames.iter().map(|(_, delay_ms)| *delay_ms).collect();
        assert_eq!(delays, [100, 20], "{format}");
    }
}

#[test]
fn only_what_changes_is_written() {
    for format in MOVING {
        let noise = (0..128 * 128 * 3u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 & 0xE0);
        let ground = Picture::eight(128, 128, Channels::Rgb, noise.collect()).unwrap();
        let with_dot = |at: usize| {
            let mut picture = ground.clone();
            let tintype_pixels::Samples::Eight(samples) = &mut picture.samples else { panic!() };
            samples[at * 3..][..3].copy_from_slice(&[255; 3]);
            picture
        };
        let one = moving(&[(ground.clone(), 40)], 0, format).len();
        let dots: Vec<_> = (0..20).map(|dot| (with_dot(dot * 400 + 9), 40)).collect();
        let all = moving(&dots, 0, format).len();
        assert!(all < 2 * one, "{format}: {one} {all}");
    }
}

#[test]
fn delays_that_gif_cannot_say_add_up_all_the_same() {
    let written: Vec<_> = wanderer(8, 12).into_iter().map(|(picture, _)| (picture, 33)).collect();
    let (frames, _) = frames(&moving(&written, 0, Format::Gif));
    let total: u32 = frames.iter().map(|(_, delay_ms)| delay_ms).sum();
    assert!(total.abs_diff(12 * 33) <= 5, "{total}");
}

#[test]
fn each_way_of_disposing_of_a_gif_frame_is_followed() {
    let dot = |left: u16, dispose, color: u8| {
        let mut frame = gif::Frame::from_rgb(1, 1, &[color; 3]);
        (frame.left, frame.dispose, frame.delay) = (left, dispose, 7);
        frame
    };
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, 3, 1, &[]).unwrap();
    use gif::DisposalMethod::{Background, Keep, Previous};
    for frame in [dot(0, Keep, 1), dot(1, Background, 2), dot(0, Previous, 3), dot(2, Keep, 4)] {
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    let (frames, plays) = frames(&bytes);
    let rows: Vec<Vec<u8>> = frames
        .iter()
        .map(|(picture, _)| picture.bytes().as_chunks::<4>().0.iter().map(|pixel| pixel[0]).collect())
        .collect();
    assert_eq!(rows, [[1, 0, 0], [1, 2, 0], [3, 0, 0], [1, 0, 4]]);
    assert!(frames.iter().all(|(_, delay_ms)| *delay_ms == 70));
    assert_eq!(plays, 1);
}

#[test]
fn too_many_frames_are_refused_and_so_are_too_many_pixels_in_all() {
    for format in MOVING {
        let input = moving(&wanderer(8, 5), 0, format);
        let refused = |limits: Limits| {
            process(input.clone(), &[step("flip", &[])], None, &limits, &Unwatched).unwrap_err().to_string()
        };
        let frames = refused(Limits { max_frames: 4, ..Limits::default() });
        assert_eq!(frames, "The number of frames is 5; the limit is 4.");
        let pixels = refused(Limits { max_animation_pixels: 1_599, ..Limits::default() });
        assert_eq!(pixels, "The number of pixels of all frames is 1600; the limit is 1599.");
        let output = refused(Limits { max_output_bytes: 100, ..Limits::default() });
        assert!(output.contains("encoded result"), "{output}");
    }
}

#[test]
fn an_animation_cut_off_anywhere_is_refused_or_ends_earlier() {
    for format in MOVING {
        let whole = moving(&wanderer(8, 4), 0, format);
        let (all, _) = frames(&whole);
        for length in 0..whole.len() {
            let cut = &whole[..length];
            let Ok(Some(mut animation)) = animation(cut, &Limits::default()) else { continue };
            for (picture, _) in &all {
                match animation.next_frame() {
                    Ok(Some(frame)) => assert_eq!(&frame.picture, picture),
                    Ok(None) => break,
                    Err(error) => {
                        assert_eq!(error.kind(), Kind::InvalidImage, "{format} at {length}: {error}");
                        break;
                    }
                }
            }
        }
    }
}

#[test]
fn a_frame_that_claims_to_be_huge_is_refused_before_it_is_allocated() {
    let mut bytes = moving(&wanderer(8, 3), 0, Format::Gif);
    // The last frame's descriptor: left, top, width, height.
    let at = bytes.iter().rposition(|byte| *byte == b',').unwrap();
    bytes[at + 5..at + 9].fill(0xFF);
    let error = run(bytes, &[step("flip", &[])], None).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn frames_that_become_different_in_size_are_refused() {
    let mut encoder = tintype_pixels::AnimationEncoder::new(
        Format::Gif,
        &tintype_pixels::Parameters::default(),
        0,
        &Limits::default(),
    )
    .unwrap()
    .unwrap();
    let frame = |side| tintype_pixels::Frame { picture: disc(side), delay_ms: 10 };
    encoder.push(frame(8)).unwrap();
    let error = encoder.push(frame(9)).unwrap_err().to_string();
    assert!(error.contains("frame 2 has become 9 by 9 pixels, and the first 8 by 8"), "{error}");
}

#[test]
fn harmed_animations_give_frames_or_errors() {
    for format in MOVING {
        let whole = moving(&wanderer(8, 3), 0, format);
        let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
        for at in 0..whole.len() {
            for value in [0, 1, 0x7F, 0xFF, whole[at] ^ 0x10] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let _ = try_decode(&bytes, &limits);
                if let Ok(Some(mut animation)) = animation(&bytes, &limits) {
                    while let Ok(Some(_)) = animation.next_frame() {}
                }
            }
        }
    }
}
