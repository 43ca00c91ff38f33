//! The bundled operations over HTTP. That every pixel is right is tested in `plugins/pixels`; here,
//! that they are reached, in every format, and that pictures which are none are told so.

use image::{DynamicImage, GenericImageView as _, ImageFormat};
use tintype_tests::{Client, Related, Server, Status, pictures, task_xml};

const FORMATS: [(&str, ImageFormat); 7] = [
    ("image/png", ImageFormat::Png),
    ("image/jpeg", ImageFormat::Jpeg),
    ("image/webp", ImageFormat::WebP),
    ("image/gif", ImageFormat::Gif),
    ("image/bmp", ImageFormat::Bmp),
    ("image/tiff", ImageFormat::Tiff),
    ("image/qoi", ImageFormat::Qoi),
];

fn process(client: &Client, task: &str, image: &[u8]) -> Status {
    client.process(&Related::simple(task, "image/png", image))
}

fn picture(client: &Client, task: &str, image: &[u8]) -> DynamicImage {
    pictures::decode(&client.result(&process(client, task, image)).body)
}

/// Whether a pixel is about this colour: JPEG and resampling move it a little.
fn is_about(picture: &DynamicImage, (x, y): (u32, u32), colour: [u8; 3]) -> bool {
    let pixel = picture.get_pixel(x, y).0;
    pixel.iter().zip(colour).all(|(is, should)| is.abs_diff(should) < 40)
}

#[test]
fn a_picture_resized_to_320_is_320_wide_and_looks_the_same() {
    let server = Server::new();
    let task = task_xml("resize", &[("width", "320")], "");
    let small = picture(&server.client(), &task, &pictures::png(1280, 800));
    assert_eq!(small.dimensions(), (320, 200));
    assert!(is_about(&small, (5, 5), [255, 0, 0]), "the red square is still at the top left");
    assert!(is_about(&small, (318, 198), [254, 254, 128]));
    assert!(is_about(&small, (160, 100), [128, 128, 128]));
}

#[test]
fn operations_are_done_in_their_order() {
    let server = Server::new();
    let client = server.client();
    let image = pictures::png(400, 200);
    let rotate = "<operation name=\"rotate\"><param name=\"angle\">90</param></operation>";
    let crop = "<operation name=\"crop\"><param name=\"width\">100</param><param name=\"height\">50</param></operation>";
    let first_turned = picture(&client, &format!("<task>{rotate}{crop}</task>"), &image);
    let first_cropped = picture(&client, &format!("<task>{crop}{rotate}</task>"), &image);
    assert_eq!(first_turned.dimensions(), (100, 50));
    assert_eq!(first_cropped.dimensions(), (50, 100));
    assert!(is_about(&first_cropped, (45, 5), [255, 0, 0]), "the square is at the top right now");
    assert!(!is_about(&first_turned, (5, 5), [255, 0, 0]), "what was cut off is the square's corner");
}

#[test]
fn every_format_is_written_and_read() {
    let server = Server::new();
    let client = server.client();
    for (media_type, format) in FORMATS {
        let to = task_xml("resize", &[("width", "64")], media_type);
        let status = process(&client, &to, &pictures::png(128, 128));
        let written = client.result(&status);
        assert_eq!(written.header("content-type"), Some(media_type));
        assert_eq!(image::guess_format(&written.body).unwrap(), format, "{media_type}");
        assert!(is_about(&pictures::decode(&written.body), (60, 60), [240, 240, 128]), "{media_type}");

        let back = picture(&client, &task_xml("resize", &[("width", "32")], "image/png"), &written.body);
        assert_eq!(back.dimensions(), (32, 32), "{media_type}");
    }
}

#[test]
fn without_an_output_the_result_keeps_the_format_of_the_bytes_whatever_was_declared() {
    let server = Server::new();
    let client = server.client();
    let task = task_xml("resize", &[("width", "16")], "");
    for (media_type, format) in FORMATS {
        let status = process(&client, &task, &pictures::encoded(32, 32, format));
        assert_eq!(client.result(&status).header("content-type"), Some(media_type));
    }
}

#[test]
fn the_quality_of_the_output_reaches_the_encoder() {
    let server = Server::new();
    let client = server.client();
    let size = |quality: u32| {
        let output =
            format!("<output type=\"image/jpeg\"><param name=\"quality\">{quality}</param></output>");
        let task = format!("<task><operation name=\"convert\"/>{output}</task>");
        client.result(&process(&client, &task, &pictures::png(256, 256))).body.len()
    };
    assert!(size(10) < size(95));
}

#[test]
fn what_is_no_picture_fails_as_the_note_says() {
    let server = Server::new();
    let client = server.client();
    let (png, jpeg) = (pictures::png(64, 64), pictures::jpeg(64, 64));
    let task = task_xml("resize", &[("width", "8")], "");
    for bytes in
        [&b""[..], b"\0", b"garbage", b"<svg/>", &png[..8], &png[..60], &png[..png.len() / 2], &jpeg[..200]]
    {
        let status = process(&client, &task, bytes);
        assert_eq!(status.code(), "invalid-image", "{} bytes: {status:?}", bytes.len());
        assert!(status.detail().starts_with("Invalid image format."), "{status:?}");
    }
}

#[test]
fn a_picture_beyond_a_limit_is_too_large_and_the_limit_is_named() {
    let server = Server::new();
    let client = server.client();
    let task = task_xml("resize", &[("width", "8")], "");
    let status = process(&client, &task, &pictures::claiming(20_000, 20_000));
    assert_eq!(status.code(), "too-large");
    assert!(status.detail().contains("400000000") && status.detail().contains("100000000"), "{status:?}");
    let status = process(&client, &task, &pictures::claiming(70_000, 1));
    assert_eq!((status.code(), status.detail().contains("65535")), ("too-large", true), "{status:?}");
    let huge = task_xml("resize", &[("width", "60000"), ("height", "60000")], "");
    assert_eq!(process(&client, &huge, &pictures::png(4, 4)).code(), "too-large");
}

#[test]
fn a_value_that_only_the_picture_makes_impossible_is_judged_by_the_plugin() {
    let server = Server::new();
    let task = task_xml("crop", &[("width", "10"), ("height", "10"), ("left", "95")], "");
    let status = process(&server.client(), &task, &pictures::png(100, 100));
    assert_eq!(status.code(), "invalid-parameters");
    assert!(status.detail().contains("100"), "{status:?}");
}
