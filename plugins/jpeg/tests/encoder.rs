//! What the encoder writes, as another decoder reads it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use jpeg_encoder::SamplingFactor;
use tintype_jpeg::{Decoder, EncodeError, Picture, PlaneRef, Scale, Separated, encode, from_rgb};
use zune_core::colorspace::ColorSpace;

const MUCH: usize = 1 << 24;

fn written(pixels: &[u8], width: u32, height: u32, halved: bool, quality: u8) -> Vec<u8> {
    let Separated { luma, chroma: [blue, red], chroma_size: (wide, high) } = from_rgb(pixels, width, halved);
    let luma = PlaneRef { width, height, samples: &luma };
    let chroma = |samples| PlaneRef { width: wide, height: high, samples };
    encode(&Picture::YCbCr([luma, chroma(&blue), chroma(&red)]), quality, &[], MUCH).unwrap()
}

#[test]
fn another_decoder_reads_what_was_written() {
    for (width, height) in [(1, 1), (8, 8), (17, 15), (100, 75), (3, 200)] {
        let scene = scene(width, height, 3);
        for (halved, most) in [(false, 2.0), (true, 6.0)] {
            let bytes = written(&scene, width, height, halved, 95);
            let (mean, _) = difference(&reference(&bytes, ColorSpace::RGB), &scene);
            assert!(mean < most, "{width}x{height} {halved}: {mean}");
        }
    }
}

#[test]
fn gray_is_written_as_one_component() {
    let scene = scene(90, 61, 1);
    let plane = PlaneRef { width: 90, height: 61, samples: &scene };
    let bytes = encode(&Picture::Gray(plane), 95, &[], MUCH).unwrap();
    let (mean, _) = difference(&reference(&bytes, ColorSpace::Luma), &scene);
    assert!(mean < 1.5, "{mean}");
}

#[test]
fn size_and_loss_are_those_of_another_encoder_at_the_same_quality() {
    let (width, height) = (320, 240);
    let scene = scene(width, height, 3);
    for quality in [30, 60, 80, 95] {
        let ours = written(&scene, width, height, true, quality);
        let mut theirs = vec![];
        let mut encoder = jpeg_encoder::Encoder::new(&mut theirs, quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_chroma_subsampling_method(jpeg_encoder::ChromaSubsamplingMethod::Average);
        encoder.encode(&scene, width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
        let loss = |bytes: &[u8]| difference(&reference(bytes, ColorSpace::RGB), &scene).0;
        assert!(loss(&ours) <= loss(&theirs) * 1.02, "{quality}: {} {}", loss(&ours), loss(&theirs));
        assert!(
            ours.len() as f64 <= theirs.len() as f64 * 1.02,
            "{quality}: {} {}",
            ours.len(),
            theirs.len()
        );
    }
}

#[test]
fn planes_go_through_a_file_and_come_back() {
    let scene = scene(101, 67, 3);
    let bytes = written(&scene, 101, 67, true, 100);
    let planes = Decoder::new(&bytes).unwrap().planes(Scale::Full, Scale::Full).unwrap();
    let Separated { luma, chroma, .. } = from_rgb(&scene, 101, true);
    for (found, expected) in planes.iter().zip([&luma, &chroma[0], &chroma[1]]) {
        let (mean, greatest) = difference(&found.samples, expected);
        assert!(mean < 0.5 && greatest <= 3, "{mean} {greatest}");
    }
}

#[test]
fn segments_are_carried() {
    let plane = PlaneRef { width: 1, height: 1, samples: &[7] };
    let exif = b"Exif\0\0II*\0";
    let bytes = encode(&Picture::Gray(plane), 80, &[(0xE1, exif)], MUCH).unwrap();
    assert_eq!(Decoder::new(&bytes).unwrap().exif(), Some(&b"II*\0"[..]));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let samples = vec![0; 65_536];
    let plane = |width, height, length| PlaneRef { width, height, samples: &samples[..length] };
    let gray = |plane| encode(&Picture::Gray(plane), 80, &[], MUCH);
    assert_eq!(gray(plane(65_536, 1, 65_536)), Err(EncodeError::Side));
    assert_eq!(gray(plane(10, 10, 99)), Err(EncodeError::Shape));
    assert_eq!(gray(plane(0, 10, 0)), Err(EncodeError::Shape));
    let unfitting = Picture::YCbCr([plane(10, 10, 100), plane(5, 5, 25), plane(4, 5, 20)]);
    assert_eq!(encode(&unfitting, 80, &[], MUCH), Err(EncodeError::Shape));

    let scene = scene(300, 300, 1);
    let plane = PlaneRef { width: 300, height: 300, samples: &scene };
    let outcome = encode(&Picture::Gray(plane), 80, &[], 2000);
    assert!(matches!(outcome, Err(EncodeError::TooLarge(found)) if found > 2000), "{outcome:?}");
}
