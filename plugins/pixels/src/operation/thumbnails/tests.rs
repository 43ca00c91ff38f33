//! Which sizes are asked for, which thumbnail is made from which, and that the
//! difference cannot be seen.

use super::*;
use crate::operation::Transform;
use crate::{Channels, Samples};

fn thumbnails(pairs: &[(&str, Value)]) -> Result<Thumbnails, Error> {
    Thumbnails::read(&Parameters::from_iter(pairs.iter().cloned()))
}

fn of(sizes: &str) -> Thumbnails {
    thumbnails(&[("sizes", Value::Text(sizes.into()))]).unwrap()
}

fn refused(sizes: Value) -> String {
    thumbnails(&[("sizes", sizes)]).unwrap_err().to_string()
}

fn plain(width: u32, height: u32) -> Picture {
    Picture::eight(width, height, Channels::Gray, vec![7; (width * height) as usize]).unwrap()
}

/// The pictures in the order of the results.
fn split(thumbnails: &Thumbnails, picture: Picture) -> Vec<Picture> {
    let mut made = vec![];
    let mut write = |place, picture| {
        made.push((place, picture));
        Ok(())
    };
    thumbnails.split(Reduced::in_full(picture), &Limits::default(), &mut write).unwrap();
    made.sort_by_key(|(place, _)| *place);
    assert_eq!(made.len(), thumbnails.count());
    made.into_iter().map(|(_, picture)| picture).collect()
}

fn sizes(thumbnails: &Thumbnails, picture: Picture) -> Vec<(u32, u32)> {
    split(thumbnails, picture).iter().map(|picture| (picture.width, picture.height)).collect()
}

/// Blobs and stripes of every width: what a wrong filter would show on.
fn busy(width: u32, height: u32, channels: Channels) -> Picture {
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let wave = (u * u * 900.0).sin() + (v * 40.0).cos() + (u * v * 300.0).sin();
            for channel in 0..channels.count() {
                samples.push((127.5 + wave * 40.0 + channel as f64 * 3.0) as u8);
            }
        }
    }
    Picture::eight(width, height, channels, samples).unwrap()
}

#[test]
fn results_come_in_the_order_of_their_sizes() {
    let found = sizes(&of("64, 320x100,160,300x320"), plain(800, 400));
    assert_eq!(found, [(64, 32), (200, 100), (160, 80), (300, 150)]);
}

#[test]
fn sizes_are_read_from_an_array_of_all_three_kinds() {
    let object = Parameters::from_iter([
        ("width", Value::Integer(100)),
        ("height", Value::Integer(100)),
        ("fit", Value::Text("cover".into())),
    ]);
    let narrow = Parameters::from_iter([("height", Value::Integer(40))]);
    let list = vec![
        Value::Integer(64),
        Value::Number(16.0),
        Value::Text("30x20".into()),
        Value::Object(object),
        Value::Object(narrow),
    ];
    let found = sizes(&thumbnails(&[("sizes", Value::List(list))]).unwrap(), plain(800, 400));
    assert_eq!(found, [(64, 32), (16, 8), (30, 15), (100, 100), (80, 40)]);
}

#[test]
fn what_holds_for_all_is_said_once() {
    let sizes_of = |pairs: &[(&str, Value)]| {
        let pairs = [&[("sizes", Value::Text("40,2000".into()))], pairs].concat();
        sizes(&thumbnails(&pairs).unwrap(), plain(800, 400))
    };
    assert_eq!(sizes_of(&[]), [(40, 20), (800, 400)], "none is larger than the picture");
    assert_eq!(sizes_of(&[("enlarge", Value::Boolean(true))]), [(40, 20), (2000, 1000)]);
    assert_eq!(sizes_of(&[("fit", Value::Text("contain".into()))]), [(40, 40), (2000, 2000)]);
}

#[test]
fn sizes_that_make_no_sense_are_refused_and_named() {
    assert_eq!(
        refused(Value::Text(String::new())),
        "sizes: \"\" is not of the form 320x240 or 64 with numbers from 1 to 65535."
    );
    for wrong in ["0", "64,", "64x", "x64", "64x64x64", "-1", "65536", "a"] {
        let error = refused(Value::Text(wrong.into()));
        assert!(error.contains("not of the form"), "{wrong}: {error}");
    }
    assert_eq!(refused(Value::Text(vec!["9"; 17].join(","))), "sizes: 17 are not from 1 to 16.");
    assert_eq!(refused(Value::List(vec![])), "sizes: 0 are not from 1 to 16.");
    assert_eq!(refused(Value::Boolean(true)), "sizes: must be text or an array.");
    let neither = Value::List(vec![Value::Object(Parameters::default())]);
    assert_eq!(refused(neither), "sizes: resize: width or height is missing.");
    assert_eq!(thumbnails(&[]).unwrap_err().to_string(), "sizes: is missing.");
}

/// What each thumbnail is made from: the picture, or the size of another.
fn sources(thumbnails: &Thumbnails, picture: &Picture) -> Vec<(Size, Option<Size>)> {
    let picture = Reduced::in_full(picture.clone());
    let order = thumbnails.order(&picture, &Limits::default()).unwrap();
    let drawn = |index: usize| order[index].plan.drawn;
    (0..order.len()).map(|index| (drawn(index), order[index].from.map(drawn))).collect()
}

#[test]
fn a_small_one_is_made_from_the_smallest_that_is_twice_as_large() {
    let found = sources(&of("100,600,1000,301,300"), &plain(4000, 4000));
    let size = |side| Size(side, side);
    assert_eq!(
        found,
        [
            (size(1000), None),
            (size(600), None),
            (size(301), Some(size(1000))),
            (size(300), Some(size(600))),
            (size(100), Some(size(300))),
        ]
    );
}

#[test]
fn none_is_made_from_one_that_shows_only_a_part() {
    let cover = |sizes: &str| {
        let pairs = [("sizes", Value::Text(sizes.into())), ("fit", Value::Text("cover".into()))];
        sources(&thumbnails(&pairs).unwrap(), &plain(800, 400))
    };
    assert_eq!(cover("400,100")[1].1, None);
    assert_eq!(cover("400x200,100")[1].1, Some(Size(400, 200)));
    assert_eq!(cover("390x190,100")[1].1, None, "a little is cut off");
}

#[test]
fn none_is_made_from_one_that_is_larger_than_the_picture() {
    let pairs = [("sizes", Value::Text("2000,800,100".into())), ("enlarge", Value::Boolean(true))];
    let found = sources(&thumbnails(&pairs).unwrap(), &plain(800, 400));
    assert!(found.iter().all(|(_, from)| from.is_none()), "{found:?}");
}

#[test]
fn nearest_takes_the_picture_s_own_pixels() {
    let pairs = [("sizes", Value::Text("400,100".into())), ("kernel", Value::Text("nearest".into()))];
    let thumbnails = thumbnails(&pairs).unwrap();
    let picture = busy(801, 403, Channels::Rgb);
    let alone = thumbnails.sizes[1].apply(picture.clone(), &Limits::default()).unwrap();
    assert_eq!(split(&thumbnails, picture)[1], alone);
}

#[test]
fn one_that_keeps_every_pixel_is_the_picture_itself() {
    let picture = busy(50, 40, Channels::Rgba);
    let made = split(&of("10,50,100"), picture.clone());
    assert_eq!((&made[1], &made[2]), (&picture, &picture), "not premultiplied and back");
}

#[test]
fn a_profile_goes_with_every_result() {
    let picture = Picture { icc: Some(b"profile".to_vec()), ..plain(500, 500) };
    for made in split(&of("500,200,50"), picture) {
        assert_eq!(made.icc.as_deref(), Some(&b"profile"[..]));
    }
}

/// The greatest and the mean difference of two pictures' samples.
fn difference(a: &Picture, b: &Picture) -> (u8, f64) {
    assert_eq!((a.width, a.height, a.channels), (b.width, b.height, b.channels));
    let (Samples::Eight(a), Samples::Eight(b)) = (&a.samples, &b.samples) else { panic!("another depth") };
    let apart = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let sum: f64 = apart.clone().map(f64::from).sum();
    (apart.max().unwrap(), sum / a.len() as f64)
}

#[test]
fn by_way_of_a_larger_one_a_thumbnail_looks_as_if_made_from_the_picture() {
    for channels in [Channels::Gray, Channels::Rgb, Channels::Rgba] {
        for fit in ["inside", "cover"] {
            let picture = busy(1200, 800, channels);
            let pairs =
                [("sizes", Value::Text("600x400,300x200,50x60".into())), ("fit", Value::Text(fit.into()))];
            let thumbnails = thumbnails(&pairs).unwrap();
            assert!(sources(&thumbnails, &picture)[2].1.is_some());
            for (made, size) in split(&thumbnails, picture.clone()).iter().zip(&thumbnails.sizes) {
                let alone = size.apply(picture.clone(), &Limits::default()).unwrap();
                let (greatest, mean) = difference(made, &alone);
                assert!(greatest <= 16 && mean < 1.0, "{fit} {channels:?}: {greatest} {mean}");
            }
        }
    }
}
