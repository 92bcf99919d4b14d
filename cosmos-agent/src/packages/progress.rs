//! How far apt is, as it tells it by APT::Status-Fd (docs/formats.md §25).

use cosmos_model::escape::for_terminal;

/// The longest name of a package that is shown, in characters.
const LONGEST: usize = 24;

/// How far apt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing, fit for a terminal.
    pub doing: String,
    /// How much of that is done, 100 at most.
    pub percent: u8,
}

impl Progress {
    /// Reads a line: `dlstatus:NUMBER:PERCENT:TEXT` while packages are fetched, `pmstatus:PACKAGE:PERCENT:TEXT` while
    /// dpkg works. `None` for every other line, which all say something that the output has as well.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let mut fields = line.splitn(4, |byte| *byte == b':');
        let (kind, about, percent) = (fields.next()?, fields.next()?, fields.next()?);
        fields.next()?;
        let doing = match kind {
            b"dlstatus" => "fetching packages".to_owned(),
            // Before and after the packages apt speaks of dpkg itself.
            b"pmstatus" if about == b"dpkg-exec" => "installing packages".to_owned(),
            b"pmstatus" => format!("installing {}", name(about)),
            _ => return None,
        };
        Some(Self { doing, percent: whole(percent)? })
    }
}

/// Returns the name of a package without its architecture, escaped, no longer than there is room for.
fn name(about: &[u8]) -> String {
    for_terminal(about).chars().take(LONGEST).collect()
}

/// Reads a number such as `40`, `40.0` or `12.3457`, without what is behind the point.
fn whole(percent: &[u8]) -> Option<u8> {
    let (whole, part) = match percent.iter().position(|byte| *byte == b'.') {
        Some(at) => (&percent[..at], &percent[at + 1..]),
        None => (percent, b"0".as_slice()),
    };
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if !digits(whole) || !digits(part) {
        return None;
    }
    std::str::from_utf8(whole).ok()?.parse().ok().filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(String, u8)> {
        Progress::of_line(line.as_bytes()).map(|progress| (progress.doing, progress.percent))
    }

    #[test]
    fn apt_tells_what_it_does_and_how_much_of_it_is_done() {
        let fetched = "dlstatus:1:12.3457:Retrieving file 1 of 3 (2min 3s remaining)";
        assert_eq!(read(fetched), Some(("fetching packages".to_owned(), 12)));
        let unpacked = "pmstatus:libc6:40.0:Unpacking libc6:amd64 (amd64)";
        assert_eq!(read(unpacked), Some(("installing libc6".to_owned(), 40)));
        assert_eq!(read("pmstatus:dpkg-exec:100:Running dpkg"), Some(("installing packages".to_owned(), 100)));
        let long = format!("pmstatus:{}:1:x", "\u{1b}".repeat(90));
        assert_eq!(read(&long), Some((format!("installing {}", "\\x1b".repeat(6)), 1)));
        for other in [
            "",
            "pmstatus:a:40",
            "pmstatus:a:101:x",
            "pmstatus:a:-1:x",
            "pmstatus:a:.5:x",
            "pmstatus:a:4,5:x",
            "pmstatus:a:99999999999999999999:x",
            "pmerror:/var/cache/apt/archives/a.deb:40:it broke",
            "pmconffile:/etc/a:40:'/etc/a' '/etc/a.new' 1 1",
            "media-change:disk:/media:insert it",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
