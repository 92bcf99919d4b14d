//! The kernel's own word about this host.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use cosmos_model::escape;
use cosmos_model::facts::{Interface, parse};
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::sys::socket::SockaddrStorage;
use nix::unistd::{SysconfVar, sysconf};

/// More interfaces are not looked at.
const MOST_INTERFACES: usize = 256;

/// More addresses are not looked at.
const MOST_ADDRESSES: usize = 4096;

/// How much of a file of the kernel's is read.
const LONGEST: u64 = 64 << 10;

/// Returns the host's name, the kernel's release and the machine's architecture.
pub(super) fn names() -> (Option<String>, Option<String>, Option<String>) {
    let Ok(names) = nix::sys::utsname::uname() else { return (None, None, None) };
    let text = |name: &std::ffi::OsStr| name.to_str().map(|name| escape::for_terminal(name.as_bytes()));
    (text(names.nodename()), text(names.release()), text(names.machine()))
}

/// Returns the bytes of memory.
pub(super) fn memory() -> Option<u64> {
    let known = |variable| sysconf(variable).ok().flatten().and_then(|number| u64::try_from(number).ok());
    known(SysconfVar::_PHYS_PAGES)?.checked_mul(known(SysconfVar::PAGE_SIZE)?)
}

/// Returns the number of processors that are online.
pub(super) fn cpus() -> Option<u64> {
    sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten().and_then(|number| u64::try_from(number).ok())
}

/// Returns the interfaces with their addresses; link-local ones that the kernel makes are among them.
pub(super) fn interfaces() -> BTreeMap<String, Interface> {
    let mut interfaces: BTreeMap<String, Interface> = BTreeMap::new();
    for found in getifaddrs().into_iter().flatten().take(MOST_ADDRESSES) {
        let name = escape::for_terminal(found.interface_name.as_bytes());
        if interfaces.len() >= MOST_INTERFACES && !interfaces.contains_key(&name) {
            continue;
        }
        let interface = interfaces.entry(name).or_default();
        interface.addresses.extend(address(&found));
        if let Some(link) = found.address.as_ref().and_then(SockaddrStorage::as_link_addr) {
            interface.mac = link
                .addr()
                .filter(|bytes| *bytes != [0; 6])
                .map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"));
        }
    }
    interfaces.values_mut().for_each(|interface| {
        interface.addresses.sort_unstable();
        interface.addresses.dedup();
    });
    interfaces
}

fn address(found: &InterfaceAddress) -> Option<String> {
    let address = ip(found.address.as_ref()?)?;
    let length = match ip(found.netmask.as_ref()?)? {
        IpAddr::V4(mask) => u32::from(mask).leading_ones(),
        IpAddr::V6(mask) => u128::from(mask).leading_ones(),
    };
    Some(format!("{address}/{length}"))
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

/// Returns what this host runs on.
pub(super) fn virtualisation() -> Option<String> {
    if Path::new("/run/systemd/container").exists() || Path::new("/.dockerenv").exists() {
        return Some("container".to_owned());
    }
    let dmi = |name: &str| start_of(&format!("/sys/class/dmi/id/{name}")).unwrap_or_default();
    let cpuinfo = start_of("/proc/cpuinfo")?;
    Some(parse::virtualisation(&dmi("sys_vendor"), &dmi("product_name"), &cpuinfo).to_owned())
}

fn start_of(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
