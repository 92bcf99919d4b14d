//! Signed trees that no work tree could hold (F5): refused like what nobody signed, and mended by the next release.

use crate::support::Settled;

/// Signs a commit whose root folder has `global/overlay/` with exactly these entries: mode, name.
fn sign(settled: &Settled, entries: &[(&str, &[u8])]) {
    let blob = settled.world.object("blob", b"x\n");
    let mut overlay = Vec::new();
    for (mode, name) in entries {
        let id = if mode.starts_with('4') { settled.world.object("tree", b"") } else { blob.clone() };
        entry(&mut overlay, mode, name, &id);
    }
    let mut global = Vec::new();
    entry(&mut global, "40000", b"overlay", &settled.world.object("tree", &overlay));
    let tree = with_global(settled, &settled.world.object("tree", &global));
    let sign = format!("-S{}", settled.ada.fingerprint);
    let commit = settled.world.git_as(&settled.ada, &["commit-tree", &sign, "-p", "HEAD", "-m", "A tree", &tree]);
    settled.world.git(&["update-ref", "refs/heads/main", commit.trim()]);
}

/// Returns HEAD's tree with another `global/`.
fn with_global(settled: &Settled, global: &str) -> String {
    let mut root = Vec::new();
    for line in settled.world.git(&["ls-tree", &settled.trust]).lines() {
        let (meta, name) = line.split_once('\t').expect("a tab before the name");
        let words: Vec<&str> = meta.split(' ').collect();
        if name > "global" && !root.windows(7).any(|bytes| bytes == b"global\0") {
            entry(&mut root, "40000", b"global", global);
        }
        entry(&mut root, words[0].trim_start_matches('0'), name.as_bytes(), words[2]);
    }
    settled.world.object("tree", &root)
}

fn entry(tree: &mut Vec<u8>, mode: &str, name: &[u8], id: &str) {
    tree.extend_from_slice(mode.as_bytes());
    tree.push(b' ');
    tree.extend_from_slice(name);
    tree.push(0);
    let digit = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).expect("hexadecimal");
    tree.extend((0..40).step_by(2).map(digit));
}

/// Why a revision is refused whose tree no folder could hold.
const UNFIT: &str = "no host may hold its files: ";

/// Offers one tree after the other; returns why each is refused, and asserts that a sound one on top of them is not.
#[track_caller]
fn complaints(trees: &[&[(&str, &[u8])]]) -> Vec<String> {
    let settled = Settled::new();
    let offer = |entries: &&[(&str, &[u8])]| {
        sign(&settled, entries);
        let ran = settled.refuses_saying(UNFIT);
        let error = ran.stderr.lines().next().unwrap_or_default();
        error.split_once(UNFIT).map(|(_, reason)| reason.to_owned()).unwrap_or_default()
    };
    let said = trees.iter().map(offer).collect();
    settled.world.write("global/overlay/etc/motd", "mended\n");
    settled.commit();
    settled.run().prints("~ etc/motd\n");
    said
}

#[test]
fn a33_a_submodule_is_refused_with_its_path() {
    let said = complaints(&[&[("160000", b"sub")]]);
    let only = "only 100644, 100755, 120000 and 40000 are accepted";
    assert_eq!(said, [format!("global/overlay/sub: 'sub' has mode '160000', {only}")]);
}

#[test]
fn a33_a_release_with_a_submodule_is_refused_and_the_next_one_is_not() {
    let settled = Settled::by_tags();
    sign(&settled, &[("160000", b"sub")]);
    settled.world.tag(&settled.ada, "release-2");
    settled.refuses_saying(&format!("{UNFIT}global/overlay/sub: "));
    let proof = settled.world.on(&settled.host, &["verify"]);
    assert!(proof.status == 3 && proof.stdout.contains(UNFIT), "the proof says so, too: {proof:?}");
    settled.world.write("global/overlay/etc/motd", "mended\n");
    settled.release("release-3", "Without it");
    settled.run().prints("~ etc/motd\n");
}

/// What was taken without being judged must not keep a host from the release that mends it.
#[test]
fn a33_a_host_that_took_an_unfit_tree_takes_the_release_that_mends_it() {
    let settled = Settled::new();
    sign(&settled, &[("160000", b"sub")]);
    let forced = settled.world.on(&settled.host, &["run", "--insecure-skip-verification"]);
    assert!(forced.status == 1 && forced.stderr.contains("'sub' has mode '160000'"), "{forced:?}");
    settled.world.write("global/overlay/etc/motd", "mended\n");
    settled.commit();
    let mended = settled.run();
    assert_eq!((mended.status, mended.stdout.as_str()), (0, "~ etc/motd\n"), "{mended:?}");
}

#[test]
fn a34_names_that_lead_elsewhere_are_refused() {
    let names = [&b".."[..], b".", b".git", b".GIT", b"git~1", b"a/b"];
    let trees: Vec<[(&str, &[u8]); 1]> = names.iter().map(|name| [("100644", *name)]).collect();
    let said = complaints(&trees.iter().map(|tree| &tree[..]).collect::<Vec<_>>());
    let taken = "is taken for '.git' by some file systems";
    assert_eq!(
        said,
        [
            "global/overlay/..: the name '..' leads out of its folder".to_owned(),
            "global/overlay/.: the name '.' leads out of its folder".to_owned(),
            format!("global/overlay/.git: the name '.git' {taken}"),
            format!("global/overlay/.GIT: the name '.GIT' {taken}"),
            format!("global/overlay/git~1: the name 'git~1' {taken}"),
            "global/overlay/a/b: the name 'a/b' contains a slash".to_owned(),
        ]
    );
}

#[test]
fn a34_duplicate_and_unsorted_entries_are_refused() {
    let said = complaints(&[&[("100644", b"a"), ("100644", b"a")], &[("100644", b"b"), ("100644", b"a")]]);
    let expected = "global/overlay/a: 'a' is not in git's order, or there twice";
    assert_eq!(said, [expected, expected]);
}

#[test]
fn a35_control_characters_foreign_bytes_and_twins_are_refused() {
    let said = complaints(&[
        &[("100644", b"a\nb")],
        &[("100644", b"a\xff")],
        &[("100644", b"README"), ("100644", b"readme")],
        &[("100644", "e\u{301}".as_bytes()), ("100644", "\u{e9}".as_bytes())],
    ]);
    assert_eq!(
        said,
        [
            "global/overlay/a\\x0ab: the name 'a\\x0ab' contains a control character",
            "global/overlay/a\\xff: the name 'a\\xff' is not valid UTF-8",
            "global/overlay/readme: differs from 'README' in case or Unicode normalisation only",
            "global/overlay/\u{e9}: differs from 'e\u{301}' in case or Unicode normalisation only",
        ]
    );
}

#[test]
fn a36_odd_modes_are_refused() {
    let modes = ["104755", "100666", "0", "100664", "140000"];
    let trees: Vec<[(&str, &[u8]); 1]> = modes.iter().map(|mode| [(*mode, &b"a"[..])]).collect();
    let said = complaints(&trees.iter().map(|tree| &tree[..]).collect::<Vec<_>>());
    let only = "only 100644, 100755, 120000 and 40000 are accepted";
    assert_eq!(said, modes.map(|mode| format!("global/overlay/a: 'a' has mode '{mode}', {only}")));
}

#[test]
fn a37_a_file_through_another_layers_symlink_is_refused() {
    let settled = Settled::new();
    let link = settled.world.repo().join("global/overlay/etc/app");
    std::os::unix::fs::symlink("/root", link).expect("a symlink");
    settled.world.write("overlay/etc/app/authorized_keys", "owned\n");
    settled.commit();
    settled.refuses(&format!("{UNFIT}global/overlay/etc/app: this is a symlink, but 'overlay/etc/app' is a folder"));
}

#[test]
fn a41_the_agents_own_files_are_no_layers_business() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/cosmos/trust.toml", "fqdn = \"x\"\n");
    settled.world.write("global/overlay/var/lib/cosmos/state.json", "{}\n");
    settled.world.write("global/delete/var/lib/cosmos/log.jsonl", "");
    settled.commit();
    let no = "no layer may touch this path, it belongs to the agent of each host";
    let paths = ["delete/var/lib/cosmos/log.jsonl", "overlay/etc/cosmos/trust.toml", "overlay/var/lib/cosmos"];
    let all = paths.map(|path| format!("global/{path}: {no}")).join("; ");
    settled.refuses(&format!("{UNFIT}{all}; global/overlay/var/lib/cosmos/state.json: {no}"));
}
