//! From the host's types to those generated from `wit/`, and back.

use super::pixels;
use super::wit;
use crate::plugin::interface::{
    Animation, Frame, GuestFailure, Image, Param, Picture, RawFormat, RawOperation, Step, Target, Value,
};

pub(super) fn image(image: Image) -> wit::Image {
    wit::Image { media_type: image.media_type, bytes: image.bytes }
}

pub(super) fn step(step: Step) -> wit::Step {
    wit::Step { operation: step.operation, params: step.params.into_iter().map(param).collect() }
}

pub(super) fn target(target: Target) -> wit::Target {
    wit::Target { media_type: target.media_type, params: target.params.into_iter().map(param).collect() }
}

fn param(param: Param) -> wit::Param {
    let value = match param.value {
        Value::Text(text) => wit::Value::Text(text),
        Value::Integer(number) => wit::Value::Integer(number),
        Value::Number(number) => wit::Value::Number(number),
        Value::Boolean(flag) => wit::Value::Boolean(flag),
        Value::Json(text) => wit::Value::Json(text),
        Value::Attachment(index) => wit::Value::Attachment(index),
    };
    wit::Param { name: param.name, value }
}

pub(super) fn of_image(image: wit::Image) -> Image {
    Image { media_type: image.media_type, bytes: image.bytes }
}

pub(super) fn of_format(format: wit::OutputFormat) -> RawFormat {
    RawFormat { media_type: format.media_type, params_schema: format.params_schema }
}

pub(super) fn of_operation(operation: wit::Operation) -> RawOperation {
    RawOperation { name: operation.name, summary: operation.summary, params_schema: operation.params_schema }
}

pub(super) fn of_failure(failure: wit::Failure) -> GuestFailure {
    match failure {
        wit::Failure::InvalidImage(words) => GuestFailure::InvalidImage(words),
        wit::Failure::InvalidParameters(words) => GuestFailure::InvalidParameters(words),
        wit::Failure::TooLarge(words) => GuestFailure::TooLarge(words),
        wit::Failure::Failed(words) => GuestFailure::Failed(words),
    }
}

pub(super) fn frame(frame: Frame) -> pixels::Frame {
    pixels::Frame { width: frame.width, height: frame.height, rgba: frame.rgba }
}

pub(super) fn of_frame(frame: pixels::Frame) -> Frame {
    Frame { width: frame.width, height: frame.height, rgba: frame.rgba }
}

pub(super) fn picture(picture: Picture) -> pixels::Picture {
    pixels::Picture {
        frames: picture.frames.into_iter().map(frame).collect(),
        animation: picture
            .animation
            .map(|animation| pixels::Animation { delays_ms: animation.delays_ms, plays: animation.plays }),
        color_profile: picture.color_profile,
    }
}

pub(super) fn of_picture(picture: pixels::Picture) -> Picture {
    Picture {
        frames: picture.frames.into_iter().map(of_frame).collect(),
        animation: picture
            .animation
            .map(|animation| Animation { delays_ms: animation.delays_ms, plays: animation.plays }),
        color_profile: picture.color_profile,
    }
}
