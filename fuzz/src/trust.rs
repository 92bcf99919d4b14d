//! What the judge reads besides objects: the signed line and the policy file.

use cosmos_model::trust::{Statement, TrustSet};

use crate::said;

/// The signed line of a message (T7): what is read prints back to a line that reads the same.
pub fn statement(message: &[u8]) {
    match Statement::parse(message) {
        Ok(None) => assert!(!message.starts_with(b"cosmos:")),
        Ok(Some(found)) => {
            let line = line_of(&found);
            assert_eq!(Statement::parse(line.as_bytes()), Ok(Some(found)), "{line}");
            said::harmless(&line);
        }
        Err(error) => said::error(&error),
    }
}

fn line_of(found: &Statement) -> String {
    let mut line = "cosmos: 1".to_owned();
    let mut pair = |key, value: Option<String>| {
        if let Some(value) = value {
            line.push_str(&format!(" {key}={value}"));
        }
    };
    pair("fleet", found.fleet.clone());
    pair("branch", found.branch.clone());
    pair("counter", found.counter.map(|counter| counter.to_string()));
    pair("valid-until", found.valid_until.map(|time| time.to_string()));
    pair("removals", Some(found.removals.to_string()));
    line
}

/// The policy file, its certificates included (T3): rights belong to members, and members are whole fingerprints.
pub fn policy(bytes: &[u8]) {
    let set = match TrustSet::from_policy(bytes) {
        Ok(set) => set,
        Err(reason) => return said::words(&reason),
    };
    for authorization in set.authorizations.values() {
        for member in &authorization.members {
            assert!(member.len() >= 40 && member.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(set.rights(member).is_superset(&authorization.rights));
        }
        for right in &authorization.rights {
            assert!(set.holding(*right).is_superset(&authorization.members));
            assert!(set.operators(*right) <= set.authorizations.len());
        }
    }
}
