//! The rules that `cosmos clone` lays down for a host, for commands that judge as a host would.

use cosmos_model::trust::{DEFAULT_KEY_FOLDER, Introduction, MergeRule, Mode, TrustPolicy};

/// Returns them for a host that follows `mode` from `introduction` on.
pub fn laid_down(mode: Mode, introduction: Introduction) -> TrustPolicy {
    TrustPolicy {
        mode,
        introduction,
        fleet: None,
        threshold: 1,
        policy_threshold: None,
        merge_rule: MergeRule::All,
        require_statement: false,
        max_age: None,
        key_folders: vec![DEFAULT_KEY_FOLDER.parse().expect("the constant is a plain path")],
    }
}
