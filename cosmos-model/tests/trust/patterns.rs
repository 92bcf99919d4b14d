//! Names: which are releases, in what order, and which refs are fetched (docs/formats.md §6, F2).

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use cosmos_model::trust::{Introduction, Mode, TagPattern, TrustPolicy, compare_names};

use crate::support::*;

#[test]
fn native_patterns_match_whole_names_and_stop_at_slashes() {
    let pattern = TagPattern::native("cosmos-ops-*").unwrap();
    let cases = [
        ("cosmos-ops-2026-01-10-v02", true),
        ("cosmos-ops-", true),
        ("xcosmos-ops-1", false),
        ("cosmos-ops-a/b", false),
        ("cosmos-ops-1+0123456789ABCDEF", false),
        ("cosmos-ops-\u{e9}", false),
    ];
    for (name, expected) in cases {
        assert_eq!(pattern.matches(name), expected, "{name}");
    }
    for wrong in ["", "*", "*-ops", "v?", "v[1]", "v 1"] {
        assert!(TagPattern::native(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn classic_patterns_are_globs_in_which_a_star_crosses_slashes() {
    let cases = [
        ("cosmos-ops*", "cosmos-ops/a", true),
        ("v[0-9]*", "v1.2", true),
        ("v[!0-9]*", "v1.2", false),
        ("v[]x]", "v]", true),
        ("a?c*e", "abcde", true),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
        ("\\*", "*", true),
        ("\\*", "x", false),
    ];
    for (pattern, name, expected) in cases {
        assert_eq!(TagPattern::classic(pattern).unwrap().matches(name), expected, "{pattern} {name}");
    }
    for wrong in ["", "v[", "v[a", "v\\"] {
        assert!(TagPattern::classic(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn numbers_in_names_compare_as_numbers() {
    let mut names = vec!["v100", "v99", "v9-rc", "v9", "v09", "v99999999999999999999999", "v", "w1", "2", "10"];
    names.sort_by(|left, right| compare_names(left, right));
    assert_eq!(names, ["2", "10", "v", "v9", "v9-rc", "v09", "v99", "v100", "v99999999999999999999999", "w1"]);
}

proptest::proptest! {
    #[test]
    fn the_order_of_names_is_total_and_equal_only_for_equal_names(
        one in "[a-b0-2/]{0,6}", two in "[a-b0-2/]{0,6}", three in "[a-b0-2/]{0,6}"
    ) {
        let order = compare_names(&one, &two);
        proptest::prop_assert_eq!(order, compare_names(&two, &one).reverse());
        proptest::prop_assert_eq!(order.is_eq(), one == two);
        if order.is_le() && compare_names(&two, &three).is_le() {
            proptest::prop_assert!(compare_names(&one, &three).is_le());
        }
    }
}

fn listing() -> Vec<RemoteRef> {
    let names = [
        "HEAD",
        "refs/heads/main",
        "refs/heads/other",
        "refs/heads/testing/a.example.org",
        "refs/heads/testing/b.example.org",
        "refs/heads/v1",
        "refs/tags/cosign/1",
        "refs/tags/testing/a.example.org/1",
        "refs/tags/v1",
        "refs/tags/v1+0123456789ABCDEF",
        "refs/tags/x1",
    ];
    names.iter().map(|name| RemoteRef { name: name.as_bytes().to_vec(), id: ObjectId::new([7; 20]) }).collect()
}

fn wanted(policy: &TrustPolicy) -> Vec<String> {
    let host = "a.example.org".to_string().try_into().unwrap();
    policy.wanted(&listing(), Some(&host)).iter().map(RemoteRef::shown_name).collect()
}

#[test]
fn a18_a_host_asks_for_its_branch_or_its_tags_by_full_name_only() {
    let tags = tags_policy(Introduction::Keyring(Vec::new()));
    let commits = TrustPolicy { mode: Mode::Commits { branch: "main".into() }, ..tags.clone() };
    assert_eq!(
        wanted(&tags),
        ["refs/tags/cosign/1", "refs/tags/testing/a.example.org/1", "refs/tags/v1", "refs/tags/v1+0123456789ABCDEF"]
    );
    assert_eq!(wanted(&commits), ["refs/heads/main", "refs/heads/testing/a.example.org", "refs/tags/cosign/1"]);
    assert_eq!(tags.ls_refs_prefixes(None), ["refs/tags/v", "refs/tags/cosign/"]);
    let host = "ns1.example.org".to_string().try_into().unwrap();
    let prefixes = ["refs/heads/main", "refs/tags/cosign/", "refs/heads/testing/ns1.example.org"];
    assert_eq!(commits.ls_refs_prefixes(Some(&host)), prefixes);
}
