//! What plugins, operations and presets can be called: the rule of `descriptor` in `wit/plugin.wit`.

/// What [`is_name`] demands, in words.
pub const NAME_RULE: &str = "a name is 1 to 64 characters of a-z, 0-9 and -, beginning with a letter";

/// Whether a plugin, an operation or a preset can have this name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
