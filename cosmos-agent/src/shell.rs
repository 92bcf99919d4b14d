//! Command lines that people copy into a shell.

/// Returns `text` as one word of a shell's command line: quoted where it has to be.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,=@:".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn only_what_a_shell_would_change_is_quoted() {
        let typed = ["/srv/fleet.git", "release-*", "Ada's", ""].map(word);
        assert_eq!(typed, ["/srv/fleet.git", "'release-*'", r"'Ada'\''s'", "''"]);
    }
}
