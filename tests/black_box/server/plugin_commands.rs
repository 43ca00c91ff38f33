//! `tintype plugin`: listing, running and checking plugins, beside a server or without one.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use tempfile::TempDir;
use tintype_tests::server::{Ended, Setup, built, run, target};
use tintype_tests::{eventually, pictures};

/// Runs `tintype plugin …` in this folder, without compiling what the other tests have compiled.
pub(super) fn plugin(folder: &Path, arguments: &[&str]) -> Ended {
    let compiled = target().join("compiled-for-tests").display().to_string();
    run(&[&["plugin"], arguments, &["--compiled-dir", &compiled]].concat(), &[], folder)
}

pub(super) fn json(ended: &Ended) -> Json {
    serde_json::from_str(&ended.output).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn standard() -> String {
    target().join("plugins/standard.wasm").display().to_string()
}

fn hostile() -> String {
    built("hostile").display().to_string()
}

/// A folder with a picture of 64 by 48 pixels in it.
fn with_picture() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("in.png"), pictures::png(64, 48)).unwrap();
    folder
}

/// A folder with a file of this content, which is called `p.wasm`.
fn with_file(content: &[u8]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("p.wasm"), content).unwrap();
    folder
}

/// Runs an operation of the hostile plugin on the picture.
fn run_hostile(folder: &TempDir, arguments: &[&str]) -> Ended {
    plugin(folder.path(), &[&["run", &hostile(), "in.png", "-o", "out.bin"], arguments].concat())
}

/// What the list says of the file of this name.
fn listed<'a>(list: &'a Json, file: &str) -> &'a Json {
    let end = format!("/plugins/{file}");
    let files = list["plugins"].as_array().unwrap();
    files.iter().find(|known| known["file"].as_str().unwrap().ends_with(&end)).unwrap()
}

/// The checks that ended so, as `check` or `operation: check`.
pub(super) fn checks(report: &Json, verdict: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let of_it = findings.filter(|finding| finding["verdict"] == verdict);
    let check = |finding: &Json| finding["check"].as_str().unwrap().to_owned();
    of_it
        .map(|finding| match finding["operation"].as_str() {
            Some(operation) => format!("{operation}: {}", check(finding)),
            None => check(finding),
        })
        .collect()
}

/// What is said of the check of this name, which failed.
pub(super) fn failed_words(report: &Json, check: &str) -> String {
    let findings = report["findings"].as_array().unwrap().iter();
    let failed = findings.filter(|finding| finding["verdict"] == "failed");
    let words =
        failed.filter(|finding| finding["check"] == check).map(|finding| finding["words"].as_str().unwrap());
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn without_a_server_the_list_describes_the_folder() {
    let folder = Setup::default().plugin("broken.wasm", b"no wasm").folder();
    let list = json(&plugin(folder.path(), &["list", "--json"]));
    assert_eq!(list["server"], false);
    let standard = listed(&list, "standard.wasm");
    assert_eq!((&standard["name"], &standard["state"]), (&Json::from("standard"), &Json::from("in-use")));
    assert!(standard["operations"].as_array().unwrap().contains(&"resize".into()), "{standard}");
    assert_eq!(standard["imports"].as_array().unwrap().len(), 2, "{standard}");
    let digest = standard["sha256"].as_str().unwrap();
    let file = fs::read(folder.path().join("plugins/standard.wasm")).unwrap();
    let expected: String =
        <sha2::Sha256 as sha2::Digest>::digest(file).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, expected);
    let broken = listed(&list, "broken.wasm");
    assert_eq!(broken["state"], "broken");
    assert!(broken["error"].as_str().unwrap().contains("does not begin as WebAssembly does"), "{broken}");
    assert!(!folder.path().join("data").exists(), "looking makes nothing");

    let text = plugin(folder.path(), &["list"]);
    assert_eq!(text.code, Some(0), "{text:?}");
    for words in
        ["3 in use, 1 broken", "standard 0.1.0: in use", "broken.wasm: broken", digest, "resize, crop"]
    {
        assert!(text.output.contains(words), "{words} in {}", text.output);
    }
    assert!(text.output.lines().filter(|line| !line.contains('/')).all(|line| line.len() <= 100));
}

#[test]
fn a_running_server_tells_what_it_uses_and_which_file_is_broken_since() {
    let server = Setup::default().hostile().start();
    let list = || json(&plugin(server.folder(), &["list", "--json"]));
    let before = list();
    assert_eq!(before["server"], true);
    assert_eq!(listed(&before, "hostile.wasm")["state"], "in-use");
    fs::write(server.folder().join("plugins/hostile.wasm"), b"\0asm half a copy").unwrap();
    server.wait_for_log("stays in use");
    let stays = eventually(
        || Some(listed(&list(), "hostile.wasm").clone()).filter(|file| file["state"] == "earlier-in-use"),
        || format!("{}", list()),
    );
    assert_eq!(stays["sha256"], listed(&before, "hostile.wasm")["sha256"]);
    assert!(stays["error"].as_str().unwrap().contains("Operator: copy it again"), "{stays}");
    let text = plugin(server.folder(), &["list"]).output;
    assert!(text.contains("hostile 1.0.0: broken; what the file held before stays in use"), "{text}");
    assert!(text.starts_with("The server that runs on data: 4 in use, 1 broken"), "{text}");
}

#[test]
fn the_socket_of_a_server_that_was_killed_is_no_server() {
    let mut server = Setup::default().start();
    server.kill();
    assert!(server.folder().join("data/control").exists());
    let list = json(&plugin(server.folder(), &["list", "--json"]));
    assert_eq!((&list["server"], list["plugins"].as_array().unwrap().len()), (&Json::from(false), 3));
}

#[test]
fn a_list_of_no_folder_says_which_is_missing() {
    let folder = TempDir::new().unwrap();
    let ended = plugin(folder.path(), &["list", "--plugins-dir", "elsewhere"]);
    assert_eq!((ended.code, ended.output.as_str()), (Some(1), ""));
    assert!(ended.errors.contains("elsewhere") && ended.errors.contains("--plugins-dir"), "{ended:?}");
}

#[test]
fn a_picture_goes_through_a_plugin_without_a_server() {
    let folder = with_picture();
    let operations = ["--operation", "resize", "--param", "width=32", "--operation", "grayscale"];
    let arguments =
        [&["run", &standard(), "in.png", "-o", "out.jpg"], &operations[..], &["--output", "image/jpeg"]];
    let ended =
        plugin(folder.path(), &[&arguments.concat()[..], &["--param", "quality=80", "--json"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let bytes = fs::read(folder.path().join("out.jpg")).unwrap();
    assert!(bytes.starts_with(b"\xff\xd8\xff"));
    let picture = pictures::decode(&bytes);
    assert_eq!((picture.width(), picture.height()), (32, 24));
    let middle = picture.to_rgb8().get_pixel(16, 12).0;
    assert!(middle[0].abs_diff(middle[1]) < 8 && middle[1].abs_diff(middle[2]) < 8, "{middle:?} is no gray");

    let report = json(&ended);
    assert_eq!((&report["state"], &report["plugin"]), (&Json::from("OK"), &Json::from("standard 0.1.0")));
    assert_eq!(report["operations"], serde_json::json!(["resize", "grayscale"]));
    assert_eq!(report["results"][0]["type"], "image/jpeg");
    assert_eq!(report["results"][0]["size"], bytes.len());
    assert!(report["took_ms"].as_f64().unwrap() > 0.0);
    assert!(report["peak_memory_bytes"].as_u64().unwrap() > 64 * 48 * 3, "{report}");
}

#[test]
fn a_plugin_goes_by_its_name_and_a_picture_through_pipes() {
    let folder = Setup::default().folder();
    fs::write(folder.path().join("in.png"), pictures::png(64, 48)).unwrap();
    let arguments = ["run", "standard", "in.png", "-o", "-", "--operation", "resize", "--param", "width=8"];
    let compiled = target().join("compiled-for-tests");
    let output = std::process::Command::new(tintype_tests::server::binary())
        .arg("plugin")
        .args(arguments)
        .arg("--compiled-dir")
        .arg(compiled)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(pictures::decode(&output.stdout).width(), 8);
    let report = String::from_utf8(output.stderr).unwrap();
    assert!(report.contains("result      image/png") && report.contains("memory "), "{report}");
    let ended = plugin(folder.path(), &["run", "nobody", "in.png", "-o", "-", "--operation", "resize"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.errors.contains("plugins has standard"), "{ended:?}");
}

#[test]
fn what_the_server_would_refuse_is_a_wrong_command_line() {
    let folder = with_picture();
    for (arguments, words) in [
        (&["--operation", "resize", "--param", "width=wide"][..], "\"width\""),
        (&["--operation", "resize", "--param", "widht=3"], "There is no such parameter."),
        (&["--operation", "resise"], "There is no operation \"resise\""),
        (&["--operation", "resize", "--param", "width=3", "--output", "text/html"], "does not write"),
        (&["--operation", "resize", "--param", "width=cid:logo"], "cid:logo"),
        (&["--param", "width=3", "--operation", "resize"], "before it"),
        (&["--operation", "flip", "--deadline", "soon", "--param"], "--param"),
    ] {
        let ended =
            plugin(folder.path(), &[&["run", &standard(), "in.png", "-o", "out.png"], arguments].concat());
        assert_eq!((ended.code, ended.output.as_str()), (Some(2), ""), "{arguments:?}: {ended:?}");
        assert!(ended.errors.contains(words), "{words} in {ended:?}");
    }
    let missing = plugin(folder.path(), &["run", &standard(), "no.png", "-o", "o", "--operation", "flip"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.errors.contains("no.png cannot be read"), "{missing:?}");
    assert!(!folder.path().join("out.png").exists());
}

#[test]
fn a_plugin_that_fails_gives_the_server_s_code_and_words_and_no_file() {
    let folder = with_picture();
    for (arguments, code, words) in [
        (&["--operation", "trap"][..], "plugin-trap", "unreachable"),
        (&["--operation", "spin", "--deadline", "300ms"], "deadline-exceeded", "0.3 seconds"),
        (&["--operation", "grow", "--memory", "16MiB"], "memory-exceeded", "16777216"),
        (&["--operation", "fail", "--param", "text=so it is"], "plugin-error", "so it is"),
        (&["--operation", "judge", "--param", "text=no"], "invalid-parameters", "no"),
        (
            &["--operation", "huge", "--param", "bytes=2000000", "--max-output", "1MiB"],
            "too-large",
            "1048576",
        ),
    ] {
        let ended = run_hostile(&folder, &[arguments, &["--json"]].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let report = json(&ended);
        assert_eq!((&report["state"], &report["code"]), (&"FAILED".into(), &code.into()), "{report}");
        assert!(report["detail"].as_str().unwrap().contains(words), "{report}");
        assert!(ended.errors.contains(&format!("tintype: {code}: ")), "{ended:?}");
        assert!(!folder.path().join("out.bin").exists());
    }
    fs::write(folder.path().join("in.png"), b"no picture").unwrap();
    let ended =
        plugin(folder.path(), &["run", &standard(), "in.png", "-o", "out.bin", "--operation", "flip"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.errors.contains("invalid-image: Invalid image format."), "{ended:?}");
}

#[test]
fn the_report_has_the_plugins_log_and_where_it_stopped() {
    let folder = with_picture();
    let ended = run_hostile(&folder, &["--operation", "flood", "--param", "count=103"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.output.matches("\nlog ").count(), 101, "a hundred lines, and how many there are more");
    assert!(ended.output.contains("info  line 99 ") && ended.output.contains("3 further lines"), "{ended:?}");
    assert!(!ended.output.contains('\u{1b}') && !ended.output.contains("\nERROR"), "{ended:?}");

    let ended = run_hostile(&folder, &["--operation", "panic"]);
    assert!(ended.output.contains("the plugin's own words"), "{ended:?}");
    assert!(ended.output.contains("\nstopped ") && ended.output.contains("wasm backtrace"), "{ended:?}");
}

#[test]
fn an_attachment_reaches_the_parameter_that_refers_to_it() {
    let folder = with_picture();
    fs::write(folder.path().join("logo.txt"), b"the logo").unwrap();
    let attach = ["--attach", "other=in.png", "--attach", "logo=logo.txt"];
    let ended = run_hostile(
        &folder,
        &[&attach[..], &["--operation", "attached", "--param", "picture=cid:logo"]].concat(),
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(fs::read(folder.path().join("out.bin")).unwrap(), b"the logo");
}

#[test]
fn several_results_are_numbered_and_do_not_fit_into_one_pipe() {
    let folder = with_picture();
    let copies = ["--operation", "copies", "--param", "count=3"];
    assert_eq!(run_hostile(&folder, &copies).code, Some(0));
    let line =
        |out: &'static str| [&["run", &hostile(), "in.png", "-o", out], &copies[..]].concat().join("\n");
    let to = |out| plugin(folder.path(), &line(out).split('\n').collect::<Vec<_>>());
    assert_eq!(to("page%d.png").code, Some(0));
    for file in ["out-1.bin", "out-2.bin", "out-3.bin", "page1.png", "page2.png", "page3.png"] {
        assert_eq!(fs::read(folder.path().join(file)).unwrap(), pictures::png(64, 48), "{file}");
    }
    let ended = to("-");
    assert_eq!((ended.code, ended.output.as_str()), (Some(1), ""));
    assert!(ended.errors.contains("3 results"), "{ended:?}");
}

#[test]
fn the_bundled_plugin_passes_every_check() {
    let folder = TempDir::new().unwrap();
    let ended = plugin(folder.path(), &["check", &standard(), "--json"]);
    assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""), "{ended:?}");
    let report = json(&ended);
    let passed = checks(&report, "passed");
    assert_eq!(passed.len(), report["findings"].as_array().unwrap().len(), "{}", ended.output);
    // Nothing is passed by not being tried.
    for check in [
        "describe twice",
        "limits",
        "resize: good image/webp",
        "crop: lying image/tiff",
        "rotate: damaged image/gif 1",
        "convert: random bytes 1",
        "grayscale: no bytes",
        "flip: half image/jpeg",
        "auto-orient: the same again",
        "watermark: good image/png",
        "thumbnails: the same again",
        "info: good image/gif",
        "blur: damaged image/png 1",
    ] {
        assert!(passed.iter().any(|known| known == check), "{check} in {passed:?}");
    }
    // Seven formats of pictures, and the documents of info.
    assert_eq!(passed.iter().filter(|check| *check == "writes").count(), 8);
    let text = plugin(folder.path(), &["check", &standard()]).output;
    assert!(
        text.contains("standard 0.1.0") && text.ends_with(&format!("\n{} passed\n", passed.len())),
        "{text}"
    );
}

#[test]
fn a_hostile_plugin_is_told_what_to_mend() {
    let folder = TempDir::new().unwrap();
    let ended =
        plugin(folder.path(), &["check", &hostile(), "--json", "--deadline", "1s", "--memory", "64MiB"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.errors.contains("hostile.wasm must be mended: "), "{ended:?}");
    let report = json(&ended);
    let failed = checks(&report, "failed");
    for operation in ["spin", "stall", "recurse", "grow", "trap", "panic", "lie", "fail"] {
        let check = format!("{operation}: good application/octet-stream");
        assert!(failed.contains(&check), "{check} in {failed:?}");
    }
    for operation in ["echo", "copies", "huge", "attached", "mark", "seek", "flood", "rant", "work"] {
        let prefix = format!("{operation}: ");
        assert!(!failed.iter().any(|check| check.starts_with(&prefix)), "{operation} in {failed:?}");
    }
    assert!(checks(&report, "skipped").contains(&"spin: the rest".to_owned()));
    let warnings = checks(&report, "warning");
    assert!(warnings.contains(&"judge: good application/octet-stream".to_owned()), "{warnings:?}");
    assert!(failed_words(&report, "writes").contains("image/png: echo was asked for it"), "{failed:?}");
    let words = failed_words(&report, "good application/octet-stream");
    for word in ["it ran past its deadline", "unreachable", "67108864", "text/html", "What to do: "] {
        assert!(words.contains(word), "{word} in {words}");
    }
}

#[test]
fn a_file_that_no_server_would_load_fails_at_the_check_that_says_why() {
    let foreign = wat::parse_str("(component (import \"evil:files/everything@1.0.0\" (instance)))").unwrap();
    let newer = "(component (instance $e) (export \"tintype:plugin/processor@0.2.0\" (instance $e)))";
    let other = "(component (instance $e) (export \"tintype:plugin/processor@0.1.0\" (instance $e)))";
    for (content, check, words) in [
        (wat::parse_str("(module)").unwrap(), "component", "wasm-tools component new"),
        (b"garbage".to_vec(), "component", "does not begin as WebAssembly does"),
        (vec![], "component", "build it again"),
        (foreign, "imports", "it imports evil:files/everything@1.0.0. What to do: take out what needs it"),
        (wat::parse_str("(component)").unwrap(), "exports", "implement the world image-processor"),
        (wat::parse_str(newer).unwrap(), "exports", "build it against tintype:plugin@0.1"),
        (wat::parse_str(other).unwrap(), "contract", "build it against the wit/ of this release"),
    ] {
        let folder = with_file(&content);
        let ended = plugin(folder.path(), &["check", "p.wasm", "--json"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let report = json(&ended);
        assert_eq!(checks(&report, "failed"), [check], "{report}");
        let said = failed_words(&report, check);
        assert!(said.contains(words) && !said.contains("Operator:"), "{words} in {said}");
        assert_eq!(report["plugin"], Json::Null);
    }
    let ended = plugin(with_file(b"x").path(), &["check", "p.wasm", "--max-plugin-size", "0B"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.output.contains("FAILED   size") && ended.output.contains("5 not looked at"), "{ended:?}");
    let missing = plugin(TempDir::new().unwrap().path(), &["check", "p.wasm"]);
    assert_eq!((missing.code, missing.output.as_str()), (Some(2), ""), "{missing:?}");
}

#[test]
fn wasi_is_refused_by_an_operators_setting_with_words_for_its_author() {
    let wasi = wat::parse_str("(component (import \"wasi:cli/environment@0.2.0\" (instance)))").unwrap();
    let folder = with_file(&wasi);
    let ended = plugin(folder.path(), &["check", "p.wasm", "--allow-wasi", "false"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.output.contains("FAILED   imports") && ended.output.contains("build it without WASI"),
        "{ended:?}"
    );
    let allowed = plugin(folder.path(), &["check", "p.wasm", "--json"]);
    assert_eq!(checks(&json(&allowed), "failed"), ["exports"], "{allowed:?}");
}
