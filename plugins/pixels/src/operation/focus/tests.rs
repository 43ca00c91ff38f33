//! Pictures of which anybody would say what is worth seeing of them.

use super::*;
use crate::Channels;

/// A gray wall with something on it, whose middle lies at a share of either side.
fn wall(width: u32, height: u32, at: [f64; 2], something: impl Fn(u32, u32) -> [u8; 3]) -> Picture {
    let radius = f64::from(width.min(height)) / 8.0;
    let mut samples = vec![];
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) =
                (f64::from(x) - at[0] * f64::from(width), f64::from(y) - at[1] * f64::from(height));
            samples.extend(if dx.abs().max(dy.abs()) < radius { something(x, y) } else { [128; 3] });
        }
    }
    Picture::eight(width, height, Channels::Rgb, samples).unwrap()
}

/// Whether the window shows what lies there.
fn shows(found: Gravity, picture: &Picture, window: Window, at: [f64; 2]) -> bool {
    let within = |share: f64, all: u32, part: f64, at: f64| {
        let start = share * (f64::from(all) - part);
        let at = at * f64::from(all);
        start + 0.1 * part < at && at < start + 0.9 * part
    };
    within(found.x, picture.width, window.width, at[0])
        && within(found.y, picture.height, window.height, at[1])
}

#[test]
fn detail_is_found_wherever_it_is() {
    for (width, height) in [(1200, 300), (200, 800), (90, 70)] {
        for at in [[0.2, 0.2], [0.8, 0.3], [0.3, 0.8], [0.8, 0.8]] {
            let picture = wall(width, height, at, |x, y| [((x * 7 + y * 13) % 256) as u8; 3]);
            let side = f64::from(width.min(height));
            for window in
                [Window { width: side, height: side }, Window { width: side / 2.0, height: side / 2.0 }]
            {
                for focus in [Focus::Entropy, Focus::Attention] {
                    let found = focus.on(&picture, window);
                    let at = at.map(|at: f64| at);
                    let whole_x = window.width == f64::from(width);
                    let whole_y = window.height == f64::from(height);
                    let at = [if whole_x { 0.5 } else { at[0] }, if whole_y { 0.5 } else { at[1] }];
                    assert!(shows(found, &picture, window, at), "{focus:?} {width} {at:?}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn attention_goes_to_skin_rather_than_to_other_colours() {
    let at = [0.85, 0.5];
    let mut picture = wall(600, 200, at, |_, _| [224, 172, 140]);
    let other = wall(600, 200, [0.15, 0.5], |_, _| [140, 172, 200]);
    if let (crate::Samples::Eight(samples), crate::Samples::Eight(other)) =
        (&mut picture.samples, &other.samples)
    {
        for (sample, other) in samples.iter_mut().zip(other).filter(|(_, other)| **other != 128) {
            *sample = *other;
        }
    }
    let window = Window { width: 200.0, height: 200.0 };
    assert!(shows(Focus::Attention.on(&picture, window), &picture, window, at));
}

#[test]
fn where_nothing_is_worth_more_the_middle_remains() {
    for (width, height) in [(1, 1), (2, 1), (500, 100), (1, 3000), (65_535, 1)] {
        let picture =
            Picture::eight(width, height, Channels::Gray, vec![99; (width * height) as usize]).unwrap();
        for focus in [Focus::Entropy, Focus::Attention] {
            for side in [1.0, 50.0] {
                let window =
                    Window { width: f64::min(side, width.into()), height: f64::min(side, height.into()) };
                let Gravity { x, y } = focus.on(&picture, window);
                assert!((x - 0.5).abs() <= 0.5 && (y - 0.5).abs() <= 0.5);
                if width == 500 {
                    assert!((x - 0.5).abs() < 0.02, "{focus:?}: {x}");
                }
            }
        }
    }
}

#[test]
fn the_schema_knows_the_same_names() {
    let names: Vec<String> = serde_json::from_str(focus_names!()).unwrap();
    for name in &names {
        let parameters = Parameters::from_iter([("gravity", crate::Value::Text(name.clone()))]);
        assert!(Focus::read(&parameters).unwrap().is_some());
    }
    assert_eq!(names.len(), GRAVITIES.len() + 2);
}
