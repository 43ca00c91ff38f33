//! What the server sees: which operations there are, and how one is carried out.
//!
//! The operation itself is in `sepia.rs` and knows nothing of Tintype. Replace it with yours.

mod sepia;

use tintype_plugin::{Descriptor, Failure, Filter, Frame, Step, descriptor};

/// Checked by the server before a task is accepted, and shown to clients at `GET /plugins`.
const PARAMETERS: &str = r#"{
  "type": "object",
  "properties": {
    "strength": {
      "type": "number",
      "minimum": 0,
      "maximum": 1,
      "default": 1,
      "description": "From 0, which changes nothing, to 1."
    }
  },
  "additionalProperties": false
}"#;

struct Sepia;

impl Filter for Sepia {
    fn describe() -> Descriptor {
        // Name and version are those in Cargo.toml.
        descriptor!("Gives pictures the brown of old photographs.").operation_with(
            env!("CARGO_PKG_NAME"),
            "Gives a picture the brown of old photographs.",
            PARAMETERS,
        )
    }

    fn apply(mut frame: Frame, step: &Step, _: &[Frame]) -> Result<Frame, Failure> {
        // What the client leaves out is left out here too: defaults are ours.
        let strength = step.params.get("strength")?.unwrap_or(1.0);
        sepia::sepia(frame.pixels_mut(), strength);
        Ok(frame)
    }
}

tintype_plugin::export_filter!(Sepia);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strength_that_is_left_out_is_1() {
        let apply = |params| {
            let frame = Frame::new(1, 1, vec![200, 100, 50, 7]).unwrap();
            let operation = env!("CARGO_PKG_NAME").into();
            Sepia::apply(frame, &Step { operation, params }, &[]).unwrap()
        };
        let given = [("strength", 1.0.into())];
        assert_eq!(
            apply(Default::default()),
            apply(given.into_iter().collect())
        );
    }
}
