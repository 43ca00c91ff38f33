//! `watermark` over HTTP: an overlay that comes along as a part of the message, and overlays that don't or
//! are damaged.

use image::{DynamicImage, GenericImageView as _, ImageFormat, Rgba, RgbaImage};
use tintype_tests::server::Setup;
use tintype_tests::{Client, FormData, Related, Server, pictures};

use crate::steps::{Message, resize};

const GREEN: [u8; 4] = [0, 255, 0, 255];

/// A green picture, as opaque as it is said.
fn logo(width: u32, height: u32, alpha: u8) -> Vec<u8> {
    let picture: DynamicImage = RgbaImage::from_pixel(width, height, Rgba([0, 255, 0, alpha])).into();
    let mut bytes = std::io::Cursor::new(vec![]);
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A description in XML that lays `cid:logo` over the picture.
fn watermark(params: &[(&str, &str)]) -> String {
    let params: String =
        params.iter().map(|(name, value)| format!("<param name=\"{name}\">{value}</param>")).collect();
    format!(
        "<task><operation name=\"watermark\"><param name=\"image\" href=\"cid:logo\"/>{params}</operation></task>"
    )
}

fn message(task: &str, picture: &[u8], logo: &[u8]) -> Message {
    Related::new(task)
        .part("Content-Type: image/png", picture)
        .part("Content-Type: image/png\r\nContent-ID: <logo>", logo)
        .build()
}

fn marked(client: &Client, message: &Message) -> DynamicImage {
    pictures::decode(&client.result(&client.process(message)).body)
}

#[test]
fn an_overlay_lies_in_the_corner_and_the_rest_is_what_it_was() {
    let server = Server::new();
    let picture = pictures::png(200, 100);
    let result = marked(&server.client(), &message(&watermark(&[]), &picture, &logo(20, 10, 255)));
    let before = pictures::decode(&picture);
    for (x, y, pixel) in result.pixels() {
        let expected = if x >= 180 && y >= 90 { GREEN } else { before.get_pixel(x, y).0 };
        assert_eq!(pixel.0, expected, "at {x},{y}");
    }
}

#[test]
fn text_parameters_say_where_how_large_and_how_opaque_it_is() {
    let server = Server::new();
    let task = watermark(&[
        ("gravity", "northwest"),
        ("x", "10"),
        ("y", "20"),
        ("scale", "0.25"),
        ("opacity", "0.5"),
        ("tile", "false"),
    ]);
    let picture = pictures::png(200, 100);
    let result = marked(&server.client(), &message(&task, &picture, &logo(20, 10, 255)));
    let before = pictures::decode(&picture);
    let halfway = |x, y| {
        let under = before.get_pixel(x, y).0;
        let middle = |under: u8, over: u8| under / 2 + over / 2;
        let is = result.get_pixel(x, y).0;
        is.iter()
            .zip(under.iter().zip(GREEN))
            .all(|(is, (&under, over))| is.abs_diff(middle(under, over)) <= 2)
    };
    assert!(halfway(11, 21) && halfway(58, 43), "50 by 25 pixels");
    for (x, y) in [(9, 30), (60, 30), (30, 19), (30, 45)] {
        assert_eq!(result.get_pixel(x, y), before.get_pixel(x, y));
    }
}

#[test]
fn json_and_forms_mean_the_same() {
    let server = Server::new();
    let client = server.client();
    let (picture, logo) = (pictures::png(64, 64), logo(8, 8, 128));
    let in_xml = watermark(&[("tile", "true"), ("spacing", "8"), ("gravity", "centre")]);
    let in_json = br#"{"operations": [{"name": "watermark", "params":
        {"image": {"cid": "logo"}, "tile": true, "spacing": 8, "gravity": "centre"}}]}"#;
    let json = Related::empty()
        .part("Content-Type: application/json", in_json)
        .part("Content-Type: image/png\r\nContent-ID: <logo>", &logo)
        .part("Content-Type: image/png", &picture);
    let form = FormData::default()
        .field("task", "Content-Type: application/json", in_json)
        .file("image", "photo.png", "image/png", &picture)
        .file("logo", "logo.png", "image/png", &logo);
    let expected = marked(&client, &message(&in_xml, &picture, &logo));
    assert_ne!(expected, pictures::decode(&picture));
    assert_eq!(marked(&client, &json.build()), expected);
    assert_eq!(marked(&client, &form.build()), expected);
}

#[test]
fn one_overlay_serves_several_operations_of_a_task() {
    let server = Server::new();
    let mark = |gravity: &str| {
        format!(
            "<operation name=\"watermark\"><param name=\"image\" href=\"cid:logo\"/><param name=\"gravity\">{gravity}</param></operation>"
        )
    };
    let task = format!("<task>{}<operation name=\"flop\"/>{}</task>", mark("northwest"), mark("southwest"));
    let message = message(&task, &pictures::png(100, 100), &logo(10, 10, 255));
    let result = marked(&server.client(), &message);
    assert_eq!(result.get_pixel(99, 0).0, GREEN, "the first was mirrored");
    assert_eq!(result.get_pixel(0, 99).0, GREEN);
    assert_ne!(result.get_pixel(0, 0).0, GREEN);
}

#[test]
fn a_reference_to_no_part_is_refused_before_anything_is_accepted() {
    let server = Server::new();
    let client = server.client();
    let wrong = watermark(&[]).replace("cid:logo", "cid:lego");
    let alone = Related::simple(&wrong, "image/png", &pictures::png(8, 8));
    let problem = client.submit(&alone).refused(422, "impossible-task");
    assert!(problem.detail.contains("\"image\"") && problem.detail.contains("cid:lego"), "{problem:?}");
    // A part that nothing refers to is a mistake too, and the first to be noticed.
    let beside = message(&wrong, &pictures::png(8, 8), &logo(1, 1, 255));
    let problem = client.submit(&beside).refused(400, "bad-multipart");
    assert!(problem.detail.contains("Part 3"), "{problem:?}");
    let text = watermark(&[]).replace(" href=\"cid:logo\"/>", ">logo</param>");
    let problem = client.submit(&Related::simple(&text, "image/png", b"")).refused(422, "impossible-task");
    assert!(problem.detail.contains("\"image\"") && problem.detail.contains("by cid"), "{problem:?}");
    let missing = "<task><operation name=\"watermark\"/></task>";
    let problem = client.submit(&Related::simple(missing, "image/png", b"")).refused(422, "impossible-task");
    assert!(problem.detail.contains("\"image\"") && problem.detail.contains("required"), "{problem:?}");
}

#[test]
fn a_damaged_overlay_is_the_parameter_s_fault_and_not_the_picture_s() {
    let server = Server::new();
    let client = server.client();
    let whole = pictures::png(64, 64);
    for (overlay, words) in [
        (&b"this is no picture"[..], "image: The data are in none of the known formats"),
        (b"", "image: The data are in none of the known formats"),
        (&whole[..whole.len() / 2], "image: The PNG data are damaged"),
    ] {
        let status = client.process(&message(&watermark(&[]), &whole, overlay));
        assert_eq!(status.code(), "invalid-parameters", "{status:?}");
        assert!(status.detail().starts_with(words), "{status:?}");
    }
    let status = client.process(&message(&watermark(&[]), b"this is no picture", &logo(1, 1, 255)));
    assert_eq!(status.code(), "invalid-image", "{status:?}");
}

#[test]
fn an_overlay_has_the_picture_s_limits() {
    let server = Setup::default().with("max-pixels", "10000").start();
    let client = server.client();
    let status =
        client.process(&message(&watermark(&[]), &pictures::png(64, 64), &pictures::claiming(101, 100)));
    assert_eq!(status.code(), "too-large", "{status:?}");
    assert!(status.detail().starts_with("image: ") && status.detail().contains("10100"), "{status:?}");
    assert_eq!(client.process(&resize()).state(), "OK");
}
