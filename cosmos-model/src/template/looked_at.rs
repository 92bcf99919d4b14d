//! Facts as templates see them: what was looked at is remembered, so that a run knows what its model rests on.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use crate::facts::{Facts, Interface, NAMES, Os};

/// What happens while templates are rendered, beside their text.
///
/// This is where a function leaves what must be known of a file besides its bytes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    facts: AtomicU32,
    /// Whether a fact that is unknown was looked at.
    pub unknown: AtomicBool,
    /// Whether the template asked for no file.
    pub absent: AtomicBool,
    /// Whether the template printed a secret.
    pub secret: AtomicBool,
    /// Whether it did something else with one.
    pub misused: AtomicBool,
    /// How many bytes it has written out of values.
    pub written: AtomicUsize,
}

impl Seen {
    /// Forgets what belongs to one template; the facts looked at stay.
    pub fn begin(&self) {
        self.unknown.store(false, Ordering::Relaxed);
        self.absent.store(false, Ordering::Relaxed);
        self.secret.store(false, Ordering::Relaxed);
        self.misused.store(false, Ordering::Relaxed);
        self.written.store(0, Ordering::Relaxed);
    }

    /// Returns the names of the facts that were looked at.
    pub fn facts(&self) -> BTreeSet<String> {
        let seen = self.facts.load(Ordering::Relaxed);
        let names = NAMES.iter().enumerate().filter(|(at, _)| seen & (1 << at) != 0);
        names.map(|(_, name)| (*name).to_string()).collect()
    }
}

/// The value `facts`.
#[derive(Debug)]
pub(super) struct LookedAt {
    pub facts: Option<Facts>,
    pub seen: Arc<Seen>,
}

impl Object for LookedAt {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let position = NAMES.iter().position(|known| *known == name)?;
        self.seen.facts.fetch_or(1 << position, Ordering::Relaxed);
        match &self.facts {
            Some(facts) => Some(fact(facts, name)),
            None => Some(Value::from_object(Unknown { name: format!("facts.{name}"), seen: self.seen.clone() })),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&NAMES)
    }
}

fn fact(facts: &Facts, name: &str) -> Value {
    match name {
        "fqdn" => Value::from(facts.fqdn.clone()),
        "hostname" => Value::from(facts.hostname.clone()),
        "os" => facts.os.as_ref().map_or(Value::from(()), os),
        "kernel" => Value::from(facts.kernel.clone()),
        "architecture" => Value::from(facts.architecture.clone()),
        "interfaces" => Value::from_pairs(facts.interfaces.iter().map(|(name, one)| (name.clone(), interface(one)))),
        "memory" => Value::from(facts.memory),
        "cpus" => Value::from(facts.cpus),
        "virtualisation" => Value::from(facts.virtualisation.clone()),
        "machine" => Value::from(facts.machine.clone()),
        "timezone" => Value::from(facts.timezone.clone()),
        _ => Value::from(facts.format),
    }
}

fn os(os: &Os) -> Value {
    Value::from_pairs([
        ("id", Value::from(os.id.clone())),
        ("id_like", texts(&os.id_like)),
        ("version", Value::from(os.version.clone())),
        ("codename", Value::from(os.codename.clone())),
        ("name", Value::from(os.name.clone())),
    ])
}

fn interface(interface: &Interface) -> Value {
    Value::from_pairs([("mac", Value::from(interface.mac.clone())), ("addresses", texts(&interface.addresses))])
}

fn texts(texts: &[String]) -> Value {
    Value::from(texts.iter().map(|text| Value::from(text.clone())).collect::<Vec<_>>())
}

/// A fact of a host whose facts are not known; it shows as such, and so does everything in it.
struct Unknown {
    name: String,
    seen: Arc<Seen>,
}

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<unknown: {}>", self.name)
    }
}

impl Object for Unknown {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        self.seen.unknown.store(true, Ordering::Relaxed);
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.seen.unknown.store(true, Ordering::Relaxed);
        Some(Value::from_object(Self { name: format!("{}.{key}", self.name), seen: self.seen.clone() }))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.seen.unknown.store(true, Ordering::Relaxed);
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seen.unknown.store(true, Ordering::Relaxed);
        fmt::Debug::fmt(self, f)
    }
}
