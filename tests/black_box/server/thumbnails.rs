//! `thumbnails` over HTTP: one task, several results, each at an address of its own.

use image::{DynamicImage, ImageFormat};
use tintype_tests::{Client, Related, Server, Status, pictures, task_xml};

use crate::steps::id_of;

/// The results of a task, fetched one by one.
fn results(client: &Client, status: &Status) -> Vec<DynamicImage> {
    assert_eq!(status.state(), "OK", "{status:?}");
    let results = status.0["results"].as_array().unwrap();
    let fetched = results.iter().map(|result| client.get(result["href"].as_str().unwrap()));
    fetched.map(|answer| pictures::decode(&answer.body)).collect()
}

fn sizes(pictures: &[DynamicImage]) -> Vec<(u32, u32)> {
    pictures.iter().map(|picture| (picture.width(), picture.height())).collect()
}

fn thumbnails(client: &Client, params: &[(&str, &str)]) -> Status {
    let task = task_xml("thumbnails", params, "");
    client.process(&Related::simple(&task, "image/png", &pictures::png(400, 200)))
}

#[test]
fn each_size_is_a_result_in_its_place() {
    let server = Server::new();
    let client = server.client();
    let task = client.accepted(&Related::simple(
        &task_xml("thumbnails", &[("sizes", "320x240, 16, 64")], "image/jpeg"),
        "image/png",
        &pictures::png(400, 200),
    ));
    let status = client.wait(&task);
    assert_eq!(sizes(&results(&client, &status)), [(320, 160), (16, 8), (64, 32)]);
    for (number, width) in [(1, 320), (2, 16), (3, 64)] {
        let answer = client.get(&format!("/images/{}/{number}", id_of(&task)));
        assert_eq!(answer.header("content-type"), Some("image/jpeg"));
        assert_eq!(image::guess_format(&answer.body).unwrap(), ImageFormat::Jpeg);
        assert_eq!(pictures::decode(&answer.body).width(), width);
    }
    client.get(&format!("/images/{}/4", id_of(&task))).refused(404, "not-found");
    let first = client.get(&format!("/images/{}", id_of(&task)));
    assert_eq!(pictures::decode(&first.body).width(), 320);
    let view = client.send("GET", &format!("{task}?redirect=false"), &[], &[]).status_document();
    assert_eq!(view.all("atom:link related").len(), 3, "{view:?}");
}

#[test]
fn sizes_are_an_array_in_json_and_in_xml_alike() {
    let server = Server::new();
    let client = server.client();
    let sizes_as_array = r#"[100, "50x60", {"width": 80, "height": 80, "fit": "cover"}]"#;
    let in_json = format!(
        r#"{{"operations": [{{"name": "grayscale"}},
            {{"name": "thumbnails", "params": {{"sizes": {sizes_as_array}, "kernel": "linear"}}}}]}}"#
    );
    let json = Related::empty()
        .part("Content-Type: application/json", in_json.as_bytes())
        .part("Content-Type: image/png", &pictures::png(400, 200))
        .build();
    let expected = [(100, 50), (50, 25), (80, 80)];
    let made = results(&client, &client.process(&json));
    assert_eq!(sizes(&made), expected);
    assert!(made.iter().all(|picture| !picture.color().has_color()), "what came before was done once");
    let in_xml = thumbnails(&client, &[("sizes", sizes_as_array), ("kernel", "linear")]);
    assert_eq!(sizes(&results(&client, &in_xml)), expected);
}

#[test]
fn a_query_says_it_as_well() {
    let server = Server::new();
    let client = server.client();
    let path = "/images/tasks?operation=thumbnails&sizes=64,32&output=image/webp";
    let accepted = client.send("POST", path, &[("Content-Type", "image/png")], &pictures::png(400, 200));
    let status = client.wait(accepted.header("content-location").unwrap());
    assert_eq!(sizes(&results(&client, &status)), [(64, 32), (32, 16)]);
}

#[test]
fn sizes_beyond_16_and_sizes_that_are_none_are_refused_before_anything_is_accepted() {
    let server = Server::new();
    let client = server.client();
    let sixteen = ["9"; 16].join(",");
    assert_eq!(results(&client, &thumbnails(&client, &[("sizes", &sixteen)])).len(), 16);
    let seventeen = [sixteen.as_str(), "9"].join(",");
    let as_array = format!("[{seventeen}]");
    for wrong in
        [seventeen.as_str(), &as_array, "", "[]", "0", "big", "64x", "[0]", "[{}]", "[null]", "64;32"]
    {
        let task = task_xml("thumbnails", &[("sizes", wrong)], "");
        let problem =
            client.submit(&Related::simple(&task, "image/png", b"")).refused(422, "impossible-task");
        assert!(problem.detail.contains("\"sizes\""), "{wrong}: {problem:?}");
    }
    let task = "<task><operation name=\"thumbnails\"/></task>";
    let problem = client.submit(&Related::simple(task, "image/png", b"")).refused(422, "impossible-task");
    assert!(problem.detail.contains("\"sizes\""), "{problem:?}");
}

#[test]
fn a_size_that_no_format_has_is_the_plugin_s_to_judge() {
    let server = Server::new();
    let status = thumbnails(&server.client(), &[("sizes", "64,70000")]);
    assert_eq!(status.code(), "invalid-parameters");
    assert!(status.detail().starts_with("sizes: \"70000\" is not of the form"), "{status:?}");
}

#[test]
fn an_operation_after_them_fails_the_task_and_is_named() {
    let server = Server::new();
    let client = server.client();
    let thumbnails = "<operation name=\"thumbnails\"><param name=\"sizes\">8</param></operation>";
    let task = format!("<task>{thumbnails}<operation name=\"flip\"/></task>");
    let status = client.process(&Related::simple(&task, "image/png", &pictures::png(16, 16)));
    assert_eq!(status.code(), "invalid-parameters");
    assert!(status.detail().starts_with("thumbnails: ") && status.detail().contains("flip"), "{status:?}");
}
