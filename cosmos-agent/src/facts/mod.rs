//! Facts about this host, gathered without starting a program (docs/formats.md §23).

mod kernel;

use std::os::unix::ffi::OsStrExt as _;

use cosmos_model::content::ContentHash;
use cosmos_model::facts::{FORMAT, Facts, Os, parse};
use cosmos_model::host_name::HostName;
use cosmos_model::path::RelPath;

use crate::site::Site;

/// A longer file is none that these facts come from.
const LARGEST: u64 = 64 << 10;

/// Gathers what is known about the host of `site`; what cannot be read is not there.
#[must_use]
pub fn gather(site: &Site, fqdn: Option<&HostName>) -> Facts {
    let (hostname, kernel, architecture) = kernel::names();
    Facts {
        fqdn: fqdn.map(ToString::to_string),
        hostname,
        os: os(site),
        kernel,
        architecture,
        interfaces: kernel::interfaces(),
        memory: kernel::memory(),
        cpus: kernel::cpus(),
        virtualisation: kernel::virtualisation(),
        machine: text(site, "etc/machine-id").map(|id| machine(id.trim())),
        timezone: timezone(site),
        ..Facts::default()
    }
}

/// Facts of another host are not to be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text is none that `cosmos facts --json` prints.
    #[error("these are no facts as 'cosmos facts --json' prints them")]
    Text(#[from] serde_json::Error),
    /// A later version wrote them.
    #[error("these facts have format {0}, this is cosmos for format {FORMAT}")]
    Format(u64),
    /// They are too long.
    #[error("these facts are longer than {} KiB", LARGEST >> 10)]
    Long,
}

/// Reads the facts of another host: the document that `cosmos facts --json` prints, or its member `facts` alone.
///
/// # Errors
/// Returns [`ReadError`].
pub fn read(text: &[u8]) -> Result<Facts, ReadError> {
    if text.len() as u64 > LARGEST {
        return Err(ReadError::Long);
    }
    let mut document: serde_json::Value = serde_json::from_slice(text)?;
    let facts = document.get_mut("facts").map(serde_json::Value::take).unwrap_or(document);
    match facts.get("format").and_then(serde_json::Value::as_u64) {
        Some(later) if later > FORMAT => Err(ReadError::Format(later)),
        _ => Ok(serde_json::from_value(facts)?),
    }
}

/// Returns what tells this machine from others: its id is meant to stay on it.
fn machine(id: &str) -> String {
    let hash = ContentHash::of(format!("cosmos {id}").as_bytes()).to_string();
    hash[..32].to_owned()
}

fn os(site: &Site) -> Option<Os> {
    let text = text(site, "etc/os-release").or_else(|| text(site, "usr/lib/os-release"))?;
    Some(parse::os_release(&text))
}

fn timezone(site: &Site) -> Option<String> {
    let target = std::fs::read_link(site.root_path.join("etc/localtime")).ok();
    let named = target.and_then(|target| parse::timezone(std::str::from_utf8(target.as_os_str().as_bytes()).ok()?));
    named.or_else(|| parse::timezone(&text(site, "etc/timezone")?))
}

fn text(site: &Site, path: &str) -> Option<String> {
    let path = RelPath::new(path.as_bytes()).ok()?;
    String::from_utf8(site.root.read(&path, LARGEST).ok()??).ok()
}
