//! Unified diffs of text files, as `plan` shows them.

use std::fmt::Write as _;

use super::style::Palette;

/// Larger files are summed up in one line instead of compared line by line.
const LARGEST: usize = 256 * 1024;

/// Returns the unified diff of two contents, or one line when either is binary or too large.
#[must_use]
pub fn unified(old: &[u8], new: &[u8], palette: &Palette) -> String {
    let readable = |bytes: &[u8]| bytes.len() <= LARGEST && !bytes.contains(&0);
    if !readable(old) || !readable(new) {
        return format!("    binary or large: {} bytes, {} before\n", new.len(), old.len());
    }
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let compared = similar::TextDiff::from_lines(old.as_ref(), new.as_ref());
    let mut shown = String::new();
    for hunk in compared.unified_diff().context_radius(3).iter_hunks() {
        let _ = writeln!(shown, "    {}", Palette::paint(palette.faint, &hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                similar::ChangeTag::Delete => ('-', palette.removed),
                similar::ChangeTag::Insert => ('+', palette.created),
                similar::ChangeTag::Equal => (' ', palette.faint),
            };
            let line = cosmos_model::escape::for_terminal(change.value().trim_end_matches('\n').as_bytes());
            let missing = if change.missing_newline() { "  (no newline at the end)" } else { "" };
            let _ = writeln!(shown, "    {}{missing}", Palette::paint(style, &format!("{sign}{line}")));
        }
    }
    shown
}
