//! Trees as attackers write them: each bad entry is refused by name (F5).

use cosmos_model::object::tree::{EntryKind, NameRules, TreeError, parse, twins};
use proptest::prelude::*;

fn tree(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (mode, name) in entries {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(&[0; 21]);
    }
    bytes
}

fn refusal(entries: &[(&str, &[u8])], rules: NameRules) -> Option<String> {
    parse(&tree(entries), rules).err().map(|error: TreeError| error.to_string())
}

#[test]
fn the_four_modes_are_read() {
    let bytes = tree(&[("100644", b"a"), ("100755", b"b"), ("120000", b"c"), ("40000", b"d")]);
    let kinds: Vec<EntryKind> =
        parse(&bytes, NameRules::Native).expect("sound").iter().map(|entry| entry.kind).collect();
    let file = |executable| EntryKind::File { executable };
    assert_eq!(kinds, [file(false), file(true), EntryKind::Symlink, EntryKind::Directory]);
}

#[test]
fn a33_a36_gitlinks_and_odd_modes_are_refused() {
    for mode in ["160000", "104755", "100666", "100664", "000000", "040000", "0100644", "100600", "", "40755"] {
        let shown = refusal(&[(mode, b"x")], NameRules::Classic);
        let wanted = format!("'x' has mode '{mode}', only 100644, 100755, 120000 and 40000 are accepted");
        assert_eq!(shown, Some(wanted));
    }
}

#[test]
fn a34_a41_names_that_leave_their_folder_or_mean_git_are_refused() {
    let bad: [&[u8]; 20] = [
        b"",
        b".",
        b"..",
        b"a/b",
        b".git",
        b".GIT",
        b".Git",
        b"git~1",
        b"GIT~1",
        b".git.",
        b".git ",
        b".git::$INDEX",
        ".g\u{200c}it".as_bytes(),
        "\u{feff}.GIT".as_bytes(),
        b"a\nb",
        b"\x1b[31m",
        b"\x7f",
        &[b'x'; 256],
        b"git~1.",
        b".git. .",
    ];
    for name in bad {
        assert!(refusal(&[("100644", name)], NameRules::Classic).is_some(), "{}", name.escape_ascii());
    }
    for name in [&b".gitignore"[..], b".gitkeep", b"git", b"-rf", b" ", b"con", "ü".as_bytes()] {
        assert_eq!(refusal(&[("100644", name)], NameRules::Native), None);
    }
}

#[test]
fn a35_only_classic_repositories_keep_names_that_are_not_text() {
    assert_eq!(refusal(&[("100644", b"caf\xe9")], NameRules::Classic), None);
    let shown = refusal(&[("100644", b"caf\xe9")], NameRules::Native);
    assert_eq!(shown.as_deref(), Some("the name 'caf\\xe9' is not valid UTF-8"));
    let pairs: [(&str, &str); 3] =
        [("README", "readme"), ("caf\u{e9}", "cafe\u{301}"), ("STRASSE\u{df}", "strasse\u{df}")];
    for (one, other) in pairs {
        assert!(twins([one.as_bytes(), b"x", other.as_bytes()].into_iter()).is_some(), "{one} {other}");
    }
    assert_eq!(twins([&b"a"[..], b"b", "ä".as_bytes()].into_iter()), None);
}

#[test]
fn a34_duplicate_and_unsorted_entries_are_refused() {
    let cases: [&[(&str, &[u8])]; 4] = [
        &[("100644", b"b"), ("100644", b"a")],
        &[("100644", b"a"), ("100755", b"a")],
        &[("40000", b"a"), ("100644", b"a.b")],
        &[("100644", b"a"), ("100644", b"a.b"), ("40000", b"a")],
    ];
    for case in cases {
        assert!(refusal(case, NameRules::Classic).is_some_and(|shown| shown.ends_with("there twice")), "{case:?}");
    }
    assert_eq!(refusal(&[("100644", b"a.b"), ("40000", b"a"), ("100644", b"a0")], NameRules::Classic), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic_and_what_it_accepts_is_sorted(bytes: Vec<u8>, cut in 0usize..200) {
        let _ = parse(&bytes, NameRules::Native);
        let sound = tree(&[("100644", b"a"), ("40000", b"b"), ("120000", b"c")]);
        let cut = cut.min(sound.len());
        prop_assert_eq!(parse(&sound[..cut], NameRules::Native).is_ok(), [0, 29, 57, 86].contains(&cut));
    }
}
