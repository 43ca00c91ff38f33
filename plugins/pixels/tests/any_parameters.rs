//! Whatever the parameters, there is an answer: a result or a refusal that
//! names what to change.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use proptest::prelude::*;
use tintype_pixels::{
    Channels, Format, Kind, Limits, OPERATIONS, Operation, Parameters, Step, Unwatched, Value, process,
};

/// Small, so that a lucky size doesn't cost seconds.
const LIMITS: Limits = Limits {
    max_width: 400,
    max_height: 400,
    max_pixels: 40_000,
    max_frame_bytes: 1 << 20,
    max_frames: 10,
    max_animation_pixels: 160_000,
    max_output_bytes: 1 << 20,
};

fn any_value() -> impl Strategy<Value = Value> {
    let words = [
        "attention",
        "entropy",
        "northwest",
        "background",
        "copy",
        "repeat",
        "mirror",
        "contain",
        "cover",
        "nearest",
        "#336699",
        "#33669980",
        "#",
        "",
        "16,32x8",
        "no word",
    ];
    prop_oneof![
        4 => (0i64..60).prop_map(Value::Integer),
        2 => any::<i64>().prop_map(Value::Integer),
        4 => (-2.0..300.0).prop_map(Value::Number),
        2 => any::<f64>().prop_map(Value::Number),
        1 => any::<bool>().prop_map(Value::Boolean),
        6 => prop::sample::select(words.to_vec()).prop_map(|word| Value::Text(word.into())),
    ]
}

/// A value that the schema permits, mostly.
fn some_value(parameter: &serde_json::Value) -> BoxedStrategy<Value> {
    let bound = |name: &str| parameter[name].as_f64();
    let words = parameter["enum"]
        .as_array()
        .map(|words| words.iter().map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>());
    let fitting = match (parameter["type"].as_str(), bound("minimum"), words) {
        (_, _, Some(words)) => prop::sample::select(words).prop_map(Value::Text).boxed(),
        (Some("integer"), Some(least), _) => {
            let least = least as i64;
            (least..=bound("maximum").unwrap().min(50.0) as i64).prop_map(Value::Integer).boxed()
        }
        (Some("number"), Some(least), _) => {
            (least..=bound("maximum").unwrap()).prop_map(Value::Number).boxed()
        }
        (Some("boolean"), ..) => any::<bool>().prop_map(Value::Boolean).boxed(),
        (Some("string"), ..) => "#[0-9a-f]{6}([0-9a-f]{2})?".prop_map(Value::Text).boxed(),
        _ => "[1-9]{1,2}(,[1-9]{1,2}x[1-9]{1,2}){0,3}".prop_map(Value::Text).boxed(),
    };
    prop_oneof![20 => fitting, 1 => any_value()].boxed()
}

/// An operation, with some of the parameters that it knows.
fn any_step() -> impl Strategy<Value = Step> {
    prop::sample::select(OPERATIONS.to_vec()).prop_flat_map(|operation: Operation| {
        let schema: serde_json::Value = serde_json::from_str(operation.schema).unwrap();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let given = schema["properties"].as_object().unwrap().iter().map(|(name, parameter)| {
            let often = if required.contains(&name.as_str().into()) { 0.98 } else { 0.5 };
            (Just(name.clone()), prop::option::weighted(often, some_value(parameter)))
        });
        given.collect::<Vec<_>>().prop_map(move |given| {
            let parameters =
                Parameters::from_iter(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
            Step { operation: operation.name.into(), parameters }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn no_parameters_make_any_operation_panic(
        steps in prop::collection::vec(any_step(), 1..4),
        (width, height) in (1u32..60, 1u32..60),
        channels in prop::sample::select(ALL_CHANNELS.to_vec()),
        wide in any::<bool>(),
    ) {
        let picture = if wide { gradient_16(width, height, channels) } else { gradient(width, height, channels) };
        match process(file(&picture, Format::Png), &steps, None, &LIMITS, &Unwatched) {
            Ok(products) => prop_assert!(!products.is_empty()),
            Err(error) => prop_assert!(
                matches!(error.kind(), Kind::InvalidParameters | Kind::TooLarge),
                "{steps:?}: {error}"
            ),
        }
    }
}

#[test]
fn every_operation_that_keeps_the_size_keeps_it_for_every_sort_of_picture() {
    let cases = [
        ("blur", vec![("sigma", Value::Number(12.5))]),
        ("sharpen", vec![]),
        ("pixelate", vec![("size", int(7))]),
        ("modulate", vec![("hue", int(90))]),
        ("contrast", vec![("factor", int(2))]),
        ("gamma", vec![("gamma", int(2))]),
        ("tint", vec![("color", text("#704214"))]),
        ("threshold", vec![]),
        ("flatten", vec![("background", text("#ff0000"))]),
        ("negate", vec![("alpha", Value::Boolean(true))]),
        ("to-srgb", vec![]),
    ];
    for (operation, parameters) in cases {
        for channels in ALL_CHANNELS {
            for picture in [gradient(23, 17, channels), gradient_16(23, 17, channels)] {
                let made = run(file(&picture, Format::Png), &[step(operation, &parameters)], None).unwrap();
                let made = decode(&made.bytes);
                assert_eq!((made.width, made.height), (23, 17), "{operation}");
                assert_eq!(made.bytes_per_sample(), picture.bytes_per_sample(), "{operation}");
                let loses_alpha = operation == "flatten";
                assert_eq!(made.channels.has_alpha(), channels.has_alpha() && !loses_alpha, "{operation}");
            }
        }
    }
}

#[test]
fn a_single_pixel_is_enough_for_every_operation() {
    for operation in OPERATIONS.iter().filter(|operation| operation.name != "watermark") {
        let schema: serde_json::Value = serde_json::from_str(operation.schema).unwrap();
        let least = schema["required"].as_array().into_iter().flatten().map(|name| {
            let name = name.as_str().unwrap();
            let parameter = &schema["properties"][name];
            let value = match (&parameter["minimum"], &parameter["examples"][0]) {
                (serde_json::Value::Number(least), _) => Value::Number(least.as_f64().unwrap()),
                (_, serde_json::Value::String(example)) => text(example),
                _ => panic!("{}: {name} has neither a least value nor an example", operation.name),
            };
            (name.to_owned(), value)
        });
        let mut given: Vec<_> = least.collect();
        if operation.name == "resize" {
            given.push(("width".to_owned(), int(1)));
        }
        let step = Step { operation: operation.name.into(), parameters: Parameters::from_iter(given) };
        let input = file(&gradient(1, 1, Channels::Rgba), Format::Png);
        process(input, &[step], None, &Limits::default(), &Unwatched).unwrap();
    }
}
