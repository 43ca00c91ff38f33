//! What the doctor says of settings and machine before a server finds it out, and what `health` says of one
//! that runs.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tintype_tests::server::{Ended, Setup, binary, run};
use tintype_tests::{Identity, Server};

use crate::steps::resize;

/// What the doctor says of settings and machine in a folder with plugins, and of these flags.
fn setup(folder: &TempDir, flags: &[&str]) -> Ended {
    run(&[&["doctor", "--only", "setup"], flags].concat(), &[], folder.path())
}

/// The one line about this, which must be of this kind.
fn finding(ended: &Ended, kind: &str, about: &str) -> String {
    let line = ended.output.lines().find(|line| line.contains(about));
    let line = line.unwrap_or_else(|| panic!("nothing about {about:?}: {ended:?}"));
    assert!(line.starts_with(&format!("{kind}: ")), "{line}");
    let code = if kind == "problem" { 1 } else { 0 };
    assert_eq!(ended.code, Some(code), "{ended:?}");
    line.to_owned()
}

#[test]
fn a_server_that_runs_has_no_problem_and_its_data_are_looked_at_too() {
    let server = Server::new();
    server.client().wait(&server.client().accepted(&resize()));
    let ended = run(&["doctor"], &[], server.folder());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.output.contains("problem:"), "{ended:?}");
    assert!(ended.output.contains("a server runs on it") && ended.output.contains("1 over"), "{ended:?}");
    let data = run(&["doctor", "--only", "data"], &[], server.folder());
    assert!(!data.output.contains("warning:") && data.output.ends_with("nothing is wrong\n"), "{data:?}");
}

#[test]
fn before_the_first_start_settings_and_machine_can_be_looked_at_and_nothing_is_made() {
    let folder = Setup::default().folder();
    let ended = setup(&folder, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = run(&["doctor"], &[], folder.path());
    assert!(ended.code == Some(0) && ended.output.contains("data: no tasks yet"), "{ended:?}");
    let ended = run(&["doctor", "--only", "data"], &[], folder.path());
    assert!(ended.code == Some(1) && ended.errors.contains("is no data folder"), "{ended:?}");
    assert!(!folder.path().join("data").exists());
    let ended = setup(&TempDir::new().unwrap(), &[]);
    assert!(finding(&ended, "problem", "plugins_dir plugins is not there").contains("create the folder"));
}

#[test]
fn folders_that_a_server_could_not_use_or_others_can_are_found() {
    let folder = Setup::default().folder();
    let plugins = folder.path().join("plugins");
    let elsewhere = TempDir::new().unwrap();
    let outside = elsewhere.path().join("linked.wasm");
    fs::write(&outside, "").unwrap();
    symlink(&outside, plugins.join("linked.wasm")).unwrap();
    assert!(finding(&setup(&folder, &[]), "problem", "linked.wasm leads to").contains("harden = false"));
    assert_eq!(setup(&folder, &["--harden", "false"]).code, Some(0));
    fs::remove_file(plugins.join("linked.wasm")).unwrap();

    fs::set_permissions(&plugins, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(finding(&setup(&folder, &[]), "warning", "plugins_dir").contains("chmod o-w"));
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::set_permissions(folder.path().join("data"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(finding(&setup(&folder, &[]), "warning", "data_dir data has mode 0755").contains("chmod 0700"));
    fs::write(folder.path().join("file"), "").unwrap();
    finding(&setup(&folder, &["--data-dir", "file"]), "problem", "data_dir file is not a folder");
    let full = setup(&folder, &["--min-free-space", "1000000GiB"]);
    assert!(finding(&full, "problem", "min_free_space").contains("Make room"));
}

#[test]
fn settings_that_no_server_would_start_with_are_problems() {
    let folder = Setup::default().folder();
    let open = setup(&folder, &["--listen", "0.0.0.0:8080"]);
    assert!(finding(&open, "problem", "--listen").contains("tintype key new"));
    let (certificate, _) = Identity::new().write(folder.path());
    let certificate = certificate.display().to_string();
    let no_pair = setup(&folder, &["--tls-cert", &certificate, "--tls-key", &certificate]);
    finding(&no_pair, "problem", "has no private key in it");
    finding(&setup(&folder, &["--callback-hosts", "http://a:80"]), "problem", "callback_secret");
    fs::write(folder.path().join("keys.toml"), "nonsense").unwrap();
    finding(&setup(&folder, &["--keys-file", "keys.toml"]), "problem", "keys.toml");
}

#[test]
fn what_travels_or_lies_open_is_warned_of() {
    let folder = Setup::default().folder();
    let open = ["--listen", "0.0.0.0:8080", "--allow-anonymous"];
    assert!(finding(&setup(&folder, &open), "warning", "listen 0.0.0.0:8080").contains("tls_cert"));
    let behind = [&open[..], &["--trusted-proxies", "10.0.0.1"]].concat();
    assert!(!setup(&folder, &behind).output.contains("listen"), "a proxy encrypts");
    let (certificate, key) = Identity::new().write(folder.path());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let [certificate, key] = [certificate, key].map(|path| path.display().to_string());
    let readable = setup(&folder, &["--tls-cert", &certificate, "--tls-key", &key]);
    assert!(finding(&readable, "warning", "tls_key").contains("chmod o-rwx"));
}

#[test]
fn limits_that_do_not_fit_the_machine_are_warned_of() {
    let folder = Setup::default().folder();
    let many = setup(&folder, &["--workers", "3000", "--memory", "4GiB"]);
    assert!(finding(&many, "warning", "workers × (memory + max_output)").contains("lower workers"));
    // 64 GiB of address space: enough for a process, and not for a pool of 4 GiB a memory.
    let limited = "ulimit -v 67108864; ulimit -n 300; exec \"$0\" doctor --only setup";
    let output =
        Command::new("sh").args(["-c", limited]).arg(binary()).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("warning: there is no address space for a pool"), "{said}");
    assert!(said.contains("the limit is 64GiB") && said.contains("ulimit -v unlimited"), "{said}");
    assert!(said.contains("warning: 300 files may be open, and max_connections may need 13000"), "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn a_clock_that_is_behind_the_files_is_warned_of() {
    let folder = Setup::default().folder();
    let file = folder.path().join("plugins/standard.wasm");
    let later = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    File::options().append(true).open(&file).unwrap().set_modified(later).unwrap();
    assert!(finding(&setup(&folder, &[]), "warning", "the clock says").contains("standard.wasm"));
}

#[test]
fn health_is_what_a_running_server_says_of_itself() {
    fn health(folder: &Path) -> Ended {
        run(&["health"], &[], folder)
    }
    let identity = TempDir::new().unwrap();
    let (certificate, key) = Identity::new().write(identity.path());
    let setup = Setup::default().key("one").with("tls-cert", certificate.display());
    let mut server = setup.with("tls-key", key.display()).start();
    let well = health(server.folder());
    assert_eq!((well.code, well.output.as_str()), (Some(0), "ready\n"), "{well:?}");
    server.kill();
    let dead = health(server.folder());
    assert_eq!(dead.code, Some(1), "{dead:?}");
    assert!(dead.errors.contains("cannot be reached"), "{dead:?}");
}
