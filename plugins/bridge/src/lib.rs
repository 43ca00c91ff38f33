//! Between the pixel code and the host: `tintype-pixels` knows nothing of
//! plugins, `tintype-plugin` nothing of pixels, and the bundled plugins need
//! both.

use tintype_pixels as pixels;
use tintype_plugin::{Attachment, Failure, Params, Value};

/// A step's parameters; those that are pictures lie in `attachments`.
///
/// # Errors
/// One is of a type that no schema of the pixel code asks for.
pub fn parameters(
    params: &Params,
    attachments: &[pixels::Attachment],
) -> Result<pixels::Parameters, Failure> {
    params
        .iter()
        .map(|(name, value)| {
            let impossible = |what: &str| Failure::invalid_parameters(format!("{name}: {what}."));
            let value = match value {
                Value::Text(text) => pixels::Value::Text(text.clone()),
                Value::Integer(number) => pixels::Value::Integer(*number),
                Value::Number(number) => pixels::Value::Number(*number),
                Value::Boolean(flag) => pixels::Value::Boolean(*flag),
                Value::Json(text) => serde_json::from_str(text)
                    .ok()
                    .and_then(of_json)
                    .ok_or_else(|| impossible("must be an array or an object without null in it"))?,
                Value::Attachment(Attachment(index)) => usize::try_from(*index)
                    .ok()
                    .and_then(|index| attachments.get(index))
                    .map(|file| pixels::Value::Attachment(file.clone()))
                    .ok_or_else(|| impossible("the picture that it refers to is missing"))?,
                // A kind of value that came with a later interface.
                _ => return Err(impossible("is of a type that no parameter here has")),
            };
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// No schema of ours asks for a null.
fn of_json(json: serde_json::Value) -> Option<pixels::Value> {
    Some(match json {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(flag) => pixels::Value::Boolean(flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => pixels::Value::Integer(whole),
            None => pixels::Value::Number(number.as_f64()?),
        },
        serde_json::Value::String(text) => pixels::Value::Text(text),
        serde_json::Value::Array(values) => {
            pixels::Value::List(values.into_iter().map(of_json).collect::<Option<_>>()?)
        }
        serde_json::Value::Object(values) => pixels::Value::Object(
            values.into_iter().map(|(name, value)| Some((name, of_json(value)?))).collect::<Option<_>>()?,
        ),
    })
}

/// What the host permits in this run.
#[must_use]
pub fn limits() -> pixels::Limits {
    let host = tintype_plugin::limits();
    pixels::Limits {
        max_width: host.max_width,
        max_height: host.max_height,
        max_pixels: host.max_pixels,
        max_frames: host.max_frames,
        // The host has no limit of its own for this; an operator who permits larger pictures permits
        // longer animations too.
        max_animation_pixels: host.max_pixels.saturating_mul(4),
        max_frame_bytes: host.max_memory_bytes,
        max_output_bytes: host.max_output_bytes,
    }
}

/// Why there is no result.
#[must_use]
pub fn failure(error: pixels::Error) -> Failure {
    let text = error.to_string();
    match error.kind() {
        pixels::Kind::InvalidImage => Failure::InvalidImage(text),
        pixels::Kind::InvalidParameters => Failure::InvalidParameters(text),
        pixels::Kind::TooLarge => Failure::TooLarge(text),
        pixels::Kind::Failed => Failure::Failed(text),
    }
}

/// Passes on how far the work is.
#[derive(Debug)]
pub struct Host;

impl pixels::Observer for Host {
    fn progress(&self, done: f32) {
        tintype_plugin::progress(done);
    }

    fn cancelled(&self) -> bool {
        tintype_plugin::cancelled()
    }
}
