//! What is written about the project holds together: every link of every document leads somewhere.
//!
//! Only what lies in this repository is looked at; whether the rest of the web is there is no business
//! of a test's.
#![allow(clippy::unwrap_used)]

mod markdown;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use markdown::Document;

/// The repository's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Folders that hold what was built or fetched, and nobody here has written.
const FOREIGN: [&str; 5] = ["target", "node_modules", ".git", "data", "corpus"];

fn documents_in(folder: &Path, found: &mut BTreeMap<PathBuf, Document>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if !FOREIGN.iter().any(|foreign| name == *foreign) {
                documents_in(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.insert(path.clone(), Document::read(&fs::read_to_string(&path).unwrap()));
        }
    }
}

fn documents() -> BTreeMap<PathBuf, Document> {
    let mut found = BTreeMap::new();
    documents_in(&root(), &mut found);
    found
}

/// Without `.` and `..`, which a map of paths doesn't understand.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, component| {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
        plain
    })
}

/// What is wrong with a link that `from` has, if anything.
fn complaint(documents: &BTreeMap<PathBuf, Document>, from: &Path, link: &str) -> Option<String> {
    let is_elsewhere = ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme));
    if is_elsewhere {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let to = if path.is_empty() { from.to_owned() } else { plain(&from.parent().unwrap().join(path)) };
    if !to.starts_with(root()) {
        return Some("leads out of the repository".to_owned());
    }
    if !to.exists() {
        return Some("leads nowhere".to_owned());
    }
    let anchor = anchor?;
    match documents.get(&to) {
        None => Some("has an anchor, but leads to no document".to_owned()),
        Some(document) if !document.anchors.contains(anchor) => Some("has no such heading".to_owned()),
        Some(_) => None,
    }
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let documents = documents();
    let mut wrong = vec![];
    for (path, document) in &documents {
        for link in &document.links {
            if let Some(complaint) = complaint(&documents, path, &link.target) {
                let place = path.strip_prefix(root()).unwrap().display();
                wrong.push(format!("{place}:{}: {} {complaint}", link.line, link.target));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_documents_that_a_newcomer_looks_for_are_there_and_found_from_the_readme() {
    let documents = documents();
    let root = root();
    let readme = &documents[&root.join("README.md")];
    for name in ["CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(root.join(name).exists(), "{name}");
    }
    let written = documents.keys().filter(|path| path.starts_with(root.join("docs")));
    for path in written.chain([&root.join("CONTRIBUTING.md"), &root.join("CHANGELOG.md")]) {
        let relative = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let is_linked = |link: &markdown::Link| link.target.split('#').next() == Some(relative);
        assert!(readme.links.iter().any(is_linked), "README.md does not lead to {relative}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_noticed() {
    let documents = documents();
    let readme = root().join("README.md");
    for (link, wrong) in [
        ("docs/client.md", false),
        ("docs/client.md#exit-codes", false),
        ("https://example.org/nothing#here", false),
        ("docs/clients.md", true),
        ("docs/client.md#exit-code", true),
        ("#no-such-heading", true),
        ("LICENSE-MIT#anchor", true),
        ("../elsewhere.md", true),
    ] {
        assert_eq!(complaint(&documents, &readme, link).is_some(), wrong, "{link}");
    }
}
