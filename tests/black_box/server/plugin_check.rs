//! `tintype plugin check` of filters and codecs; of processors and of what cannot be loaded, see
//! `plugin_commands.rs`.

use tempfile::TempDir;
use tintype_tests::server::{built, target};

use super::plugin_commands::{checks, failed_words, json, plugin};

#[test]
fn the_bundled_codecs_pass_every_check() {
    let folder = TempDir::new().unwrap();
    let codecs = target().join("plugins/standard-codecs.wasm").display().to_string();
    let ended = plugin(folder.path(), &["check", &codecs, "--json"]);
    assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""), "{ended:?}");
    let report = json(&ended);
    let passed = checks(&report, "passed");
    assert_eq!(passed.len(), report["findings"].as_array().unwrap().len(), "{}", ended.output);
    // Nothing is passed by not being tried.
    for check in [
        "media types",
        "limits",
        "probe: good image/webp",
        "probe: random bytes 1",
        "decode: lying image/tiff",
        "decode: damaged image/gif 1",
        "decode: size of image/bmp",
        "decode: good image/jpeg, of which 6×4 would do",
        "decode: the same again",
        "encode: an animation as image/gif",
        "encode: image/qoi again",
    ] {
        assert!(passed.iter().any(|known| known == check), "{check} in {passed:?}");
    }
}

#[test]
fn the_bundled_codec_for_avif_passes_every_check_on_what_it_writes_itself() {
    let folder = TempDir::new().unwrap();
    let avif = target().join("plugins/standard-avif.wasm").display().to_string();
    let ended = plugin(folder.path(), &["check", &avif, "--json"]);
    assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""), "{ended:?}");
    let report = json(&ended);
    let passed = checks(&report, "passed");
    assert_eq!(passed.len(), report["findings"].as_array().unwrap().len(), "{}", ended.output);
    for check in ["probe: a file of image/png", "decode: good image/avif", "decode: half image/avif"] {
        assert!(passed.iter().any(|known| known == check), "{check} in {passed:?}");
    }
}

#[test]
fn a_codec_of_a_format_without_a_sample_is_tried_on_what_it_writes_itself() {
    let folder = TempDir::new().unwrap();
    let ended = plugin(folder.path(), &["check", &built("odd-codec").display().to_string(), "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = json(&ended);
    // A byte is all that it has for each side, and half a file of its own is no picture to it.
    assert_eq!(
        checks(&report, "failed"),
        ["encode: 1000×1000 as image/x-dots", "decode: half image/x-dots"],
        "{}",
        ended.output
    );
    let words = failed_words(&report, "1000×1000 as image/x-dots");
    assert!(words.contains("of 1000 by 1000 pixels is read as image/x-dots of 232 by 232"), "{words}");
    let passed = checks(&report, "passed");
    for check in ["decode: good image/x-dots", "probe: a file of image/png", "decode: damaged image/x-dots 3"]
    {
        assert!(passed.iter().any(|known| known == check), "{check} in {passed:?}");
    }
}

#[test]
fn a_filter_is_tried_on_pictures_of_every_shape() {
    let folder = TempDir::new().unwrap();
    let filter = built("odd-filter").display().to_string();
    let ended = plugin(folder.path(), &["check", &filter, "--json", "--deadline", "2s"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = json(&ended);
    let passed = checks(&report, "passed");
    for operation in ["negative", "count", "cut", "replace"] {
        for check in ["24×16", "all transparent", "1×3000", "1000×1000", "an animation", "two steps"] {
            let check = format!("{operation}: {check}");
            assert!(passed.contains(&check), "{check} in {}", ended.output);
        }
    }
    let failed = checks(&report, "failed");
    for check in ["spin-pixels: 24×16", "trap-pixels: 3000×1", "swell: random pixels"] {
        assert!(failed.contains(&check.to_owned()), "{check} in {failed:?}");
    }
    assert!(checks(&report, "skipped").contains(&"spin-pixels: the rest".to_owned()));
    assert!(checks(&report, "warning").contains(&"refuse: 24×16".to_owned()));
    // A filter has no formats to be named.
    assert!(!ended.output.contains("media types"), "{}", ended.output);
    let words = failed_words(&report, "24×16");
    for word in ["it ran past its deadline", "unreachable", "What to do: "] {
        assert!(words.contains(word), "{word} in {words}");
    }
}
