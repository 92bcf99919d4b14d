//! The host's own names, for `$(hostname)` and `$(hostname -f)` in `cosmos.conf` (C1).

use std::path::Path;

/// Returns the host's name: its full one when `full`, found without asking DNS.
///
/// `hostname -f` asks the resolver; here the name comes from the kernel, and its domain from the hosts file, since a
/// layer's name must not depend on a network that an attacker may answer for.
#[must_use]
pub fn host_name(full: bool, hosts_file: &Path) -> Option<String> {
    let name = nix::unistd::gethostname().ok()?.into_string().ok()?;
    if !full || name.contains('.') {
        return Some(name);
    }
    full_name(&std::fs::read_to_string(hosts_file).ok()?, &name)
}

/// Returns the first name of the line of a hosts file that names `short`, if that one has a domain.
#[must_use]
pub fn full_name(hosts: &str, short: &str) -> Option<String> {
    let names = hosts.lines().map(|line| line.split('#').next().unwrap_or("").split_whitespace().skip(1));
    for mut line in names {
        let Some(canonical) = line.next() else { continue };
        if (canonical == short || line.any(|name| name == short)) && canonical.contains('.') {
            return Some(canonical.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::full_name;

    #[test]
    fn the_canonical_name_of_the_line_that_names_the_host_is_its_full_name() {
        let hosts = "127.0.0.1 localhost\n# none\n127.0.1.1 ns1.example.org ns1 # this one\n";
        assert_eq!(full_name(hosts, "ns1").as_deref(), Some("ns1.example.org"));
        assert_eq!(full_name(hosts, "ns2"), None);
    }
}
