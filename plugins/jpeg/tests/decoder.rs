//! What the decoder makes of files, beside another decoder and beside what was
//! encoded.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use jpeg_encoder::{ColorType, SamplingFactor};
use tintype_jpeg::{ColorModel, Decoder, Error, Scale};
use zune_core::colorspace::ColorSpace;

const SAMPLINGS: [SamplingFactor; 8] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_4_2,
    SamplingFactor::F_1_4,
    SamplingFactor::F_2_4,
];

fn pixels(bytes: &[u8], scale: Scale) -> Vec<u8> {
    Decoder::new(bytes).unwrap().pixels(scale).unwrap()
}

#[test]
fn full_colour_is_what_another_decoder_reads() {
    for (width, height) in [(1, 1), (7, 9), (16, 16), (100, 75), (333, 8)] {
        let scene = scene(width, height, 3);
        for progressive in [false, true] {
            let manner = Manner { progressive, ..PLAIN };
            let bytes = file(&scene, width, height, ColorType::Rgb, manner);
            let (mean, greatest) =
                difference(&pixels(&bytes, Scale::Full), &reference(&bytes, ColorSpace::RGB));
            assert!(mean < 0.35 && greatest <= 3, "{width}x{height}, {progressive}: {mean} {greatest}");
        }
    }
}

#[test]
fn gray_is_exactly_what_another_decoder_reads_or_a_step_beside() {
    let scene = scene(100, 75, 1);
    for progressive in [false, true] {
        let bytes = file(&scene, 100, 75, ColorType::Luma, Manner { progressive, ..PLAIN });
        assert_eq!(Decoder::new(&bytes).unwrap().color_model(), ColorModel::Gray);
        let (mean, greatest) = difference(&pixels(&bytes, Scale::Full), &reference(&bytes, ColorSpace::Luma));
        assert!(mean < 0.1 && greatest <= 1, "{mean} {greatest}");
    }
}

#[test]
fn every_sampling_comes_near_to_what_was_encoded() {
    let scene = scene(121, 87, 3);
    for sampling in SAMPLINGS {
        for progressive in [false, true] {
            let bytes = file(&scene, 121, 87, ColorType::Rgb, Manner { sampling, progressive, ..PLAIN });
            let (mean, _) = difference(&pixels(&bytes, Scale::Full), &scene);
            // Chroma at a quarter of the resolution is far off at edges.
            assert!(mean < 8.0, "{sampling:?}, {progressive}: {mean}");
        }
    }
}

#[test]
fn a_progressive_file_has_the_pixels_of_the_sequential_one() {
    let scene = scene(130, 70, 3);
    for sampling in SAMPLINGS {
        let of = |progressive| {
            pixels(
                &file(&scene, 130, 70, ColorType::Rgb, Manner { sampling, progressive, ..PLAIN }),
                Scale::Full,
            )
        };
        assert_eq!(of(false), of(true), "{sampling:?}");
    }
}

#[test]
fn restarts_and_other_tables_change_nothing() {
    let scene = scene(130, 70, 3);
    let sampling = SamplingFactor::F_2_2;
    let plain = pixels(&file(&scene, 130, 70, ColorType::Rgb, Manner { sampling, ..PLAIN }), Scale::Full);
    for (restart_interval, optimized) in [(1, false), (3, true), (9, false), (0, true), (1000, false)] {
        let manner = Manner { sampling, restart_interval, optimized, ..PLAIN };
        let bytes = file(&scene, 130, 70, ColorType::Rgb, manner);
        assert_eq!(pixels(&bytes, Scale::Full), plain, "{restart_interval} {optimized}");
    }
}

#[test]
fn a_reduced_picture_is_like_the_mean_of_the_full_one() {
    let (width, height) = (203, 155);
    let scene = scene(width, height, 3);
    for sampling in [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_2_2] {
        for progressive in [false, true] {
            let bytes =
                file(&scene, width, height, ColorType::Rgb, Manner { sampling, progressive, ..PLAIN });
            let full = pixels(&bytes, Scale::Full);
            for (scale, square, most) in
                [(Scale::Half, 2, 3.0), (Scale::Quarter, 4, 3.5), (Scale::Eighth, 8, 3.0)]
            {
                let expected = averaged(&full, width, height, 3, square);
                let (mean, _) = difference(&pixels(&bytes, scale), &expected);
                assert!(mean < most, "{sampling:?} {scale:?}: {mean}");
            }
        }
    }
}

#[test]
fn an_even_surface_is_even_at_every_scale() {
    let (width, height) = (50, 34);
    let gray = vec![90; (width * height * 3) as usize];
    let manner = Manner { sampling: SamplingFactor::F_2_2, ..PLAIN };
    let bytes = file(&gray, width, height, ColorType::Rgb, manner);
    for scale in Scale::ALL {
        let pixels = pixels(&bytes, scale);
        assert_eq!(pixels.len() as u32, scale.of(width) * scale.of(height) * 3);
        assert!(pixels.iter().all(|sample| sample.abs_diff(90) <= 1), "{scale:?}");
    }
}

#[test]
fn planes_have_the_sizes_that_are_stored_and_the_colours_of_the_pixels() {
    let (width, height) = (101, 67);
    let scene = scene(width, height, 3);
    let manner = Manner { sampling: SamplingFactor::F_2_2, ..PLAIN };
    let bytes = file(&scene, width, height, ColorType::Rgb, manner);
    let decoder = Decoder::new(&bytes).unwrap();
    assert_eq!(decoder.chroma_sampling(), Some((2, 2)));
    let planes = decoder.planes(Scale::Half, Scale::Full).unwrap();
    let sizes: Vec<_> = planes.iter().map(|plane| (plane.width, plane.height)).collect();
    assert_eq!(sizes, [(51, 34); 3]);
    let mut rgb = vec![0; 51 * 34 * 3];
    tintype_jpeg::to_rgb(&planes[0].samples, &planes[1].samples, &planes[2].samples, &mut rgb);
    assert_eq!(rgb, pixels(&bytes, Scale::Half));

    let small = Decoder::new(&bytes).unwrap().planes(Scale::Full, Scale::Quarter).unwrap();
    let sizes: Vec<_> = small.iter().map(|plane| (plane.width, plane.height)).collect();
    assert_eq!(sizes, [(101, 67), (13, 9), (13, 9)]);
}

#[test]
fn inks_are_given_as_they_are_stored() {
    let scene = scene(40, 30, 4);
    for (color, model) in [(ColorType::Cmyk, ColorModel::Cmyk), (ColorType::CmykAsYcck, ColorModel::Ycck)] {
        let bytes = file(&scene, 40, 30, color, PLAIN);
        let decoder = Decoder::new(&bytes).unwrap();
        assert_eq!((decoder.color_model(), decoder.is_adobe()), (model, true));
        let inks = decoder.pixels(Scale::Full).unwrap();
        // The encoder stores them inverted, as Adobe does.
        let inverted: Vec<u8> = inks.iter().map(|ink| 255 - ink).collect();
        let (mean, _) = difference(&inverted, &scene);
        assert!(mean < 4.0, "{model:?}: {mean}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let scene = scene(70, 50, 3);
    for progressive in [false, true] {
        let sampling = SamplingFactor::F_2_2;
        let bytes = file(&scene, 70, 50, ColorType::Rgb, Manner { sampling, progressive, ..PLAIN });
        for length in 0..bytes.len() - 1 {
            let outcome = Decoder::new(&bytes[..length]).and_then(|decoder| decoder.pixels(Scale::Half));
            assert!(outcome.is_err(), "{progressive} at {length} of {}", bytes.len());
        }
    }
}

#[test]
fn any_damage_ends_in_an_error_or_in_pixels_of_the_right_number() {
    let scene = scene(48, 40, 3);
    let mut random = 7_u32;
    for (progressive, restart_interval) in [(false, 0), (true, 0), (false, 2)] {
        let sampling = SamplingFactor::F_2_1;
        let whole =
            file(&scene, 48, 40, ColorType::Rgb, Manner { sampling, progressive, restart_interval, ..PLAIN });
        for _ in 0..3000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (random >> 8) as usize % bytes.len();
                bytes[at] = (random >> 2) as u8;
            }
            let Ok(decoder) = Decoder::new(&bytes) else { continue };
            let (width, height) = decoder.size();
            let count = decoder.color_model().components();
            if u64::from(width) * u64::from(height) > 1 << 22 {
                continue;
            }
            if let Ok(pixels) = decoder.pixels(Scale::Full) {
                assert_eq!(pixels.len(), width as usize * height as usize * count);
            }
        }
    }
}

#[test]
fn bytes_behind_the_last_block_are_refused_and_behind_the_end_are_not() {
    let bytes = file(&scene(20, 20, 1), 20, 20, ColorType::Luma, PLAIN);
    let mut behind = bytes.clone();
    behind.extend(b"whatever a camera adds");
    assert_eq!(pixels(&behind, Scale::Full), pixels(&bytes, Scale::Full));

    let mut between = bytes[..bytes.len() - 2].to_vec();
    between.extend([1, 2, 3, 4, 5, 6, 7, 8, 0xFF, 0xD9]);
    let outcome = Decoder::new(&between).unwrap().pixels(Scale::Full);
    assert_eq!(outcome, Err(Error::Damaged("there are bytes behind the last block")));
}

#[test]
fn kinds_that_are_not_read_are_named() {
    let mut bytes = file(&scene(20, 20, 1), 20, 20, ColorType::Luma, PLAIN);
    let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    bytes[frame + 1] = 0xC9;
    assert_eq!(Decoder::new(&bytes).unwrap_err(), Error::Unsupported("it is arithmetically coded"));
    bytes[frame + 1] = 0xC0;
    bytes[frame + 4] = 12;
    assert_eq!(Decoder::new(&bytes).unwrap_err(), Error::Unsupported("its samples have other than 8 bits"));
}
