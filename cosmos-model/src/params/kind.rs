//! The types of parameters, and how a declaration writes them (docs/formats.md §21).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Param;

/// How deep lists and tables may be nested.
const DEEPEST: usize = 6;

/// What a parameter may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text; one of these where there are any.
    String(Vec<String>),
    /// True or false.
    Bool,
    /// A number.
    Int(Bounds),
    /// 1 to 65535.
    Port(Bounds),
    /// A domain name of two labels or more.
    Fqdn,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An address and the length of its network.
    Cidr,
    /// The name of a network interface.
    Interface,
    /// An absolute path.
    Path,
    /// A number and a unit; the bounds are seconds.
    Duration(Bounds),
    /// Of an OpenPGP certificate.
    Fingerprint,
    /// RFC 7512.
    Pkcs11Uri,
    /// One of these words.
    Enum(Vec<String>),
    /// A list.
    List(Box<Kind>, Count),
    /// A table with any keys.
    Table(Box<Kind>, Count),
    /// A table with these keys.
    Record(Vec<Param>),
}

/// The least and the greatest number that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The least.
    pub min: Option<i64>,
    /// The greatest.
    pub max: Option<i64>,
}

impl Bounds {
    /// Tells whether `number` is allowed.
    #[must_use]
    pub fn allow(self, number: i64) -> bool {
        self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max)
    }
}

/// The least and the greatest number of entries that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// The least.
    pub at_least: Option<usize>,
    /// The greatest.
    pub at_most: Option<usize>,
}

impl Kind {
    /// Reads a type; what it has besides its name is put in by the declaration.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Self::read_to(text, DEEPEST)
    }

    fn read_to(text: &str, depth: usize) -> Result<Self, String> {
        let inner = |rest: &str| match depth {
            0 => Err(format!("lists and tables are nested at most {DEEPEST} deep")),
            _ => Self::read_to(rest, depth - 1).map(Box::new),
        };
        if let Some(rest) = text.strip_prefix("list of ") {
            return Ok(Self::List(inner(rest)?, Count::default()));
        }
        if let Some(rest) = text.strip_prefix("table of ") {
            return Ok(Self::Table(inner(rest)?, Count::default()));
        }
        Ok(match text {
            "string" => Self::String(Vec::new()),
            "bool" => Self::Bool,
            "int" => Self::Int(Bounds::default()),
            "port" => Self::Port(Bounds::default()),
            "fqdn" => Self::Fqdn,
            "ip" => Self::Ip,
            "cidr" => Self::Cidr,
            "interface" => Self::Interface,
            "path" => Self::Path,
            "duration" => Self::Duration(Bounds::default()),
            "fingerprint" => Self::Fingerprint,
            "pkcs11-uri" => Self::Pkcs11Uri,
            "enum" => Self::Enum(Vec::new()),
            "table" => Self::Record(Vec::new()),
            _ => return Err(format!("'{}' is not a type", crate::escape::for_terminal(text.as_bytes()))),
        })
    }

    /// Returns the innermost type of nested lists and tables.
    pub(super) fn innermost(&mut self) -> &mut Self {
        match self {
            Self::List(inner, _) | Self::Table(inner, _) => inner.innermost(),
            innermost => innermost,
        }
    }

    /// Returns the name with its article, for messages.
    pub(super) fn with_article(&self) -> String {
        let article = if matches!(self, Self::Int(_) | Self::Ip | Self::Interface) { "an" } else { "a" };
        match self {
            Self::Enum(words) => format!("one of {}", words.join(", ")),
            Self::String(words) if !words.is_empty() => format!("one of {}", words.join(", ")),
            Self::Int(_) => String::from("an integer"),
            _ => format!("{article} {self}"),
        }
    }
}

impl fmt::Display for Kind {
    /// Writes the type as a declaration does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(inner, _) => write!(f, "list of {inner}"),
            Self::Table(inner, _) => write!(f, "table of {inner}"),
            plain => f.write_str(match plain {
                Self::String(_) => "string",
                Self::Bool => "bool",
                Self::Int(_) => "int",
                Self::Port(_) => "port",
                Self::Fqdn => "fqdn",
                Self::Ip => "ip",
                Self::Cidr => "cidr",
                Self::Interface => "interface",
                Self::Path => "path",
                Self::Duration(_) => "duration",
                Self::Fingerprint => "fingerprint",
                Self::Pkcs11Uri => "pkcs11-uri",
                Self::Enum(_) => "enum",
                Self::Record(_) | Self::List(..) | Self::Table(..) => "table",
            }),
        }
    }
}
