//! Making foreign bytes safe to show: names, tag messages and task output may carry terminal escapes (A50).

use alloc::format;
use alloc::string::String;

/// Returns `bytes` with control characters, bidirectional overrides and invalid UTF-8 as `\xNN`, a backslash doubled.
#[must_use]
pub fn for_terminal(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => shown.push_str("\\\\"),
                _ if is_active(character) => push_hex(&mut shown, character.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => shown.push(character),
            }
        }
        push_hex(&mut shown, chunk.invalid());
    }
    shown
}

/// Tells whether a terminal does something else with `character` than to show it.
#[must_use]
pub fn is_active(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns a sentence whose foreign parts should have been escaped already, with what was forgotten as `\xNN`.
///
/// Line breaks and backslashes stay: they are the sentence's own.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_active(character) && character != '\n' {
            push_hex(&mut shown, character.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn push_hex(shown: &mut String, bytes: &[u8]) {
    for byte in bytes {
        shown.push_str(&format!("\\x{byte:02x}"));
    }
}

/// Reverses [`for_terminal`].
///
/// Returns `None` when a backslash is followed by neither a backslash nor `x` and two hexadecimal digits.
#[must_use]
pub fn undo(shown: &str) -> Option<alloc::vec::Vec<u8>> {
    let mut bytes = alloc::vec::Vec::with_capacity(shown.len());
    let mut rest = shown.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = tail;
        } else if let Some(tail) = tail.strip_prefix(b"\\") {
            bytes.push(b'\\');
            rest = tail;
        } else {
            let digits = tail.strip_prefix(b"x")?.get(..2)?;
            let digits = core::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[3..];
        }
    }
    Some(bytes)
}
