//! A picture is resized in no more memory than its file and twice what it takes when it is decoded;
//! where a decoder needs more, it is said how much.

use tintype_pixels::{Channels, Format};

use crate::pictures::{decode, file, jpeg, photograph};
use crate::sides::{Work, in_sandbox};

/// The plugin itself, its stack and tables, rows in between, and what the allocator cannot use.
const BESIDE: usize = 16 << 20;

/// Sizes to resize to, as shares of a side: a thumbnail, a little less, a little more.
const SHARES: [f64; 3] = [0.1, 0.9, 1.02];

/// The runs of a file that take more than its file and so many times what it is decoded to.
fn beyond(name: &str, input: &[u8], times: f64) -> Vec<String> {
    let picture = decode(input);
    let (width, height, decoded) = (picture.width, picture.height, picture.bytes().len());
    drop(picture);
    // Alpha has to stay; what has none is written soonest as JPEG.
    let to = if ["PNG", "GIF"].contains(&name) { Format::Png } else { Format::Jpeg };
    let allowed = input.len() + (times * decoded as f64) as usize + BESIDE;
    let mut beyond = vec![];
    for share in SHARES {
        let side = |side: u32| (f64::from(side) * share) as u32;
        let (_, peak) = in_sandbox(input.to_vec(), &Work::resize(side(width), side(height), "fill", to));
        let [peak_mib, allowed_mib, file_mib] = [peak, allowed, input.len()].map(|bytes| bytes >> 20);
        let figure = format!(
            "{name}, {width}x{height} times {share}: {peak_mib} MiB of {allowed_mib}, of which the file {file_mib}"
        );
        println!("{figure}");
        if peak > allowed {
            beyond.push(figure);
        }
    }
    beyond
}

fn within(name: &str, input: &[u8], times: f64) {
    let beyond = beyond(name, input, times);
    assert!(beyond.is_empty(), "{beyond:#?}");
}

/// With four channels a copy too many is still more than [`BESIDE`].
const SIX: (u32, u32) = (3000, 2000);
const TWELVE: (u32, u32) = (4000, 3000);
const TWENTY_FOUR: (u32, u32) = (6000, 4000);

fn jpeg_of((width, height): (u32, u32), sampling: &str, progressive: bool) -> Vec<u8> {
    jpeg(photograph(width, height, Channels::Rgb), sampling, progressive)
}

#[test]
fn a_baseline_jpeg_is_resized_within_twice_its_size() {
    within("JPEG 4:2:0", &jpeg_of(TWELVE, "4:2:0", false), 2.0);
    within("JPEG 4:4:4", &jpeg_of(TWELVE, "4:4:4", false), 2.0);
}

#[test]
fn a_progressive_jpeg_with_halved_chroma_is_resized_within_twice_its_size() {
    for size in [TWELVE, TWENTY_FOUR] {
        within("JPEG progressive 4:2:0", &jpeg_of(size, "4:2:0", true), 2.0);
    }
}

#[test]
fn a_progressive_jpeg_with_whole_chroma_takes_its_coefficients_too() {
    // They are 16 bits a sample, twice the picture before there is any of it.
    within("JPEG progressive 4:4:4", &jpeg_of(TWELVE, "4:4:4", true), 3.0);
}

#[test]
fn a_png_with_alpha_is_resized_within_twice_its_size() {
    let (width, height) = SIX;
    within("PNG", &file(photograph(width, height, Channels::Rgba), Format::Png, &[]), 2.0);
}

#[test]
fn a_webp_takes_the_planes_of_its_decoder_too() {
    // They are half a picture, and the room that they leave is too small for a larger one.
    let (width, height) = TWELVE;
    within("WebP", &file(photograph(width, height, Channels::Rgb), Format::WebP, &[]), 2.5);
}

#[test]
fn a_gif_is_resized_within_twice_its_size() {
    let (width, height) = SIX;
    within("GIF", &file(photograph(width, height, Channels::Rgba), Format::Gif, &[]), 2.0);
}

#[test]
fn a_bmp_is_resized_within_twice_its_size() {
    let (width, height) = TWELVE;
    within("BMP", &file(photograph(width, height, Channels::Rgb), Format::Bmp, &[]), 2.0);
}

#[test]
fn a_tiff_takes_a_second_copy_while_it_is_decoded() {
    // Its decoder has all of it in a buffer of its own, and the room that leaves is too small for a larger one.
    let (width, height) = TWELVE;
    within("TIFF", &file(photograph(width, height, Channels::Rgb), Format::Tiff, &[]), 3.0);
}
