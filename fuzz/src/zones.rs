//! What signers print about their keys.

use cosmos_tools::fuzzing::{change_of_enforcer, key_of_enforcer, key_of_knot};

use crate::{choose, said};

/// A line of Knot's `keymgr`, or with a first byte that is odd of OpenDNSSEC's enforcer, of its list of keys or of
/// changes (docs/tools.md): what is shown is safe, what a program is called with is no option, and times that have come
/// only move a key on.
pub fn zone_keys(bytes: &[u8]) {
    let Some((first, line)) = choose(bytes) else { return };
    let Ok(line) = std::str::from_utf8(line) else { return };
    let is_name = |id: &str| id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if first & 1 == 1 {
        if let Some((zone, at)) = change_of_enforcer(line) {
            let again = format!("{zone} KSK {}", at.strftime("%Y-%m-%d %H:%M:%S"));
            assert_eq!(change_of_enforcer(&again), Some((zone, at)), "it prints back to what reads the same");
        }
        let Some(key) = key_of_enforcer(line) else { return };
        [&key.kind, &key.state, &key.next].into_iter().for_each(|word| said::harmless(word));
        return assert!(is_name(&key.id));
    }
    let seen: Vec<_> = [0, 1_000, i64::from(u32::MAX), i64::MAX].map(|now| key_of_knot(line, now)).into();
    assert!(seen.iter().all(|key| key.is_some() == seen[0].is_some()), "the time makes no key of a line");
    let mut last = 0;
    for key in seen.iter().flatten() {
        assert!(["KSK", "ZSK", "CSK"].contains(&&*key.kind) && !key.id.is_empty() && is_name(&key.id));
        said::words(&key.next);
        let life = ["generate", "publish", "ready", "active", "retire", "dead"];
        let at = life.iter().position(|state| *state == key.state).expect("a state");
        assert!(at >= last, "a key went back to '{}'", key.state);
        last = at;
    }
}
