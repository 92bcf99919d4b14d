//! A phone's serial number, which becomes part of a path and of adb's arguments.

use std::fmt;
use std::str::FromStr;

/// The longest serial number; USB allows 126 characters.
const LONGEST: usize = 126;

/// A serial number that can be no option, no path and no second word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Serial(String);

impl Serial {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Serial {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if starts && text.len() <= LONGEST && text.bytes().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err("a serial number has letters, digits and '._:-' only, and begins with a letter or digit".into())
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_one_plain_word() {
        for good in ["0123456789ABCDEF", "192.0.2.7:5555", "emulator-5554"] {
            assert_eq!(good.parse::<Serial>().unwrap().as_str(), good);
        }
        for bad in ["", "-s", "../etc", "a/b", ".hidden", "a b", "a'b", "ä", &"a".repeat(127)] {
            assert!(bad.parse::<Serial>().is_err(), "{bad:?}");
        }
    }
}
