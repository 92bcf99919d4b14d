//! Messages: what is refused says so in one line that is safe to show (A50).

use std::fmt::Display;

/// Checks an error's own words and those of its causes.
pub fn error(error: &dyn std::error::Error) {
    words(error);
    let mut cause = error.source();
    while let Some(one) = cause {
        words(&one);
        cause = one.source();
    }
}

/// Checks that `message` says something, in one line, without control characters and overrides of direction.
pub fn words(message: &dyn Display) {
    let text = message.to_string();
    assert!(!text.is_empty(), "a refusal without words");
    harmless(&text);
}

/// As [`words`], for what may be empty: a hint.
pub fn harmless(text: &str) {
    let bad = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(bad), "this would reach a terminal: {text:?}");
}
