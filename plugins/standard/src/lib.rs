//! The bundled plugin: the operations of `tintype-pixels` as a component.
//!
//! Glue only. What is done to pixels stands in `tintype-pixels`, how a plugin
//! speaks with its host in `tintype-plugin`.

#![cfg_attr(test, allow(clippy::unwrap_used))]

use tintype_bridge::{Host, failure, limits, parameters};
use tintype_pixels as pixels;
use tintype_plugin::{Descriptor, Failure, Image, Plugin, Task};

struct Standard;

impl Plugin for Standard {
    fn describe() -> Descriptor {
        let mut descriptor = Descriptor::new(
            "standard",
            env!("CARGO_PKG_VERSION"),
            "The everyday operations: resizing, cropping, turning, colours, blurring, marking, thumbnails, facts.",
        );
        for format in pixels::output_formats() {
            let media_type = format.format.media_type();
            descriptor = descriptor.accepts(media_type).produces_with(media_type, format.schema);
        }
        descriptor = descriptor.produces(pixels::DOCUMENT);
        for operation in pixels::OPERATIONS {
            descriptor = descriptor.operation_with(operation.name, operation.summary, operation.schema);
        }
        descriptor
    }

    fn process(task: Task) -> Result<Vec<Image>, Failure> {
        let attachments: Vec<pixels::Attachment> =
            task.attachments.into_iter().map(|image| image.bytes.into()).collect();
        let steps = task
            .steps
            .iter()
            .map(|step| {
                let parameters = parameters(&step.params, &attachments)?;
                Ok(pixels::Step { operation: step.operation.clone(), parameters })
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let target = task
            .target
            .map(|target| {
                let parameters = parameters(&target.params, &attachments)?;
                Ok::<_, Failure>(pixels::Target { media_type: target.media_type, parameters })
            })
            .transpose()?;
        // The steps hold what they need of them.
        drop(attachments);

        let products =
            pixels::process(task.input.bytes, &steps, target.as_ref(), &limits(), &Host).map_err(failure)?;
        let image = |product: pixels::Product| Image::new(product.media_type(), product.into_bytes());
        Ok(products.into_iter().map(image).collect())
    }
}

tintype_plugin::export!(Standard);

#[cfg(test)]
mod tests {
    use tintype_plugin::{Attachment, Value};

    use super::*;

    /// A file of one red pixel, which any test can write down.
    const RED: &[u8] = b"qoif\0\0\0\x01\0\0\0\x01\x03\0\xfe\xff\0\0\0\0\0\0\0\0\0\x01";

    fn red() -> Task {
        Task::new(Image::new("image/qoi", RED))
    }

    #[test]
    fn steps_and_target_reach_the_pixels() {
        let task = red()
            .step("resize", [("width", Value::from(3)), ("kernel", Value::from("nearest"))])
            .target("image/png", [("compression", Value::from(9))]);
        let images = Standard::process(task).unwrap();
        assert_eq!(images.len(), 1);
        assert_eq!(images[0].media_type, "image/png");
        // Width in the header.
        assert_eq!(images[0].bytes[16..20], [0, 0, 0, 3]);
    }

    #[test]
    fn each_sort_of_failure_arrives_as_what_it_is() {
        let garbage = Task::new(Image::new("image/png", *b"no picture")).step("flip", []);
        assert!(matches!(Standard::process(garbage), Err(Failure::InvalidImage(_))));

        let outside = [("width", Value::from(2)), ("height", Value::from(2))];
        let outside = red().step("crop", outside);
        assert!(matches!(Standard::process(outside), Err(Failure::InvalidParameters(_))));

        let huge = [("width", Value::from(65_535)), ("height", Value::from(65_535))];
        let huge = red().step("resize", huge);
        assert!(matches!(Standard::process(huge), Err(Failure::TooLarge(_))));
    }

    #[test]
    fn a_picture_that_came_along_reaches_its_parameter() {
        let mut task = red().step("watermark", [("image", Value::from(Attachment(1)))]);
        // One blue pixel behind garbage that nothing refers to.
        let blue = b"qoif\0\0\0\x01\0\0\0\x01\x03\0\xfe\0\0\xff\0\0\0\0\0\0\0\x01";
        task.attachments = vec![Image::new("image/qoi", *b"garbage"), Image::new("image/qoi", *blue)];
        let all_blue = Task::new(Image::new("image/qoi", *blue)).step("flip", []);
        assert_eq!(Standard::process(task.clone()), Standard::process(all_blue));

        task.attachments.pop();
        assert!(matches!(Standard::process(task), Err(Failure::InvalidParameters(_))));
    }

    #[test]
    fn several_results_are_given_in_their_order() {
        let sizes = Value::Json(r#"["1", {"width": 2, "fit": "fill", "enlarge": true}]"#.into());
        let task = red().step("thumbnails", [("sizes", sizes)]).target("image/png", []);
        let widths: Vec<u8> = Standard::process(task).unwrap().iter().map(|image| image.bytes[19]).collect();
        assert_eq!(widths, [1, 2]);

        let with_null = Value::Json("[null]".into());
        let task = red().step("thumbnails", [("sizes", with_null)]);
        assert!(matches!(Standard::process(task), Err(Failure::InvalidParameters(_))));
    }

    #[test]
    fn a_parameter_of_a_type_that_no_schema_asks_for_is_refused() {
        let task = red().step("rotate", [("angle", Value::Json("[90]".into()))]);
        assert!(matches!(Standard::process(task), Err(Failure::InvalidParameters(_))));
    }
}
