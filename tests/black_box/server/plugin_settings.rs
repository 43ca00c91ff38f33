//! What an operator says of one plugin, beside its file or in `tintype.toml`, and how it changes while the
//! server runs.

use std::fs;

use serde_json::Value as Json;
use tempfile::TempDir;
use tintype_tests::server::{Ended, Setup, run, target};
use tintype_tests::{Client, FormData, Related, Server, eventually, pictures, task_xml};

use crate::steps::{Message, hostile, id_of, resize};

/// Puts settings beside a plugin of a running server.
fn say(server: &Server, plugin: &str, settings: &str) {
    fs::write(server.folder().join(format!("plugins/{plugin}.toml")), settings).unwrap();
}

/// A plugin as the server shows it.
fn shown(client: &Client, plugin: &str) -> Json {
    let answer = client.send("GET", &format!("/plugins/{plugin}"), &[("Accept", "application/json")], &[]);
    answer.json()["plugins"][0].clone()
}

fn wait_for_memory(client: &Client, plugin: &str, bytes: u64) {
    let memory = || shown(client, plugin)["limits"]["memory_bytes"].as_u64().unwrap();
    eventually(|| (memory() == bytes).then_some(()), || format!("{} bytes, not {bytes}", memory()));
}

/// What `tintype plugin list` says.
fn list(server: &Server) -> Json {
    let ended = run(&["plugin", "list", "--json"], &[], server.folder());
    serde_json::from_str(&ended.output).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// What it says of the file of this name.
fn listed(server: &Server, file: &str) -> Json {
    let list = list(server);
    let mut files = list["plugins"].as_array().unwrap().iter();
    files.find(|known| known["file"].as_str().unwrap().ends_with(file)).unwrap().clone()
}

fn sha256(file: &str) -> String {
    let bytes = fs::read(target().join(file)).unwrap();
    <sha2::Sha256 as sha2::Digest>::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A folder for a server with this `tintype.toml`.
fn configured(toml: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("tintype.toml"), toml).unwrap();
    folder
}

/// A resize of the bundled plugin's, with further parameters.
fn resize_with(params: &[(&str, &str)]) -> Message {
    let task = task_xml("resize", &[&[("width", "8"), ("height", "4")], params].concat(), "");
    Related::simple(&task, "image/png", &pictures::png(16, 16))
}

#[test]
fn settings_that_are_dropped_in_or_taken_away_hold_within_a_second() {
    let server = Setup::default().hostile().start();
    let client = server.client();
    say(&server, "hostile", "memory = \"32MiB\"\nmax_side = 7\nconcurrency = 2\n");
    wait_for_memory(&client, "hostile", 32 << 20);
    let limits = shown(&client, "hostile")["limits"].clone();
    assert_eq!((&limits["side"], &limits["concurrency"]), (&Json::from(7), &Json::from(2)));
    let ended = client.process(&hostile("grow", &[]));
    assert_eq!(ended.code(), "memory-exceeded");
    assert!(ended.detail().contains("33554432"), "{ended:?}");
    assert_eq!(
        listed(&server, "hostile.wasm")["settings"],
        serde_json::json!({"concurrency": "2", "max_side": "7", "memory": "32MiB"})
    );
    assert_eq!(shown(&client, "standard")["limits"]["memory_bytes"], 512 << 20, "the others keep theirs");
    fs::remove_file(server.folder().join("plugins/hostile.toml")).unwrap();
    wait_for_memory(&client, "hostile", 512 << 20);
    assert_eq!(listed(&server, "hostile.wasm")["settings"], serde_json::json!({}));
}

#[test]
fn a_plugin_may_have_more_memory_than_the_others() {
    let server = Setup::default().hostile().with("memory", "16MiB");
    let server = server.plugin("hostile.toml", b"memory = \"96MiB\"").start();
    let ended = server.client().process(&hostile("grow", &[]));
    assert!(ended.detail().contains("100663296"), "{ended:?}");
}

#[test]
fn broken_settings_change_nothing_and_are_reported_until_they_are_mended() {
    let server = Setup::default().hostile().plugin("hostile.toml", b"memory = \"32MiB\"").start();
    let client = server.client();
    say(&server, "hostile", "memory = \"64MiB\"\n\nmemroy = \"1GiB\"\n");
    let line = server.wait_for_log("not loaded: ");
    for words in
        ["hostile.toml:3: there is no setting", "did you mean", "memory", "stays in use", "Operator:"]
    {
        assert!(line.contains(words), "{words} in {line}");
    }
    assert_eq!(shown(&client, "hostile")["limits"]["memory_bytes"], 32 << 20);
    let file = eventually(
        || Some(listed(&server, "hostile.wasm")).filter(|file| file["state"] == "earlier-in-use"),
        || list(&server).to_string(),
    );
    assert!(file["error"].as_str().unwrap().contains("(did you mean \"memory\"?)"), "{file}");
    assert_eq!(file["settings"]["memory"], "32MiB");
    say(&server, "hostile", "memory = \"64MiB\"\n");
    wait_for_memory(&client, "hostile", 64 << 20);
    assert_eq!(listed(&server, "hostile.wasm")["state"], "in-use");
}

#[test]
fn a_plugin_whose_settings_are_broken_from_the_start_is_not_used_without_them() {
    for settings in ["keys = \"shop\"", "keys = [", "sha256 = \"1234\"", "[fixed.ecko]\na = 1"] {
        let server = Setup::default().hostile().plugin("hostile.toml", settings.as_bytes()).start();
        assert!(server.wait_for_log("not loaded: ").contains("hostile.toml:1"), "{settings}");
        let problem = server.client().submit(&hostile("echo", &[])).refused(422, "impossible-task");
        assert!(problem.detail.contains("There is no operation \"echo\""), "{problem:?}");
        assert_eq!(server.client().process(&resize()).state(), "OK");
    }
}

#[test]
fn a_pinned_plugin_is_used_with_its_digest_and_no_other() {
    let digest = sha256("guests/hostile.wasm");
    let pin = format!("sha256 = \"{digest}\"");
    let server = Setup::default().hostile().plugin("hostile.toml", pin.as_bytes()).start();
    let client = server.client();
    assert_eq!(client.process(&hostile("echo", &[])).state(), "OK");
    let mut other = fs::read(target().join("guests/hostile.wasm")).unwrap();
    // An empty custom section changes the digest, and nothing else.
    other.extend([0, 2, 1, b'x']);
    fs::write(server.folder().join("plugins/hostile.wasm"), &other).unwrap();
    let line = server.wait_for_log("not loaded: ");
    let found = line.split("its sha256 is ").nth(1).unwrap()[..64].to_owned();
    assert_ne!(found, digest);
    for words in [digest.as_str(), "hostile.toml:1: sha256", "stays in use", "if this file is the one"] {
        assert!(line.contains(words), "{words} in {line}");
    }
    assert_eq!(shown(&client, "hostile")["sha256"], digest);
    say(&server, "hostile", &format!("sha256 = \"{found}\""));
    let in_use = || shown(&client, "hostile")["sha256"].as_str().unwrap().to_owned();
    eventually(|| (in_use() == found).then_some(()), || format!("{} is in use", in_use()));
}

#[test]
fn whether_wasi_may_be_imported_is_said_of_each_plugin() {
    let wat = "(component (import \"wasi:cli/environment@0.2.0\" (instance)))";
    let importing = wat::parse_str(wat).unwrap();
    let allowed = Setup::default().plugin("wasi.wasm", &importing).with("allow-wasi", "false");
    let server = allowed.plugin("wasi.toml", b"allow_wasi = true").start();
    let line = server.wait_for_log("/wasi.wasm\"");
    assert!(line.contains("does not export"), "the import is no obstacle: {line}");
    let refused = Setup::default().plugin("wasi.wasm", &importing).plugin("wasi.toml", b"allow_wasi = false");
    let line = refused.start().wait_for_log("/wasi.wasm\"");
    assert!(line.contains("it imports wasi:cli/environment") && line.contains("own settings"), "{line}");
}

#[test]
fn a_fixed_parameter_is_used_and_no_clients_to_give() {
    let settings = b"[fixed.resize]\nfit = \"fill\"\n";
    let server = Setup::default().plugin("standard.toml", settings).start();
    let client = server.client();
    let ended = client.process(&resize_with(&[]));
    let picture = pictures::decode(&client.result(&ended).body);
    assert_eq!((picture.width(), picture.height()), (8, 4));
    let stretched = client.process(&resize_with(&[("enlarge", "true")]));
    assert_eq!(client.result(&stretched).body, client.result(&ended).body);
    for value in ["cover", "fill"] {
        let problem = client.submit(&resize_with(&[("fit", value)])).refused(422, "impossible-task");
        assert_eq!(
            problem.detail,
            "The parameter \"fit\" of the operation \"resize\" will not do. It is fixed on this server: leave it out."
        );
    }
    let operations = shown(&client, "standard")["operations"].clone();
    let told = operations.as_array().unwrap().iter().find(|operation| operation["name"] == "resize").unwrap();
    let told = told["params"]["properties"].as_object().unwrap();
    assert!(told.contains_key("width") && !told.contains_key("fit"), "{told:?}");
    assert_eq!(listed(&server, "standard.wasm")["settings"]["fixed.resize.fit"], "\"fill\"");

    say(&server, "standard", "[fixed.resize]\nfit = \"stretch\"\n");
    let line = server.wait_for_log("not loaded: ");
    assert!(line.contains("standard.toml:2: fixed.resize.fit: ") && line.contains("cover"), "{line}");
    client.submit(&resize_with(&[("fit", "fill")])).refused(422, "impossible-task");
}

#[test]
fn what_is_reserved_to_others_is_not_there() {
    let server = Setup::default().hostile().key("shop").key("other");
    let server = server.plugin("hostile.toml", b"keys = [\"shop\", \"later\"]").start();
    let (shop, other) = (server.client_of("shop"), server.client_of("other"));
    assert_eq!(shop.process(&hostile("echo", &[])).state(), "OK");
    let refused = other.submit(&hostile("echo", &[])).refused(422, "impossible-task").detail;
    let unknown = other.submit(&hostile("nothing", &[])).refused(422, "impossible-task").detail;
    assert_eq!(refused.replace("echo", "nothing"), unknown, "the same as for what nobody offers");
    assert!(!unknown.contains("spin") && unknown.contains("resize"), "{unknown}");
    server.wait_for_log("it asks for what is reserved to other keys");

    let names = |client: &Client| -> Vec<Json> {
        let list = client.send("GET", "/plugins", &[("Accept", "application/json")], &[]).json();
        list["plugins"].as_array().unwrap().iter().map(|plugin| plugin["name"].clone()).collect()
    };
    assert_eq!(
        (names(&shop).len(), names(&other)),
        (4, ["standard", "standard-avif", "standard-codecs"].map(Json::from).to_vec())
    );
    other.get("/plugins/hostile").refused(404, "not-found");
    assert_eq!(other.process(&resize()).state(), "OK");
    assert_eq!(listed(&server, "hostile.wasm")["settings"]["keys"], "shop, later");

    let later = server.client().with_key(&server.new_key(&["later"]));
    eventually(
        || (later.get("/plugins/hostile").code == 200).then_some(()),
        || "the key has no effect".to_owned(),
    );
    assert_eq!(later.process(&hostile("echo", &[])).state(), "OK");
}

#[test]
fn a_task_that_waits_when_its_plugin_is_reserved_to_others_is_not_run() {
    let setup =
        Setup::default().hostile().key("shop").key("other").with("workers", 1).with("deadline", "10m");
    let server = setup.start();
    let (shop, other) = (server.client_of("shop"), server.client_of("other"));
    let spinning = shop.accepted(&hostile("spin", &[]));
    shop.wait_until_running(&spinning);
    let (mine, others) = (shop.accepted(&hostile("echo", &[])), other.accepted(&hostile("echo", &[])));
    say(&server, "hostile", "keys = [\"shop\"]");
    eventually(
        || (other.get("/plugins/hostile").code == 404).then_some(()),
        || "everybody may use it".to_owned(),
    );
    shop.delete(&format!("/images/task/{}", id_of(&spinning)));
    assert_eq!(shop.wait(&mine).state(), "OK");
    assert_eq!(other.wait(&others).code(), "plugin-missing");
}

#[test]
fn without_keys_what_is_reserved_is_nobodys() {
    let server = Setup::default().hostile().plugin("hostile.toml", b"keys = [\"shop\"]").start();
    server.client().submit(&hostile("echo", &[])).refused(422, "impossible-task");
}

#[test]
fn the_servers_file_and_the_plugins_own_add_up_and_may_not_say_a_thing_twice() {
    let folder = configured("[plugin.hostile]\nmemory = \"32MiB\"\n\n[plugin.standrad]\nmemory = \"1GiB\"\n");
    let setup = Setup::default().hostile().plugin("hostile.toml", b"max_side = 7");
    let server = setup.start_in(folder);
    let client = server.client();
    let limits = shown(&client, "hostile")["limits"].clone();
    assert_eq!((&limits["memory_bytes"], &limits["side"]), (&Json::from(32 << 20), &Json::from(7)));
    let line = server.wait_for_log("[plugin.standrad] is about no plugin");
    assert!(line.contains("tintype.toml"), "{line}");
    assert!(
        listed(&server, "tintype.toml")["error"].as_str().unwrap().contains("line 4"),
        "{}",
        list(&server)
    );

    say(&server, "hostile", "\nmemory = \"32MiB\"");
    let line = server.wait_for_log("not loaded: ");
    assert!(line.contains("hostile.toml:2: memory: "), "{line}");
    assert!(line.contains("tintype.toml:2 says it too; take one of them out"), "{line}");
}

#[test]
fn settings_may_come_before_their_plugin_and_are_reported_until_it_comes() {
    let server = Server::new();
    let client = server.client();
    say(&server, "hostile", "memory = \"32MiB\"");
    server.wait_for_log("is about no plugin");
    assert_eq!(listed(&server, "hostile.toml")["state"], "broken");
    fs::copy(target().join("guests/hostile.wasm"), server.folder().join("plugins/hostile.wasm")).unwrap();
    eventually(
        || (client.get("/plugins/hostile").code == 200).then_some(()),
        || "the plugin is not used".to_owned(),
    );
    assert_eq!(shown(&client, "hostile")["limits"]["memory_bytes"], 32 << 20, "from its first moment");
    assert_eq!(list(&server)["plugins"].as_array().unwrap().len(), 4);
}

#[test]
fn the_commands_obey_the_settings_beside_the_file_that_they_are_given() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(target().join("guests/hostile.wasm"), path("h.wasm")).unwrap();
    fs::write(path("in.png"), pictures::png(8, 8)).unwrap();
    let compiled = target().join("compiled-for-tests").display().to_string();
    let plugin = |arguments: &[&str]| -> Ended {
        run(&[&["plugin"], arguments, &["--compiled-dir", &compiled]].concat(), &[], folder.path())
    };
    let run_it = |operation: &[&str]| {
        plugin(&[&["run", "h.wasm", "in.png", "-o", "out", "--operation"], operation].concat())
    };
    fs::write(
        path("h.toml"),
        "memory = \"32MiB\"\ndeadline = \"200ms\"\n[fixed.fail]\ntext = \"fixed words\"",
    )
    .unwrap();
    assert!(run_it(&["grow"]).errors.contains("33554432"));
    assert!(run_it(&["spin"]).errors.contains("its limit of 0.2 seconds"));
    assert!(run_it(&["fail"]).errors.contains("fixed words"));
    let given = run_it(&["fail", "--param", "text=mine"]);
    assert_eq!(given.code, Some(2), "{given:?}");
    assert!(given.errors.contains("It is fixed on this server"), "{given:?}");
    let checked = plugin(&["check", "h.wasm"]);
    assert!(
        checked.output.contains("obeyed: deadline = 200ms, fixed.fail.text = \"fixed words\""),
        "{checked:?}"
    );

    fs::write(path("h.toml"), format!("sha256 = \"{}\"", "0".repeat(64))).unwrap();
    let pinned = run_it(&["echo"]);
    assert!(pinned.code == Some(1) && pinned.errors.contains("h.toml:1: sha256 wants 000"), "{pinned:?}");
    let checked = plugin(&["check", "h.wasm"]);
    assert!(checked.output.contains("FAILED   settings"), "{checked:?}");
}

#[test]
fn a_form_is_held_to_what_is_fixed_as_well() {
    let server = Setup::default().plugin("standard.toml", b"fixed.resize.fit = \"fill\"").start();
    let task = r#"{"operations": [{"name": "resize", "params": {"width": 8, "fit": "fill"}}]}"#;
    let form = FormData::default().field("task", "", task.as_bytes());
    let form = form.file("image", "a.png", "image/png", &pictures::png(8, 8)).build();
    let problem = server.client().submit(&form).refused(422, "impossible-task");
    assert!(problem.detail.contains("\"fit\"") && problem.detail.contains("fixed"), "{problem:?}");
}

/// A server with the hostile plugin and what is said of it.
fn with_hostile(setup: Setup, settings: &str) -> Server {
    setup.hostile().plugin("hostile.toml", settings.as_bytes()).start()
}

#[test]
fn a_plugin_s_own_deadline_holds_for_it_alone_and_may_be_the_longer_one() {
    let server = with_hostile(Setup::default().with("deadline", "10m"), "deadline = \"300ms\"");
    let status = server.client().process(&hostile("spin", &[]));
    assert_eq!(
        (status.code(), status.detail()),
        ("deadline-exceeded", "The task ran past its limit of 0.3 seconds.")
    );

    let server = with_hostile(Setup::default().with("deadline", "20ms"), "deadline = \"10m\"");
    let status = server.client().process(&hostile("work", &[("count", "10")]));
    assert_eq!(status.state(), "OK", "{status:?}");
}

#[test]
fn a_plugin_at_its_bound_keeps_its_own_tasks_waiting_and_nobody_else_s() {
    let server = with_hostile(Setup::default().with("workers", 3).with("deadline", "10m"), "concurrency = 1");
    let client = server.client();
    let spinning: Vec<String> = (0..4).map(|_| client.accepted(&hostile("spin", &[]))).collect();
    client.wait_until_running(&spinning[0]);
    for _ in 0..5 {
        assert_eq!(client.process(&resize()).state(), "OK");
    }
    let phases: Vec<Json> = spinning.iter().map(|task| client.status(task).0["phase"].clone()).collect();
    assert_eq!(phases, ["running", "queued", "queued", "queued"]);
    // The next one's turn comes, as soon as this one's is over.
    client.delete(&spinning[0]);
    client.wait_until_running(&spinning[1]);
    assert_eq!(client.status(&spinning[2]).0["phase"], "queued");
}
