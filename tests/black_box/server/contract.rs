//! The contract with plugins outlives its versions: what was built against an old one runs, and what
//! needs a newer one is told so.

use std::path::Path;

use tintype_tests::server::Setup;
use tintype_tests::{Related, pictures, task_xml};

/// Components that were built when their version of the contract was the newest, one for each.
fn released() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("released");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
}

#[test]
fn a_plugin_of_every_released_contract_runs_for_good() {
    let released = released();
    assert!(!released.is_empty());
    for (file, component) in released {
        let server = Setup::default().plugin("released.wasm", &component).start();
        let client = server.client();
        let image = pictures::png(16, 16);
        let task = task_xml("label", &[("text", "an old one")], "");
        let labelled = client.result(&client.process(&Related::simple(&task, "image/png", &image)));
        assert_eq!(pictures::decode(&labelled.body), pictures::decode(&image), "{file}");
        let text = String::from_utf8_lossy(&labelled.body);
        assert!(text.contains("an old one") && !String::from_utf8_lossy(&image).contains("an old one"));
        // It takes turns with plugins of today.
        let task = "<task><operation name=\"flop\"/><operation name=\"label\"><param name=\"text\">x</param></operation>\
            <operation name=\"flop\"/></task>";
        let back = client.result(&client.process(&Related::simple(task, "image/png", &image)));
        assert_eq!(pictures::decode(&back.body), pictures::decode(&image), "{file}");
    }
}

/// A component that wants a function of the host which this one doesn't have.
fn from_the_future(version: &str) -> Vec<u8> {
    wat::parse_str(format!(
        "(component
            (import \"tintype:plugin/host@{version}\" (instance (export \"fly\" (func (param \"height\" f32)))))
            (instance $processor)
            (export \"tintype:plugin/processor@{version}\" (instance $processor)))"
    ))
    .unwrap()
}

#[test]
fn a_plugin_that_needs_a_newer_host_is_refused_with_what_to_do() {
    for (version, why) in
        [("0.1.9", "it needs \"fly\" of tintype:plugin/host@0.1.9"), ("0.2.0", "tintype:plugin/host@0.2.0")]
    {
        let server = Setup::default().plugin("future.wasm", &from_the_future(version)).start();
        let lines = server.log();
        let line = lines.iter().find(|line| line.contains("not loaded")).unwrap();
        assert!(line.contains(&why.replace('"', "\\\"")), "{line}");
        assert!(line.contains("Author: build it against tintype:plugin@0.1"), "{line}");
        assert!(line.contains("Operator: ") && line.contains("newer version of the server"), "{line}");
    }
}
