//! A server confines itself: whatever goes wrong in it, it opens nothing but its own, starts no program,
//! and says so. Where the kernel cannot do that, it says that too, and goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tintype_tests::server::{Setup, built};
use tintype_tests::{Server, eventually};

use crate::steps::{hostile, resize};

/// Whether this machine's kernel has landlock: it says so to whoever asks for the version.
fn has_landlock(server: &Server) -> bool {
    server.log().iter().any(|line| line.contains("confined: landlock ABI"))
}

#[test]
fn every_thread_is_confined_and_the_server_works() {
    let server = Setup::default().hostile().with("durability", "relaxed").start();
    assert_eq!(server.client().process(&resize()).state(), "OK");
    let line = server.wait_for_log("confined: ");
    assert!(line.contains("seccomp") && !line.contains("without seccomp"), "{line}");
    let (filters, privileges) = (server.of_threads("Seccomp"), server.of_threads("NoNewPrivs"));
    assert!(filters.len() > 5, "threads of the runtime, the store, the journal: {filters:?}");
    assert!(filters.iter().all(|mode| mode == "2"), "{filters:?}");
    assert!(privileges.iter().all(|no_new| no_new == "1"), "{privileges:?}");
}

#[test]
fn a_plugin_that_is_a_link_out_of_the_folder_is_not_read_and_the_log_says_what_to_do() {
    let elsewhere = TempDir::new().unwrap();
    let outside = elsewhere.path().join("outside.wasm");
    fs::copy(built("hostile"), &outside).unwrap();
    let folder = Setup::default().folder();
    symlink(&outside, folder.path().join("plugins/outside.wasm")).unwrap();
    // A link that stays inside is how a folder is filled that is mounted from elsewhere.
    let inside = folder.path().join("plugins/..data");
    fs::create_dir(&inside).unwrap();
    fs::copy(built("wasi"), inside.join("inside.wasm")).unwrap();
    symlink("..data/inside.wasm", folder.path().join("plugins/inside.wasm")).unwrap();

    let server = Setup::default().start_in(folder);
    if !has_landlock(&server) {
        return;
    }
    let line = server.wait_for_log("/outside.wasm leads to ");
    assert!(line.contains("cannot be read") && line.contains("harden = false"), "{line}");
    assert!(server.wait_for_log("/inside.wasm\"").contains("\"loaded\""));
}

#[test]
fn settings_of_a_plugin_that_lead_outside_keep_it_from_running_without_them() {
    let elsewhere = TempDir::new().unwrap();
    let outside = elsewhere.path().join("standard.toml");
    fs::write(&outside, "concurrency = 1\n").unwrap();
    let folder = Setup::default().folder();
    symlink(&outside, folder.path().join("plugins/standard.toml")).unwrap();
    let server = Setup::default().start_in(folder);
    if !has_landlock(&server) {
        return;
    }
    let line = server.wait_for_log("/standard.toml leads to ");
    assert!(line.contains("not loaded") && line.contains("put the file itself into"), "{line}");
    server.client().submit(&resize()).refused(422, "impossible-task");
}

#[test]
fn keys_that_lead_outside_are_not_read_and_those_that_were_stay_in_force() {
    let server = Setup::default().hostile().key("one").start();
    if !has_landlock(&server) {
        return;
    }
    let elsewhere = TempDir::new().unwrap();
    let keys = server.folder().join("data/keys.toml");
    let outside = elsewhere.path().join("keys.toml");
    // Without a key in it: whoever believed it would let nobody in.
    fs::write(&outside, "").unwrap();
    fs::remove_file(&keys).unwrap();
    symlink(&outside, &keys).unwrap();
    let client = server.client_of("one");
    let said = || {
        let answer = client.submit(&hostile("echo", &[]));
        assert_eq!(answer.code, 202, "{answer:?}");
        server.log().into_iter().find(|line| line.contains("the keys as they were stay in force"))
    };
    let line = eventually(said, || "nothing is said of the keys".to_owned());
    assert!(line.contains("Permission denied"), "{line}");
}

#[test]
fn a_server_that_is_told_so_confines_nothing() {
    let elsewhere = TempDir::new().unwrap();
    let outside = elsewhere.path().join("outside.wasm");
    fs::copy(built("hostile"), &outside).unwrap();
    let folder = Setup::default().folder();
    symlink(&outside, folder.path().join("plugins/outside.wasm")).unwrap();
    let server = Setup::default().with("harden", "false").start_in(folder);
    server.wait_for_log("not confined: harden is off");
    assert!(server.of_threads("Seccomp").iter().all(|mode| mode == "0"));
    assert_eq!(server.client().process(&hostile("echo", &[])).state(), "OK");
}

/// The command line before the server's under which the kernel gives this answer to a call.
fn answering(call: &str, answer: &str) -> Option<Vec<String>> {
    let inject = format!("inject={call}:{answer}");
    let trace = format!("trace={call}");
    let command = ["strace", "-D", "-f", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    let [program, arguments @ ..] = command;
    let probe = Command::new(program)
        .args(arguments)
        .arg("true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success()).then(|| command.map(str::to_owned).to_vec())
}

#[test]
fn a_kernel_that_cannot_confine_is_named_and_the_server_works_all_the_same() {
    let landlock = "landlock_create_ruleset";
    for (call, answer, missing) in [
        (landlock, "error=ENOSYS", "confined: seccomp; without landlock: this kernel has none"),
        // The first call asks for the version.
        (landlock, "retval=1:when=1", "confined: seccomp; without landlock: this kernel's is too old"),
        ("seccomp", "error=ENOSYS", "; without seccomp: "),
    ] {
        let Some(command) = answering(call, answer) else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "strace is missing, or may not trace");
            eprintln!(
                "skipped: a kernel that cannot confine; install strace (Debian: apt-get install strace)"
            );
            return;
        };
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let server = Setup::default().under(&command).start();
        let line = server.wait_for_log(missing);
        assert!(line.contains("\"WARN\""), "{line}");
        assert_eq!(server.client().process(&resize()).state(), "OK");
    }
}

#[test]
fn folders_that_are_named_relative_to_where_the_server_starts_are_its_own_too() {
    let folder = Setup::default().folder();
    let server = Setup::default().with("keys-file", "keys.toml").start_in(folder);
    assert_eq!(server.client().process(&resize()).state(), "OK");
    let key = server.new_key(&["late", "--keys-file", "keys.toml"]);
    let refused = || (server.client().submit(&resize()).code == 401).then_some(());
    eventually(refused, || "the keys that were made later are not seen".to_owned());
    assert_eq!(server.client().with_key(&key).process(&resize()).state(), "OK");
}
