//! AVIF over HTTP: a format that `standard` doesn't know, and which is there for all of its operations
//! because a codec brings it. That every pixel is right is tested in `plugins/avif`.

use image::{DynamicImage, GenericImageView as _, ImageFormat};
use tintype_tests::{Client, Related, Server, Status, pictures, task_xml};

const AVIF: &str = "image/avif";

fn process(client: &Client, task: &str, (media_type, image): (&str, &[u8])) -> Status {
    client.process(&Related::simple(task, media_type, image))
}

/// The result's media type and bytes.
fn result(client: &Client, task: &str, image: (&str, &[u8])) -> (String, Vec<u8>) {
    let status = process(client, task, image);
    assert_eq!(status.state(), "OK", "{status:?}");
    let answer = client.result(&status);
    (answer.header("content-type").unwrap().to_owned(), answer.body)
}

/// What a file looks like, by way of a PNG: nothing here reads AVIF but the server.
fn look(client: &Client, avif: &[u8]) -> DynamicImage {
    let (media_type, png) = result(client, &task_xml("convert", &[], "image/png"), (AVIF, avif));
    assert_eq!(media_type, "image/png");
    pictures::decode(&png)
}

fn avif_of(client: &Client, picture: &DynamicImage) -> Vec<u8> {
    let mut png = std::io::Cursor::new(vec![]);
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    let task = task_xml("convert", &[], AVIF);
    let (media_type, avif) = result(client, &task, ("image/png", &png.into_inner()));
    assert_eq!((media_type.as_str(), &avif[4..12]), (AVIF, &b"ftypavif"[..]));
    avif
}

/// Levels that two pictures are apart on average.
fn apart(found: &DynamicImage, expected: &DynamicImage) -> f64 {
    assert_eq!(found.dimensions(), expected.dimensions());
    let (found, expected) = (found.to_rgba8(), expected.to_rgba8());
    let sum: u64 = found.iter().zip(expected.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / found.len() as f64
}

#[test]
fn a_picture_becomes_an_avif_and_looks_the_same_with_its_alpha() {
    let server = Server::new();
    let client = server.client();
    let opaque = pictures::gradient(200, 120);
    let mut faded = opaque.to_rgba8();
    faded.enumerate_pixels_mut().for_each(|(x, _, pixel)| pixel.0[3] = 55 + x as u8);
    for picture in [opaque, faded.into()] {
        let avif = avif_of(&client, &picture);
        let off = apart(&look(&client, &avif), &picture);
        assert!(off < 3.0, "{off} levels off");
    }
}

#[test]
fn every_operation_takes_an_avif_and_the_result_stays_one_or_becomes_what_is_asked_for() {
    let server = Server::new();
    let client = server.client();
    let avif = avif_of(&client, &pictures::gradient(200, 120));
    // Not every client knows the name of the format.
    for said in [AVIF, "application/octet-stream"] {
        let task = task_xml("resize", &[("width", "100")], "image/jpeg");
        let (media_type, jpeg) = result(&client, &task, (said, &avif));
        assert_eq!(media_type, "image/jpeg", "{said}");
        let jpeg = pictures::decode(&jpeg);
        let expected = pictures::gradient(200, 120).thumbnail_exact(100, 60);
        assert!(apart(&jpeg, &expected) < 6.0, "{said}");

        let (media_type, smaller) =
            result(&client, &task_xml("resize", &[("width", "50")], ""), (said, &avif));
        assert_eq!(media_type, AVIF, "{said}");
        assert_eq!(look(&client, &smaller).dimensions(), (50, 30));
    }
    let (media_type, document) = result(&client, &task_xml("info", &[], ""), (AVIF, &avif));
    assert_eq!(media_type, "application/json");
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!((&document["width"], &document["height"]), (&200.into(), &120.into()));
}

#[test]
fn what_any_bytes_are_said_to_be_is_still_found_out_by_the_plugin_itself() {
    let server = Server::new();
    let client = server.client();
    let task = task_xml("resize", &[("width", "50")], "");
    let (media_type, _) = result(&client, &task, ("application/octet-stream", &pictures::png(200, 120)));
    assert_eq!(media_type, "image/png");
}

#[test]
fn parameters_of_the_output_are_checked_before_anything_is_accepted() {
    let server = Server::new();
    let client = server.client();
    let output = |param: &str| {
        format!("<task><operation name=\"convert\"/><output type=\"{AVIF}\">{param}</output></task>")
    };
    let png = pictures::png(64, 48);
    let task = output("<param name=\"speed\">11</param>");
    client.submit(&Related::simple(&task, "image/png", &png)).refused(422, "impossible-task");
    let length = |quality: u32| {
        let task = output(&format!("<param name=\"quality\">{quality}</param>"));
        result(&client, &task, ("image/png", &png)).1.len()
    };
    assert!(length(20) < length(95));
}

#[test]
fn a_damaged_avif_fails_its_task_and_no_other() {
    let server = Server::new();
    let client = server.client();
    let whole = avif_of(&client, &pictures::gradient(200, 120));
    let task = task_xml("resize", &[("width", "50")], "");
    for length in [40, 200, whole.len() - 20] {
        let status = process(&client, &task, (AVIF, &whole[..length]));
        assert_eq!((status.state(), status.code()), ("FAILED", "invalid-image"), "{status:?}");
        assert!(status.detail().contains("AVIF data are damaged"), "{status:?}");
    }
    // Where AV1 itself is harmed the decoder has no words, only an end.
    let mut harmed = whole.clone();
    let after_headers = harmed.len() - whole.len() / 4;
    harmed[after_headers..].fill(0xFF);
    let status = process(&client, &task, (AVIF, &harmed));
    assert!(
        status.state() == "OK" || ["invalid-image", "plugin-trap"].contains(&status.code()),
        "{status:?}"
    );
    assert_eq!(process(&client, &task, (AVIF, &whole)).state(), "OK");
}
