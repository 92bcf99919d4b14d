//! Checks of paths that everybody has, and the paths a host must not lose its way by: a table each.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::path::RelPath;

/// What a check does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Runs a program where the staged files are in their places.
    Program {
        /// The program and its arguments.
        run: Vec<String>,
        /// Whether it must say nothing, whatever its exit status.
        silent: bool,
    },
    /// Reads each path as a table of cron's.
    Cron,
    /// Looks for the modules that each path names.
    Pam,
}

/// A check that no layer has to ask for.
#[derive(Debug, Clone, Copy)]
pub struct WellKnown {
    /// Its name, by which `no-check` turns it off.
    pub name: &'static str,
    /// Which paths it is about.
    pub when: &'static [&'static str],
    /// The program and its arguments; none where the agent looks by itself.
    run: &'static [&'static str],
    /// Whether the changed files themselves are further arguments.
    pub(super) names_files: bool,
    /// Whether it must say nothing.
    silent: bool,
    /// A folder that its program wants and a service makes, whether or not that runs, or in which it leaves something.
    pub needs: Option<&'static str>,
}

const fn program(name: &'static str, when: &'static [&'static str], run: &'static [&'static str]) -> WellKnown {
    WellKnown { name, when, run, names_files: false, silent: false, needs: None }
}

/// The checks of well-known paths, in the order they run.
pub const WELL_KNOWN: [WellKnown; 13] = [
    program("sudoers", &["etc/sudoers", "etc/sudoers.d/*"], &["visudo", "-c"]),
    WellKnown {
        needs: Some("/run/sshd"),
        ..program("sshd", &["etc/ssh/sshd_config", "etc/ssh/sshd_config.d/*"], &["sshd", "-t"])
    },
    program("nftables", &["etc/nftables.conf", "etc/nftables.d/**"], &["nft", "-c", "-f", "/etc/nftables.conf"]),
    WellKnown {
        names_files: true,
        silent: true,
        ..program("units", UNIT_FILES, &["systemd-analyze", "verify", "--man=no"])
    },
    program("cron", &["etc/cron.d/*", "etc/crontab"], &[]),
    program("fstab", &["etc/fstab"], &["findmnt", "--verify"]),
    program("pam", &["etc/pam.d/*"], &[]),
    // It makes that folder whatever it is asked.
    WellKnown { needs: Some("/run/apache2"), ..program("apache", &["etc/apache2/**"], &["apache2ctl", "configtest"]) },
    // It makes an empty `nginx.pid` where none is.
    WellKnown { needs: Some("/run"), ..program("nginx", &["etc/nginx/**"], &["nginx", "-t", "-q"]) },
    // Not with `-q`, which does not say what is wrong either.
    program("haproxy", &["etc/haproxy/**"], &["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"]),
    WellKnown { needs: Some(ANCHORS), ..program("unbound", &["etc/unbound/**"], &["sh", "-c", UNBOUND]) },
    WellKnown {
        needs: Some("/etc/dnsmasq.d"),
        ..program("dnsmasq", &["etc/dnsmasq.conf", "etc/dnsmasq.d/*"], &["dnsmasq", "--test", DNSMASQ_FOLDER])
    },
    WellKnown {
        silent: true,
        ..program("logrotate", &["etc/logrotate.conf", "etc/logrotate.d/*"], &["sh", "-c", LOGROTATE])
    },
];

/// The folder as Debian's start script names it; its `dnsmasq.conf` does not.
const DNSMASQ_FOLDER: &str = "--conf-dir=/etc/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new";

/// Where Debian's unbound keeps the root's key, which its service fetches when it starts first.
const ANCHORS: &str = "/var/lib/unbound";

/// Lets unbound look at its settings where a key that it keeps itself is not there yet: one that reads well, the root's
/// of 2017, is laid in the check's own copy of the folder, which is in memory.
const UNBOUND: &str = "command -v unbound-checkconf > /dev/null || exit 0\n\
     until said=$(unbound-checkconf 2>&1); do\n\
     key=$(printf '%s\\n' \"$said\" | sed -n 's|.*auto-trust-anchor-file: \"\\(/var/lib/unbound/[^/\"]*\\)\" does not exist.*|\\1|p')\n\
     if [ -z \"$key\" ] || [ -e \"$key\" ]; then printf '%s\\n' \"$said\"; exit 1; fi\n\
     echo '. DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D' > \"$key\" || exit\n\
     done";

/// Lets logrotate say its errors only, without those about logs that are not there yet: its exit status is the same for
/// both.
const LOGROTATE: &str = "command -v logrotate > /dev/null || exit 0\n\
     logrotate --debug /etc/logrotate.conf 2>&1 | grep '^error: ' | grep -v '^error: stat of '; true";

/// Units that can be verified by themselves; drop-ins are looked at with the unit they belong to.
const UNIT_FILES: &[&str] = &[
    "etc/systemd/system/*.service",
    "etc/systemd/system/*.timer",
    "etc/systemd/system/*.socket",
    "etc/systemd/system/*.path",
    "etc/systemd/system/*.mount",
    "etc/systemd/system/*.target",
];

/// The paths after whose change the default probe runs: ssh, pam, sudo, firewall, network and resolver.
pub(super) const WATCHED: [&str; 23] = [
    "etc/ssh/**",
    "etc/pam.d/**",
    "etc/pam.conf",
    "etc/security/**",
    "etc/sudoers",
    "etc/sudoers.d/**",
    "etc/nftables.conf",
    "etc/nftables.d/**",
    "etc/iptables/**",
    "etc/ufw/**",
    "etc/firewalld/**",
    "etc/network/**",
    "etc/netplan/**",
    "etc/systemd/network/**",
    "etc/NetworkManager/**",
    "etc/resolv.conf",
    "etc/resolvconf/**",
    "etc/systemd/resolved.conf",
    "etc/systemd/resolved.conf.d/**",
    "etc/hosts",
    "etc/hosts.*",
    "etc/nsswitch.conf",
    "etc/gai.conf",
];

impl WellKnown {
    /// Returns what the check does about these changed paths.
    pub(super) fn look(&self, paths: &[RelPath]) -> Look {
        match self.name {
            "cron" => Look::Cron,
            "pam" => Look::Pam,
            _ => {
                let mut run: Vec<String> = self.run.iter().map(|word| (*word).to_string()).collect();
                if self.names_files {
                    // A name that is no text is left to the service manager.
                    let texts = paths.iter().filter_map(|path| core::str::from_utf8(path.as_bytes()).ok());
                    run.extend(texts.map(|path| alloc::format!("/{path}")));
                }
                Look::Program { run, silent: self.silent }
            }
        }
    }
}
