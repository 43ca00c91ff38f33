//! Files of other programs, read; and files written here, read again.
//!
//! Those in `files/` were made by libavif's `avifenc`, of the gradient below; they are named by what is
//! particular about them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use tintype_avif::Avif;
use tintype_plugin::{Codec as _, Failure, Frame, Picture, Target, Value};

const WIDTH: u32 = 48;
const HEIGHT: u32 = 32;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/files/{name}.avif", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn decoded(file: Vec<u8>) -> Result<Picture, Failure> {
    assert_eq!(Avif::probe(&file), Some("image/avif"));
    Avif::decode(file, None)
}

/// A color at each place, and an alpha.
fn gradient(x: u32, y: u32) -> [u8; 4] {
    let across = x * 255 / (WIDTH - 1);
    [across, y * 255 / (HEIGHT - 1), 255 - across, (x + y) * 255 / (WIDTH + HEIGHT - 2)]
        .map(|value| value as u8)
}

fn opaque(x: u32, y: u32) -> [u8; 4] {
    let [red, green, blue, _] = gradient(x, y);
    [red, green, blue, 255]
}

fn made(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Frame {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y));
    Frame::new(width, height, pixels.collect()).unwrap()
}

/// Levels that the samples are apart on average, and at most, where something can be seen.
fn apart(found: &Frame, expected: &Frame) -> (f64, u8) {
    assert_eq!((found.width(), found.height()), (expected.width(), expected.height()));
    let pairs = found.pixels().iter().zip(expected.pixels());
    let differences: Vec<u8> = pairs
        .flat_map(|(found, expected)| {
            let [.., alpha] = *expected;
            let difference = |index: usize| found[index].abs_diff(expected[index]);
            // What can hardly be seen has hardly any colour.
            let colors = if alpha < 64 { vec![] } else { (0..3).map(difference).collect() };
            colors.into_iter().chain([difference(3)]).collect::<Vec<u8>>()
        })
        .collect();
    let sum: f64 = differences.iter().copied().map(f64::from).sum();
    (sum / differences.len() as f64, differences.into_iter().max().unwrap_or(0))
}

#[track_caller]
fn shows(name: &str, expected: &Frame) -> Picture {
    let picture = decoded(file(name)).unwrap();
    let (mean, worst) = apart(&picture.frames[0], expected);
    assert!(mean < 1.5 && worst < 16, "{name}: {mean} levels off, at worst {worst}");
    picture
}

#[test]
fn every_layout_depth_range_and_matrix_shows_the_same_colours() {
    let expected = made(WIDTH, HEIGHT, opaque);
    for name in ["420-8", "422-8-limited", "420-12-limited", "sequence"] {
        assert_eq!(shows(name, &expected).color_profile, None, "{name}");
    }
    assert!(decoded(file("lossless")).unwrap().frames[0] == expected);
    let gray = made(WIDTH, HEIGHT, |x, y| {
        let [gray, ..] = opaque(x, y);
        [gray, gray, gray, 255]
    });
    for name in ["400-8", "400-10-limited"] {
        assert_eq!(shows(name, &gray).color_profile, None, "{name}");
    }
}

#[test]
fn colours_of_other_primaries_come_with_a_profile() {
    let picture = shows("444-10-bt2020", &made(WIDTH, HEIGHT, opaque));
    assert_eq!(picture.color_profile.unwrap()[36..40], *b"acsp");
}

#[test]
fn alpha_is_straight_whether_or_not_the_file_has_it_multiplied() {
    let expected = made(WIDTH, HEIGHT, gradient);
    shows("alpha", &expected);
    shows("premultiplied", &expected);
}

#[test]
fn a_picture_is_turned_mirrored_and_cut_as_its_file_says() {
    // A quarter against the clock, then upside down.
    shows("turned", &made(HEIGHT, WIDTH, |x, y| opaque(y, x)));
    // 20 by 10 pixels around a centre that lies 4 to the right of the middle and 3 above it.
    shows("cut", &made(20, 10, |x, y| opaque(x + 18, y + 8)));
}

#[test]
fn tiles_show_one_picture() {
    shows("grid", &made(128, 64, |x, y| [x as u8 * 2, y as u8 * 4, 100, 255]));
}

#[test]
fn what_cannot_be_shown_faithfully_is_refused_in_words() {
    match decoded(file("pq")) {
        Err(Failure::InvalidImage(text)) => assert!(text.contains("high dynamic range"), "{text}"),
        other => panic!("{other:?}"),
    }
}

fn target(params: &[(&str, Value)]) -> Target {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Target { media_type: "image/avif".to_owned(), params }
}

fn encoded(frame: &Frame, params: &[(&str, Value)]) -> Result<Vec<u8>, Failure> {
    Avif::encode(Picture::still(frame.clone()), target(params))
}

fn holds(file: &[u8], letters: &[u8]) -> bool {
    file.windows(letters.len()).any(|found| found == letters)
}

#[test]
fn what_is_written_is_read_again_in_every_shape() {
    for (width, height) in [(1, 1), (1, 40), (47, 31), (48, 32), (130, 2), (65, 129)] {
        // From one row to the next less than halved chroma would show.
        let across = |x: u32, y: u32| [(x * 255 / width) as u8, y as u8, 90, 255];
        let faded = |x: u32, y: u32| [120, 60, 200, ((x + y) * 255 / (width + height)) as u8];
        let gray =
            |x: u32, _: u32| [(x * 255 / width) as u8, (x * 255 / width) as u8, (x * 255 / width) as u8, 255];
        for frame in [made(width, height, across), made(width, height, faded), made(width, height, gray)] {
            for subsampling in ["4:2:0", "4:4:4"] {
                let file = encoded(&frame, &[("chroma-subsampling", subsampling.into())]).unwrap();
                let (mean, _) = apart(&decoded(file).unwrap().frames[0], &frame);
                assert!(mean < 4.0, "{width}×{height}, {subsampling}: {mean} levels off");
            }
        }
    }
}

#[test]
fn a_file_has_alpha_only_where_its_picture_has_and_keeps_a_profile() {
    let frame = made(WIDTH, HEIGHT, opaque);
    let without = encoded(&frame, &[]).unwrap();
    assert!(without.starts_with(b"\0\0\0\x1cftypavif") && !holds(&without, b"auxl"));
    assert!(holds(&encoded(&made(WIDTH, HEIGHT, gradient), &[]).unwrap(), b"auxl"));

    let profile = [[0; 16].as_slice(), b"RGB ", &[7; 300]].concat();
    let picture = Picture { color_profile: Some(profile.clone()), ..Picture::still(frame) };
    let file = Avif::encode(picture, target(&[])).unwrap();
    assert_eq!(decoded(file).unwrap().color_profile, Some(profile));
}

#[test]
fn quality_costs_bytes_and_every_speed_writes_the_picture() {
    let noisy =
        |x: u32, y: u32| [(x * y * 37 % 251) as u8, ((x * 11) ^ (y * 7)) as u8, (x + y * y) as u8, 255];
    let frame = made(128, 96, noisy);
    let length = |name, value: i64| encoded(&frame, &[(name, value.into())]).unwrap().len();
    let by_quality = [1, 20, 50, 80, 95, 100].map(|quality| length("quality", quality));
    assert!(by_quality.is_sorted_by(|less, more| less < more), "{by_quality:?}");

    let frame = made(WIDTH, HEIGHT, opaque);
    for speed in 1..=10 {
        let file = encoded(&frame, &[("speed", Value::from(speed))]).unwrap();
        let (mean, _) = apart(&decoded(file).unwrap().frames[0], &frame);
        assert!(mean < 4.0, "{speed}: {mean} levels off");
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    let frame = made(WIDTH, HEIGHT, opaque);
    for (name, value) in [
        ("quality", 0.into()),
        ("quality", 101.into()),
        ("speed", 11.into()),
        ("chroma-subsampling", "4:1:1".into()),
    ] {
        assert!(matches!(encoded(&frame, &[(name, value)]), Err(Failure::InvalidParameters(_))), "{name}");
    }
}
