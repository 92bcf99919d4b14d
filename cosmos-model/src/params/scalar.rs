//! What the types that are written as strings accept; each says what is wrong in words.

use alloc::format;
use alloc::string::String;

use crate::escape::for_terminal;
use crate::network::Network;

/// The longest text of any of these types but `string`.
const LONGEST: usize = 4096;

type Checked = Result<(), String>;

/// Any text without characters that act on a terminal or a parser.
pub(super) fn string(text: &str) -> Checked {
    match text.chars().find(|one| one.is_control() && !matches!(one, '\n' | '\t')) {
        Some(_) => Err(String::from("it has a control character")),
        None => Ok(()),
    }
}

/// A domain name that is not a single label.
pub(super) fn fqdn(text: &str) -> Checked {
    let is_address = text.parse::<core::net::IpAddr>().is_ok();
    match crate::host_name::HostName::new(text) {
        Ok(_) if text.contains('.') && !is_address => Ok(()),
        _ => Err(format!("'{}' is not a full domain name", for_terminal(text.as_bytes()))),
    }
}

/// An address of either family.
pub(super) fn ip(text: &str) -> Checked {
    match text.parse::<core::net::IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("'{}' is not an address", for_terminal(text.as_bytes()))),
    }
}

/// An address and a length.
pub(super) fn cidr(text: &str) -> Checked {
    match text.contains('/').then(|| text.parse::<Network>()) {
        Some(Ok(_)) => Ok(()),
        _ => Err(format!("'{}' is not an address and a length, such as 192.0.2.0/24", for_terminal(text.as_bytes()))),
    }
}

/// A name that the kernel gives to an interface.
pub(super) fn interface(text: &str) -> Checked {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':');
    if (1..=15).contains(&text.len()) && !matches!(text, "." | "..") && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("'{}' is not the name of an interface", for_terminal(text.as_bytes())))
}

/// An absolute path that leads to nothing of the agent's own.
pub(super) fn path(text: &str) -> Checked {
    let shown = || for_terminal(text.as_bytes());
    let Some(relative) = text.strip_prefix('/') else {
        return Err(format!("'{}' is not an absolute path", shown()));
    };
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!("'{}' is too long or has a control character", shown()));
    }
    // The root itself is a path, too.
    if !relative.is_empty() && !crate::path::RelPath::is_sound(relative.as_bytes()) {
        return Err(format!("'{}' has an empty component, '.' or '..'", shown()));
    }
    if crate::own_paths::has(relative.as_bytes()) {
        return Err(format!("'{}' belongs to the agent", shown()));
    }
    Ok(())
}

/// Returns the seconds of a number and a unit.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    let number: i64 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    number.checked_mul(factor)
}

/// An OpenPGP fingerprint.
pub(super) fn fingerprint(text: &str) -> Checked {
    if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(format!("'{}' is not a fingerprint of 40 or 64 hexadecimal digits", for_terminal(text.as_bytes())))
}

/// A PKCS#11 URI: attributes `NAME=VALUE`, those of the path before those of the query.
pub(super) fn pkcs11_uri(text: &str) -> Checked {
    let wrong = |why: &str| Err(format!("'{}' is not a PKCS#11 URI: {why}", for_terminal(text.as_bytes())));
    let Some(rest) = text.strip_prefix("pkcs11:") else { return wrong("it does not begin with 'pkcs11:'") };
    if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\'') {
        return wrong("it is too long or has a character that must be written as %XX");
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let attributes = path.split(';').chain(query.split('&')).filter(|one| !one.is_empty());
    for attribute in attributes {
        let named = attribute.split_once('=').is_some_and(|(name, value)| !name.is_empty() && escapes_are_sound(value));
        if !named {
            return wrong("an attribute is NAME=VALUE, with % before two hexadecimal digits");
        }
    }
    if rest.is_empty() { wrong("it names nothing") } else { Ok(()) }
}

fn escapes_are_sound(value: &str) -> bool {
    let mut parts = value.split('%');
    parts.next();
    parts.all(|part| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}
