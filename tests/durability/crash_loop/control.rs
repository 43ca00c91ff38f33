//! Whether the account finds what is wrong: contradictions that no server of ours gives, and data that
//! were tampered with.

use std::time::Instant;
use std::{fs, slice};

use fastrand::Rng;
use serde_json::json;
use tintype_tests::accounting::{Audit, Ledger, Recipe, Rules};
use tintype_tests::{Answer, eventually};

const ID: &str = "0193a2c0-0000-7000-8000-000000000000";

fn answer(code: u16, status: &serde_json::Value) -> Answer {
    Answer { code, headers: vec![], body: status.to_string().into_bytes() }
}

/// What is wrong when a task is answered like this, one answer after the other.
fn complaint(removed: bool, answers: &[Answer]) -> Option<String> {
    let mut ledger = Ledger::default();
    ledger.accepted(ID, Recipe(1), None, 0);
    if removed {
        ledger.removes(ID);
    }
    answers.iter().for_each(|answer| ledger.said(ID, answer, Instant::now(), 0));
    ledger.complaints().first().cloned()
}

#[test]
fn a_contradiction_is_found() {
    let end = |sha256: &str| {
        let result = json!({"type": "image/png", "size": 3, "sha256": sha256});
        answer(200, &json!({"state": "OK", "completed": "2026-11-22T20:00:00Z", "results": [result]}))
    };
    let pending = || answer(200, &json!({"state": "pending"}));
    let none = |code| answer(code, &json!({}));
    for (removed, answers, expected) in [
        (false, vec![pending(), end("a"), end("a")], None),
        (true, vec![pending(), end("a"), none(204), none(410)], None),
        (false, vec![end("a"), end("b")], Some("two different ends")),
        (false, vec![end("a"), pending()], Some("pending again")),
        (false, vec![pending(), none(410)], Some("nobody wanted that")),
        (true, vec![none(204), pending()], Some("is back")),
        (true, vec![none(204), end("a")], Some("is back")),
        (false, vec![none(404)], Some("no answer that it may have")),
        (false, vec![none(500)], Some("no answer that it may have")),
    ] {
        let complaint = complaint(removed, &answers);
        let is_right = match (&complaint, expected) {
            (None, None) => true,
            (Some(complaint), Some(expected)) => complaint.contains(expected),
            _ => false,
        };
        assert!(is_right, "{answers:?}: {complaint:?} and not {expected:?}");
    }

    let mut ledger = Ledger::default();
    ledger.accepted(ID, Recipe(1), Some("key"), 0);
    ledger.accepted(ID, Recipe(1), Some("key"), 1);
    assert!(ledger.complaints().is_empty());
    ledger.accepted("another", Recipe(1), Some("key"), 1);
    assert!(ledger.complaints()[0].contains("its key has led to another"));
    ledger.accepted("another", Recipe(2), None, 1);
    assert!(ledger.complaints()[1].contains("given out for two requests"));
}

#[test]
fn data_that_were_tampered_with_do_not_add_up() {
    let rules = Rules { max_attempts: 2, workers: 2, sweeps: true };
    let mut rng = Rng::with_seed(1);
    let (lives, mut ledger) = super::work_under(rules, &mut rng, |lives, ledger, _| {
        lives.wait_until_ready();
        let enough = || (ledger.lock().unwrap().entries().count() > 100).then_some(());
        eventually(enough, || "too few tasks are accepted".to_owned());
    });
    // Or it would delete what is put there.
    super::wait_for_sweep(&lives);
    Audit::new(slice::from_ref(&lives), &mut ledger, rules).run();
    assert_eq!(ledger.complaints(), [""; 0], "before anything is changed");

    let blobs = lives.folder().join("data/blobs");
    let place = |id: &str, part: &str| {
        let folders = fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().path());
        let mut folders = folders.filter(|folder| folder.join(format!("{id}.input")).exists());
        folders.next().unwrap().join(format!("{id}.{part}"))
    };
    let whole: Vec<String> = ledger
        .entries()
        .filter(|(_, entry)| !entry.is_gone())
        .filter(|(_, entry)| entry.end().is_some_and(|end| end.state == "OK" && end.results[0].size > 10))
        .map(|(id, _)| id.clone())
        .collect();
    let [changed, superfluous, lacking, twice] = &whole[..4] else { panic!("{whole:?}") };
    fs::write(blobs.join("tmp/7"), b"half a picture").unwrap();
    fs::write(lives.folder().join("data/tasks/snap.7.generating"), b"half a snapshot").unwrap();
    fs::write(place(changed, "input").with_file_name(format!("{ID}.input")), b"of no task").unwrap();
    fs::write(place(changed, "result-1-1"), b"not what was published").unwrap();
    fs::write(place(superfluous, "result-9-1"), b"of no attempt that counts").unwrap();
    fs::remove_file(place(lacking, "input")).unwrap();
    let again = json!({"task": twice, "attempt": 2, "outcome": "ok", "level": "INFO"});
    lives.seen().read(0, &again.to_string());
    ledger.accepted("0193a2c0-0000-7000-8000-000000000001", Recipe(1), None, 0);

    Audit::new(slice::from_ref(&lives), &mut ledger, rules).run();
    let found = ledger.complaints().join("\n");
    for expected in [
        "blobs/tmp/7: this is left over".to_owned(),
        "snap.7.generating: this is left over".to_owned(),
        format!("{ID}.input: this is an orphan"),
        format!("{changed}: its result is another than was said"),
        format!("{changed}: it has a result and should have none, or none and should have one"),
        format!("{superfluous}.result-9-1: this is an orphan"),
        format!("{lacking}: its input is not there"),
        format!("{twice}: the log ends it twice"),
        "0193a2c0-0000-7000-8000-000000000001: this is no answer that it may have".to_owned(),
    ] {
        assert!(found.contains(&expected), "{expected:?} was not found in\n{found}");
    }
}
