//! Text from outside, made fit for a terminal and a log.

/// Control characters and text that runs backwards as `\u{…}`; newlines at the end go.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.trim_end().chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_is_written_out() {
        assert_eq!(shown("gone\u{1b}[2K\u{202e}x\n"), "gone\\u{1b}[2K\\u{202e}x");
    }
}
