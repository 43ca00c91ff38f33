//! What the server sees: which operations there are, and how one is carried out.
//!
//! The operation itself is in `label.rs` and knows nothing of Tintype's tasks. Replace it with yours.

mod label;

use tintype_plugin::{
    Descriptor, Failure, Image, Plugin, Task, descriptor, info, limits, progress,
};

/// Checked by the server before a task is accepted, and shown to clients at `GET /plugins`.
const PARAMETERS: &str = r#"{
  "type": "object",
  "properties": {
    "keyword": {
      "type": "string",
      "pattern": "^[!-~]+( [!-~]+)*$",
      "maxLength": 79,
      "description": "Which label: Comment unless said otherwise."
    },
    "text": {
      "type": "string",
      "maxLength": 10000,
      "description": "What it says; without a text the label is taken out."
    }
  },
  "additionalProperties": false
}"#;

struct Label;

impl Plugin for Label {
    fn describe() -> Descriptor {
        // Name and version are those in Cargo.toml.
        descriptor!("Writes a label into a PNG, or takes it out.")
            .accepts("image/png")
            .produces("image/png")
            .operation_with(
                env!("CARGO_PKG_NAME"),
                "Writes a label into a PNG, or takes it out. The pixels stay as they are.",
                PARAMETERS,
            )
    }

    fn process(task: Task) -> Result<Vec<Image>, Failure> {
        let before = task.input.bytes.len();
        let mut png = task.input.bytes;
        for (index, step) in task.steps.iter().enumerate() {
            // What the client leaves out is left out here too: defaults are ours.
            let keyword = step.params.get("keyword")?.unwrap_or("Comment");
            let text = step.params.get("text")?.unwrap_or_default();
            png = label::label(&png, keyword, text)?;
            progress((index + 1) as f32 / task.steps.len() as f32);
        }
        // The sandbox would stop a result that is too large; this says it better.
        let limit = limits().max_output_bytes;
        if png.len() as u64 > limit {
            return Err(Failure::too_large(format!(
                "The result has {} bytes; {limit} are permitted.",
                png.len()
            )));
        }
        info!("from {before} to {} bytes", png.len());
        Ok(vec![Image::new("image/png", png)])
    }
}

tintype_plugin::export!(Label);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::tests::{LABELLED, PLAIN};

    fn run(task: Task) -> Vec<u8> {
        let images = Label::process(task).unwrap();
        assert_eq!(
            (images.len(), images[0].media_type.as_str()),
            (1, "image/png")
        );
        images[0].bytes.clone()
    }

    #[test]
    fn steps_are_carried_out_in_their_order() {
        let task = || Task::new(Image::new("image/png", PLAIN));
        let name = env!("CARGO_PKG_NAME");
        assert_eq!(run(task().step(name, [("text", "Grüße".into())])), LABELLED);
        assert_eq!(
            run(task().step(name, [("text", "Grüße".into())]).step(name, [])),
            PLAIN
        );
    }
}
