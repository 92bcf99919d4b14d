//! Facts: what the agent knows about its host without asking a program (docs/formats.md §23).

pub mod parse;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::content::ContentHash;

/// The version of the format.
pub const FORMAT: u64 = 1;

/// The names by which templates look at facts.
pub const NAMES: [&str; 12] = [
    "format",
    "fqdn",
    "hostname",
    "os",
    "kernel",
    "architecture",
    "interfaces",
    "memory",
    "cpus",
    "virtualisation",
    "machine",
    "timezone",
];

/// What is known about one host; what is not there is `None`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// The version of the format.
    pub format: u64,
    /// The name of the host's layer.
    pub fqdn: Option<String>,
    /// What the kernel calls the host.
    pub hostname: Option<String>,
    /// The distribution.
    pub os: Option<Os>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The machine's architecture.
    pub architecture: Option<String>,
    /// Network interfaces by name.
    pub interfaces: BTreeMap<String, Interface>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processors that are online.
    pub cpus: Option<u64>,
    /// What the host runs on.
    pub virtualisation: Option<String>,
    /// What tells one machine from another, and does not tell its machine id.
    pub machine: Option<String>,
    /// The time zone's name.
    pub timezone: Option<String>,
}

/// The distribution, as `os-release` has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Os {
    /// Such as `debian`.
    pub id: String,
    /// What it descends from.
    pub id_like: Vec<String>,
    /// Such as `12`.
    pub version: Option<String>,
    /// Such as `bookworm`.
    pub codename: Option<String>,
    /// As people read it.
    pub name: Option<String>,
}

/// One network interface.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Interface {
    /// Its hardware address.
    pub mac: Option<String>,
    /// Its addresses with the lengths of their networks, sorted.
    pub addresses: Vec<String>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            format: FORMAT,
            fqdn: None,
            hostname: None,
            os: None,
            kernel: None,
            architecture: None,
            interfaces: BTreeMap::new(),
            memory: None,
            cpus: None,
            virtualisation: None,
            machine: None,
            timezone: None,
        }
    }
}

impl Facts {
    /// Returns what these facts are compared by: their hash.
    #[must_use]
    pub fn identity(&self, names: &BTreeSet<String>) -> ContentHash {
        let texts: Vec<String> = names.iter().map(|name| format!("{name} {}\n", self.written(name))).collect();
        ContentHash::of(texts.concat().as_bytes())
    }

    /// Returns these facts with nothing but what `names` names.
    #[must_use]
    pub fn only(&self, names: &BTreeSet<String>) -> Self {
        let has = |name: &str| names.contains(name);
        let text = |name: &str, fact: &Option<String>| fact.clone().filter(|_| has(name));
        Self {
            format: self.format,
            fqdn: text("fqdn", &self.fqdn),
            hostname: text("hostname", &self.hostname),
            os: self.os.clone().filter(|_| has("os")),
            kernel: text("kernel", &self.kernel),
            architecture: text("architecture", &self.architecture),
            interfaces: if has("interfaces") { self.interfaces.clone() } else { BTreeMap::new() },
            memory: self.memory.filter(|_| has("memory")),
            cpus: self.cpus.filter(|_| has("cpus")),
            virtualisation: text("virtualisation", &self.virtualisation),
            machine: text("machine", &self.machine),
            timezone: text("timezone", &self.timezone),
        }
    }

    fn written(&self, name: &str) -> String {
        match name {
            "fqdn" => format!("{:?}", self.fqdn),
            "hostname" => format!("{:?}", self.hostname),
            "os" => format!("{:?}", self.os),
            "kernel" => format!("{:?}", self.kernel),
            "architecture" => format!("{:?}", self.architecture),
            "interfaces" => format!("{:?}", self.interfaces),
            "memory" => format!("{:?}", self.memory),
            "cpus" => format!("{:?}", self.cpus),
            "virtualisation" => format!("{:?}", self.virtualisation),
            "machine" => format!("{:?}", self.machine),
            "timezone" => format!("{:?}", self.timezone),
            _ => format!("{}", self.format),
        }
    }
}
