//! The modules that a file of pam.d names: one that is missing locks everybody out.

use alloc::vec::Vec;

/// Returns the modules that must be there, as they are written: a name or an absolute path.
#[must_use]
pub fn modules(text: &[u8]) -> Vec<&[u8]> {
    text.split(|byte| *byte == b'\n').filter_map(module).collect()
}

fn module(line: &[u8]) -> Option<&[u8]> {
    let line = line.split(|byte| *byte == b'#').next()?.trim_ascii();
    // A leading '-' asks for silence where the module is missing.
    if line.is_empty() || matches!(line[0], b'@' | b'-') {
        return None;
    }
    let after_kind = after_word(line);
    let after_control = match after_kind.first()? {
        b'[' => after_kind.iter().position(|byte| *byte == b']').map(|end| &after_kind[end + 1..])?,
        _ if after_kind.starts_with(b"include") || after_kind.starts_with(b"substack") => return None,
        _ => after_word(after_kind),
    };
    let module = after_control.trim_ascii().split(u8::is_ascii_whitespace).next()?;
    (!module.is_empty()).then_some(module)
}

fn after_word(line: &[u8]) -> &[u8] {
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    line[end..].trim_ascii_start()
}
