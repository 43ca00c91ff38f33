//! The files in `deploy/` and the Dockerfile name settings, commands and paths: all of them must be there,
//! and nothing must be looser than it says.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tintype_tests::server::{binary, run};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

/// Values of a key of a unit, in order.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// A Dockerfile's instructions, each on one line.
fn instructions(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let split =
        |line: &str| line.split_once(' ').map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()));
    joined.lines().filter_map(split).collect()
}

/// That a server takes these settings. Consent is added: whether others may come in is the operator's word.
fn are_settings(pairs: &[(&str, &str)]) {
    let folder = TempDir::new().unwrap();
    let environment = [pairs, &[("TINTYPE_ALLOW_ANONYMOUS", "true")]].concat();
    let ended = run(&["config"], &environment, folder.path());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (name, value) in pairs {
        let setting = name.strip_prefix("TINTYPE_").unwrap().to_lowercase();
        assert!(ended.output.contains(&format!("{setting} = \"{value}\"  # environment")), "{ended:?}");
    }
}

#[test]
fn the_unit_names_settings_and_commands_that_there_are_and_lets_the_server_confine_itself() {
    let unit = read("deploy/systemd/tintype.service");
    let settings: Vec<_> =
        values(&unit, "Environment").iter().map(|pair| pair.split_once('=').unwrap()).collect();
    assert_eq!(settings.len(), 3);
    are_settings(&settings);
    assert_eq!(values(&unit, "ExecStart"), ["/usr/local/bin/tintype serve"]);
    let data = settings.iter().find(|(name, _)| *name == "TINTYPE_DATA_DIR").unwrap().1;
    assert_eq!(format!("/var/lib/{}", values(&unit, "StateDirectory")[0]), data);
    for strict in ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "UMask=0077"] {
        assert!(unit.lines().any(|line| line == strict), "{strict}");
    }
    let calls = values(&unit, "SystemCallFilter").join(" ");
    for call in ["seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"] {
        assert!(calls.split(' ').any(|known| known == call), "{call}");
    }
    let user = read("deploy/systemd/tintype.sysusers.conf");
    assert!(user.contains(&format!("\nu {} ", values(&unit, "User")[0])), "{user}");
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit_and_little_exposed() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tintype.service");
    // It looks whether the programs are there.
    let program = binary().canonicalize().unwrap();
    let unit = read("deploy/systemd/tintype.service");
    std::fs::write(&file, unit.replace("/usr/local/bin/tintype", &program.display().to_string())).unwrap();
    let analyze = |arguments: &[&str]| Command::new("systemd-analyze").args(arguments).arg(&file).output();
    let Ok(verified) = analyze(&["verify"]) else {
        eprintln!("skipped: the unit; there is no systemd-analyze (Debian: apt-get install systemd)");
        return;
    };
    let said = String::from_utf8(verified.stderr).unwrap();
    let about = said.lines().filter(|line| line.contains("tintype.service")).collect::<Vec<_>>();
    assert!(verified.status.success() && about.is_empty(), "{said}");
    // Of 10; what has no words for itself there has 9.6. Older versions look at running services only.
    let secure = analyze(&["security", "--offline=true", "--threshold=20"]).unwrap();
    let said = String::from_utf8(secure.stdout).unwrap();
    assert!(secure.status.success() || !said.contains("Overall exposure"), "{said}");
}

#[test]
fn the_image_runs_as_nobody_names_settings_that_there_are_and_asks_for_its_health() {
    let dockerfile = instructions(&read("Dockerfile"));
    let of = |name: &str| -> Vec<&str> {
        dockerfile.iter().filter(|(known, _)| known == name).map(|(_, rest)| rest.as_str()).collect()
    };
    for image in of("FROM") {
        let image = image.split(' ').next().unwrap();
        assert!(image.contains(':') && !image.ends_with(":latest"), "{image} may be another one tomorrow");
    }
    let last = dockerfile.iter().rposition(|(name, _)| name == "FROM").unwrap();
    let user = dockerfile[last..].iter().find(|(name, _)| name == "USER").map(|(_, user)| user.as_str());
    assert_eq!(user, Some("65532:65532"), "a number, which Kubernetes can tell from root's");
    let settings = of("ENV").join(" ");
    let settings: Vec<_> = settings.split_whitespace().map(|pair| pair.split_once('=').unwrap()).collect();
    assert!(settings.len() > 2);
    are_settings(&settings);
    for (name, value) in &settings {
        if name.ends_with("_DIR") {
            let copied = of("COPY").iter().any(|copy| copy.ends_with(&format!(" {value}")));
            assert!(copied, "{name}: nothing is put at {value}");
        }
    }
    assert_eq!(of("ENTRYPOINT"), ["[\"/usr/local/bin/tintype\"]"]);
    let health = of("HEALTHCHECK");
    assert!(health[0].ends_with("CMD [\"/usr/local/bin/tintype\", \"health\"]"), "{health:?}");
    assert_eq!(run(&["health", "--help"], &[], &repository()).code, Some(0));
}

#[test]
fn what_is_kept_out_of_the_image_s_build_is_nothing_that_it_needs() {
    let ignored = read(".dockerignore");
    let ignored: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    for secret in ["data", ".git", "keys.toml", "**/*.pem", "**/*.key"] {
        assert!(ignored.contains(&secret), "{secret}");
    }
    let manifest = read("Cargo.toml");
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    for member in members.split(',').map(|member| member.trim().trim_matches('"')) {
        assert!(repository().join(member).join("Cargo.toml").is_file(), "{member}");
        let folder = member.split('/').next().unwrap();
        assert!(!ignored.contains(&folder), "cargo wants {member}");
    }
    for needed in [".cargo", "wit", "Cargo.lock", "README.md"] {
        assert!(repository().join(needed).exists() && !ignored.contains(&needed), "{needed}");
    }
}
