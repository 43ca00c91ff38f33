//! Every format is written and read again, in every shape it can hold.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use tintype_pixels::{Channels, Error, Format, Limits, Parameters, Picture, Samples, Value, encode};

const SHAPES: [Channels; 4] = [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];

fn round_trip(picture: &Picture, format: Format) -> Picture {
    let bytes = file(picture, format);
    assert_eq!(Format::sniff(&bytes), Some(format));
    decode(&bytes)
}

/// The picture with colour and alpha, for formats that give nothing less.
fn as_rgba(picture: Picture) -> Picture {
    picture.widened(true, true, &Limits::default()).unwrap()
}

#[test]
fn png_and_tiff_return_every_shape_bit_by_bit_at_either_depth() {
    for channels in SHAPES {
        for picture in [gradient(37, 23, channels), gradient_16(37, 23, channels)] {
            assert_eq!(round_trip(&picture, Format::Png), picture, "{channels:?}");
            // TIFF has gray with alpha stand in for colour with alpha.
            let returned = round_trip(&picture, Format::Tiff);
            match channels {
                Channels::GrayAlpha => assert_eq!(returned, as_rgba(picture)),
                _ => assert_eq!(returned, picture, "{channels:?}"),
            }
        }
    }
}

#[test]
fn tiff_returns_the_same_with_each_compression() {
    let picture = gradient_16(300, 200, Channels::Rgba);
    for compression in ["none", "lzw", "deflate"] {
        let parameters = Parameters::from_iter([("compression", text(compression))]);
        let output = encode(picture.clone(), Format::Tiff, &parameters, &Limits::default()).unwrap();
        assert_eq!(decode(&output.bytes), picture, "{compression}");
    }
}

#[test]
fn png_returns_the_same_with_each_compression_and_filter() {
    let picture = gradient(64, 64, Channels::Rgba);
    for compression in 0..=9 {
        for filter in ["none", "sub", "up", "average", "paeth", "adaptive"] {
            let parameters =
                Parameters::from_iter([("compression", int(compression)), ("filter", text(filter))]);
            let output = encode(picture.clone(), Format::Png, &parameters, &Limits::default()).unwrap();
            assert_eq!(decode(&output.bytes), picture, "{compression} {filter}");
        }
    }
}

#[test]
fn webp_bmp_and_qoi_return_every_shape_bit_by_bit() {
    for format in [Format::WebP, Format::Bmp, Format::Qoi] {
        for channels in SHAPES {
            let picture = gradient(37, 23, channels);
            let returned = as_rgba(round_trip(&picture, format));
            assert_eq!(returned, as_rgba(picture), "{format} {channels:?}");
        }
    }
}

#[test]
fn formats_of_eight_bits_take_sixteen_and_round_them() {
    for format in [Format::WebP, Format::Bmp, Format::Qoi] {
        let picture = gradient_16(37, 23, Channels::Rgb);
        let rounded = picture.clone().into_eight();
        assert_eq!(as_rgba(round_trip(&picture, format)), as_rgba(rounded), "{format}");
    }
}

#[test]
fn lossy_webp_comes_near_with_the_alpha_that_it_had() {
    for channels in SHAPES {
        // Odd, so that the last blocks are cut, and the last colours belong to one column alone.
        let picture = gradient(153, 119, channels);
        let output =
            encode(picture.clone(), Format::WebP, &Parameters::default(), &Limits::default()).unwrap();
        let (returned, picture) = (as_rgba(decode(&output.bytes)), as_rgba(picture));
        assert!(psnr(&returned, &picture) > 36.0, "{channels:?} {}", psnr(&returned, &picture));
        let edge = |picture: &Picture| {
            let rows = picture.bytes().chunks_exact(153 * 4);
            Picture::eight(2, 119, Channels::Rgba, rows.flat_map(|row| &row[151 * 4..]).copied().collect())
                .unwrap()
        };
        assert!(psnr(&edge(&returned), &edge(&picture)) > 32.0, "{channels:?}");
        let alpha =
            |picture: &Picture| picture.bytes().iter().skip(3).step_by(4).copied().collect::<Vec<_>>();
        assert_eq!(alpha(&returned), alpha(&picture), "{channels:?}");
    }
}

#[test]
fn webp_quality_trades_size_for_likeness() {
    let picture = gradient(97, 61, Channels::Rgb);
    let written: Vec<_> = [1, 20, 50, 80, 100]
        .map(|quality| {
            let parameters = Parameters::from_iter([("quality", int(quality))]);
            let bytes = encode(picture.clone(), Format::WebP, &parameters, &Limits::default()).unwrap().bytes;
            (bytes.len(), psnr(&decode(&bytes), &picture))
        })
        .into();
    assert!(written.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1 + 0.2), "{written:?}");
    assert!(written[0].0 * 2 < written[4].0, "{written:?}");
}

#[test]
fn gif_is_exact_up_to_256_colours() {
    let picture = checkerboard(64, 8);
    assert_eq!(as_rgba(round_trip(&picture, Format::Gif)), as_rgba(picture));
}

#[test]
fn gif_keeps_full_transparency_and_the_colours_beside_it() {
    let picture = disc(64);
    assert_eq!(round_trip(&picture, Format::Gif), picture);
}

#[test]
fn gif_comes_near_to_pictures_of_many_colours() {
    let picture = gradient(128, 128, Channels::Rgb);
    // Dots of other colours are further from the picture one by one, and nearer from afar.
    for (dither, least) in [(false, 28.0), (true, 26.0)] {
        let parameters = Parameters::from_iter([("dither", Value::Boolean(dither))]);
        let output = encode(picture.clone(), Format::Gif, &parameters, &Limits::default()).unwrap();
        let returned = decode(&output.bytes);
        assert!(psnr(&returned, &picture) > least, "{dither} {}", psnr(&returned, &picture));
    }
}

#[test]
fn jpeg_comes_near_in_colour_and_in_gray() {
    for channels in [Channels::Gray, Channels::Rgb] {
        let picture = gradient(160, 120, channels);
        let returned = round_trip(&picture, Format::Jpeg);
        assert!(psnr(&returned, &picture) > 38.0, "{channels:?} {}", psnr(&returned, &picture));
    }
}

#[test]
fn jpeg_quality_trades_size_for_likeness() {
    let picture = checkerboard(128, 5);
    let written = |quality| {
        let parameters = Parameters::from_iter([("quality", int(quality))]);
        let bytes = encode(picture.clone(), Format::Jpeg, &parameters, &Limits::default()).unwrap().bytes;
        (bytes.len(), psnr(&decode(&bytes), &picture))
    };
    let (low, high) = (written(20), written(95));
    assert!(low.0 < high.0 && low.1 < high.1, "{low:?} {high:?}");
}

#[test]
fn jpeg_can_be_progressive_and_keep_full_colour_resolution() {
    let picture = gradient(160, 120, Channels::Rgb);
    let parameters = Parameters::from_iter([
        ("progressive", tintype_pixels::Value::Boolean(true)),
        ("chroma-subsampling", text("4:4:4")),
    ]);
    let bytes = encode(picture.clone(), Format::Jpeg, &parameters, &Limits::default()).unwrap().bytes;
    // Start of frame, progressive.
    assert!(bytes.windows(2).any(|pair| pair == [0xFF, 0xC2]));
    assert!(psnr(&decode(&bytes), &picture) > 38.0);
}

#[test]
fn jpeg_lays_alpha_onto_white() {
    let returned = round_trip(&disc(64), Format::Jpeg);
    assert_eq!(returned.channels, Channels::Rgb);
    assert!(returned.bytes()[..3].iter().all(|&sample| sample > 245));
    let centre = (32 * 64 + 32) * 3;
    assert!(returned.bytes()[centre] > 200 && returned.bytes()[centre + 1] < 50);
}

#[test]
fn cmyk_and_ycck_jpegs_have_the_colours_of_their_inks() {
    // Full cyan, magenta, yellow and black in turn, and bare paper.
    let inks = [[255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255], [0, 0, 0, 0]];
    let colors = [[0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0], [255, 255, 255]];
    for kind in [jpeg_encoder::ColorType::Cmyk, jpeg_encoder::ColorType::CmykAsYcck] {
        for (ink, color) in inks.into_iter().zip(colors) {
            let mut bytes = Vec::new();
            let encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
            encoder.encode(&ink.repeat(16 * 16), 16, 16, kind).unwrap();
            let picture = decode(&bytes);
            assert_eq!(picture.channels, Channels::Rgb);
            for (found, wanted) in picture.bytes()[..3].iter().zip(color) {
                assert!(found.abs_diff(wanted) < 8, "{kind:?} {ink:?}: {:?}", &picture.bytes()[..3]);
            }
        }
    }
}

#[test]
fn cmyk_without_adobes_marker_is_not_inverted() {
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
    let ink = [255, 0, 0, 0].repeat(16 * 16);
    encoder.encode(&ink, 16, 16, jpeg_encoder::ColorType::Cmyk).unwrap();
    // Renamed, the marker is one of many that mean nothing.
    let marker = bytes.windows(5).position(|name| name == b"Adobe").unwrap();
    bytes[marker..marker + 5].copy_from_slice(b"Bdobe");

    // The encoder stored the inks inverted: read plainly, they are the opposite.
    let picture = decode(&bytes);
    for (found, wanted) in picture.bytes()[..3].iter().zip([0, 0, 0]) {
        assert!(found.abs_diff(wanted) < 8, "{:?}", &picture.bytes()[..3]);
    }
}

#[test]
fn a_cmyk_tiff_has_the_colours_of_its_inks() {
    use tiff::encoder::{TiffEncoder, colortype::CMYK8};
    let mut bytes = std::io::Cursor::new(Vec::new());
    let inks = [255, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0];
    TiffEncoder::new(&mut bytes).unwrap().write_image::<CMYK8>(3, 1, &inks).unwrap();
    let picture = decode(&bytes.into_inner());
    assert_eq!(picture.bytes(), [0, 255, 255, 0, 0, 0, 255, 255, 255]);
}

#[test]
fn palettes_with_transparency_and_fewer_bits_are_expanded() {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Two);
    encoder.set_palette(vec![1, 2, 3, 10, 20, 30, 100, 200, 250]);
    encoder.set_trns(vec![0, 128]);
    encoder.write_header().unwrap().write_image_data(&[0b0001_1000]).unwrap();
    let picture = decode(&bytes);
    assert_eq!(picture.channels, Channels::Rgba);
    assert_eq!(picture.bytes(), [1, 2, 3, 0, 10, 20, 30, 128, 100, 200, 250, 255, 1, 2, 3, 0]);
}

#[test]
fn a_gif_frame_lies_at_its_place_on_a_transparent_canvas() {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, 4, 3, &[]).unwrap();
    let mut frame = gif::Frame::from_rgb(2, 1, &[9, 8, 7, 6, 5, 4]);
    (frame.left, frame.top) = (1, 2);
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    let picture = decode(&bytes);
    assert_eq!((picture.width, picture.height, picture.channels), (4, 3, Channels::Rgba));
    let mut expected = vec![0; 4 * 3 * 4];
    expected[(2 * 4 + 1) * 4..][..8].copy_from_slice(&[9, 8, 7, 255, 6, 5, 4, 255]);
    assert_eq!(picture.bytes(), expected);
}

#[test]
fn a_gif_frame_that_sticks_out_of_its_canvas_is_cut_off() {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, 2, 2, &[]).unwrap();
    let mut frame = gif::Frame::from_rgb(2, 2, &[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    (frame.left, frame.top) = (1, 1);
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    let picture = decode(&bytes);
    assert_eq!(picture.bytes()[..12], [0; 12]);
    assert_eq!(picture.bytes()[12..], [1, 1, 1, 255]);
}

fn profile(model: &[u8; 4]) -> Vec<u8> {
    let mut profile = vec![7; 200];
    profile[16..20].copy_from_slice(model);
    profile
}

#[test]
fn a_profile_is_carried_over_where_the_format_can_hold_it() {
    let mut picture = gradient(16, 16, Channels::Rgb);
    picture.icc = Some(profile(b"RGB "));
    for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff] {
        assert_eq!(round_trip(&picture, format).icc, picture.icc, "{format}");
    }
    for format in [Format::Gif, Format::Bmp, Format::Qoi] {
        assert_eq!(round_trip(&picture, format).icc, None, "{format}");
    }
}

#[test]
fn a_profile_of_another_colour_model_is_dropped() {
    let mut picture = gradient(16, 16, Channels::Gray);
    for format in [Format::Jpeg, Format::Png, Format::Tiff] {
        picture.icc = Some(profile(b"RGB "));
        assert_eq!(round_trip(&picture, format).icc, None, "{format}");
        picture.icc = Some(profile(b"GRAY"));
        assert_eq!(round_trip(&picture, format).icc, picture.icc, "{format}");
    }
}

#[test]
fn a_result_beyond_the_output_limit_is_refused() {
    let limits = Limits { max_output_bytes: 100, ..Limits::default() };
    for format in Format::ALL {
        let picture = gradient(128, 128, Channels::Rgb);
        let error = encode(picture, format, &Parameters::default(), &limits).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 100, .. }), "{format}: {error}");
    }
}

#[test]
fn a_side_that_the_format_cannot_express_is_refused() {
    let picture = Picture::eight(16_384, 1, Channels::Gray, vec![0; 16_384]).unwrap();
    let error = encode(picture, Format::WebP, &Parameters::default(), &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::TooLarge { found: 16_384, limit: 16_383, .. }), "{error}");
}

#[test]
fn sixteen_bits_use_their_full_range() {
    let Samples::Sixteen(samples) = gradient_16(256, 4, Channels::Gray).samples else { panic!() };
    assert_eq!((samples.first(), samples.iter().max()), (Some(&0), Some(&65_535)));
}
