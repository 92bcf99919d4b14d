//! The one key read from a clone's `.git/config`: `remote.origin.url` (C2).
//!
//! Everything else in the file, `include`, `insteadOf`, hooks and filters, has no influence: it is never looked at.

/// A configuration file that git could not read either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no git configuration")]
pub struct ConfigError {
    /// The number of the line, from 1.
    pub line: usize,
}

/// Returns the URL of the remote `origin`: the first, which is the one git fetches from.
///
/// # Errors
/// Returns [`ConfigError`] for a section header or value that cannot be read, up to the line with the URL.
pub fn origin_url(text: &[u8]) -> Result<Option<Vec<u8>>, ConfigError> {
    let mut lines = Lines { rest: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), line: 0 };
    let mut in_origin = false;
    while let Some((line, text)) = lines.next() {
        let mut rest = text.trim_ascii_start();
        if rest.first() == Some(&b'[') {
            let (section, after) = header(rest).ok_or(ConfigError { line })?;
            in_origin = section == b"remote.origin";
            rest = after.trim_ascii_start();
        }
        let Some(assigned) = key_value(rest, b"url").filter(|_| in_origin) else { continue };
        let value = lines.value(assigned).ok_or(ConfigError { line })?;
        if !value.is_empty() {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// Lines of the file with their numbers.
struct Lines<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let text = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or(&[]);
        Some((self.line, text.strip_suffix(b"\r").unwrap_or(text)))
    }

    /// Reads a value that starts in `text` and goes on in the next line after a backslash.
    fn value(&mut self, text: &'a [u8]) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        let mut kept = 0;
        let mut quoted = false;
        let mut bytes = text.trim_ascii_start().iter();
        loop {
            match bytes.next() {
                None | Some(b'#' | b';') if !quoted => break,
                None => return None,
                Some(b'"') => quoted = !quoted,
                Some(b'\\') => match bytes.next() {
                    None => {
                        bytes = self.next()?.1.iter();
                        continue;
                    }
                    Some(escaped) => value.push(unescaped(*escaped)?),
                },
                Some(byte) if byte.is_ascii_whitespace() && !quoted => {
                    value.push(*byte);
                    continue;
                }
                Some(byte) => value.push(*byte),
            }
            kept = value.len();
        }
        value.truncate(kept);
        Some(value)
    }
}

fn unescaped(byte: u8) -> Option<u8> {
    match byte {
        b'n' => Some(b'\n'),
        b't' => Some(b'\t'),
        b'b' => Some(8),
        b'"' | b'\\' => Some(byte),
        _ => None,
    }
}

/// Reads `[section]`, `[section.sub]` or `[section "Sub"]`; returns its name, and what follows on the line.
fn header(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let end = text.iter().position(|byte| matches!(byte, b']' | b'"'))?;
    let mut name = text[1..end].trim_ascii().to_ascii_lowercase();
    if text[end] == b']' {
        return Some((name, &text[end + 1..]));
    }
    name.push(b'.');
    let mut bytes = text[end + 1..].iter();
    loop {
        match bytes.next()? {
            b'"' => break,
            b'\\' => name.push(*bytes.next()?),
            byte => name.push(*byte),
        }
    }
    Some((name, bytes.as_slice().strip_prefix(b"]")?))
}

/// Returns what follows the `=` when the line assigns `key`, in any case of letters.
fn key_value<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = line.get(key.len()..).filter(|_| line[..key.len()].eq_ignore_ascii_case(key))?;
    rest.trim_ascii_start().strip_prefix(b"=")
}
