//! What a shell and `man` get to know, and what a server tells of its plugins.

use tempfile::TempDir;
use tintype_tests::server::{Setup, run};

use super::steps::{files, json, tintype};

/// The subcommands that a command's help lists.
fn subcommands(words: &[&str]) -> Vec<String> {
    let help = run(&[words, &["--help"]].concat(), &[], &std::env::temp_dir()).output;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    // A summary of several lines goes on further to the right.
    let names = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_subcommand_has_a_manual_page_and_is_completed() {
    let folder = TempDir::new().unwrap();
    let commands = subcommands(&[]);
    for command in ["submit", "task", "plugins", "plugin", "serve", "completions", "man"] {
        assert!(commands.iter().any(|known| known == command), "{command} in {commands:?}");
    }
    let written = run(&["man", "--out", "pages"], &[], folder.path());
    assert_eq!((written.code, written.errors.as_str()), (Some(0), ""), "{written:?}");
    let pages = files(&folder.path().join("pages"));
    for command in &commands {
        assert!(pages.contains(&format!("tintype-{command}.1")), "{command} in {pages:?}");
        for inner in subcommands(&[command]) {
            assert!(
                pages.contains(&format!("tintype-{command}-{inner}.1")),
                "{command} {inner} in {pages:?}"
            );
        }
    }
    assert!(run(&["man"], &[], folder.path()).output.contains(".TH tintype 1"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell], &[], folder.path());
        assert_eq!(script.code, Some(0), "{script:?}");
        for command in &commands {
            assert!(script.output.contains(command.as_str()), "{command} for {shell}");
        }
    }
    assert_eq!(run(&["completions", "dos"], &[], folder.path()).code, Some(2));
}

#[test]
fn the_help_promises_the_exit_codes() {
    let help = run(&["submit", "--help"], &[], &std::env::temp_dir()).output;
    let words: Vec<&str> = help.split_whitespace().collect();
    let help = words.join(" ");
    for promise in
        ["3 a task ended as FAILED", "4 the server refused", "5 the server cannot be reached", "130 Ctrl-C"]
    {
        assert!(help.contains(promise), "{promise} in {help}");
    }
}

#[test]
fn a_server_s_plugins_are_listed_and_one_is_shown_with_its_parameters() {
    let server = Setup::default().hostile().start();
    let folder = TempDir::new().unwrap();
    let all = tintype(&server, folder.path(), &["plugins"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    assert!(all.output.contains("hostile 1.0.0 (processor)") && all.output.contains("  resize "), "{all:?}");
    let one = tintype(&server, folder.path(), &["plugins", "standard"]);
    assert!(one.output.contains("    width ") && !one.output.contains("hostile"), "{one:?}");
    assert!(one.output.contains("  --output image/webp\n    quality "), "{one:?}");
    let listed = json(&tintype(&server, folder.path(), &["plugins", "hostile", "--json"]));
    assert_eq!(listed["plugins"][0]["name"], "hostile");
    let unknown = tintype(&server, folder.path(), &["plugins", "nobody/else"]);
    assert_eq!(unknown.code, Some(4), "{unknown:?}");
    assert!(unknown.errors.contains("There is no plugin \"nobody/else\""), "{unknown:?}");
}
