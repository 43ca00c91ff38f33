//! What the model of a disk must get right, or the tests that stand on it prove nothing.

use super::*;

fn made(inode: u64, path: &str) -> Entry {
    Entry::Created { inode, path: path.to_owned() }
}

fn wrote(inode: u64, offset: u64, bytes: &[u8]) -> Entry {
    Entry::Written { inode, offset, bytes: bytes.to_vec() }
}

fn synced(inode: u64) -> Entry {
    Entry::Synced { inode, path: String::new() }
}

fn folder_synced(path: &str) -> Entry {
    Entry::FolderSynced { path: path.to_owned() }
}

fn renamed(from: &str, to: &str) -> Entry {
    Entry::Renamed { from: from.to_owned(), to: to.to_owned() }
}

fn after(entries: &[Entry]) -> Disk {
    let mut disk = Disk::with(&["a", "b"]);
    entries.iter().for_each(|entry| disk.apply(entry));
    disk
}

/// Files with their content as text, which folders lack.
fn files(tree: &Tree) -> Vec<(&str, &str)> {
    tree.iter()
        .filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes.as_ref()?).unwrap())))
        .collect()
}

#[test]
fn bytes_without_a_name_and_names_without_bytes_are_what_half_a_sync_leaves() {
    let all = [made(1, "a/x"), wrote(1, 0, b"new"), synced(1), folder_synced("a")];
    assert_eq!(files(&after(&all[..2]).cut(Cut::Lucky)), [("a/x", "new")]);
    assert_eq!(files(&after(&all[..2]).cut(Cut::Strict)), []);
    assert_eq!(files(&after(&all[..3]).cut(Cut::Strict)), [], "its folder does not know it yet");
    assert_eq!(files(&after(&all).cut(Cut::Strict)), [("a/x", "new")]);
    let name_only = [made(1, "a/x"), wrote(1, 0, b"new"), folder_synced("a")];
    assert_eq!(files(&after(&name_only).cut(Cut::Strict)), [("a/x", "")]);
}

#[test]
fn a_sync_counts_for_the_file_whoever_asked_and_only_for_what_came_before() {
    let entries = [
        made(1, "a/x"),
        folder_synced("a"),
        wrote(1, 0, b"abc"),
        wrote(1, 1, b"X"),
        synced(1),
        wrote(1, 5, b"late"),
    ];
    let disk = after(&entries);
    assert_eq!(files(&disk.cut(Cut::Strict)), [("a/x", "aXc")]);
    assert_eq!(files(&disk.cut(Cut::Lucky)), [("a/x", "aXc\0\0late")]);
}

#[test]
fn a_sync_of_everything_counts_for_all_files_and_names_that_came_before() {
    let entries = [made(1, "a/x"), wrote(1, 0, b"abc"), Entry::AllSynced, made(2, "a/y"), wrote(1, 0, b"X")];
    assert_eq!(files(&after(&entries).cut(Cut::Strict)), [("a/x", "abc")]);
}

#[test]
fn a_rename_is_safe_in_each_folder_when_that_folder_is_synced() {
    let before = [made(1, "a/x"), wrote(1, 0, b"1"), synced(1), folder_synced("a"), renamed("a/x", "b/y")];
    assert_eq!(files(&after(&before).cut(Cut::Strict)), [("a/x", "1")]);
    assert_eq!(files(&after(&before).cut(Cut::Lucky)), [("b/y", "1")]);
    let with = |sync| after(&[before.as_slice(), &[folder_synced(sync)]].concat());
    assert_eq!(files(&with("b").cut(Cut::Strict)), [("a/x", "1"), ("b/y", "1")]);
    assert_eq!(files(&with("a").cut(Cut::Strict)), [], "between two folders it can be lost from both");
    for seed in 0..50 {
        let found = after(&before).cut(Cut::Torn { seed });
        assert_eq!(files(&found).len(), 1, "half of a rename survived: {found:?}");
    }
}

#[test]
fn what_a_rename_replaces_is_found_again_until_the_folder_is_synced() {
    let file = |inode, path: &str, bytes: &[u8]| [made(inode, path), wrote(inode, 0, bytes), synced(inode)];
    let mut entries = [file(1, "a/x", b"old").as_slice(), &[folder_synced("a")]].concat();
    entries.extend([file(2, "a/new", b"new").as_slice(), &[renamed("a/new", "a/x")]].concat());
    assert_eq!(files(&after(&entries).cut(Cut::Strict)), [("a/x", "old")]);
    entries.push(folder_synced("a"));
    assert_eq!(files(&after(&entries).cut(Cut::Strict)), [("a/x", "new")]);
    entries.push(Entry::Removed { path: "a/x".to_owned() });
    assert_eq!(files(&after(&entries).cut(Cut::Strict)), [("a/x", "new")]);
    assert_eq!(files(&after(&entries).cut(Cut::Lucky)), []);
}

#[test]
fn the_number_of_a_file_that_is_gone_is_another_file_s() {
    let gone = Entry::Removed { path: "a/x".to_owned() };
    let entries = [made(1, "a/x"), wrote(1, 0, b"old"), synced(1), gone, made(1, "a/y"), folder_synced("a")];
    assert_eq!(files(&after(&entries).cut(Cut::Strict)), [("a/y", "")]);
}

#[test]
fn a_folder_that_its_parent_does_not_know_is_lost_with_all_in_it() {
    let made_folder = Entry::FolderMade { path: "a/in".to_owned() };
    let entries = [made_folder, made(1, "a/in/x"), synced(1), folder_synced("a/in"), folder_synced("a")];
    assert_eq!(after(&entries[..4]).cut(Cut::Strict).keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(after(&entries).cut(Cut::Strict).keys().collect::<Vec<_>>(), ["a", "a/in", "a/in/x", "b"]);
}

#[test]
fn a_file_that_was_cut_off_is_long_again_until_it_is_synced() {
    let cut_off = Entry::Resized { inode: 1, size: 2 };
    let mut entries = vec![made(1, "a/x"), folder_synced("a"), wrote(1, 0, b"abc"), synced(1), cut_off];
    assert_eq!(files(&after(&entries).cut(Cut::Strict)), [("a/x", "abc")]);
    entries.push(synced(1));
    assert_eq!(files(&after(&entries).cut(Cut::Strict)), [("a/x", "ab")]);
}

#[test]
fn tearing_keeps_whole_sectors_and_never_touches_what_was_synced() {
    let (old, new) = (vec![b'o'; 10 * SECTOR], vec![b'n'; 8 * SECTOR]);
    let offset = 300;
    let entries =
        [made(1, "a/x"), folder_synced("a"), wrote(1, 0, &old), synced(1), wrote(1, offset as u64, &new)];
    let disk = after(&entries);
    let mut kinds = std::collections::HashSet::new();
    for seed in 0..200 {
        let tree = disk.cut(Cut::Torn { seed });
        let found = tree["a/x"].as_ref().unwrap();
        assert_eq!(found.len(), old.len());
        let written = offset..offset + new.len();
        for (number, sector) in found.chunks(SECTOR).enumerate() {
            let inside = |at: &usize| written.contains(&(number * SECTOR + at));
            let news: Vec<bool> = (0..SECTOR).filter(inside).map(|at| sector[at] == b'n').collect();
            assert!(news.iter().all(|new| *new == news[0]), "half of sector {number} with seed {seed}");
            assert!((0..SECTOR).filter(|at| !inside(at)).all(|at| sector[at] == b'o'));
        }
        kinds.insert(found.clone());
    }
    assert!(kinds.len() > 50, "{} ways to tear it", kinds.len());
}

#[test]
fn the_same_seed_tears_the_same_way() {
    let disk = after(&[made(1, "a/x"), made(2, "a/y"), wrote(1, 0, &[b'1'; 5000]), made(3, "b/z")]);
    for seed in 0..20 {
        assert_eq!(disk.cut(Cut::Torn { seed }), disk.cut(Cut::Torn { seed }));
    }
}

#[test]
#[should_panic(expected = "cannot be replayed")]
fn what_the_journal_has_no_words_for_is_not_passed_over() {
    after(&[Entry::Unknown { path: "a/x".to_owned() }]);
}

#[test]
fn what_was_found_is_put_into_a_folder_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let tree = after(&[made(1, "a/x"), wrote(1, 0, b"bytes")]).cut(Cut::Lucky);
    materialise(&tree, folder.path());
    assert_eq!(fs::read(folder.path().join("a/x")).unwrap(), b"bytes");
    assert!(folder.path().join("b").is_dir());
}
