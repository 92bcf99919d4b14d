//! Patterns of hosts and paths, and the texts that carry them.

use cosmos_model::host_name::HostName;
use cosmos_model::pattern::{HostPatterns, PathPattern};
use cosmos_model::{fleet, layer};
use proptest::prelude::*;

fn means(patterns: &[&str], host: &str) -> bool {
    let mut list = HostPatterns::default();
    patterns.iter().for_each(|pattern| list.push(pattern).expect("a pattern"));
    list.matches(&HostName::new(host).expect("a host name"))
}

#[test]
fn host_patterns_mean_whole_names_and_the_last_that_matches_decides() {
    let cases: [(&[&str], &str, bool); 16] = [
        (&["ns[1-20].example.org"], "ns1.example.org", true),
        (&["ns[1-20].example.org"], "ns20.example.org", true),
        (&["ns[1-20].example.org"], "ns21.example.org", false),
        (&["ns[1-20].example.org"], "ns01.example.org", false),
        (&["ns[1-2]"], "ns15", false),
        (&["ns[01-20]"], "ns07", true),
        (&["ns[01-20]"], "ns7", false),
        (&["ns[1-20].**", "!ns13.*"], "ns13.example.org", true),
        (&["ns[1-20].**", "!ns13.**"], "ns13.example.org", false),
        (&["!ns13.**", "ns[1-20].**"], "ns13.example.org", true),
        (&["*.example.org"], "a.b.example.org", false),
        (&["**.example.org"], "a.b.example.org", true),
        (&["{web,mail}?.example.org"], "mail1.example.org", true),
        (&["{web,mail[1-3]}.example.org"], "mail4.example.org", false),
        (&["NS1.Example.org"], "ns1.example.org", true),
        (&[], "ns1.example.org", false),
    ];
    for (patterns, host, wanted) in cases {
        assert_eq!(means(patterns, host), wanted, "{patterns:?} {host}");
    }
    for bad in ["", "!", "a b", "ns[1-", "ns[2-1]", "ns[1]", "ns[01-9]", "{a", "ns_1", "a/b"] {
        assert!(HostPatterns::default().push(bad).is_err(), "{bad}");
    }
}

#[test]
fn path_patterns_with_wildcards_mean_folders_only_with_a_slash() {
    let cases = [
        ("etc/ssh/*_key", "etc/ssh/host_key", false, true),
        ("etc/ssh/*_key", "etc/ssh/a/b_key", false, false),
        ("etc/**", "etc/a/b", false, true),
        ("etc/**", "etc/a", true, false),
        ("etc/**/", "etc/a", true, true),
        ("etc/**/", "etc/a", false, false),
        ("etc/a", "etc/a", true, true),
        ("etc/a", "etc/ab", false, false),
        ("etc/[a-c]?", "etc/bü", false, true),
        ("**.key", "a/b/c.key", false, true),
    ];
    for (pattern, path, is_directory, wanted) in cases {
        let read = PathPattern::new(pattern).expect("a pattern");
        assert_eq!(read.matches(path.as_bytes(), is_directory), wanted, "{pattern} {path}");
    }
    for bad in ["", "/", "/etc", "etc//a", "etc/../a", "./a", "[a", "[]", "[c-a]"] {
        assert!(PathPattern::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn no_pattern_is_slow() {
    let pattern = PathPattern::new(&"**a".repeat(60)).expect("a pattern");
    assert!(!pattern.matches("a".repeat(3000).as_bytes().split_last().expect("not empty").1, true));
    assert!(!pattern.matches([&[b'a'; 3000][..], b"b"].concat().as_slice(), false));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_readers_panic(text in ".{0,40}", lines in "([a-z]{0,6}[=\\[\\]\"{}.,!*0-9 \n-]{0,3}){0,12}") {
        for text in [&text, &lines] {
            let _ = (fleet::parse(text), layer::parse("layer.toml", text));
            let _ = (HostPatterns::default().push(text), PathPattern::new(text));
        }
    }
}
