//! The plan is tested with numbers alone, the resampling against properties
//! that any correct one has.

use super::kernel::KERNELS;
use super::plan::Part;
use super::resample::Source;
use super::*;
use crate::{Channels, Samples, Value};

fn resize(pairs: &[(&str, Value)]) -> Resize {
    Resize::read(&Parameters::from_iter(pairs.iter().cloned()), USUAL).unwrap()
}

fn plan(resize: &Resize, source: Size) -> Plan {
    Plan::make(source, resize.width, resize.height, &resize.manner)
}

fn to(width: i64, height: i64, fit: &str) -> Resize {
    resize(&[
        ("width", Value::Integer(width)),
        ("height", Value::Integer(height)),
        ("fit", Value::Text(fit.into())),
    ])
}

fn plain(width: u32, height: u32, channels: Channels, pixel: &[u8]) -> Picture {
    let count = (width * height) as usize;
    let samples = pixel.iter().copied().cycle().take(count * pixel.len()).collect();
    Picture::eight(width, height, channels, samples).unwrap()
}

#[test]
fn one_side_alone_keeps_the_aspect_ratio() {
    let wide = resize(&[("width", Value::Integer(720))]);
    assert_eq!(plan(&wide, Size(2725, 2225)).drawn, Size(720, 588));
    let high = resize(&[("height", Value::Integer(100))]);
    assert_eq!(plan(&high, Size(300, 200)).drawn, Size(150, 100));
}

#[test]
fn a_line_is_never_scaled_to_nothing() {
    let narrow = resize(&[("height", Value::Integer(10))]);
    assert_eq!(plan(&narrow, Size(1, 1000)).drawn, Size(1, 10));
}

#[test]
fn each_fit_gives_the_size_it_promises() {
    let source = Size(400, 200);
    assert_eq!(plan(&to(100, 100, "cover"), source).drawn, Size(100, 100));
    assert_eq!(plan(&to(100, 100, "fill"), source).drawn, Size(100, 100));
    assert_eq!(plan(&to(100, 100, "inside"), source).drawn, Size(100, 50));
    assert_eq!(plan(&to(100, 100, "outside"), source).drawn, Size(200, 100));
    let contain = plan(&to(100, 100, "contain"), source);
    assert_eq!((contain.drawn, contain.canvas), (Size(100, 50), Some(Size(100, 100))));
}

#[test]
fn cover_shows_the_part_that_gravity_names() {
    let source = Size(400, 200);
    let left = |gravity: &str| {
        let mut cover = to(100, 100, "cover");
        let named = Parameters::from_iter([("gravity", Value::Text(gravity.into()))]);
        cover.manner.gravity = Focus::read(&named).unwrap().unwrap();
        plan(&cover, source).part.unwrap().left
    };
    assert_eq!((left("west"), left("centre"), left("northeast")), (0.0, 100.0, 200.0));
}

#[test]
fn without_enlarging_a_small_picture_stays_as_it_is() {
    let source = Size(40, 20);
    for fit in ["cover", "fill", "inside", "outside", "contain"] {
        let mut resize = to(100, 100, fit);
        resize.manner.enlarge = false;
        assert_eq!(plan(&resize, source).drawn, source, "{fit}");
    }
    let mut cover = to(30, 100, "cover");
    cover.manner.enlarge = false;
    assert_eq!(plan(&cover, source).drawn, Size(30, 20));
}

#[test]
fn a_plain_colour_stays_what_it_is_with_every_kernel_and_layout() {
    for (_, kernel) in KERNELS {
        for (channels, pixel) in [
            (Channels::Gray, &[200][..]),
            (Channels::GrayAlpha, &[200, 255]),
            (Channels::Rgb, &[10, 120, 250]),
            (Channels::Rgba, &[10, 120, 250, 255]),
        ] {
            for (width, height) in [(7, 5), (64, 48)] {
                let mut resize = to(width, height, "fill");
                resize.manner.kernel = kernel;
                let picture = plain(32, 24, channels, pixel);
                let resized = resize.apply(picture, &Limits::default()).unwrap();
                assert_eq!(resized, plain(width as u32, height as u32, channels, pixel));
            }
        }
    }
}

#[test]
fn transparent_pixels_do_not_bleed_their_colour() {
    // White that is opaque beside green that isn't: a mean of straight samples
    // would be greenish.
    let samples = [[255, 255, 255, 255], [0, 255, 0, 0]].concat().repeat(64);
    let picture = Picture::eight(128, 1, Channels::Rgba, samples).unwrap();
    let resized = to(8, 1, "fill").apply(picture, &Limits::default()).unwrap();
    for pixel in resized.bytes().chunks_exact(4) {
        assert!(pixel[0] > 250 && pixel[2] > 250, "{pixel:?}");
        assert!((120..136).contains(&pixel[3]), "{pixel:?}");
    }
}

#[test]
fn sixteen_bits_keep_steps_that_eight_cannot_show() {
    let samples = (0..64u16).map(|x| 30_000 + x).collect();
    let picture = Picture::sixteen(64, 1, Channels::Gray, samples).unwrap();
    let resized = to(32, 1, "fill").apply(picture, &Limits::default()).unwrap();
    let Samples::Sixteen(samples) = resized.samples else { panic!("the depth was lost") };
    assert!(samples.iter().all(|s| (29_998..30_066).contains(s)));
    assert!(samples.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_halved_gradient_is_the_gradient_of_the_means() {
    let row: Vec<u8> = (0..=255).collect();
    let picture = Picture::eight(256, 8, Channels::Gray, row.repeat(8)).unwrap();
    let resized = to(128, 4, "fill").apply(picture, &Limits::default()).unwrap();
    for row in resized.bytes().chunks_exact(128) {
        // The ends lack neighbours on one side.
        for (x, &sample) in row.iter().enumerate().skip(4).take(120) {
            assert!((f64::from(sample) - (2.0 * x as f64 + 0.5)).abs() <= 1.0, "{x}: {sample}");
        }
    }
}

#[test]
fn contain_is_transparent_around_alpha_and_black_around_none() {
    let resized =
        to(4, 8, "contain").apply(plain(4, 4, Channels::Rgba, &[9, 9, 9, 255]), &Limits::default()).unwrap();
    assert_eq!((resized.width, resized.height), (4, 8));
    assert_eq!(resized.bytes()[..4], [0, 0, 0, 0]);
    assert_eq!(resized.bytes()[4 * 4 * 2..4 * 4 * 2 + 4], [9, 9, 9, 255]);

    let resized =
        to(4, 8, "contain").apply(plain(4, 4, Channels::Rgb, &[9, 9, 9]), &Limits::default()).unwrap();
    assert_eq!((resized.channels, &resized.bytes()[..3]), (Channels::Rgb, &[0, 0, 0][..]));
}

#[test]
fn a_background_brings_the_channels_that_it_needs() {
    let mut contain = to(4, 8, "contain");
    contain.manner.background = Some([255, 0, 0, 128]);
    let resized = contain.apply(plain(4, 4, Channels::Gray, &[9]), &Limits::default()).unwrap();
    assert_eq!(resized.channels, Channels::Rgba);
    assert_eq!(resized.bytes()[..4], [255, 0, 0, 128]);
    assert_eq!(resized.bytes()[4 * 4 * 2..4 * 4 * 2 + 4], [9, 9, 9, 255]);
}

#[test]
fn a_result_beyond_the_limits_is_refused_before_the_work() {
    let limits = Limits { max_pixels: 1_000, ..Limits::default() };
    let picture = plain(10, 10, Channels::Gray, &[0]);
    let error = to(40, 40, "fill").apply(picture, &limits).unwrap_err();
    assert!(matches!(error, Error::TooLarge { found: 1_600, limit: 1_000, .. }), "{error}");
}

#[test]
fn neither_width_nor_height_is_refused() {
    let error = Resize::read(&Parameters::default(), USUAL).unwrap_err();
    assert_eq!(error.to_string(), "resize: width or height is missing.");
}

#[test]
fn a_picture_resampled_in_bands_has_no_seams() {
    // A megapixel for each row of the result: many bands.
    let (width, height) = (30_000, 200);
    let wave =
        |x: u32, y: u32| (128.0 + 90.0 * (f64::from(x) / 9.0).sin() * (f64::from(y) / 7.0).cos()) as u8;
    let samples: Vec<u8> = (0..height).flat_map(|y| (0..width).map(move |x| wave(x, y))).collect();
    let samples: Vec<u8> = samples.into_iter().flat_map(|level| [level, 255 - level, 7, 255]).collect();
    let wide = Picture::eight(width, height, Channels::Rgba, samples).unwrap();
    let drawn = Size(30_000, 170);
    let source = Source::new(wide, Kernel::Lanczos3).unwrap();
    assert!(source.rows_at_once(drawn) < 170);
    let part = Part { left: 0.0, top: 3.3, width: 30_000.0, height: 190.0 };
    let banded = source.resampled(drawn, Some(part)).unwrap().into_picture().unwrap();

    // A slice of it needs one.
    let narrow = Part { width: 300.0, ..part };
    let source = Source::new(source.into_picture().unwrap(), Kernel::Lanczos3).unwrap();
    let whole = source.resampled(Size(300, 170), Some(narrow)).unwrap().into_picture().unwrap();
    let rows = banded.bytes().chunks_exact(30_000 * 4).zip(whole.bytes().chunks_exact(300 * 4));
    let apart = rows.flat_map(|(wide, narrow)| wide.iter().zip(narrow).map(|(a, b)| a.abs_diff(*b))).max();
    assert!(apart <= Some(1), "{apart:?}");
}
