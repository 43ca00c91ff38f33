//! What XML 1.0 can carry as text, whoever writes or reads it.

use std::char::REPLACEMENT_CHARACTER;

/// XML 1.0 section 2.2, production `Char`.
#[must_use]
pub fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The text with a replacement character for all that XML would not give back as it is. Escaping makes
/// `<` harmless, but no escape carries a control character, and a parser turns carriage returns into
/// line feeds (section 2.11).
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if is_char(c) && c != '\r' { c } else { REPLACEMENT_CHARACTER }).collect()
}
