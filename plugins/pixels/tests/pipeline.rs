//! Steps in their order, from file to file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::cell::{Cell, RefCell};

use common::*;
use tintype_pixels::{
    Channels, Error, Format, Kind, Limits, OPERATIONS, Observer, Orientation, Parameters, Step, Target,
    Unwatched, Value, output_formats, process,
};

#[test]
fn without_a_target_the_format_stays() {
    for format in Format::ALL {
        let input = file(&checkerboard(16, 4), format);
        let output = run(input, &[step("flip", &[])], None).unwrap();
        assert_eq!(output.format, format);
    }
}

#[test]
fn with_a_target_every_format_becomes_every_other() {
    for from in Format::ALL {
        for to in Format::ALL {
            let input = file(&checkerboard(16, 4), from);
            let output = run(input, &[step("convert", &[])], target(to, &[])).unwrap();
            let picture = decode(&output.bytes);
            assert_eq!((output.format, picture.width, picture.height), (to, 16, 16));
        }
    }
}

#[test]
fn steps_are_done_in_their_order() {
    let input = file(&gradient(40, 20, Channels::Rgb), Format::Png);
    let crop = step("crop", &[("width", int(10)), ("height", int(20))]);
    let turn = step("rotate", &[("angle", int(90))]);

    let size = |steps: &[_]| {
        let picture = decode(&run(input.clone(), steps, None).unwrap().bytes);
        (picture.width, picture.height)
    };
    assert_eq!(size(&[crop.clone(), turn.clone()]), (20, 10));
    assert_eq!(size(&[turn, crop]), (10, 20));
}

#[test]
fn every_name_is_one_that_the_contract_permits() {
    for operation in OPERATIONS {
        assert!(operation.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        assert!(operation.summary.ends_with('.'));
    }
}

#[test]
fn every_schema_is_a_closed_object_that_explains_each_parameter() {
    let operations = OPERATIONS.iter().map(|operation| operation.schema);
    let formats = output_formats().map(|format| format.schema);
    for schema in operations.chain(formats) {
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["additionalProperties"], false);
        for (name, parameter) in schema["properties"].as_object().unwrap() {
            assert!(parameter["description"].as_str().unwrap().ends_with('.'), "{name}");
            assert!(parameter["type"].is_string() || parameter["type"].is_array(), "{name}");
        }
    }
}

/// The value that a schema gives as the default, or as the first or least.
fn some_value(parameter: &serde_json::Value) -> Value {
    if parameter["format"] == "attachment" {
        return Value::Attachment(file(&checkerboard(4, 2), Format::Png).into());
    }
    let value =
        [&parameter["default"], &parameter["enum"][0], &parameter["minimum"], &parameter["examples"][0]]
            .into_iter()
            .find(|value| !value.is_null())
            .unwrap_or(&serde_json::Value::Null);
    match value {
        serde_json::Value::String(value) => text(value),
        serde_json::Value::Bool(value) => Value::Boolean(*value),
        serde_json::Value::Number(value) => {
            value.as_i64().map_or(Value::Number(value.as_f64().unwrap()), int)
        }
        _ => text("#336699"),
    }
}

#[test]
fn every_default_and_least_value_of_every_schema_is_accepted() {
    let input = file(&checkerboard(16, 4), Format::Png);
    let values = |schema: &str| -> Vec<(String, Value)> {
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let properties = schema["properties"].as_object().unwrap().clone();
        properties.iter().map(|(name, parameter)| (name.clone(), some_value(parameter))).collect()
    };
    for operation in OPERATIONS {
        let parameters = Parameters::from_iter(values(operation.schema));
        let step = Step { operation: operation.name.into(), parameters };
        process(input.clone(), &[step], None, &Limits::default(), &Unwatched).unwrap();
    }
    for format in output_formats() {
        let parameters = Parameters::from_iter(values(format.schema));
        let media_type = format.format.media_type().into();
        run(input.clone(), &[step("convert", &[])], Target { media_type, parameters }).unwrap();
    }
}

#[test]
fn sixteen_bits_survive_operations_that_move_pixels() {
    let picture = gradient_16(40, 20, Channels::Rgb);
    let steps = ["flip", "flop", "flip", "flop"].map(|operation| step(operation, &[]));
    let output = run(file(&picture, Format::Png), &steps, target(Format::Tiff, &[])).unwrap();
    assert_eq!(decode(&output.bytes), picture);
}

#[test]
fn a_negative_angle_turns_counter_clockwise() {
    let input = file(&gradient(4, 3, Channels::Rgb), Format::Qoi);
    let turned = |angle| run(input.clone(), &[step("rotate", &[("angle", int(angle))])], None);
    assert_eq!(turned(-90), turned(270));
    assert_eq!(turned(-720), turned(0));
    assert_ne!(turned(90), turned(270));
    assert_eq!(turned(45).unwrap_err().kind(), Kind::InvalidParameters);
}

/// A picture whose corners differ, stored by a camera held in the given way.
fn photograph(orientation: u8) -> Vec<u8> {
    let png = file(&gradient(8, 4, Channels::Rgb), Format::Png);
    with_png_chunk(&png, b"eXIf", &exif(orientation))
}

#[test]
fn pictures_are_turned_upright_before_the_first_step() {
    for orientation in 1..=8u8 {
        let output = run(photograph(orientation), &[step("convert", &[])], None).unwrap();
        let expected = gradient(8, 4, Channels::Rgb)
            .turned(Orientation::from_exif_value(orientation.into()), &Limits::default())
            .unwrap();
        assert_eq!(decode(&output.bytes), expected, "{orientation}");
    }
}

#[test]
fn a_first_auto_orient_that_is_disabled_leaves_the_picture_as_stored() {
    let disabled = step("auto-orient", &[("enabled", Value::Boolean(false))]);
    let output = run(photograph(6), std::slice::from_ref(&disabled), None).unwrap();
    assert_eq!(decode(&output.bytes), gradient(8, 4, Channels::Rgb));

    let later = [disabled.clone(), step("auto-orient", &[])];
    let output = run(photograph(6), &later, None).unwrap();
    assert_eq!((decode(&output.bytes).width, decode(&output.bytes).height), (4, 8));

    let too_late = [step("flip", &[]), disabled];
    let error = run(photograph(6), &too_late, None).unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidParameters);
}

#[test]
fn impossible_parameters_are_refused_before_the_picture_is_looked_at() {
    let steps = [step("crop", &[("width", int(0)), ("height", int(1))])];
    let error = run(b"no picture".to_vec(), &steps, None).unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidParameters);
}

#[test]
fn an_operation_or_a_format_that_does_not_exist_is_named() {
    let input = file(&checkerboard(16, 4), Format::Png);
    let error = run(input.clone(), &[step("sharpne", &[])], None).unwrap_err();
    assert_eq!(error, Error::UnknownOperation("sharpne".into()));

    let mut heic = target(Format::Png, &[]);
    heic.media_type = "image/heic".into();
    let error = run(input, &[step("convert", &[])], heic).unwrap_err();
    assert!(error.to_string().starts_with("\"image/heic\" cannot be written;"), "{error}");
}

#[derive(Default)]
struct Watcher {
    heard: RefCell<Vec<f32>>,
    patience: Cell<usize>,
}

impl Observer for Watcher {
    fn progress(&self, done: f32) {
        self.heard.borrow_mut().push(done);
    }

    fn cancelled(&self) -> bool {
        self.heard.borrow().len() >= self.patience.get()
    }
}

#[test]
fn progress_grows_and_ends_at_one() {
    let watcher = Watcher::default();
    watcher.patience.set(usize::MAX);
    let input = file(&checkerboard(16, 4), Format::Png);
    let steps = [step("flip", &[]), step("flop", &[])];
    process(input, &steps, None, &Limits::default(), &watcher).unwrap();
    let heard = watcher.heard.into_inner();
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
    assert_eq!((heard.len(), heard.last()), (4, Some(&1.0)));
}

#[test]
fn cancelling_stops_at_the_next_opportunity() {
    let watcher = Watcher::default();
    watcher.patience.set(2);
    let input = file(&checkerboard(16, 4), Format::Png);
    let steps = ["flip", "flop", "flip"].map(|operation| step(operation, &[]));
    let error = process(input, &steps, None, &Limits::default(), &watcher).unwrap_err();
    assert_eq!((error, watcher.heard.borrow().len()), (Error::Cancelled, 2));
}

#[test]
fn a_resized_picture_is_like_one_made_at_that_size() {
    for channels in [Channels::Gray, Channels::Rgb] {
        let input = file(&gradient(256, 256, channels), Format::Png);
        let steps = [step("resize", &[("width", int(64)), ("height", int(64))])];
        let output = run(input, &steps, None).unwrap();
        let expected = gradient(64, 64, channels);
        assert!(psnr(&decode(&output.bytes), &expected) > 35.0);
    }
}

#[test]
fn a_resized_disc_keeps_its_colour_up_to_its_edge() {
    let input = file(&disc(256), Format::Png);
    let steps = [step("resize", &[("width", int(32))])];
    let picture = decode(&run(input, &steps, None).unwrap().bytes);
    for pixel in picture.bytes().chunks_exact(4).filter(|pixel| pixel[3] > 16) {
        // Lanczos overshoots beside an edge; alpha is clipped there, colour not.
        assert!(pixel[0].abs_diff(220) <= 20 && pixel[1].abs_diff(20) <= 8, "{pixel:?}");
    }
}

#[test]
fn results_are_measured_against_the_limits() {
    let limits = Limits { max_width: 100, ..Limits::default() };
    let input = file(&checkerboard(16, 4), Format::Png);
    let steps = [step("resize", &[("width", int(101))])];
    let error = process(input, &steps, None, &limits, &Unwatched).unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge);
}

fn watermark(overlay: Vec<u8>) -> Step {
    step("watermark", &[("image", Value::Attachment(overlay.into())), ("gravity", text("northwest"))])
}

#[test]
fn an_overlay_is_turned_upright_before_it_is_laid() {
    let ground = file(&gradient(20, 20, Channels::Rgb), Format::Png);
    let upright = gradient(8, 4, Channels::Rgb).turned(Orientation::Rotate90, &Limits::default()).unwrap();
    let turned = run(ground.clone(), &[watermark(photograph(6))], None).unwrap();
    assert_eq!(turned, run(ground, &[watermark(file(&upright, Format::Png))], None).unwrap());
}

#[test]
fn an_overlay_may_be_of_any_format() {
    let ground = file(&gradient(20, 20, Channels::Rgb), Format::Png);
    for format in Format::ALL {
        let marked = run(ground.clone(), &[watermark(file(&checkerboard(16, 4), format))], None).unwrap();
        let picture = decode(&marked.bytes);
        let pixel = |x: usize| picture.bytes()[x * 3];
        assert!(pixel(1) < 40 && pixel(5) > 215, "{format}");
    }
}

#[test]
fn a_damaged_overlay_does_not_blame_the_picture() {
    let ground = file(&checkerboard(16, 4), Format::Png);
    let error = run(ground, &[watermark(b"RIFF, nearly".to_vec())], None).unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidParameters);
    assert!(error.to_string().starts_with("image: "), "{error}");
}

#[test]
fn thumbnails_are_files_of_their_own_in_the_target_s_format() {
    let input = file(&gradient(256, 128, Channels::Rgb), Format::Png);
    let steps = [step("grayscale", &[]), step("thumbnails", &[("sizes", text("16,64,32x8"))])];
    for (target, format) in [(None, Format::Png), (Some(target(Format::Qoi, &[])), Format::Qoi)] {
        let outputs = run_all(input.clone(), &steps, target).unwrap();
        let pictures: Vec<_> = outputs.iter().map(|output| decode(&output.bytes)).collect();
        let sizes: Vec<_> = pictures.iter().map(|picture| (picture.width, picture.height)).collect();
        assert_eq!(sizes, [(16, 8), (64, 32), (16, 8)]);
        assert!(outputs.iter().all(|output| output.format == format));
        assert_eq!(outputs[0], outputs[2]);
    }
}

#[test]
fn nothing_can_come_after_thumbnails() {
    let input = b"not even looked at".to_vec();
    let thumbnails = step("thumbnails", &[("sizes", text("16"))]);
    for later in [step("flip", &[]), thumbnails.clone()] {
        let error = run_all(input.clone(), &[thumbnails.clone(), later], None).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidParameters);
        assert!(error.to_string().starts_with("thumbnails: it gives several pictures"), "{error}");
    }
}

#[test]
fn progress_tells_of_every_thumbnail() {
    let watcher = Watcher::default();
    watcher.patience.set(usize::MAX);
    let input = file(&checkerboard(64, 4), Format::Png);
    let steps = [step("flip", &[]), step("thumbnails", &[("sizes", text("8,16,32"))])];
    process(input, &steps, None, &Limits::default(), &watcher).unwrap();
    let heard = watcher.heard.into_inner();
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
    assert_eq!((heard.len(), heard.last()), (5, Some(&1.0)));
}

#[test]
fn results_together_are_measured_against_the_limit_too() {
    let input = file(&gradient_16(64, 64, Channels::Rgb), Format::Png);
    let within = |sizes: &str, max_output_bytes: u64| {
        let limits = Limits { max_output_bytes, ..Limits::default() };
        let steps = [step("thumbnails", &[("sizes", text(sizes))])];
        process(input.clone(), &steps, None, &limits, &Unwatched)
    };
    let one = within("32", u64::MAX).unwrap()[0].bytes().len() as u64;
    assert!(within("32", one).is_ok());
    let error = within("32,32", 2 * one - 1).unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge);
    assert!(error.to_string().contains("together"), "{error}");
}
