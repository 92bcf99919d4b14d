//! The list of signed zones, a line each: the zone, its file, its name server, those that take it over, and the parent's.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use super::error::ZoneError;

/// A signed zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name, in lower case, without a dot at its end.
    pub name: String,
    /// The name server that has the signed zone.
    pub server: IpAddr,
    /// Name servers that take the zone from that one.
    pub secondaries: Vec<IpAddr>,
    /// Name servers of the parent; empty where they are to be looked up.
    pub parents: Vec<IpAddr>,
}

/// Reads the list; a file that is not there is none.
///
/// # Errors
/// Returns a [`ZoneError`] with the line that makes no sense.
pub fn read(path: &Path) -> Result<Vec<Zone>, ZoneError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        other => other.map_err(ZoneError::file("read", path))?,
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| zone(line).map_err(|text| ZoneError::List { path: path.into(), line: index + 1, text }))
        .collect()
}

/// Reads a line.
///
/// # Errors
/// Returns in words what is wrong with it.
pub fn zone(line: &str) -> Result<Zone, String> {
    let mut words = line.split_whitespace();
    let name = words.next().filter(|name| is_name(name)).ok_or("this is no zone")?;
    words.next().ok_or("the zone has no file")?;
    let server = words.next().ok_or("the zone has no name server")?;
    let address =
        |word: &str| word.parse::<IpAddr>().map_err(|_| format!("'{}' is no address", crate::text::shown(word)));
    let (name, server) = (name.to_owned(), address(server)?);
    let (mut secondaries, mut parents) = (Vec::new(), Vec::new());
    for word in words {
        match word.strip_prefix('>') {
            Some(word) => secondaries.push(address(word)?),
            None => parents.push(address(word)?),
        }
    }
    Ok(Zone { name, server, secondaries, parents })
}

/// Tells whether a zone is called so: what a program could take for an option or a path never is.
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-');
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_zone_file_name_server_and_parents() {
        let expected = Zone {
            name: "example.org".into(),
            server: "192.0.2.1".parse().unwrap(),
            secondaries: vec!["192.0.2.2".parse().unwrap()],
            parents: vec!["198.51.100.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        };
        assert_eq!(zone("example.org /etc/x 192.0.2.1 >192.0.2.2 198.51.100.1 2001:db8::1"), Ok(expected));
        for bad in [
            "",
            "example.org",
            "example.org /x",
            "-x.org /x 192.0.2.1",
            "a..b /x 192.0.2.1",
            "../x /x 192.0.2.1",
            "a /x b",
            "a /x 192.0.2.1 >",
        ] {
            assert!(zone(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_list_that_is_not_there_is_empty_and_a_bad_line_has_its_number() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("zones.list");
        assert_eq!(read(&path).unwrap(), []);
        fs::write(&path, "a.example /x 192.0.2.1\n\nb.example /x nobody\n").unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), format!("{}:3: 'nobody' is no address", path.display()));
    }
}
