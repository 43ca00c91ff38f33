//! Many pictures: what one does is no other's business, and in the end all are accounted for.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use tempfile::TempDir;
use tintype_tests::{Server, pictures};

use super::steps::{files, tintype};

const SMALL: [&str; 4] = ["--operation", "resize", "--param", "width=8"];

/// A folder `in` with five pictures, one of which is damaged, and something else.
fn five() -> TempDir {
    let folder = TempDir::new().unwrap();
    let into = folder.path().join("in");
    fs::create_dir_all(into.join("deeper")).unwrap();
    for name in ["a.png", "b.png", "c.png", "deeper/a.png"] {
        fs::write(into.join(name), pictures::png(64, 48)).unwrap();
    }
    fs::write(into.join("broken.png"), &pictures::png(64, 48)[..40]).unwrap();
    fs::write(into.join("notes.txt"), "no picture").unwrap();
    folder
}

fn run(server: &Server, folder: &Path, arguments: &[&str]) -> tintype_tests::server::Ended {
    tintype(server, folder, &[&["submit"], arguments, &SMALL[..]].concat())
}

#[test]
fn a_folder_is_worked_through_and_a_damaged_picture_stops_no_other() {
    let (server, folder) = (Server::new(), five());
    let ended = run(&server, folder.path(), &["in", "-o", "out", "--jobs", "3"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(files(&folder.path().join("out")), ["a.png", "b.png", "c.png", "deeper"]);
    assert_eq!(files(&folder.path().join("out/deeper")), ["a.png"]);
    assert_eq!(ended.output.lines().count(), 4, "{ended:?}");
    let summary: Vec<&str> = ended.errors.lines().collect();
    let [told, counts, listed] = summary.as_slice() else { panic!("{ended:?}") };
    assert!(counts.starts_with("5 in ") && counts.ends_with(": 4 done, 1 failed"), "{counts}");
    assert_eq!(told, &listed.trim_start());
    assert!(told.starts_with("in/broken.png: FAILED, invalid-image: "), "{told}");
}

#[test]
fn a_pattern_in_quotes_is_expanded_and_programs_get_a_line_for_each_picture() {
    let (server, folder) = (Server::new(), five());
    let ended = run(&server, folder.path(), &["in/?.png", "in/broken.png", "--json"]);
    assert_eq!((ended.code, ended.errors.as_str()), (Some(3), ""), "{ended:?}");
    let lines: Vec<Json> = ended.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, reports) = lines.split_last().unwrap();
    let outcomes = |outcome: &str| reports.iter().filter(|report| report["outcome"] == outcome).count();
    assert_eq!((reports.len(), outcomes("done"), outcomes("failed")), (4, 3, 1));
    let summary = &summary["summary"];
    for (field, count) in [("inputs", 4), ("done", 3), ("failed", 1), ("refused", 0), ("others", 0)] {
        assert_eq!(summary[field], count, "{field} in {summary}");
    }
    assert!(summary["seconds"].as_f64().is_some());
    assert!(folder.path().join("in/a.result.png").exists());

    let again = run(&server, folder.path(), &["in", "-o", "again", "--json"]);
    assert_eq!(again.output.lines().count(), 6, "results of an earlier run are no pictures: {again:?}");
}

#[test]
fn several_pictures_do_not_go_into_one_file() {
    let (server, folder) = (Server::new(), five());
    for out in ["all.png", "-", "out-{n}.png"] {
        let ended = run(&server, folder.path(), &["in", "-o", out]);
        assert_eq!((ended.code, ended.output.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.errors.contains("{name}"), "{ended:?}");
    }
    let same = run(&server, folder.path(), &["in/a.png", "in/deeper/a.png", "-o", "{name}.{ext}", "--force"]);
    assert_eq!(same.code, Some(1), "{same:?}");
    assert!(same.errors.contains("was made of another picture just now"), "{same:?}");
}

#[test]
fn what_would_refuse_every_picture_is_told_once() {
    let folder = five();
    let ended = tintype_tests::server::run(
        &[&["submit", "in", "--jobs", "1", "--server", "http://127.0.0.1:1"], &SMALL[..]].concat(),
        &[],
        folder.path(),
    );
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.errors.contains("1 without a server, 4 not tried"), "{ended:?}");
}
