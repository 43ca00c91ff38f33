//! What a mirror has in its folder, whatever is published and whatever breaks off.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;
use crate::config::SettingValue as _;

/// The most bytes of a file here.
const MOST: u64 = 100;

struct Mirrored {
    place: Place,
    folder: TempDir,
    mirror: Mirror,
}

impl Mirrored {
    fn of(place: Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::new(place.clone(), &folder.path().join("plugins"), MOST);
        Self { place, folder, mirror }
    }

    fn new() -> Self {
        Self::of(Place::in_memory(&Location::parse("s3://bucket/plugins").unwrap()))
    }

    /// What a process of the same server does after this one.
    fn restart(&mut self) {
        self.mirror = Mirror::new(self.place.clone(), &self.folder.path().join("plugins"), MOST);
    }

    async fn publish(&self, files: &[(&str, &str)]) -> Published {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), Bytes::from((*text).to_owned())));
        publish(&self.place, files.collect(), MOST).await.unwrap()
    }

    /// Writes what no publisher writes.
    async fn forge(&self, manifest: &str) {
        self.place.write(MANIFEST, Bytes::from(manifest.to_owned())).await.unwrap();
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("plugins").join(name)
    }

    /// Everything in the folder but the manifest.
    fn files(&self) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(self.folder.path().join("plugins")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names = names.filter(|name| name != MANIFEST);
        names.map(|name| (name.clone(), std::fs::read_to_string(self.file(&name)).unwrap())).collect()
    }

    #[track_caller]
    fn has(&self, files: &[(&str, &str)]) {
        let wanted = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        assert_eq!(self.files(), wanted.collect());
    }

    /// Why the next set is not taken over.
    async fn refusal(&mut self) -> String {
        self.mirror.follow().await.unwrap_err().to_string()
    }
}

const FIRST: [(&str, &str); 3] = [("a.wasm", "a one"), ("a.toml", "memory = 1"), ("b.wasm", "b one")];

#[tokio::test]
async fn what_is_published_is_mirrored_file_for_file_and_what_has_not_changed_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = Location::parse(&format!("file://{}", folder.path().display())).unwrap();
    for mut mirrored in [Mirrored::new(), Mirrored::of(Place::open(&file).unwrap())] {
        let first = mirrored.publish(&FIRST).await;
        assert!(mirrored.mirror.follow().await.unwrap());
        mirrored.has(&FIRST);
        assert_eq!(mirrored.mirror.serves(), Some(first.set));
        assert!(!mirrored.mirror.follow().await.unwrap(), "nothing is new");

        let changed = |name: &str| std::fs::metadata(mirrored.file(name)).unwrap().modified().unwrap();
        let before = changed("a.toml");
        let second = [("a.wasm", "a two"), ("a.toml", "memory = 1"), ("c.wasm", "c")];
        let published = mirrored.publish(&second).await;
        let changes = [
            ("a.wasm".to_owned(), Change::Replaced),
            ("b.wasm".to_owned(), Change::Removed),
            ("c.wasm".to_owned(), Change::Added),
        ];
        assert_eq!(published.changes, changes.into());
        assert!(mirrored.mirror.follow().await.unwrap());
        mirrored.has(&second);
        let after = std::fs::metadata(mirrored.file("a.toml")).unwrap().modified().unwrap();
        assert_eq!(after, before);

        // Back to the first, by publishing it again.
        assert_eq!(mirrored.publish(&FIRST).await.set, first.set);
        assert!(mirrored.mirror.follow().await.unwrap());
        mirrored.has(&FIRST);
    }
}

#[tokio::test]
async fn a_file_that_is_not_what_the_manifest_says_is_refused_with_both_digests_and_mended_by_publishing() {
    let mut mirrored = Mirrored::new();
    mirrored.publish(&FIRST).await;
    mirrored.mirror.follow().await.unwrap();
    let second = [("a.wasm", "a two"), ("b.wasm", "b two")];
    mirrored.publish(&second).await;
    let (expected, found) = (Digest::of(b"b two"), Digest::of(b"b bad"));
    mirrored.place.write(&Manifest::object(expected), Bytes::from_static(b"b bad")).await.unwrap();
    let refusal = mirrored.refusal().await;
    for part in ["b.wasm", &expected.to_string(), &found.to_string()] {
        assert!(refusal.contains(part), "{refusal}");
    }
    for (name, text) in FIRST {
        assert_eq!(mirrored.files()[name], text, "nothing of the new set is in place");
    }
    assert!(mirrored.publish(&second).await.changes.is_empty());
    assert!(mirrored.mirror.follow().await.unwrap());
    mirrored.has(&second);
}

#[tokio::test]
async fn a_manifest_that_will_not_do_leaves_the_set_before() {
    let mut mirrored = Mirrored::new();
    assert!(mirrored.refusal().await.contains("tintype plugin publish"), "nothing is published yet");
    let first = mirrored.publish(&FIRST).await;
    mirrored.mirror.follow().await.unwrap();
    let digest = Digest::of(b"gone");
    let with = |name: &str, size: u64| {
        format!(
            "{{\"format\": 1, \"files\": {{\"{name}\": {{\"sha256\": \"{digest}\", \"size\": {size}}}}}}}"
        )
    };
    for (manifest, words) in [
        ("garbage".to_owned(), "is no manifest of plugins"),
        (" ".repeat(LONGEST as usize + 1), "is larger than"),
        (with("../../a.wasm", 4), "cannot be a file of plugins"),
        (with("a.wasm", MOST + 1), "max_plugin_size"),
        (with("a.wasm", 4), "there is no files/"),
    ] {
        mirrored.forge(&manifest).await;
        let refusal = mirrored.refusal().await;
        assert!(refusal.contains(words), "{refusal}");
        assert_eq!(mirrored.mirror.serves(), Some(first.set));
        mirrored.has(&FIRST);
    }
    mirrored.publish(&FIRST).await;
    assert!(!mirrored.mirror.follow().await.unwrap(), "it is the set that is in use");
}

#[tokio::test]
async fn where_the_place_is_away_the_set_of_last_time_is_taken_up() {
    let mut mirrored = Mirrored::new();
    assert!(!mirrored.mirror.take_up().await.unwrap(), "there is none yet");
    let first = mirrored.publish(&FIRST).await;
    mirrored.mirror.follow().await.unwrap();
    mirrored.restart();
    assert!(mirrored.mirror.take_up().await.unwrap());
    assert_eq!(mirrored.mirror.serves(), Some(first.set));

    std::fs::write(mirrored.file("b.wasm"), "b odd").unwrap();
    mirrored.restart();
    let torn = mirrored.mirror.take_up().await.unwrap_err().to_string();
    assert!(torn.contains("b.wasm is missing or damaged"), "{torn}");
    assert!(mirrored.mirror.follow().await.unwrap());
    mirrored.has(&FIRST);
}

#[tokio::test]
async fn a_set_that_was_half_taken_over_when_the_process_died_is_completed_without_the_place() {
    let mut mirrored = Mirrored::new();
    mirrored.publish(&FIRST).await;
    mirrored.mirror.follow().await.unwrap();
    let second = [("a.wasm", "a two"), ("b.wasm", "b two")];
    mirrored.publish(&second).await;
    let Read::Found(manifest, _) = mirrored.place.read(MANIFEST, LONGEST, None).await.unwrap() else {
        panic!("unread")
    };
    // Both had been fetched, the manifest written and one of them renamed.
    std::fs::write(mirrored.file("a.wasm"), "a two").unwrap();
    std::fs::write(mirrored.file("b.wasm.incoming"), "b two").unwrap();
    std::fs::write(mirrored.file(MANIFEST), &manifest).unwrap();
    mirrored.restart();
    assert!(mirrored.mirror.take_up().await.unwrap());
    mirrored.has(&second);
    assert_eq!(mirrored.mirror.serves(), Some(Digest::of(&manifest)));
}
