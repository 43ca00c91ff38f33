//! Between the pixel code and the host: `tintype-pixels` knows nothing of
//! plugins, `tintype-plugin` nothing of pixels, and the bundled plugins need
//! both.

use tintype_pixels as pixels;
use tintype_plugin::{Failure, Params, Value};

/// A step's parameters.
///
/// # Errors
/// One is of a type that no schema of the pixel code asks for.
pub fn parameters(params: &Params) -> Result<pixels::Parameters, Failure> {
    params
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Text(text) => pixels::Value::Text(text.clone()),
                Value::Integer(number) => pixels::Value::Integer(*number),
                Value::Number(number) => pixels::Value::Number(*number),
                Value::Boolean(flag) => pixels::Value::Boolean(*flag),
                // No schema of ours asks for anything else.
                _ => {
                    return Err(Failure::invalid_parameters(format!(
                        "{name}: must be text, a number, true or false."
                    )));
                }
            };
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// What the host permits in this run.
#[must_use]
pub fn limits() -> pixels::Limits {
    let host = tintype_plugin::limits();
    pixels::Limits {
        max_width: host.max_width,
        max_height: host.max_height,
        max_pixels: host.max_pixels,
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
