//! The files of which a new plugin consists: those of its language, those of its language and kind, and
//! the words of its kind in the README.

/// A file: where it is written, and what is in it.
pub(super) type File = (&'static str, &'static [u8]);

/// A world of the contract.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The file with the plugin's work, in every language: `sepia.rs`, `sepia.js` and so on.
    pub(super) module: &'static str,
    /// What the README says of it, at its beginning and on how to try it.
    pub(super) about: &'static str,
    pub(super) try_it: &'static str,
}

pub(super) struct Language {
    pub(super) name: &'static str,
    /// What a plugin of any kind has.
    pub(super) shared: &'static [File],
    /// What one of each kind has, in the order of [`KINDS`].
    pub(super) own: [&'static [File]; 3],
    /// What the author types in the new folder: to build, then to test.
    pub(super) build: &'static str,
    pub(super) test: &'static str,
    /// The component that was built.
    pub(super) component: &'static str,
}

macro_rules! kind {
    ($name:literal, $module:literal) => {
        Kind {
            name: $name,
            module: $module,
            about: include_str!(concat!("../../../../../plugins/template/kinds/", $name, "/about.md")),
            try_it: include_str!(concat!("../../../../../plugins/template/kinds/", $name, "/try.md")),
        }
    };
}

/// The first is what an author gets who doesn't say.
pub(super) const KINDS: [Kind; 3] =
    [kind!("filter", "sepia"), kind!("processor", "label"), kind!("codec", "ppm")];

/// A table of files from a folder. Where a name is different here, it is written as `FROM as TO`.
macro_rules! files {
    ($folder:literal: $($from:literal $(as $to:literal)?),* $(,)?) => {
        &[$((files!(@to $from $($to)?), include_bytes!(concat!("../../../../../", $folder, "/", $from)))),*]
    };
    (@to $from:literal) => { $from };
    (@to $from:literal $to:literal) => { $to };
}

/// Every plugin's.
pub(super) const CONTRACT: &[File] = files!("wit": "plugin.wit" as "wit/plugin.wit");

/// For Rust: the crate that a registry doesn't have. Its `Cargo.toml` is the template's, because the
/// one here takes half of its lines from this workspace.
pub(super) const SDK: &[File] = files!("plugins/sdk/src":
    "bindings.rs" as "vendor/tintype-plugin/src/bindings.rs",
    "codec.rs" as "vendor/tintype-plugin/src/codec.rs",
    "descriptor.rs" as "vendor/tintype-plugin/src/descriptor.rs",
    "export.rs" as "vendor/tintype-plugin/src/export.rs",
    "failure.rs" as "vendor/tintype-plugin/src/failure.rs",
    "filter.rs" as "vendor/tintype-plugin/src/filter.rs",
    "host.rs" as "vendor/tintype-plugin/src/host.rs",
    "lib.rs" as "vendor/tintype-plugin/src/lib.rs",
    "params.rs" as "vendor/tintype-plugin/src/params.rs",
    "picture.rs" as "vendor/tintype-plugin/src/picture.rs",
    "task.rs" as "vendor/tintype-plugin/src/task.rs",
);

/// How the SDK is formatted, so that an author's `cargo fmt` leaves it as it is.
pub(super) const SDK_STYLE: &[File] = files!(".": "rustfmt.toml" as "vendor/tintype-plugin/rustfmt.toml");

/// In each, `gitignore` has no dot in the template, where git would heed it.
pub(super) const LANGUAGES: [Language; 4] = [
    Language {
        name: "rust",
        shared: files!("plugins/template/rust/shared":
            ".cargo/config.toml",
            "Cargo.toml",
            "README.md",
            "gitignore" as ".gitignore",
            "vendor/tintype-plugin/Cargo.toml",
        ),
        own: [
            files!("plugins/template/rust/filter": "src/lib.rs", "src/sepia.rs"),
            files!("plugins/template/rust/processor": "src/label.rs", "src/lib.rs"),
            files!("plugins/template/rust/codec": "src/lib.rs", "src/ppm.rs"),
        ],
        build: "cargo build --release --target wasm32-unknown-unknown",
        test: "cargo test --release",
        component: "target/wasm32-unknown-unknown/release/plugin.wasm",
    },
    Language {
        name: "javascript",
        shared: files!("plugins/template/javascript/shared":
            "README.md",
            "gitignore" as ".gitignore",
            "package.json",
            "src/guarded.js",
            "test/fake_host.js",
            "test/host.js",
        ),
        own: [
            files!("plugins/template/javascript/filter":
                "src/plugin.js", "src/sepia.js", "test/sepia.test.js"),
            files!("plugins/template/javascript/processor":
                "src/label.js", "src/plugin.js", "test/label.test.js"),
            files!("plugins/template/javascript/codec":
                "src/plugin.js", "src/ppm.js", "test/ppm.test.js"),
        ],
        build: "npm install && npm run build",
        test: "npm test",
        component: "build/plugin-name.wasm",
    },
    Language {
        name: "python",
        shared: files!("plugins/template/python/shared":
            "Makefile",
            "README.md",
            "gitignore" as ".gitignore",
            "requirements.txt",
            "src/guarded.py",
        ),
        own: [
            files!("plugins/template/python/filter": "src/app.py", "src/sepia.py", "test/test_sepia.py"),
            files!("plugins/template/python/processor": "src/app.py", "src/label.py", "test/test_label.py"),
            files!("plugins/template/python/codec": "src/app.py", "src/ppm.py", "test/test_ppm.py"),
        ],
        build: "make",
        test: "make test",
        component: "build/plugin-name.wasm",
    },
    Language {
        name: "c",
        shared: files!("plugins/template/c/shared":
            "Makefile",
            "README.md",
            "gitignore" as ".gitignore",
            "src/line.c",
            "src/line.h",
        ),
        own: [
            files!("plugins/template/c/filter":
                "bindings/image_filter.c",
                "bindings/image_filter.h",
                "bindings/image_filter_component_type.o",
                "src/plugin.c",
                "src/sepia.c",
                "src/sepia.h",
                "test/test_sepia.c",
            ),
            files!("plugins/template/c/processor":
                "bindings/image_processor.c",
                "bindings/image_processor.h",
                "bindings/image_processor_component_type.o",
                "src/label.c",
                "src/label.h",
                "src/plugin.c",
                "test/test_label.c",
            ),
            files!("plugins/template/c/codec":
                "bindings/image_codec.c",
                "bindings/image_codec.h",
                "bindings/image_codec_component_type.o",
                "src/plugin.c",
                "src/ppm.c",
                "src/ppm.h",
                "test/test_ppm.c",
            ),
        ],
        build: "make",
        test: "make test",
        component: "build/plugin-name.wasm",
    },
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::super::tests::{below, repository};
    use super::*;

    /// A file that is new in a template, or in the SDK, and forgotten here, would be missed by an author.
    #[test]
    fn every_file_of_the_templates_and_of_the_sdk_is_embedded() {
        let templates = repository().join("plugins/template");
        for language in LANGUAGES {
            let embedded = language.shared.len() + language.own.map(<[File]>::len).iter().sum::<usize>();
            let there = below(&templates.join(language.name));
            assert_eq!(there.len(), embedded, "{}: {there:?}", language.name);
        }
        assert_eq!(below(&repository().join("plugins/sdk/src")).len(), SDK.len());
    }

    /// So that an author needs no Rust for C, what `wit-bindgen` makes is kept; this notices when the
    /// contract has changed since. Make all three again as the template's README says, then change this
    /// line.
    #[test]
    fn the_bindings_for_c_were_made_from_this_contract() {
        let (_, contract) = CONTRACT[0];
        assert_eq!(
            crate::digest::Digest::of(contract).to_string(),
            "3cde0babb1917dec55044f5348d1cc72aa38d5d00220edb4f173933a167a54f7"
        );
    }

    #[test]
    fn the_copied_sdk_wants_the_same_dependencies() {
        let dependencies = |path: &str| {
            let manifest = fs::read_to_string(repository().join(path)).unwrap();
            manifest.split_once("[dependencies]").unwrap().1.trim().to_owned()
        };
        assert_eq!(
            dependencies("plugins/template/rust/shared/vendor/tintype-plugin/Cargo.toml"),
            dependencies("plugins/sdk/Cargo.toml")
        );
    }
}
