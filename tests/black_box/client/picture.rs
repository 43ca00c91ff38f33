//! One picture: from its file to the server, and the result back into a file.

use std::fs;

use image::ImageFormat;
use tintype_tests::server::Setup;
use tintype_tests::{Server, pictures};

use super::steps::{begun, end_of, files, json, submit, tasks, with_photo};

const SMALL: [&str; 4] = ["--operation", "resize", "--param", "width=16"];

#[test]
fn a_picture_goes_to_the_server_and_its_result_comes_back() {
    let (server, folder) = (Server::new(), with_photo());
    let ended = submit(
        &server,
        &folder,
        &[
            &SMALL[..],
            &["--operation", "grayscale", "--output", "image/webp", "--output-param", "quality=70"],
            &["-o", "small.webp"],
        ]
        .concat(),
    );
    assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.output.starts_with("photo.png: small.webp, image/webp, "), "{ended:?}");
    let bytes = fs::read(folder.path().join("small.webp")).unwrap();
    assert_eq!(image::guess_format(&bytes).unwrap(), ImageFormat::WebP);
    let picture = pictures::decode(&bytes);
    assert_eq!((picture.width(), picture.height()), (16, 12));
    let [red, green, blue] = picture.to_rgb8().get_pixel(12, 6).0;
    assert!(red.abs_diff(green) < 8 && green.abs_diff(blue) < 8, "the second operation was done too");
    assert_eq!(files(folder.path()), ["photo.png", "small.webp"], "and nothing is left over");
}

#[test]
fn a_result_without_a_name_lies_beside_its_picture() {
    let (server, folder) = (Server::new(), with_photo());
    let ended = submit(&server, &folder, &[&SMALL[..], &["--output", "image/jpeg"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(files(folder.path()), ["photo.png", "photo.result.jpg"]);
}

#[test]
fn a_picture_goes_through_pipes_and_nothing_else_does() {
    let (server, folder) = (Server::new(), with_photo());
    for out in [&[][..], &["-o", "-"]] {
        let child = begun(&server, &folder, &[&["submit", "-"], &SMALL[..], out].concat());
        let (code, output, errors) = end_of(child, &pictures::png(64, 48));
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert_eq!(pictures::decode(&output).width(), 16);
    }
    let child = begun(&server, &folder, &[&["submit", "-"], &SMALL[..]].concat());
    let (code, output, errors) = end_of(child, b"");
    assert_eq!((code, output.len()), (Some(2), 0), "{errors}");
    assert!(errors.contains("it is empty"), "{errors}");
}

#[test]
fn several_results_are_numbered_and_do_not_fit_into_one_pipe() {
    let (server, folder) = (Server::new(), with_photo());
    let thumbnails = ["--operation", "thumbnails", "--param", "sizes=32,8"];
    let to = |out: &str| submit(&server, &folder, &[&thumbnails[..], &["-o", out]].concat());
    assert_eq!(submit(&server, &folder, &thumbnails).code, Some(0));
    assert_eq!(to("named.png").code, Some(0));
    assert_eq!(to("new/").code, Some(0));
    assert_eq!(to("{name}/{n}.{ext}").code, Some(0));
    let made = ["photo.result-", "named-", "new/photo-", "photo/"];
    for (number, width) in [(1, 32), (2, 8)] {
        for name in made {
            let bytes = fs::read(folder.path().join(format!("{name}{number}.png"))).unwrap();
            assert_eq!(pictures::decode(&bytes).width(), width, "{name}");
        }
    }
    let piped = to("-");
    assert_eq!((piped.code, piped.output.as_str()), (Some(1), ""));
    assert!(piped.errors.contains("2 results") && piped.errors.contains("task fetch"), "{piped:?}");
}

#[test]
fn an_attachment_reaches_the_parameter_that_refers_to_it() {
    let (server, folder) = (Setup::default().hostile().start(), with_photo());
    fs::write(folder.path().join("logo.bin"), b"the logo").unwrap();
    let ended = submit(
        &server,
        &folder,
        &[
            &["--operation", "attached", "--param", "picture=cid:logo", "--attach", "logo=logo.bin"][..],
            &["-o", "out.bin"],
        ]
        .concat(),
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(fs::read(folder.path().join("out.bin")).unwrap(), b"the logo");
}

#[test]
fn a_description_in_a_file_stands_for_all_flags() {
    let (server, folder) = (Server::new(), with_photo());
    for (file, text) in [
        ("task.xml", r#"<task><operation name="resize"><param name="width">8</param></operation></task>"#),
        ("task.json", r#"{"operations": [{"name": "resize", "params": {"width": 8}}]}"#),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
        let ended = submit(&server, &folder, &["--description", file, "-o", "out.png", "--force"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let bytes = fs::read(folder.path().join("out.png")).unwrap();
        assert_eq!(pictures::decode(&bytes).width(), 8);
    }
}

#[test]
fn a_preset_is_called_by_its_name() {
    let preset = b"[presets.tiny]\nsummary = \"Small.\"\noperations = [{ name = \"resize\", width = 4 }]\n";
    let server = Setup::default().plugin("standard.toml", preset).start();
    let folder = with_photo();
    let ended = submit(&server, &folder, &["--preset", "tiny", "-o", "out.png"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(pictures::decode(&fs::read(folder.path().join("out.png")).unwrap()).width(), 4);
}

#[test]
fn a_file_that_is_there_stays_unless_it_may_be_replaced_and_the_picture_always_stays() {
    let (server, folder) = (Server::new(), with_photo());
    fs::write(folder.path().join("there.png"), "precious").unwrap();
    let to = |out: &[&str]| submit(&server, &folder, &[&SMALL[..], &["-o"], out].concat());
    let kept = to(&["there.png"]);
    assert_eq!(kept.code, Some(1), "{kept:?}");
    assert!(kept.errors.contains("there.png exists") && kept.errors.contains("--force"), "{kept:?}");
    for out in [&["photo.png", "--force"][..], &["./photo.png", "--force"]] {
        let refused = to(out);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.errors.contains("overwrite the picture itself"), "{refused:?}");
    }
    assert_eq!(tasks(&server), 0, "all that could be known before anything was sent");
    assert_eq!(fs::read_to_string(folder.path().join("there.png")).unwrap(), "precious");
    assert_eq!(fs::read(folder.path().join("photo.png")).unwrap(), pictures::png(64, 48));
    assert_eq!(to(&["there.png", "--force"]).code, Some(0));
    assert_eq!(pictures::decode(&fs::read(folder.path().join("there.png")).unwrap()).width(), 16);
}

#[test]
fn a_report_in_json_has_all_its_fields() {
    let (server, folder) = (Server::new(), with_photo());
    let report = json(&submit(&server, &folder, &[&SMALL[..], &["-o", "a.png", "--json"]].concat()));
    let fields: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    for field in ["input", "outcome", "task", "url", "files", "error", "status", "seconds"] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    assert_eq!((&report["input"], &report["outcome"]), (&"photo.png".into(), &"done".into()));
    assert!(report["url"].as_str().unwrap().ends_with(report["task"].as_str().unwrap()));
    let file = &report["files"][0];
    let bytes = fs::read(folder.path().join("a.png")).unwrap();
    assert_eq!((&file["file"], &file["type"]), (&"a.png".into(), &"image/png".into()));
    assert_eq!(
        (&file["size"], &file["sha256"]),
        (&bytes.len().into(), &report["status"]["results"][0]["sha256"])
    );
    assert!(report["error"].is_null());

    let refused = submit(&server, &folder, &["--operation", "resise", "--json"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let report = json(&refused);
    assert_eq!(report["outcome"], "refused");
    assert_eq!((&report["error"]["exit_code"], &report["error"]["http_status"]), (&4.into(), &422.into()));
    assert_eq!(report["error"]["problem"]["type"], "urn:tintype:problem:impossible-task");
    assert!(report["task"].is_null());
}
