//! What comes out of the sandbox is what the same code gives natively: the vectors of WebAssembly are
//! other instructions than the processor's, and nothing else shows that they compute the same.

use tintype_pixels::{Channels, Format, Value};

use crate::pictures::{decode, file, jpeg, photograph};
use crate::sides::{Work, in_sandbox, natively};

/// Sizes with incomplete blocks and MCUs at their ends, and one of whole ones.
const SIZES: [(u32, u32); 4] = [(515, 389), (512, 384), (33, 17), (1, 1)];

fn jpegs() -> impl Iterator<Item = (String, Vec<u8>)> {
    let colors = SIZES.into_iter().flat_map(|(width, height)| {
        [("4:2:0", false), ("4:4:4", false), ("4:2:0", true), ("4:4:4", true)].map(
            |(sampling, progressive)| {
                let name = format!("{width}x{height}, {sampling}, progressive: {progressive}");
                (name, jpeg(photograph(width, height, Channels::Rgb), sampling, progressive))
            },
        )
    });
    let gray = |(width, height)| {
        (format!("{width}x{height}, gray"), jpeg(photograph(width, height, Channels::Gray), "4:4:4", false))
    };
    colors.chain(SIZES.map(gray))
}

fn same(name: &str, input: &[u8], work: &Work) {
    let (sandboxed, _) = in_sandbox(input.to_vec(), work);
    assert!(sandboxed == natively(input.to_vec(), work), "{name}: {work:?}");
}

/// Resampling multiplies in another order, and may round another way.
fn alike(name: &str, input: &[u8], work: &Work) {
    let (sandboxed, native) = (in_sandbox(input.to_vec(), work).0, natively(input.to_vec(), work));
    assert_eq!(sandboxed.len(), native.len(), "{name}: {work:?}");
    for (ours, theirs) in sandboxed.iter().zip(&native) {
        let (ours, theirs) = (decode(ours), decode(theirs));
        assert_eq!((ours.width, ours.height, ours.channels), (theirs.width, theirs.height, theirs.channels));
        let apart = ours.bytes().iter().zip(theirs.bytes()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart <= Some(1), "{name}: {work:?}: {apart:?}");
    }
}

#[test]
fn a_jpeg_is_decoded_to_the_same_pixels() {
    for (name, input) in jpegs() {
        same(&name, &input, &Work::convert(Format::Png));
    }
}

#[test]
fn a_jpeg_is_written_with_the_same_bytes() {
    for (width, height) in SIZES {
        for channels in [Channels::Gray, Channels::Rgb, Channels::Rgba] {
            let png = file(photograph(width, height, channels), Format::Png, &[]);
            for (quality, sampling, progressive) in [
                (80, "4:2:0", false),
                (95, "4:4:4", false),
                (1, "4:2:0", false),
                (100, "4:4:4", false),
                (80, "4:2:0", true),
            ] {
                let output = vec![
                    ("quality", Value::Integer(quality)),
                    ("chroma-subsampling", Value::Text(sampling.to_owned())),
                    ("progressive", Value::Boolean(progressive)),
                ];
                let work = Work { output, ..Work::convert(Format::Jpeg) };
                same(&format!("{width}x{height}, {channels:?}"), &png, &work);
            }
        }
    }
}

#[test]
fn a_jpeg_becomes_a_jpeg_with_the_same_bytes() {
    for (name, input) in jpegs() {
        same(&name, &input, &Work::convert(Format::Jpeg));
    }
}

#[test]
fn a_size_that_the_decoder_gives_has_the_same_pixels() {
    for (name, input) in jpegs().filter(|(name, _)| name.starts_with("512")) {
        for share in [2, 4, 8] {
            same(&name, &input, &Work::resize(512 / share, 384 / share, "fill", Format::Png));
        }
    }
}

#[test]
fn what_is_resampled_differs_by_one_level_at_most() {
    for (name, input) in jpegs() {
        for (width, height, fit) in [
            (301, 200, "cover"),
            (100, 100, "inside"),
            (50, 40, "contain"),
            (17, 40, "fill"),
            (700, 500, "fill"),
        ] {
            alike(&name, &input, &Work::resize(width, height, fit, Format::Png));
        }
        alike(&name, &input, &Work::thumbnails("200,90x80,33", Format::Png));
    }
    for channels in [Channels::GrayAlpha, Channels::Rgba] {
        let png = file(photograph(515, 389, channels), Format::Png, &[]);
        for (width, height) in [(301, 200), (700, 500)] {
            alike("PNG", &png, &Work::resize(width, height, "fill", Format::Png));
        }
    }
}
