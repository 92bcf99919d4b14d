//! What the files that facts come from say.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Os;

/// The longest value that is taken.
const LONGEST: usize = 256;

/// Reads an `os-release` file: lines `NAME=VALUE`, quoted as for a shell.
#[must_use]
pub fn os_release(text: &str) -> Os {
    let mut os = Os { id: String::from("linux"), ..Os::default() };
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let Some(value) = unquoted(value) else { continue };
        match name {
            "ID" => os.id = value,
            "ID_LIKE" => os.id_like = value.split_ascii_whitespace().map(ToString::to_string).collect(),
            "VERSION_ID" => os.version = Some(value),
            "VERSION_CODENAME" => os.codename = Some(value),
            "PRETTY_NAME" => os.name = Some(value),
            _ => (),
        }
    }
    os
}

/// Takes the quotes of a shell off; `None` for what is no single word, too long, or would act on a terminal.
fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = match quote {
        Some(quote) => text.strip_prefix(quote)?.strip_suffix(quote)?,
        None => text,
    };
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quote != Some('\'') => value.push(characters.next()?),
            other => value.push(other),
        }
    }
    let sound = value.len() <= LONGEST && !value.chars().any(crate::escape::is_active);
    (sound && (quote.is_some() || !value.contains(' '))).then_some(value)
}

/// Returns the name of a time zone from the target of `/etc/localtime`, or from the text of `/etc/timezone`.
#[must_use]
pub fn timezone(text: &str) -> Option<String> {
    let name = text.trim().rsplit_once("zoneinfo/").map_or(text.trim(), |(_, name)| name);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/');
    let sound = !name.is_empty() && name.len() <= 64 && !name.starts_with('/') && name.bytes().all(allowed);
    sound.then(|| name.to_string())
}

/// Returns what a virtual machine runs on, from the maker and product its firmware names and the processor's flags.
#[must_use]
pub fn virtualisation(maker: &str, product: &str, cpuinfo: &str) -> &'static str {
    const KNOWN: [(&str, &str); 10] = [
        ("QEMU", "qemu"),
        ("KVM", "kvm"),
        ("VMware", "vmware"),
        ("innotek", "virtualbox"),
        ("VirtualBox", "virtualbox"),
        ("Xen", "xen"),
        ("Microsoft Corporation Virtual", "microsoft"),
        ("Amazon EC2", "amazon"),
        ("Google", "google"),
        ("OpenStack", "kvm"),
    ];
    let named: Vec<&str> = [maker.trim(), product.trim()].into_iter().filter(|word| !word.is_empty()).collect();
    let named = named.join(" ");
    let has_flag = cpuinfo
        .lines()
        .filter_map(|line| line.strip_prefix("flags"))
        .any(|flags| flags.split_ascii_whitespace().any(|flag| flag == "hypervisor"));
    match KNOWN.iter().find(|(words, _)| named.contains(words)) {
        Some((_, what)) => what,
        None if has_flag => "other",
        None => "none",
    }
}
