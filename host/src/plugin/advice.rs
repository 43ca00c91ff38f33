//! What to do about a file that cannot be loaded: its author can mend it, its operator can replace it or
//! allow what it needs. Each is told apart, because each can do something else.

use std::fmt;

use super::imports;
use super::interface;
use super::load_error::LoadError;

/// What the two can do; at least one of them something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Whoever makes the plugin.
    pub author: Option<String>,
    /// Whoever runs the server.
    pub operator: Option<String>,
}

/// What an operator does about what only another file can mend.
const ANOTHER_FILE: &str = "take the file away, and ask its author for one that is mended";

impl LoadError {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Unreadable(_) => Advice::operator("let the user that runs the server read it"),
            Self::Outside { .. } => Advice::operator(
                "put the file itself into the plugins folder, as the server confines itself to that one; or set \
                 harden = false",
            ),
            Self::TooLarge { limit, .. } => Advice::both(
                "build it optimized and without debug information (`wasm-tools strip`)",
                &format!("raise max_plugin_size ({limit} bytes) if it can be trusted to be that large"),
            ),
            Self::Settings(_) => Advice::operator("mend what it says there, or take it out"),
            Self::Pinned { found, .. } => Advice::operator(&format!(
                "if this file is the one that you want, write sha256 = \"{found}\" there; if not, put the other one \
                 back, and find out who exchanged it"
            )),
            Self::Fixed(_) => Advice::operator(
                "fix parameters that the plugin has, to values that it takes, or take them out of `fixed`",
            ),
            Self::CoreModule => Advice::both(
                "build for wasm32-wasip2, or turn it into a component with `tintype-componentize` or \
                 `wasm-tools component new`",
                "ask its author for a component",
            ),
            Self::Invalid(_) => Advice::both("build it again", "copy it again"),
            Self::Imports { names, wasi_refused } => about_imports(names, *wasi_refused),
            Self::Exports(names) => about_exports(names),
            Self::Worlds(_) => Advice::both("make a plugin of each", ANOTHER_FILE),
            Self::Newer { .. } => of_another_version(),
            Self::Contract(_) => Advice::both(
                "build it against the wit/ of this release",
                "use the file that was made for this version of the server",
            ),
            Self::Describe(_) => Advice::both(
                "describe() must give its answer at once: it gets no picture and needs next to no memory",
                "if it only needs more on this machine, raise deadline or memory",
            ),
            Self::Descriptor(_) => Advice::both("mend what describe() returns", ANOTHER_FILE),
        }
    }
}

impl Advice {
    fn operator(words: &str) -> Self {
        Self { author: None, operator: Some(words.to_owned()) }
    }

    fn both(author: &str, operator: &str) -> Self {
        Self { author: Some(author.to_owned()), operator: Some(operator.to_owned()) }
    }
}

/// An import is refused for one of three reasons, and each has its own way out.
fn about_imports(names: &[String], wasi_refused: bool) -> Advice {
    if wasi_refused {
        return Advice::both(
            "build it without WASI, for instance for wasm32-unknown-unknown",
            "set allow_wasi = true, in the plugin's own settings or for all, to give it a WASI with nothing in it",
        );
    }
    if names.iter().all(|name| name.starts_with(interface::PACKAGE)) {
        return of_another_version();
    }
    let known = imports::WASI_PACKAGES.map(|package| package.trim_end_matches('/')).join(", ");
    Advice::both(
        &format!(
            "take out what needs it: a plugin may import only {}host@{} and, where the operator allows it, \
             WASI 0.2 ({known})",
            interface::PACKAGE,
            interface::VERSION,
        ),
        &format!("no setting allows it: {ANOTHER_FILE}"),
    )
}

fn about_exports(names: &[String]) -> Advice {
    if names.iter().any(|name| name.starts_with(interface::PACKAGE)) {
        return of_another_version();
    }
    Advice::both(
        &format!(
            "implement the world image-processor, image-filter or image-codec of tintype:plugin@{}",
            interface::VERSION
        ),
        "this is a component for something else: take it out of the plugins folder",
    )
}

fn of_another_version() -> Advice {
    let version = interface::VERSION;
    Advice::both(
        &format!("build it against tintype:plugin@{version}, the wit/ of this release"),
        &format!(
            "this server speaks tintype:plugin@{version}: use the file that was made for it, or a newer version of the server"
        ),
    )
}

/// As it follows what is wrong.
impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (who, what) in [("Author", &self.author), ("Operator", &self.operator)] {
            if let Some(what) = what {
                write!(f, ". {who}: {what}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Ending;

    fn imports(names: &[&str], wasi_refused: bool) -> LoadError {
        LoadError::Imports { names: names.iter().map(|name| (*name).to_owned()).collect(), wasi_refused }
    }

    #[test]
    fn every_error_tells_its_author_and_its_operator_apart() {
        let errors = [
            LoadError::TooLarge { size: 2, limit: 1 },
            LoadError::CoreModule,
            LoadError::Invalid("it ends early".to_owned()),
            imports(&["evil:files/everything@1.0.0"], false),
            imports(&["wasi:cli/stdin@0.2.0"], true),
            imports(&["tintype:plugin/host@0.2.0"], false),
            LoadError::Exports(vec![]),
            LoadError::Exports(vec!["tintype:plugin/processor@0.2.0".to_owned()]),
            LoadError::Newer { import: "tintype:plugin/host@0.1.9".to_owned(), wanted: "fly".to_owned() },
            LoadError::Worlds(vec!["tintype:plugin/codec@0.1.1".to_owned(); 2]),
            LoadError::Contract("no function".to_owned()),
            LoadError::Describe(Ending::Deadline),
        ];
        for error in errors {
            let (text, advice) = (error.to_string(), error.advice());
            let author = format!(". Author: {}", advice.author.unwrap_or_default());
            let operator = format!(". Operator: {}", advice.operator.unwrap_or_default());
            assert!(text.ends_with(&format!("{author}{operator}")), "{text}");
            assert!(author.len() > 20 && operator.len() > 20 && author != operator, "{text}");
        }
    }

    #[test]
    fn another_version_is_told_from_what_no_version_allows() {
        let foreign = imports(&["evil:files/everything@1.0.0", "tintype:plugin/host@0.2.0"], false);
        assert!(foreign.to_string().contains("take out what needs it"), "{foreign}");
        assert!(foreign.to_string().contains("no setting allows it"), "{foreign}");
        let newer = imports(&["tintype:plugin/host@0.2.0"], false).to_string();
        assert!(newer.contains("this server speaks tintype:plugin@0.1"), "{newer}");
        let newer = LoadError::Exports(vec!["tintype:plugin/processor@0.2.0".to_owned()]).to_string();
        assert!(newer.contains("this server speaks tintype:plugin@0.1"), "{newer}");
    }
}
