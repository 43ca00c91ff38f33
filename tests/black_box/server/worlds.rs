//! Plugins of all three kinds in one task: filters get pixels, processors get files, and codecs stand
//! between them.

use image::{DynamicImage, GenericImageView as _, ImageFormat};
use tintype_tests::server::Setup;
use tintype_tests::{Client, Related, Server, pictures};

const DOTS: &str = "image/x-dots";

fn server() -> Server {
    Setup::default().built("odd-filter").built("odd-codec").start()
}

/// A task of these operations, each `NAME` or `NAME PARAM=VALUE`.
fn task(operations: &[&str], output: &str) -> String {
    let operation = |words: &&str| {
        let (name, param) = words.split_once(' ').unwrap_or((words, ""));
        let param = param.split_once('=').map_or(String::new(), |(name, value)| {
            if value.starts_with("cid:") {
                format!("<param name=\"{name}\" href=\"{value}\"/>")
            } else {
                format!("<param name=\"{name}\">{value}</param>")
            }
        });
        format!("<operation name=\"{name}\">{param}</operation>")
    };
    let operations: String = operations.iter().map(operation).collect();
    let output = if output.is_empty() { String::new() } else { format!("<output type=\"{output}\"/>") };
    format!("<task>{operations}{output}</task>")
}

/// The result's media type and bytes.
fn result(client: &Client, task: &str, (media_type, image): (&str, &[u8])) -> (String, Vec<u8>) {
    let status = client.process(&Related::simple(task, media_type, image));
    assert_eq!(status.state(), "OK", "{status:?}");
    let answer = client.result(&status);
    (answer.header("content-type").unwrap().to_owned(), answer.body)
}

/// Its failure's code and detail.
fn failure(client: &Client, task: &str, media_type: &str, image: &[u8]) -> (String, String) {
    let status = client.process(&Related::simple(task, media_type, image));
    assert_eq!(status.state(), "FAILED", "{status:?}");
    (status.code().to_owned(), status.detail().to_owned())
}

fn negative(picture: &DynamicImage) -> DynamicImage {
    let mut picture = picture.to_rgba8();
    picture.pixels_mut().for_each(|pixel| pixel.0[..3].iter_mut().for_each(|sample| *sample = 255 - *sample));
    picture.into()
}

/// Dots of one gray, a byte for each frame's.
fn dots(width: u8, height: u8, frames: &[u8]) -> Vec<u8> {
    let count = usize::from(width) * usize::from(height);
    let pixels = frames.iter().flat_map(|gray| [*gray, *gray, *gray, 255].repeat(count));
    [b"DOTS", [width, height, frames.len() as u8].as_slice()].concat().into_iter().chain(pixels).collect()
}

#[test]
fn a_filter_works_on_every_format_and_the_result_keeps_it() {
    let server = server();
    let client = server.client();
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Qoi] {
        let image = pictures::encoded(40, 30, format);
        // Nothing is taken from what the client says of it.
        let (media_type, body) =
            result(&client, &task(&["negative"], ""), ("application/octet-stream", &image));
        assert_eq!(media_type, format.to_mime_type().replace("x-qoi", "qoi"));
        let expected = negative(&pictures::gradient(40, 30));
        // Not by `assert_eq`: it would print every sample.
        assert!(pictures::decode(&body).to_rgb8() == expected.to_rgb8(), "{format:?}");
    }
    let webp = pictures::encoded(40, 30, ImageFormat::WebP);
    for (format, image) in [("image/jpeg", pictures::jpeg(40, 30)), ("image/webp", webp)] {
        let (media_type, body) = result(&client, &task(&["negative"], ""), (format, &image));
        assert_eq!(media_type, format);
        let (found, before) = (pictures::decode(&body).to_rgb8(), pictures::decode(&image).to_rgb8());
        let sum: u32 = found
            .iter()
            .zip(before.iter())
            .map(|(found, before)| u32::from(found.abs_diff(255 - before)))
            .sum();
        let mean = f64::from(sum) / found.len() as f64;
        assert!(mean < 12.0, "{format}: {mean} levels off");
    }
}

#[test]
fn steps_of_several_filters_and_processors_are_done_in_their_order_without_loss() {
    let server = server();
    let client = server.client();
    let image = pictures::png(64, 64);
    let steps = ["count", "count", "flop", "cut width=10", "flop", "count", "grayscale"];
    let (media_type, body) = result(&client, &task(&steps[..6], ""), ("image/png", &image));
    assert_eq!(media_type, "image/png");
    let expected = pictures::gradient(64, 64).crop_imm(54, 0, 10, 64);
    let mut expected = expected.to_rgba8();
    expected.pixels_mut().for_each(|pixel| pixel.0[0] = pixel.0[0].wrapping_add(3));
    assert_eq!(pictures::decode(&body).to_rgb8(), DynamicImage::from(expected).to_rgb8());

    // A photograph stays one, though it travels without loss in between.
    let (media_type, body) = result(&client, &task(&steps, ""), ("image/jpeg", &pictures::jpeg(64, 64)));
    assert_eq!((media_type.as_str(), image::guess_format(&body).unwrap()), ("image/jpeg", ImageFormat::Jpeg));
    assert_eq!(pictures::decode(&body).dimensions(), (10, 64));
}

#[test]
fn a_document_about_what_a_filter_made_stays_a_document() {
    let server = server();
    let client = server.client();
    let (media_type, body) =
        result(&client, &task(&["negative", "info"], ""), ("image/jpeg", &pictures::jpeg(64, 48)));
    assert_eq!(media_type, "application/json");
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&document["width"], &document["height"]), (&64.into(), &48.into()));
}

#[test]
fn several_pictures_made_after_a_filter_are_each_what_the_picture_was() {
    let server = server();
    let client = server.client();
    let task = task(&["negative", "thumbnails sizes=16,8"], "");
    let status = client.process(&Related::simple(&task, "image/jpeg", &pictures::jpeg(64, 64)));
    assert_eq!(status.state(), "OK", "{status:?}");
    let results = status.0["results"].as_array().unwrap();
    let sides: Vec<u32> = results
        .iter()
        .map(|result| {
            let answer = client.get(result["href"].as_str().unwrap());
            assert_eq!(answer.header("content-type"), Some("image/jpeg"));
            pictures::decode(&answer.body).width()
        })
        .collect();
    assert_eq!(sides, [16, 8]);
}

#[test]
fn a_photograph_for_a_filter_that_makes_it_smaller_is_decoded_no_larger_than_it_asks_for() {
    let server = server();
    let client = server.client();
    let dimensions = |width: u32| {
        let task = task(&[&format!("cut width={width}")], "image/png");
        let (_, body) = result(&client, &task, ("image/jpeg", &pictures::jpeg(160, 80)));
        pictures::decode(&body).dimensions()
    };
    assert_eq!((dimensions(20), dimensions(30), dimensions(81)), ((20, 10), (30, 20), (81, 80)));
}

#[test]
fn the_output_s_format_and_parameters_are_the_codec_s_where_a_filter_is_last() {
    let server = server();
    let client = server.client();
    let image = pictures::png(64, 64);
    let sized = |quality: &str| {
        let task = format!(
            "<task><operation name=\"negative\"/><output type=\"image/jpeg\"><param name=\"quality\">{quality}</param></output></task>"
        );
        let (media_type, body) = result(&client, &task, ("image/png", &image));
        assert_eq!(media_type, "image/jpeg");
        body.len()
    };
    assert!(sized("10") < sized("95"));
    let refused =
        client.submit(&Related::simple(&task(&["negative"], "image/x-nothing"), "image/png", &image));
    assert_eq!(refused.code, 422, "{refused:?}");
    assert!(refused.text().contains("image/webp") && refused.text().contains(DOTS), "{refused:?}");
}

#[test]
fn a_codec_brings_a_format_that_no_processor_knows() {
    let server = server();
    let client = server.client();
    let gray = dots(8, 8, &[200]);
    // In, through a processor, and out again as what it was.
    let (media_type, body) = result(&client, &task(&["resize width=4"], ""), (DOTS, &gray));
    assert_eq!((media_type.as_str(), body), (DOTS, dots(4, 4, &[200])));
    // In alone.
    let (media_type, body) = result(&client, &task(&["resize width=4"], "image/png"), (DOTS, &gray));
    assert_eq!((media_type.as_str(), pictures::decode(&body).dimensions()), ("image/png", (4, 4)));
    // Out alone, with a parameter of its own.
    let signed = "<task><operation name=\"resize\"><param name=\"width\">2</param></operation>\
        <output type=\"image/x-dots\"><param name=\"sign\">me</param></output></task>";
    let (media_type, body) = result(&client, signed, ("image/png", &pictures::png(8, 8)));
    assert_eq!((media_type.as_str(), &body[..7]), (DOTS, b"DOTS\x02\x02\x01".as_slice()));
    assert!(body.ends_with(b"me"), "{body:?}");
}

#[test]
fn every_frame_of_an_animation_is_changed() {
    let server = server();
    let (media_type, body) =
        result(&server.client(), &task(&["negative"], ""), (DOTS, &dots(3, 2, &[10, 20, 30])));
    assert_eq!((media_type.as_str(), body), (DOTS, dots(3, 2, &[245, 235, 225])));
}

#[test]
fn a_codec_is_told_how_small_the_picture_may_be() {
    let server = server();
    let client = server.client();
    let cut = |width: u32| {
        let task = task(&[&format!("cut width={width}")], "");
        let (_, body) = result(&client, &task, (DOTS, &dots(16, 16, &[7])));
        (body[4], body[5])
    };
    // Halved as long as 3 columns are left, then cut; a height is not asked for.
    assert_eq!((cut(3), cut(16), cut(100)), ((3, 4), (16, 16), (16, 16)));
}

#[test]
fn a_filter_gets_attachments_as_pixels() {
    let server = server();
    let client = server.client();
    let send = |other: &[u8]| {
        let message = Related::new(&task(&["replace picture=cid:other"], "image/png"))
            .part("Content-Type: image/png", &pictures::png(8, 8))
            .part("Content-Type: image/jpeg\r\nContent-ID: <other>", other)
            .build();
        client.process(&message)
    };
    let status = send(&dots(5, 4, &[99]));
    let picture = pictures::decode(&client.result(&status).body);
    assert_eq!((picture.dimensions(), picture.get_pixel(4, 3).0), ((5, 4), [99, 99, 99, 255]));
    let status = send(b"no picture");
    assert_eq!(status.code(), "invalid-image", "{status:?}");
}

#[test]
fn each_way_in_which_a_filter_or_a_codec_fails_is_one_failed_task() {
    let server = Setup::default().built("odd-filter").built("odd-codec").with("deadline", "500ms").start();
    let client = server.client();
    let png = pictures::png(8, 8);
    let filter = |operation: &str| failure(&client, &task(&[operation], ""), "image/png", &png);
    let codec = |file: &[u8]| failure(&client, &task(&["negative"], ""), DOTS, file);
    for ((code, detail), expected, words) in [
        (filter("refuse text=because"), "invalid-parameters", "because"),
        (filter("spin-pixels"), "deadline-exceeded", "0.5 seconds"),
        (filter("trap-pixels"), "plugin-trap", "unreachable"),
        (filter("swell"), "too-large", "65535"),
        (codec(b"none of all formats"), "invalid-image", "image/x-dots"),
        (codec(b"ODD"), "invalid-image", "They are no dots."),
        (codec(b"ODD lie"), "plugin-error", "image/x-never-declared"),
        (codec(b"ODD trap"), "plugin-trap", "unreachable"),
        (codec(b"ODD none"), "plugin-error", "without a frame"),
        (codec(b"ODD two"), "plugin-error", "how long they are shown"),
        (codec(b"ODD sizes"), "plugin-error", "one size"),
    ] {
        assert_eq!(code, expected, "{detail}");
        assert!(detail.contains(words), "{detail}");
    }
    let (media_type, _) = result(&client, &task(&["negative"], ""), ("image/png", &png));
    assert_eq!(media_type, "image/png", "and it goes on");
}

#[test]
fn without_a_codec_a_filter_s_task_is_refused_at_once() {
    let server = Setup::default().without_bundled().built("odd-filter").start();
    let refused =
        server.client().submit(&Related::simple(&task(&["negative"], ""), "image/png", &pictures::png(8, 8)));
    assert_eq!(refused.code, 422, "{refused:?}");
    assert!(refused.text().contains("no codec"), "{refused:?}");
}
