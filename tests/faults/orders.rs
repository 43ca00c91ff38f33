//! What clients send, and what they must get for it.

use std::io::Cursor;

use sha2::{Digest as _, Sha256};
use tintype_tests::{Answer, FormData, Related, Status, pictures, task_xml};

use crate::replay::Random;

/// One request for a task.
#[derive(Clone, Debug)]
pub struct Order {
    /// Content-Type and body.
    pub message: (String, Vec<u8>),
    /// By which a repetition is known.
    pub key: Option<String>,
    /// How it must end.
    pub end: End,
    /// Whether the client cancelled or deleted it at some time: then that is an end too.
    pub given_up: bool,
    /// Whether a fault of the disk may have been its end.
    pub may_fail: bool,
}

/// How a task must end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With a picture of this width.
    Width(u32),
    /// With these bytes.
    Bytes(Vec<u8>),
    /// Not well, for this reason.
    Failed(&'static str),
}

impl Order {
    fn new(message: (String, Vec<u8>), end: End) -> Self {
        Self { message, key: None, end, given_up: false, may_fail: false }
    }

    /// The bundled resize, of a small picture.
    pub fn resize(width: u32) -> Self {
        let task = task_xml("resize", &[("width", &width.to_string())], "image/png");
        Self::new(Related::simple(&task, "image/png", &pictures::png(40, 30)), End::Width(width))
    }

    /// The bytes come back.
    pub fn echo(bytes: &[u8]) -> Self {
        let message = Related::simple(&task_xml("echo", &[], ""), "application/octet-stream", bytes);
        Self::new(message, End::Bytes(bytes.to_vec()))
    }

    /// A form; what comes back is the attached picture.
    pub fn attached(bytes: &[u8]) -> Self {
        let task = b"<task><operation name=\"attached\"><param name=\"picture\" href=\"cid:logo\"/></operation></task>";
        let form = FormData::default()
            .field("task", "Content-Type: application/xml;charset=UTF-8", task)
            .file("image", "a.bin", "application/octet-stream", b"unused")
            .file("logo", "b.bin", "application/octet-stream", bytes);
        Self::new(form.build(), End::Bytes(bytes.to_vec()))
    }

    /// A description too long for a record, of a task that fails.
    pub fn long_words() -> Self {
        let task = task_xml("fail", &[("text", &"word ".repeat(400))], "");
        Self::new(Related::simple(&task, "application/octet-stream", b"x"), End::Failed("plugin-error"))
    }

    /// No picture.
    pub fn garbage() -> Self {
        let task = task_xml("resize", &[("width", "8")], "");
        Self::new(Related::simple(&task, "image/png", b"this is no picture"), End::Failed("invalid-image"))
    }

    /// Any of them. `number` makes it unlike all others.
    pub fn any(random: &mut Random, number: usize) -> Self {
        let mark = format!("order {number} ");
        let mut order = match random.below(8) {
            0 => Self::garbage(),
            1 => Self::long_words(),
            2 => Self::attached(mark.as_bytes()),
            // More than is kept in memory while it arrives.
            3 => Self::echo(mark.repeat(40_000).as_bytes()),
            4 | 5 => Self::echo(mark.as_bytes()),
            _ => Self::resize(u32::try_from(1 + number % 30).unwrap()),
        };
        order.key = random.percent(30).then(|| format!("key {number}"));
        order
    }

    /// What is wrong with the end of the task, `result` being what its first result gave.
    pub fn complaint(&self, status: &Status, result: impl FnOnce(&str) -> Option<Answer>) -> Option<String> {
        match (&self.end, status.state()) {
            (End::Failed(code), "FAILED") if status.code() == *code => None,
            (End::Width(_) | End::Bytes(_), "OK") => {
                let Some(answer) = result(status.href()) else { return Some("no result came".to_owned()) };
                self.complaint_about(status, &answer)
            }
            (_, "FAILED") if self.may_fail && status.code() == "internal" => None,
            (_, "FAILED") if self.given_up && status.code() == "cancelled" => None,
            _ => Some(format!("it ended as {}", status.0)),
        }
    }

    fn complaint_about(&self, status: &Status, answer: &Answer) -> Option<String> {
        if answer.code != 200 {
            return Some(format!("its result gives {answer:?}"));
        }
        let digest: String = Sha256::digest(&answer.body).iter().map(|byte| format!("{byte:02x}")).collect();
        let promised =
            [answer.header("etag").unwrap_or_default(), status.0["results"][0]["sha256"].as_str()?];
        if promised.iter().any(|promised| promised.trim_matches('"') != digest) {
            return Some(format!("its result has the digest {digest}, not {promised:?}"));
        }
        let fits = match &self.end {
            End::Bytes(bytes) => answer.body == *bytes,
            End::Width(width) => width_of(&answer.body) == Some(*width),
            End::Failed(_) => false,
        };
        (!fits).then(|| "its result is another task's".to_owned())
    }
}

fn width_of(png: &[u8]) -> Option<u32> {
    let reader = image::ImageReader::with_format(Cursor::new(png), image::ImageFormat::Png);
    Some(reader.decode().ok()?.width())
}
