//! Durations and sizes as people write them (docs/formats.md, first rules).

use std::time::Duration;

/// A number and one of `s m h d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let hint = || "give a number and one of s m h d, as in 90s or 7d".to_owned();
    let unit = match text.as_bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86_400,
        _ => return Err(hint()),
    };
    let seconds = number(&text[..text.len() - 1]).and_then(|number| number.checked_mul(unit));
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs).ok_or_else(hint)
}

/// A number of bytes and optionally `K M G`.
pub fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let bytes = number(digits).and_then(|number| number.checked_mul(unit));
    bytes.ok_or_else(|| "give a number and optionally one of K M G, as in 500M".to_owned())
}

/// Digits and nothing else: the standard library would take a sign as well.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_as_the_agent_reads_them() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(size("500M"), Ok(500 << 20));
        assert_eq!(size("0"), Ok(0));
        for bad in ["", "s", "7", "+7d", "-1d", "0s", "7ä", "99999999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "G", "1T", "+1", "1 G", "99999999999999G"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
    }
}
