//! What must hold of every parser of foreign bytes, whatever the bytes are (docs/fuzz.md).
//!
//! A function a target. Each takes any bytes and panics when a law is broken: what is accepted prints back to what was
//! read, what is refused is refused in one line that a terminal may show, and limits hold. `targets/` hands them to
//! the fuzzer, `tests/corpus.rs` replays the corpus and every input that once broke a law.

mod answers;
mod classic;
mod kept;
mod modules;
mod notes;
mod objects;
mod packages;
mod patterns;
mod said;
mod schedule;
mod secret;
mod settings;
mod trust;
mod wire;
mod zones;

pub use answers::zone_answers;
pub use classic::{conf, keybox};
pub use kept::kept;
pub use modules::{facts, module, template};
pub use notes::note;
pub use objects::{commit, tag, tree};
pub use packages::packages;
pub use patterns::{patterns, tag_pattern};
pub use schedule::schedule;
pub use secret::secret;
pub use settings::{agent_settings, fleet, layer, trust_settings};
pub use trust::{policy, statement};
pub use wire::{frames, url, wire};
pub use zones::zone_keys;

/// A target: it panics when a law is broken.
pub type Check = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: [(&str, Check); 26] = [
    ("agent_settings", agent_settings),
    ("commit", commit),
    ("conf", conf),
    ("facts", facts),
    ("fleet", fleet),
    ("frames", frames),
    ("kept", kept),
    ("keybox", keybox),
    ("layer", layer),
    ("module", module),
    ("note", note),
    ("packages", packages),
    ("patterns", patterns),
    ("policy", policy),
    ("schedule", schedule),
    ("secret", secret),
    ("statement", statement),
    ("tag", tag),
    ("tag_pattern", tag_pattern),
    ("template", template),
    ("tree", tree),
    ("trust_settings", trust_settings),
    ("url", url),
    ("wire", wire),
    ("zone_answers", zone_answers),
    ("zone_keys", zone_keys),
];

/// Splits off the byte that chooses between the parsers of one target.
fn choose(bytes: &[u8]) -> Option<(u8, &[u8])> {
    bytes.split_first().map(|(first, rest)| (*first, rest))
}
