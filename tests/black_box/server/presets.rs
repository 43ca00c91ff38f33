//! Presets: chains of operations that an operator has named, and clients call as one.

use std::fs;

use serde_json::Value as Json;
use tempfile::TempDir;
use tintype_tests::server::{Setup, run, target};
use tintype_tests::{Client, FormData, Related, Server, Status, eventually, pictures};

use crate::steps::{Message, hostile};

const AVATAR: &str = "[presets.avatar]
summary = \"A square portrait.\"
operations = [{ name = \"resize\", width = 12, height = 12, fit = \"cover\" }, \"grayscale\"]
output = { type = \"image/jpeg\", quality = 80 }
";

fn with_avatar() -> Server {
    Setup::default().plugin("standard.toml", AVATAR.as_bytes()).start()
}

fn xml(task: &str) -> Message {
    Related::simple(task, "image/png", &pictures::png(40, 20))
}

fn say(server: &Server, plugin: &str, settings: &str) {
    fs::write(server.folder().join(format!("plugins/{plugin}.toml")), settings).unwrap();
}

/// The presets that a client is told of.
fn names(client: &Client) -> Vec<String> {
    let list = client.send("GET", "/plugins", &[("Accept", "application/json")], &[]).json();
    list["presets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|preset| preset["name"].as_str().unwrap().to_owned())
        .collect()
}

fn wait_for_names(client: &Client, wanted: &[&str]) {
    eventually(|| (names(client) == wanted).then_some(()), || format!("{:?}, not {wanted:?}", names(client)));
}

/// The preset as `tintype plugin list` shows it.
fn listed(server: &Server, name: &str) -> Json {
    let ended = run(&["plugin", "list", "--json"], &[], server.folder());
    let list: Json = serde_json::from_str(&ended.output).unwrap();
    list["presets"].as_array().unwrap().iter().find(|preset| preset["name"] == name).unwrap().clone()
}

#[track_caller]
fn assert_avatar(client: &Client, status: &Status) {
    assert_eq!(status.0["results"][0]["type"], "image/jpeg", "{status:?}");
    let picture = pictures::decode(&client.result(status).body);
    assert_eq!((picture.width(), picture.height()), (12, 12));
    let middle = picture.to_rgb8().get_pixel(6, 6).0;
    assert!(middle[0].abs_diff(middle[1]) < 8 && middle[1].abs_diff(middle[2]) < 8, "{middle:?} is no gray");
}

#[test]
fn a_preset_is_called_as_an_operation_in_xml_in_json_and_in_a_query() {
    let server = with_avatar();
    let client = server.client();
    assert_avatar(&client, &client.process(&xml("<task><operation name=\"avatar\"/></task>")));
    let form = FormData::default().field("task", "", br#"{"operations": [{"name": "avatar"}]}"#);
    let form = form.file("image", "a.png", "image/png", &pictures::png(40, 20)).build();
    assert_avatar(&client, &client.process(&form));
    let headers = [("Content-Type", "image/png")];
    let raw = client.send("POST", "/images/tasks?operation=avatar", &headers, &pictures::png(40, 20));
    assert_eq!(raw.code, 202, "{raw:?}");
    let task = raw.header("content-location").unwrap();
    assert_avatar(&client, &client.wait(task));
    let found = client.send("GET", "/images/tasks?operation=avatar", &[("Accept", "application/json")], &[]);
    assert_eq!(
        found.json()["tasks"].as_array().unwrap().len(),
        3,
        "a task is known by what its client wrote"
    );
}

#[test]
fn a_preset_stands_in_a_chain_with_others() {
    let server = with_avatar();
    let client = server.client();
    let chain = "<task><operation name=\"avatar\"/><operation name=\"resize\"><param name=\"width\">6</param></operation></task>";
    let status = client.process(&xml(chain));
    assert_eq!(status.0["results"][0]["type"], "image/png", "its output is for where it is last");
    assert_eq!(pictures::decode(&client.result(&status).body).width(), 6);
    let asked =
        "<task><operation name=\"flip\"/><operation name=\"avatar\"/><output type=\"image/webp\"/></task>";
    let status = client.process(&xml(asked));
    assert_eq!(status.0["results"][0]["type"], "image/webp", "a client's own output counts");
}

#[test]
fn nothing_can_be_said_of_a_preset_but_its_name() {
    let server = with_avatar();
    let client = server.client();
    let refused = |task: &str| client.submit(&xml(task)).refused(422, "impossible-task").detail;
    let detail =
        refused("<task><operation name=\"avatar\"><param name=\"width\">6</param></operation></task>");
    assert!(detail.contains("\"width\" of the preset \"avatar\""), "{detail}");
    let detail = refused("<task><operation name=\"avatar\" plugin=\"standard\"/></task>");
    assert!(detail.contains("called by its name alone"), "{detail}");
    let many = format!("<task>{}</task>", "<operation name=\"avatar\"/>".repeat(9));
    assert!(refused(&many).contains("18 operations; it may have at most 16"));
    assert!(
        refused("<task><operation name=\"avatra\"/></task>").contains("There are: auto-orient, avatar, ")
    );
}

#[test]
fn clients_and_operators_see_which_presets_there_are() {
    let server = with_avatar();
    let client = server.client();
    let list = client.send("GET", "/plugins", &[("Accept", "application/json")], &[]).json();
    let expected = serde_json::json!({
        "name": "avatar", "summary": "A square portrait.", "operations": ["resize", "grayscale"], "output": "image/jpeg",
    });
    assert_eq!(list["presets"], serde_json::json!([expected]));
    let text = client.get("/plugins/standard").text();
    let document = roxmltree::Document::parse(&text).unwrap();
    let preset = document.descendants().find(|node| node.has_tag_name("preset")).unwrap();
    assert_eq!(preset.attribute("name"), Some("avatar"), "{text}");
    assert_eq!(preset.children().filter(|node| node.has_tag_name("operation")).count(), 2, "{text}");

    let preset = listed(&server, "avatar");
    assert_eq!(preset["error"], Json::Null);
    assert!(preset["from"].as_str().unwrap().ends_with("/plugins/standard.toml:1"), "{preset}");
    let text = run(&["plugin", "list"], &[], server.folder()).output;
    assert!(text.contains("preset avatar: in use\n  summary     A square portrait.\n"), "{text}");
}

#[test]
fn a_preset_that_cannot_be_carried_out_is_reported_and_spares_the_plugin_and_its_neighbours() {
    let wrong = [
        ("unknown", "operations = [\"resise\"]", "There is no operation \"resise\""),
        ("param", "operations = [{ name = \"resize\", widht = 3 }]", "\"widht\" of the operation \"resize\""),
        (
            "value",
            "operations = [{ name = \"resize\", width = \"3\" }]",
            "\"width\" of the operation \"resize\"",
        ),
        ("format", "operations = [\"flip\"]\noutput = \"text/html\"", "\"text/html\""),
        ("flop", "operations = [\"flip\"]", "an operation of the plugin standard is called \"flop\" too"),
        ("nested", "operations = [\"avatar\"]", "\"avatar\" is a preset"),
        ("long", &format!("operations = [{}]", "\"flip\",".repeat(17)), "17 operations"),
    ];
    let presets = wrong.map(|(name, preset, _)| format!("[presets.{name}]\n{preset}\n")).concat();
    let server = Setup::default().plugin("standard.toml", format!("{AVATAR}{presets}").as_bytes()).start();
    let client = server.client();
    assert_eq!(names(&client), ["avatar"]);
    assert_avatar(&client, &client.process(&xml("<task><operation name=\"avatar\"/></task>")));
    for (name, _, words) in wrong {
        let line = server.wait_for_log(&format!("presets.{name}: not offered: "));
        assert!(line.replace("\\\"", "\"").contains(words), "{words} in {line}");
        assert!(line.contains("standard.toml:"), "{line}");
        let error = listed(&server, name)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(words), "{words} in {error}");
    }
    assert_eq!(client.process(&xml("<task><operation name=\"flop\"/></task>")).state(), "OK");
}

#[test]
fn presets_of_the_whole_server_name_operations_of_any_plugin_as_long_as_it_is_there() {
    let folder = TempDir::new().unwrap();
    let toml = "[presets.both]\noperations = [{ name = \"copies\", count = 1 }, \"echo\"]\noutput = \"image/png\"\n\
                [presets.small]\noperations = [{ name = \"resize\", width = 4, plugin = \"standard\", version = \">=0.1\" }]\n";
    fs::write(folder.path().join("tintype.toml"), toml).unwrap();
    let server = Setup::default().start_in(folder);
    let client = server.client();
    assert_eq!(names(&client), ["small"]);
    let status = client.process(&xml("<task><operation name=\"small\"/></task>"));
    assert_eq!(pictures::decode(&client.result(&status).body).width(), 4);
    fs::copy(target().join("guests/hostile.wasm"), server.folder().join("plugins/hostile.wasm")).unwrap();
    wait_for_names(&client, &["both", "small"]);
    assert!(client.get("/plugins/standard").text().find("<preset").is_none(), "they are no plugin's");
    server.remove_plugin("hostile.wasm");
    wait_for_names(&client, &["small"]);
}

#[test]
fn presets_change_while_the_server_runs() {
    let server = with_avatar();
    let client = server.client();
    say(&server, "standard", "[presets.tiny]\noperations = [{ name = \"resize\", width = 2 }]");
    wait_for_names(&client, &["tiny"]);
    let problem = client.submit(&xml("<task><operation name=\"avatar\"/></task>"));
    assert!(problem.refused(422, "impossible-task").detail.contains("There is no operation \"avatar\""));
    let status = client.process(&xml("<task><operation name=\"tiny\"/></task>"));
    assert_eq!(pictures::decode(&client.result(&status).body).width(), 2);
}

#[test]
fn a_preset_is_for_those_who_may_use_all_that_it_is_made_of() {
    let folder = TempDir::new().unwrap();
    let toml = "[presets.mixed]\noperations = [\"echo\"]\n[presets.open]\noperations = [\"flip\"]\n";
    fs::write(folder.path().join("tintype.toml"), toml).unwrap();
    let setup = Setup::default().hostile().key("shop").key("other");
    let own = b"keys = [\"shop\"]\n[presets.own]\noperations = [\"flip\"]";
    let server = setup.plugin("hostile.toml", own).start_in(folder);
    let (shop, other) = (server.client_of("shop"), server.client_of("other"));
    assert_eq!(names(&shop), ["mixed", "open", "own"]);
    assert_eq!(names(&other), ["open"]);
    assert_eq!(shop.process(&hostile("mixed", &[])).state(), "OK");
    for name in ["mixed", "own"] {
        let problem = other.submit(&hostile(name, &[])).refused(422, "impossible-task");
        assert!(
            problem.detail.starts_with(&format!("There is no operation {name:?}. There are: ")),
            "{problem:?}"
        );
        assert!(!problem.detail.contains("echo"), "{problem:?}");
    }
    assert_eq!(other.process(&xml("<task><operation name=\"open\"/></task>")).state(), "OK");
}

#[test]
fn a_preset_is_tried_on_the_command_line() {
    let folder = Setup::default().plugin("standard.toml", AVATAR.as_bytes()).folder();
    fs::write(folder.path().join("in.png"), pictures::png(40, 20)).unwrap();
    fs::write(folder.path().join("tintype.toml"), "[presets.foreign]\noperations = [\"echo\"]").unwrap();
    let compiled = target().join("compiled-for-tests").display().to_string();
    let run_it = |operation: &str| {
        let arguments =
            ["plugin", "run", "plugins/standard.wasm", "in.png", "-o", "out.jpg", "--operation", operation];
        run(&[&arguments[..], &["--compiled-dir", &compiled]].concat(), &[], folder.path())
    };
    let ended = run_it("avatar");
    assert!(ended.code == Some(0) && ended.output.contains("image/jpeg"), "{ended:?}");
    assert!(ended.output.contains("standard 0.1.0: resize, grayscale"), "{ended:?}");
    let foreign = run_it("foreign");
    assert_eq!(foreign.code, Some(2), "{foreign:?}");
    assert!(foreign.errors.contains("cannot be carried out by this plugin alone"), "{foreign:?}");
}
