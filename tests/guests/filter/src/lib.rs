//! A filter that changes pixels in ways that a test can foretell, and misbehaves on command.

use tintype_plugin::{Attachment, Descriptor, Failure, Filter, Frame, Step};

struct OddFilter;

const WIDTH: &str = r#"{"type": "object", "properties": {"width": {"type": "integer", "minimum": 1, "format": "least-width"}}, "required": ["width"], "additionalProperties": false}"#;
const PICTURE: &str = r#"{"type": "object", "properties": {"picture": {"type": "string", "format": "attachment"}}, "required": ["picture"], "additionalProperties": false}"#;
const TEXT: &str = r#"{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": false}"#;

impl Filter for OddFilter {
    fn describe() -> Descriptor {
        Descriptor::new("odd-filter", "1.0.0", "Changes pixels, and misbehaves on command.")
            .operation("negative", "Makes black white.")
            .operation("count", "Counts up the red of every pixel by 1.")
            .operation_with("cut", "Leaves so many columns.", WIDTH)
            .operation_with("replace", "Gives another picture in place of this one.", PICTURE)
            .operation_with("refuse", "Fails with these words.", TEXT)
            .operation("spin-pixels", "Never ends.")
            .operation("trap-pixels", "Stops by a panic.")
            .operation("swell", "Gives a picture that is larger than any may be.")
    }

    fn apply(frame: Frame, step: &Step, attachments: &[Frame]) -> Result<Frame, Failure> {
        match step.operation.as_str() {
            "negative" => Ok(each(frame, |[r, g, b, a]| [255 - r, 255 - g, 255 - b, a])),
            "count" => Ok(each(frame, |[r, g, b, a]| [r.wrapping_add(1), g, b, a])),
            "cut" => cut(&frame, step.params.require("width")?),
            "replace" => {
                let Attachment(index) = step.params.require("picture")?;
                let given = attachments.get(index as usize).cloned();
                given.ok_or(Failure::failed("there is no such picture"))
            }
            "refuse" => Err(Failure::invalid_parameters(step.params.require::<&str>("text")?)),
            "spin-pixels" => loop {
                std::hint::black_box(&frame);
            },
            "swell" => Frame::new(70_000, 1, vec![0; 280_000]),
            _ => panic!("the filter's own words"),
        }
    }
}

fn each(mut frame: Frame, change: impl Fn([u8; 4]) -> [u8; 4]) -> Frame {
    frame.pixels_mut().iter_mut().for_each(|pixel| *pixel = change(*pixel));
    frame
}

fn cut(frame: &Frame, width: u32) -> Result<Frame, Failure> {
    let kept = width.min(frame.width()) as usize;
    let rows = frame.pixels().chunks_exact(frame.width() as usize);
    let rgba = rows.flat_map(|row| row.iter().take(kept).flatten().copied()).collect();
    Frame::new(kept as u32, frame.height(), rgba)
}

tintype_plugin::export_filter!(OddFilter);
