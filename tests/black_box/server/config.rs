//! Settings: all of them shown, each read from three places, and wrong ones refused with their place,
//! their name and the rule.

use tempfile::TempDir;
use tintype_tests::server::{Ended, run};

/// Settings that an operator must find; the list itself is the binary's.
const SOME: [&str; 12] = [
    "listen",
    "public_url",
    "allow_anonymous",
    "max_image_size",
    "max_queue",
    "workers",
    "max_attempts",
    "data_dir",
    "plugins_dir",
    "deadline",
    "memory",
    "log_format",
];

/// A folder with this `tintype.toml` in it.
fn folder(toml: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("tintype.toml"), toml).unwrap();
    folder
}

fn config(toml: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    run(&[&["config"], arguments].concat(), environment, folder(toml).path())
}

/// Runs what must fail with exit code 1, and gives its message without the folder's own path.
fn complaint(toml: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let ended = config(toml, arguments, environment);
    assert_eq!((ended.code, ended.output.as_str()), (Some(1), ""), "{ended:?}");
    ended.errors.strip_prefix("tintype: ").unwrap().trim_end().to_owned()
}

/// The line of `tintype config` for a setting.
fn line(ended: &Ended, name: &str) -> String {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let begin = format!("{name} = ");
    ended.output.lines().find(|line| line.starts_with(&begin)).unwrap().to_owned()
}

#[test]
fn help_lists_every_setting_with_its_default() {
    let folder = folder("");
    let help = run(&["serve", "--help"], &[], folder.path());
    assert_eq!(help.code, Some(0));
    let shown = run(&["config"], &[], folder.path()).output;
    let names: Vec<&str> = shown
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(" = ").next())
        .collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    assert!(names.len() > 20 && SOME.iter().all(|name| names.contains(name)), "{names:?}");
    for name in names {
        let flag = format!("--{} ", name.replace('_', "-"));
        assert!(help.output.contains(&flag), "{flag} in\n{}", help.output);
    }
    assert!(help.output.contains("[default: 64MiB]"));
}

#[test]
fn the_effective_values_are_shown_with_their_origins() {
    let ended = config(
        "max_queue = 7\nworkers = 3\nlease = \"90s\"\n",
        &["--workers", "5"],
        &[("TINTYPE_LEASE", "120s"), ("TINTYPE_MEMORY", "1GiB")],
    );
    assert!(
        line(&ended, "max_queue").contains("\"7\"") && line(&ended, "max_queue").ends_with("tintype.toml:1")
    );
    assert_eq!(line(&ended, "workers"), "workers = \"5\"  # flag");
    assert_eq!(line(&ended, "lease"), "lease = \"2m\"  # environment");
    assert_eq!(line(&ended, "memory"), "memory = \"1GiB\"  # environment");
    assert_eq!(line(&ended, "deadline"), "deadline = \"30s\"  # default");
}

#[test]
fn what_config_prints_can_be_used_as_a_settings_file() {
    let toml = "max_queue = 7\ntrusted_proxies = [\"10.0.0.1\", \"::1\"]\n[plugin.standard]\nmemory = \"1GiB\"\n\
                [presets.avatar]\noperations = [{ name = \"resize\", width = 128 }, \"grayscale\"]\n";
    let first = config(toml, &[], &[]);
    assert!(first.output.contains("[plugin.standard]\nmemory = \"1GiB\"\n"), "{first:?}");
    let second = config(&first.output, &[], &[]);
    let values = |ended: &Ended| -> Vec<String> {
        ended.output.lines().map(|line| line.split("  # ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(values(&first), values(&second));
}

#[test]
fn a_wrong_value_is_refused_with_its_place_its_name_and_the_rule() {
    assert_eq!(
        complaint("\n\nmemory = \"64 MB\"\n", &[], &[]),
        "tintype.toml:3: memory: \"64 MB\" will not do: it must be a size such as 1048576, 64KiB, 64MiB or 2GiB"
    );
    assert!(complaint("", &["--deadline", "30"], &[]).starts_with("--deadline: \"30\" will not do"));
    assert!(
        complaint("", &[], &[("TINTYPE_WORKERS", "none")])
            .starts_with("TINTYPE_WORKERS: \"none\" will not do")
    );
    assert!(complaint("workers = { a = 1 }", &[], &[]).starts_with("tintype.toml:1: workers:"));
    let said = complaint("[plugin.standard]\nmemory = \"64 MB\"\n", &[], &[]);
    assert!(said.starts_with("tintype.toml:2: plugin.standard.memory: \"64 MB\" will not do"), "{said}");
    assert!(complaint("a = b", &[], &[]).starts_with("tintype.toml:1: not valid TOML"));
    assert!(complaint("", &["--public-url", "pictures"], &[]).contains("http or https URL"));
    assert!(complaint("", &["--stack", "1KiB"], &[]).contains("from 64KiB to 64MiB"));
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    assert_eq!(
        complaint("max_qeue = 1", &[], &[]),
        "tintype.toml:1: there is no setting \"max_qeue\" (did you mean \"max_queue\"?)"
    );
    let variable = complaint("", &[], &[("TINTYPE_MEMROY", "1GiB")]);
    assert!(variable.contains("TINTYPE_MEMROY") && variable.contains("memory"), "{variable}");
    let flag = config("", &["--memroy", "1GiB"], &[]);
    assert_eq!(flag.code, Some(2), "a wrong command line is clap's");
    assert!(flag.errors.contains("--memory"), "{flag:?}");
}

#[test]
fn a_settings_file_that_is_named_must_exist() {
    let message = complaint("", &["--config", "elsewhere.toml"], &[]);
    assert!(message.starts_with("elsewhere.toml: "), "{message}");
    let message = complaint("", &[], &[("TINTYPE_CONFIG", "elsewhere.toml")]);
    assert!(message.starts_with("elsewhere.toml: "), "{message}");
}

#[test]
fn an_address_that_others_can_reach_needs_a_word_of_consent() {
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let folder = folder("");
        let ended = run(&["serve", "--listen", open], &[], folder.path());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.errors.contains(&format!("--listen: \"{open}\"")), "{ended:?}");
        assert!(ended.errors.contains("allow_anonymous") && ended.errors.contains("loopback"), "{ended:?}");
        assert!(!folder.path().join("data").exists(), "nothing was touched");
    }
    let consented = config("", &["--listen", "0.0.0.0:0", "--allow-anonymous", "true"], &[]);
    assert_eq!(consented.code, Some(0), "{consented:?}");
}

#[test]
fn folders_that_cannot_be_used_are_named() {
    let folder = folder("");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let without_plugins = run(&["serve", "--listen", "127.0.0.1:0"], &[], folder.path());
    assert_eq!(without_plugins.code, Some(1));
    assert!(without_plugins.errors.contains("plugins_dir plugins: create the folder"), "{without_plugins:?}");
    let on_a_file = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "file"], &[], folder.path());
    assert_eq!(on_a_file.code, Some(1));
    assert!(on_a_file.errors.contains("data_dir file"), "{on_a_file:?}");
}
