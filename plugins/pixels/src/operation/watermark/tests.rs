//! Compositing against the definition in floating point, placing against
//! numbers that anybody can count.

use super::*;
use crate::{Channels, Format, Samples, Value, encode};

fn file(picture: &Picture) -> Value {
    let encoded = encode(picture.clone(), Format::Png, &Parameters::default(), &Limits::default());
    Value::Attachment(encoded.unwrap().bytes.into())
}

fn marked(picture: Picture, overlay: &Picture, more: &[(&str, Value)]) -> Result<Picture, Error> {
    let parameters = [("image", file(overlay))].into_iter().chain(more.iter().cloned());
    OPERATION.apply(&Parameters::from_iter(parameters), picture)
}

fn plain(width: u32, height: u32, channels: Channels, pixel: &[u8]) -> Picture {
    Picture::eight(width, height, channels, pixel.repeat((width * height) as usize)).unwrap()
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// Rows of a gray picture as text: `#` where the black mark is.
fn drawn(picture: &Picture) -> Vec<String> {
    let rows = picture.bytes().chunks_exact(picture.width as usize);
    rows.map(|row| row.iter().map(|&sample| if sample == 0 { '#' } else { '.' }).collect()).collect()
}

/// A white picture of 6 by 4 pixels with a black mark of 2 by 1.
fn small(more: &[(&str, Value)]) -> Vec<String> {
    let mark = plain(2, 1, Channels::Gray, &[0]);
    drawn(&marked(plain(6, 4, Channels::Gray, &[255]), &mark, more).unwrap())
}

#[test]
fn gravity_puts_it_at_the_side_or_corner_of_its_name() {
    assert_eq!(small(&[]), ["......", "......", "......", "....##"]);
    let at = |gravity| small(&[("gravity", text(gravity))]);
    assert_eq!(at("northwest"), ["##....", "......", "......", "......"]);
    assert_eq!(at("north"), ["..##..", "......", "......", "......"]);
    assert_eq!(at("east"), ["......", "....##", "......", "......"]);
    assert_eq!(at("centre"), ["......", "..##..", "......", "......"]);
}

#[test]
fn offsets_lead_away_from_the_side_that_it_is_at() {
    let at = |gravity, x, y| {
        small(&[("gravity", text(gravity)), ("x", Value::Integer(x)), ("y", Value::Integer(y))])
    };
    assert_eq!(at("southeast", 1, 2), ["......", "...##.", "......", "......"]);
    assert_eq!(at("northwest", 1, 2), ["......", "......", ".##...", "......"]);
    assert_eq!(at("centre", 1, 1), ["......", "......", "...##.", "......"]);
    assert_eq!(at("northwest", -1, 0), ["#.....", "......", "......", "......"], "the rest is cut off");
    assert_eq!(at("southeast", -2, 0), ["......"; 4], "nothing of it is left");
}

#[test]
fn tiles_cover_the_picture_from_wherever_one_lies() {
    let tiled = |more: &[(&str, Value)]| small(&[&[("tile", Value::Boolean(true))], more].concat());
    assert_eq!(tiled(&[]), ["######"; 4]);
    let spaced = tiled(&[("spacing", Value::Integer(1)), ("gravity", text("northwest"))]);
    assert_eq!(spaced, ["##.##.", "......", "##.##.", "......"]);
    let moved = tiled(&[("spacing", Value::Integer(1)), ("x", Value::Integer(1))]);
    assert_eq!(moved, ["......", "##.##.", "......", "##.##."]);
}

#[test]
fn an_overlay_larger_than_the_picture_is_cut() {
    let mut samples = vec![255; 9 * 9];
    samples[4 * 9 + 4] = 0;
    let large = Picture::eight(9, 9, Channels::Gray, samples).unwrap();
    let centred = [("gravity", text("centre"))];
    let picture = marked(plain(3, 3, Channels::Gray, &[128]), &large, &centred).unwrap();
    assert_eq!(drawn(&picture), ["...", ".#.", "..."]);
}

#[test]
fn scale_is_a_share_of_the_pictures_width() {
    let mark = plain(10, 20, Channels::Gray, &[0]);
    let half = [("scale", Value::Number(0.5)), ("gravity", text("northwest"))];
    let picture = marked(plain(4, 6, Channels::Gray, &[255]), &mark, &half).unwrap();
    assert_eq!(drawn(&picture), ["##..", "##..", "##..", "##..", "....", "...."]);
    let tiny = [("scale", Value::Number(0.001))];
    let picture = marked(plain(4, 1, Channels::Gray, &[255]), &mark, &tiny).unwrap();
    assert_eq!(drawn(&picture), ["...#"], "a pixel remains");
}

/// Source over, by its definition: colour and alpha from 0 to 1.
fn source_over(under: (f64, f64), over: (f64, f64)) -> (f64, f64) {
    let (below, above) = (under.1, over.1);
    let alpha = above + below * (1.0 - above);
    let color = over.0 * above + under.0 * below * (1.0 - above);
    (if alpha == 0.0 { 0.0 } else { color / alpha }, alpha)
}

/// Levels of a sample that lie at the ends, in the middle and beside them.
const LEVELS: [u8; 9] = [0, 1, 2, 100, 127, 128, 200, 254, 255];

/// Every combination of four levels: two pixels of gray and alpha.
fn combinations() -> impl Iterator<Item = [u8; 4]> {
    let each = || LEVELS.into_iter();
    each().flat_map(move |a| {
        each().flat_map(move |b| each().flat_map(move |c| each().map(move |d| [a, b, c, d])))
    })
}

#[test]
fn colours_and_alphas_are_those_of_the_definition_rounded() {
    let (under, over): (Vec<_>, Vec<_>) = combinations().map(|[a, b, c, d]| ([a, b], [c, d])).unzip();
    let count = under.len() as u32;
    let picture = Picture::eight(count, 1, Channels::GrayAlpha, under.concat()).unwrap();
    let overlay = Picture::eight(count, 1, Channels::GrayAlpha, over.concat()).unwrap();
    let unit = |[color, alpha]: [u8; 2]| (f64::from(color) / 255.0, f64::from(alpha) / 255.0);

    let result = marked(picture.clone(), &overlay, &[]).unwrap();
    for ((under, over), found) in under.iter().zip(&over).zip(result.bytes().as_chunks::<2>().0) {
        let (color, alpha) = source_over(unit(*under), unit(*over));
        assert!((f64::from(found[1]) - alpha * 255.0).abs() <= 0.5 + 1e-9, "{under:?} {over:?} {found:?}");
        let is_visible = found[1] != 0;
        assert!(
            !is_visible || (f64::from(found[0]) - color * 255.0).abs() <= 0.5 + 1e-9,
            "{under:?} {over:?} {found:?}"
        );
    }

    // The same with sixteen bits: 257 times each.
    let result = marked(picture.into_sixteen(&Limits::default()).unwrap(), &overlay, &[]).unwrap();
    let Samples::Sixteen(samples) = &result.samples else { panic!("the depth was lost") };
    for ((under, over), found) in under.iter().zip(&over).zip(samples.as_chunks::<2>().0) {
        let (color, alpha) = source_over(unit(*under), unit(*over));
        assert!((f64::from(found[1]) - alpha * 65_535.0).abs() <= 0.5 + 1e-6);
        assert!(found[1] == 0 || (f64::from(found[0]) - color * 65_535.0).abs() <= 0.5 + 1e-6);
    }
}

#[test]
fn an_opaque_picture_stays_opaque_and_of_its_kind() {
    for (channels, pixel) in [(Channels::Gray, &[100][..]), (Channels::Rgb, &[10, 20, 30])] {
        let half = plain(1, 1, Channels::GrayAlpha, &[200, 128]);
        let result = marked(plain(1, 1, channels, pixel), &half, &[]).unwrap();
        let expected: Vec<u8> = pixel
            .iter()
            .map(|&sample| {
                let unit = source_over((f64::from(sample), 1.0), (200.0, 128.0 / 255.0));
                unit.0.round() as u8
            })
            .collect();
        assert_eq!((result.channels, result.bytes()), (channels, expected.as_slice()));
    }
}

#[test]
fn only_an_overlay_that_shows_a_colour_brings_colour() {
    let gray = || plain(2, 1, Channels::Gray, &[9]);
    let white = plain(1, 1, Channels::Rgba, &[255, 255, 255, 255]);
    let result = marked(gray(), &white, &[]).unwrap();
    assert_eq!((result.channels, result.bytes()), (Channels::Gray, &[9, 255][..]));
    let invisible = plain(1, 1, Channels::Rgba, &[255, 0, 0, 0]);
    assert_eq!(marked(gray(), &invisible, &[]).unwrap(), gray());

    let red = plain(1, 1, Channels::Rgb, &[255, 0, 0]);
    let result = marked(gray(), &red, &[]).unwrap();
    assert_eq!((result.channels, result.bytes()), (Channels::Rgb, &[9, 9, 9, 255, 0, 0][..]));
    let through = marked(plain(1, 1, Channels::GrayAlpha, &[9, 0]), &red, &[]).unwrap();
    assert_eq!((through.channels, through.bytes()), (Channels::Rgba, &[255, 0, 0, 255][..]));
}

#[test]
fn opacity_weakens_what_there_is_of_alpha() {
    let white = plain(1, 1, Channels::Gray, &[255]);
    let at = |opacity| {
        let result =
            marked(plain(1, 1, Channels::Gray, &[0]), &white, &[("opacity", Value::Number(opacity))]);
        result.unwrap().bytes()[0]
    };
    assert_eq!((at(0.0), at(0.5), at(1.0)), (0, 128, 255));
    let glass = plain(1, 1, Channels::GrayAlpha, &[255, 100]);
    let result = marked(plain(1, 1, Channels::Gray, &[0]), &glass, &[("opacity", Value::Number(0.5))]);
    assert_eq!(result.unwrap().bytes(), [50]);
}

#[test]
fn the_pictures_depth_stays_whatever_the_overlays_is() {
    let fine = Picture::sixteen(1, 1, Channels::Gray, vec![0x8000]).unwrap();
    let result = marked(plain(2, 1, Channels::Gray, &[0]), &fine, &[]).unwrap();
    assert_eq!(result.samples, Samples::Eight(vec![0, 128]));
    let deep = Picture::sixteen(2, 1, Channels::Gray, vec![777, 0]).unwrap();
    let result = marked(deep, &plain(1, 1, Channels::Gray, &[128]), &[]).unwrap();
    assert_eq!(result.samples, Samples::Sixteen(vec![777, 128 * 257]));
}

#[test]
fn an_overlay_that_cannot_be_used_is_told_by_the_name_of_its_parameter() {
    let with = |file: &[u8], limits: &Limits| {
        let parameters = Parameters::from_iter([("image", Value::Attachment(file.to_vec().into()))]);
        Watermark::read(&parameters).unwrap().apply(plain(4, 4, Channels::Gray, &[0]), limits).unwrap_err()
    };
    let error = with(b"no picture", &Limits::default());
    assert_eq!(error.kind(), crate::Kind::InvalidParameters);
    assert!(error.to_string().starts_with("image: The data are in none of the known formats"), "{error}");

    let Value::Attachment(whole) = file(&plain(40, 40, Channels::Gray, &[0])) else { panic!("no file") };
    let error = with(&whole.bytes()[..60], &Limits::default());
    assert!(error.to_string().starts_with("image: The PNG data are damaged: "), "{error}");
    let error = with(whole.bytes(), &Limits { max_pixels: 1_000, ..Limits::default() });
    assert_eq!(error.kind(), crate::Kind::TooLarge);
    assert!(error.to_string().starts_with("image: The picture's number of pixels is 1600;"), "{error}");
}

#[test]
fn what_is_missing_or_out_of_range_is_named() {
    let read = |pairs: &[(&str, Value)]| {
        let error = Watermark::read(&Parameters::from_iter(pairs.iter().cloned())).unwrap_err();
        error.to_string()
    };
    assert_eq!(read(&[]), "image: is missing.");
    assert_eq!(read(&[("image", text("logo"))]), "image: must be a picture that comes along.");
    let image = ("image", Value::Attachment(vec![].into()));
    assert_eq!(
        read(&[image.clone(), ("opacity", Value::Number(1.5))]),
        "opacity: 1.5 is not between 0 and 1."
    );
    assert_eq!(read(&[image, ("scale", Value::Integer(0))]), "scale: 0 is not between 0.001 and 1.");
}
