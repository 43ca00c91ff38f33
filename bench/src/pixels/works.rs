//! What the sides are asked for, in the words of our plugin; sharp's are in `bench/peer/pixels.mjs`.

use std::path::{Path, PathBuf};

use tintype::plugin::{Param, Step, Target, Value};
use tintype_pixels::Format;

use crate::pictures;

/// The names that `--only` takes, in their order.
pub const NAMES: [&str; 5] = ["jpeg", "png", "webp", "gif", "chain"];

/// One piece of work, as all sides are asked for it.
pub struct Work {
    pub name: &'static str,
    pub input: PathBuf,
    pub steps: Vec<Step>,
    /// The only attachment, if a step has one.
    pub overlay: Option<PathBuf>,
    pub to: Format,
    pub output: Vec<Param>,
}

impl Work {
    /// That of this name, with these pictures.
    pub fn named(name: &'static str, photo: &Path, drawing: &Path) -> anyhow::Result<Self> {
        let of_photo = || step("resize", size(720, 588));
        let of_drawing = || step("resize", size(720, 540));
        let work = |input: PathBuf, steps, to, output| Self { name, input, steps, overlay: None, to, output };
        Ok(match name {
            "jpeg" => work(photo.to_owned(), vec![of_photo()], Format::Jpeg, quality()),
            "png" => work(drawing.to_owned(), vec![of_drawing()], Format::Png, vec![]),
            "webp" => {
                let input = pictures::recoded(photo, Format::WebP)?;
                work(input, vec![of_photo()], Format::WebP, quality())
            }
            "gif" => {
                let input = pictures::recoded(drawing, Format::Gif)?;
                work(input, vec![of_drawing()], Format::Gif, vec![])
            }
            _ => Self {
                overlay: Some(pictures::drawing(160, 120)?),
                ..work(photo.to_owned(), chain(), Format::Jpeg, quality())
            },
        })
    }
}

/// What people do to a picture for the web; the encoder is the fifth step.
fn chain() -> Vec<Step> {
    let overlay = Param { name: "image".to_owned(), value: Value::Attachment(0) };
    vec![
        step("auto-orient", vec![]),
        step("resize", size(720, 588)),
        step("sharpen", vec![]),
        step("watermark", vec![overlay, text("gravity", "southeast")]),
    ]
}

fn step(operation: &str, params: Vec<Param>) -> Step {
    Step { operation: operation.to_owned(), params }
}

fn size(width: i64, height: i64) -> Vec<Param> {
    vec![integer("width", width), integer("height", height), text("fit", "fill")]
}

fn quality() -> Vec<Param> {
    vec![integer("quality", 80)]
}

fn integer(name: &str, value: i64) -> Param {
    Param { name: name.to_owned(), value: Value::Integer(value) }
}

fn text(name: &str, value: &str) -> Param {
    Param { name: name.to_owned(), value: Value::Text(value.to_owned()) }
}

/// What a plugin is told to write.
pub fn target(work: &Work) -> Target {
    Target { media_type: work.to.media_type().to_owned(), params: work.output.clone() }
}
