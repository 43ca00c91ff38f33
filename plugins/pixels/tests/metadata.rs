//! What a file says beside its pixels, and how much of it the result says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use tintype_pixels::{Channels, Format, Limits, Parameters, Value, encode};

const KEEPERS: [Format; 3] = [Format::Jpeg, Format::Png, Format::WebP];

/// One entry: a tag, a type, and a value of at most four bytes, or where it is.
fn entry(tag: u16, kind: u16, count: u32, value: [u8; 4]) -> Vec<u8> {
    [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
}

/// A photograph's Exif: turned, by somebody, somewhere, with a preview.
fn camera() -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0".to_vec();
    let first = [
        entry(0x0112, 3, 1, [6, 0, 0, 0]),
        entry(0x013B, 2, 4, *b"Ann\0"),
        entry(0x8298, 2, 11, 200u32.to_le_bytes()),
        entry(0x8769, 4, 1, 100u32.to_le_bytes()),
        entry(0x8825, 4, 1, 150u32.to_le_bytes()),
    ];
    block.extend(5u16.to_le_bytes());
    block.extend(first.concat());
    // The preview's directory, which is damaged.
    block.extend(180u32.to_le_bytes());
    block.resize(100, 0);
    // A speed, and the maker's notes.
    block.extend(2u16.to_le_bytes());
    block.extend([entry(0x8827, 3, 1, [200, 0, 0, 0]), entry(0x927C, 7, 4, *b"NOTE")].concat());
    block.resize(150, 0);
    // A hemisphere.
    block.extend(1u16.to_le_bytes());
    block.extend(entry(0x0001, 2, 2, *b"N\0\0\0"));
    block.resize(180, b'P');
    block.resize(200, 0);
    block.extend(b"(c) Ann Doe");
    block
}

fn photograph() -> Vec<u8> {
    with_png_chunk(&file(&gradient(8, 4, Channels::Rgb), Format::Png), b"eXIf", &camera())
}

fn converted(input: Vec<u8>, format: Format, metadata: &str) -> Vec<u8> {
    run(input, &[step("convert", &[])], target(format, &[("metadata", text(metadata))])).unwrap().bytes
}

fn holds(file: &[u8], letters: &[u8]) -> bool {
    file.windows(letters.len()).any(|found| found == letters)
}

#[test]
fn nothing_is_carried_over_unless_it_is_asked_for() {
    for format in KEEPERS {
        let quiet = run(photograph(), &[step("convert", &[])], target(format, &[])).unwrap().bytes;
        assert_eq!(quiet, converted(photograph(), format, "none"), "{format}");
        assert!(!holds(&quiet, b"Ann") && !holds(&quiet, b"II*\0"), "{format}");
    }
}

#[test]
fn each_wish_carries_what_it_says_and_never_the_preview_or_the_maker_s_notes() {
    let speed = 0x8827u16.to_le_bytes();
    let place = [1, 0, 2, 0, 2, 0, 0, 0, b'N'];
    for format in KEEPERS {
        for (wish, has_speed, has_place) in
            [("copyright", false, false), ("keep", true, false), ("keep-place", true, true)]
        {
            let file = converted(photograph(), format, wish);
            let at = file.windows(4).position(|letters| letters == b"II*\0").unwrap();
            let block = &file[at..];
            assert!(holds(block, b"Ann\0") && holds(block, b"(c) Ann Doe"), "{format} {wish}");
            assert_eq!(
                (holds(block, &speed), holds(block, &place)),
                (has_speed, has_place),
                "{format} {wish}"
            );
            assert!(!holds(block, b"NOTE") && !holds(block, b"PPPP"), "{format} {wish}");
        }
    }
}

#[test]
fn the_result_is_upright_and_says_so_and_is_still_a_picture() {
    for format in KEEPERS {
        let plain = decode(&converted(photograph(), format, "none"));
        let kept = decode(&converted(photograph(), format, "keep"));
        // Turned once, by the pixels: the note of it is upright.
        assert_eq!(kept, plain, "{format}");
        assert_eq!((kept.width, kept.height), (4, 8));
    }
}

#[test]
fn what_was_carried_over_can_be_carried_on() {
    let mut input = photograph();
    for format in [Format::Jpeg, Format::WebP, Format::Png, Format::WebP, Format::Jpeg] {
        input = converted(input, format, "keep-place");
        assert!(holds(&input, b"(c) Ann Doe") && holds(&input, b"Ann\0"), "{format}");
    }
}

#[test]
fn every_kind_of_webp_takes_metadata_and_stays_the_same_picture() {
    let alpha = disc(33);
    for lossless in [true, false] {
        for picture in [gradient(33, 20, Channels::Rgb), alpha.clone()] {
            let mut icc = vec![7; 200];
            icc[16..20].copy_from_slice(b"RGB ");
            for icc in [None, Some(icc)] {
                let picture = tintype_pixels::Picture { icc, ..picture.clone() };
                let source = file(&picture, Format::Png);
                let with = |metadata: &str| {
                    let target = target(
                        Format::WebP,
                        &[("metadata", text(metadata)), ("lossless", Value::Boolean(lossless))],
                    );
                    let source = with_png_chunk(&source, b"eXIf", &camera());
                    run(source, &[step("convert", &[])], target).unwrap().bytes
                };
                assert_eq!(decode(&with("keep")), decode(&with("none")));
                assert!(holds(&with("keep"), b"(c) Ann Doe"));
            }
        }
    }
}

#[test]
fn animations_keep_their_metadata_too() {
    let moving = moving(&wanderer(8, 3), 0, Format::WebP);
    // The file's first chunk is the extended header: a flag, and a chunk at the end.
    let mut with = moving.clone();
    with[20] |= 1 << 3;
    with.extend(b"EXIF");
    with.extend((camera().len() as u32).to_le_bytes());
    with.extend(camera());
    with.extend(vec![0; camera().len() % 2]);
    let length = (with.len() as u32 - 8).to_le_bytes();
    with[4..8].copy_from_slice(&length);
    let output = converted(with, Format::WebP, "copyright");
    assert!(holds(&output, b"(c) Ann Doe"));
    assert_eq!(frames(&output).0.len(), 3);
}

#[test]
fn damaged_metadata_is_left_out_and_spoils_nothing() {
    let camera = camera();
    for length in 0..camera.len() {
        let input =
            with_png_chunk(&file(&gradient(8, 4, Channels::Rgb), Format::Png), b"eXIf", &camera[..length]);
        decode(&converted(input, Format::Jpeg, "keep-place"));
    }
    for at in 0..camera.len() {
        for value in [0, 1, 0xFF] {
            let mut harmed = camera.clone();
            harmed[at] = value;
            let input = with_png_chunk(&file(&gradient(8, 4, Channels::Rgb), Format::Png), b"eXIf", &harmed);
            decode(&converted(input, Format::Png, "keep-place"));
        }
    }
}

#[test]
fn thousands_of_entries_for_one_large_value_cost_no_more_than_one() {
    let mut bomb = b"II*\0\x08\0\0\0".to_vec();
    bomb.extend(60_000u16.to_le_bytes());
    bomb.extend(entry(0x013B, 7, 60_000, 8u32.to_le_bytes()).repeat(60_000));
    let input = with_png_chunk(&file(&gradient(8, 4, Channels::Rgb), Format::Png), b"eXIf", &bomb);
    assert!(converted(input, Format::Png, "keep").len() < 70_000);
}

#[test]
fn a_format_that_holds_no_exif_is_written_as_ever() {
    let plain =
        encode(gradient(8, 4, Channels::Rgb), Format::Bmp, &Parameters::default(), &Limits::default());
    let input = file(&gradient(8, 4, Channels::Rgb), Format::Png);
    assert_eq!(converted(input, Format::Bmp, "keep"), plain.unwrap().bytes);
}
