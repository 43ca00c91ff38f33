//! Files in the plugins folder that are no plugins: each is reported with words for its author and for
//! the operator, and changes nothing for the rest.

use tintype_tests::server::Setup;

use crate::steps::resize;

fn component(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

/// A component that imports an instance of this name.
fn importing(name: &str) -> Vec<u8> {
    component(&format!("(component (import \"{name}\" (instance)))"))
}

#[test]
fn broken_plugins_are_reported_and_change_nothing_for_the_rest() {
    let standard = std::fs::read(tintype_tests::server::target().join("plugins/standard.wasm")).unwrap();
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        (
            "core-module.wasm",
            component("(module)"),
            &["core WebAssembly module", "Author:", "wasm-tools component new"],
        ),
        (
            "garbage.wasm",
            b"this is no wasm".to_vec(),
            &["does not begin as WebAssembly does", "Operator: copy it again"],
        ),
        ("empty.wasm", vec![], &["does not begin as WebAssembly does"]),
        ("truncated.wasm", standard[..standard.len() / 2].to_vec(), &["not a valid WebAssembly component"]),
        (
            "imports.wasm",
            importing("evil:files/everything@1.0.0"),
            &["imports evil:files/everything@1.0.0", "Author:"],
        ),
        ("future.wasm", importing("tintype:plugin/host@0.2.0"), &["imports tintype:plugin/host@0.2.0"]),
        (
            "network.wasm",
            importing("wasi:http/outgoing-handler@0.2.6"),
            &["imports wasi:http/outgoing-handler@0.2.6"],
        ),
        (
            "no-export.wasm",
            component("(component)"),
            &["does not export tintype:plugin/processor@0.1, filter@0.1 or codec@0.1 but nothing", "Author:"],
        ),
        ("twin.wasm", standard.clone(), &["is loaded from", "Operator: remove one of them"]),
    ];
    let mut setup = Setup::default();
    for (file, content, _) in &cases {
        setup = setup.plugin(file, content);
    }
    // What isn't called .wasm is nobody's business.
    let server = setup.plugin("README.txt", b"hello").start();

    for (file, _, words) in &cases {
        let line = server.wait_for_log(&format!("/{file}\""));
        assert!(line.contains("not loaded: "), "{line}");
        for word in *words {
            assert!(line.contains(word), "{word:?} in {line}");
        }
    }
    assert!(!server.log().iter().any(|line| line.contains("README.txt")));
    let client = server.client();
    let plugins = client.send("GET", "/plugins", &[("Accept", "application/json")], &[]).json();
    assert_eq!(plugins["plugins"].as_array().unwrap().len(), 3, "{plugins}");
    assert_eq!(client.process(&resize()).state(), "OK");
}

#[test]
fn a_component_that_exports_the_right_name_with_the_wrong_types_is_another_version_s() {
    let wrong = component(
        "(component (instance $empty) (export \"tintype:plugin/processor@0.1.0\" (instance $empty)))",
    );
    let server = Setup::default().plugin("wrong.wasm", &wrong).start();
    let line = server.wait_for_log("/wrong.wasm\"");
    assert!(line.contains("built against another version") && line.contains("Author:"), "{line}");
}

#[test]
fn wasi_is_refused_where_the_operator_does_not_allow_it() {
    let importing = importing("wasi:cli/environment@0.2.0");
    let server = Setup::default().plugin("wasi.wasm", &importing).with("allow-wasi", "false").start();
    let line = server.wait_for_log("/wasi.wasm\"");
    assert!(line.contains("Operator: set allow_wasi = true"), "{line}");
}

#[test]
fn a_file_that_is_too_large_is_not_even_read() {
    let server = Setup::default().with("max-plugin-size", "1MiB").start();
    let line = server.wait_for_log("/standard.wasm\"");
    assert!(line.contains("1048576") && line.contains("Operator: raise max_plugin_size"), "{line}");
    server.wait_for_log("there are no plugins: every task will be refused");
    let problem = server.client().submit(&resize()).refused(422, "impossible-task");
    assert!(problem.detail.contains("No plugin is loaded"), "{problem:?}");
}
