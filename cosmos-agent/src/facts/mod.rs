//! Facts about this host, gathered without starting a program (docs/formats.md §23).

mod kernel;

use std::os::unix::ffi::OsStrExt as _;

use cosmos_model::content::ContentHash;
use cosmos_model::facts::{Facts, Os, parse};
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
