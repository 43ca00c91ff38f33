//! `info`: a document about a picture.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use serde_json::{Value as Json, json};
use tintype_pixels::{Channels, DOCUMENT, Format, Kind, Limits, Target, Unwatched, process};

fn info(input: Vec<u8>) -> Json {
    describe(input, &[step("info", &[])])
}

#[test]
fn every_format_is_described_by_what_it_is() {
    for format in Format::ALL {
        let document = info(file(&checkerboard(16, 4), format));
        let expected = json!({
            "format": format.to_string().to_lowercase(), "media-type": format.media_type(),
            "width": 16, "height": 16, "bits": 8, "alpha": false, "frames": 1, "orientation": 1,
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&document[name], value, "{format}: {name}");
        }
        assert!(document["blurhash"].as_str().unwrap().len() >= 28);
        assert_eq!((&document["exif"], &document["color-profile"]), (&Json::Null, &Json::Null));
    }
    let wide = info(file(&gradient_16(9, 5, Channels::Rgba), Format::Png));
    assert_eq!((&wide["bits"], &wide["channels"], &wide["alpha"]), (&json!(16), &json!(4), &json!(true)));
}

#[test]
fn the_picture_is_described_as_it_is_after_the_steps_before() {
    let input = file(&gradient(40, 20, Channels::Rgb), Format::Png);
    let steps = [step("resize", &[("width", int(10))]), step("grayscale", &[]), step("info", &[])];
    let document = describe(input, &steps);
    assert_eq!((&document["width"], &document["height"]), (&json!(10), &json!(5)));
    assert_eq!((&document["channels"], &document["format"]), (&json!(1), &json!("png")));
}

/// A little-endian directory: its entries, and what doesn't fit into them.
fn directory(at: u32, entries: &[(u16, u16, u32, Vec<u8>)]) -> Vec<u8> {
    let mut rest = at + 2 + 12 * entries.len() as u32 + 4;
    let (mut head, mut tail) = ((entries.len() as u16).to_le_bytes().to_vec(), vec![]);
    for (tag, kind, count, value) in entries {
        head.extend(tag.to_le_bytes());
        head.extend(kind.to_le_bytes());
        head.extend(count.to_le_bytes());
        if value.len() <= 4 {
            head.extend(value);
            head.resize(head.len() + 4 - value.len(), 0);
        } else {
            head.extend(rest.to_le_bytes());
            tail.extend(value);
            rest += value.len() as u32;
        }
    }
    head.extend([0; 4]);
    [head, tail].concat()
}

/// As a camera writes it, with its position.
fn camera() -> Vec<u8> {
    const TEXT: u16 = 2;
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    const FRACTION: u16 = 5;
    let text = |tag, text: &str| (tag, TEXT, text.len() as u32 + 1, [text.as_bytes(), &[0]].concat());
    let fraction = |tag, a: u32, b: u32| (tag, FRACTION, 1, [a.to_le_bytes(), b.to_le_bytes()].concat());
    let settings = |at| {
        directory(
            at,
            &[
                fraction(0x829A, 1, 250),
                fraction(0x829D, 28, 10),
                (0x8827, SHORT, 1, 400u16.to_le_bytes().to_vec()),
                text(0x9003, "2008:05:30 15:56:01"),
                text(0x9011, "+02:00"),
                fraction(0x920A, 0, 0),
            ],
        )
    };
    let position = |at| directory(at, &[text(1, "N"), fraction(2, 4_807_038, 1)]);
    let main = |settings: u32, position: u32| {
        directory(
            8,
            &[
                text(0x010F, "Tintype Works "),
                text(0x0110, "Model\t1"),
                (0x0112, SHORT, 1, 6u16.to_le_bytes().to_vec()),
                (0x8769, LONG, 1, settings.to_le_bytes().to_vec()),
                (0x8825, LONG, 1, position.to_le_bytes().to_vec()),
            ],
        )
    };
    let first = 8 + main(0, 0).len() as u32;
    let second = first + settings(0).len() as u32;
    [b"II*\0\x08\0\0\0".to_vec(), main(first, second), settings(first), position(second)].concat()
}

#[test]
fn of_exif_the_camera_and_its_settings_are_told_and_never_the_position() {
    let png = file(&gradient(8, 4, Channels::Rgb), Format::Png);
    let document = info(with_png_chunk(&png, b"eXIf", &camera()));
    assert_eq!((&document["orientation"], &document["width"]), (&json!(6), &json!(4)));
    assert_eq!(
        document["exif"],
        json!({
            "make": "Tintype Works", "model": "Model1", "date-taken": "2008-05-30T15:56:01+02:00",
            "exposure-time": 0.004, "f-number": 2.8, "iso": 400,
        })
    );
    assert!(!document.to_string().contains("4807038"), "{document}");
}

#[test]
fn exif_cut_off_anywhere_says_less_and_fails_nothing() {
    let png = file(&gradient(8, 4, Channels::Rgb), Format::Png);
    let whole = camera();
    for length in 0..whole.len() {
        let document = info(with_png_chunk(&png, b"eXIf", &whole[..length]));
        assert_eq!(document["format"], "png");
    }
}

#[test]
fn nothing_comes_after_info_and_no_other_format_goes_with_it() {
    let refused = |steps: &[_], media_type: Option<&str>| {
        let target =
            media_type.map(|media_type| Target { media_type: media_type.into(), ..target(Format::Png, &[]) });
        let input = b"not even looked at".to_vec();
        let error = process(input, steps, target.as_ref(), &Limits::default(), &Unwatched).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidParameters);
        error.to_string()
    };
    let info = step("info", &[]);
    let after = refused(&[info.clone(), step("flip", &[])], None);
    assert!(after.starts_with("info: it gives a document and must be the last"), "{after}");
    let picture = refused(&[info], Some("image/webp"));
    assert!(picture.contains("leave the output's format out instead of asking for image/webp"), "{picture}");
    let document = refused(&[step("flip", &[])], Some(DOCUMENT));
    assert!(document.starts_with("output: only info gives application/json"), "{document}");
}

#[test]
fn the_document_s_own_type_can_be_asked_for() {
    let target = Target { media_type: DOCUMENT.into(), ..target(Format::Png, &[]) };
    let input = file(&checkerboard(16, 4), Format::Png);
    let products =
        process(input, &[step("info", &[])], Some(&target), &Limits::default(), &Unwatched).unwrap();
    assert_eq!(products[0].media_type(), "application/json");
}
