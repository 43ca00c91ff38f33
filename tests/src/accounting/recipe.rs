//! What is submitted, and what must come of it. A recipe is one number: the ledger of a long run would
//! not fit into memory with all its pictures.

use crate::{Related, pictures};
use fastrand::Rng;
use image::ImageFormat;

/// From which a task is made, always the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe(pub u64);

/// A task to submit.
pub struct Made {
    /// Content-Type and body.
    pub message: (String, Vec<u8>),
    /// How it must end, if nobody cancels it.
    pub expected: Expected,
}

/// How a task must end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// With exactly these bytes.
    Bytes(Vec<u8>),
    /// With a number of eight bytes.
    Number,
    /// With a picture of this width and height.
    Picture(u32, u32),
    /// Without a result, for this reason.
    Failure(&'static str),
}

const FORMATS: [(ImageFormat, &str); 7] = [
    (ImageFormat::Png, "image/png"),
    (ImageFormat::Jpeg, "image/jpeg"),
    (ImageFormat::WebP, "image/webp"),
    (ImageFormat::Gif, "image/gif"),
    (ImageFormat::Bmp, "image/bmp"),
    (ImageFormat::Tiff, "image/tiff"),
    (ImageFormat::Qoi, "image/qoi"),
];

const BYTES: &str = "application/octet-stream";

impl Recipe {
    /// Small and quick ones mostly, so that at every moment something is being written.
    pub fn make(self) -> Made {
        let mut rng = Rng::with_seed(self.0);
        match rng.u32(0..20) {
            0..8 => resize(&mut rng),
            8..13 => echo(&mut rng, 1, 0..5_000),
            // Larger than what an upload keeps in memory: it goes to its file in pieces.
            13 => echo(&mut rng, 1, 300_000..700_000),
            // A description too long for the record.
            14 => echo(&mut rng, 16, 0..5_000),
            15..18 => attached(&mut rng),
            18 => work(&mut rng),
            _ => fail(&mut rng),
        }
    }
}

fn resize(rng: &mut Rng) -> Made {
    let (format, media_type) = FORMATS[rng.usize(..FORMATS.len())];
    let picture = pictures::encoded(rng.u32(8..64), rng.u32(8..64), format);
    let (width, height) = (rng.u32(1..48), rng.u32(1..48));
    let task = crate::task_xml(
        "resize",
        &[("width", &width.to_string()), ("height", &height.to_string()), ("fit", "fill")],
        "",
    );
    Made { message: Related::simple(&task, media_type, &picture), expected: Expected::Picture(width, height) }
}

fn echo(rng: &mut Rng, steps: usize, sizes: std::ops::Range<usize>) -> Made {
    let bytes = random(rng, sizes);
    let step = "<operation name=\"echo\" plugin=\"hostile\" version=\"1\"/>";
    let task = format!("<task>{}</task>", step.repeat(steps));
    Made { message: Related::simple(&task, BYTES, &bytes), expected: Expected::Bytes(bytes) }
}

fn attached(rng: &mut Rng) -> Made {
    let (input, attachment) = (random(rng, 0..3_000), random(rng, 0..3_000));
    let task =
        "<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:a\"/></operation></task>";
    let message = Related::new(task)
        .part(&format!("Content-Type: {BYTES}"), &input)
        .part(&format!("Content-Type: {BYTES}\r\nContent-ID: <a>"), &attachment)
        .build();
    Made { message, expected: Expected::Bytes(attachment) }
}

/// Runs for some tens of milliseconds, so that a kill finds it running.
fn work(rng: &mut Rng) -> Made {
    let task = crate::task_xml("work", &[("count", &rng.u32(1..4).to_string())], "");
    Made { message: Related::simple(&task, BYTES, &random(rng, 1..100)), expected: Expected::Number }
}

fn fail(rng: &mut Rng) -> Made {
    let bytes = random(rng, 1..1000);
    if rng.bool() {
        let task = crate::task_xml("resize", &[("width", "8")], "");
        let message = Related::simple(&task, "image/png", &bytes);
        return Made { message, expected: Expected::Failure("invalid-image") };
    }
    let task = crate::task_xml("fail", &[("text", "as it was told to")], "");
    let message = Related::simple(&task, BYTES, &bytes);
    Made { message, expected: Expected::Failure("plugin-error") }
}

fn random(rng: &mut Rng, sizes: std::ops::Range<usize>) -> Vec<u8> {
    let mut bytes = vec![0; rng.usize(sizes)];
    rng.fill(&mut bytes);
    // What a boundary begins with must not be in it by chance.
    bytes.iter_mut().filter(|byte| **byte == b'-').for_each(|byte| *byte = b'+');
    bytes
}
