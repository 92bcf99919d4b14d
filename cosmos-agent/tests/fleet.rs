//! `cosmos fleet`: what many hosts say of themselves, compared.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Ran, Settled, World, put};

/// Asks each host what it says of itself, into one folder.
fn collect(world: &World, hosts: &[(&str, &Path)]) -> PathBuf {
    let folder = world.path("collected");
    fs::create_dir_all(&folder).expect("a folder");
    for (name, root) in hosts {
        let said = world.on(root, &["status", "--json"]);
        fs::write(folder.join(format!("{name}.json")), said.stdout).expect("a document");
    }
    folder
}

/// Replaces ids and times.
fn neutral(text: &str, names: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (id, name) in names {
        text = text.replace(id, &format!("[{name}]")).replace(&id[..12], &format!("[{name}]"));
    }
    let is_time = |word: &str| word.trim_end_matches([',', ':']).len() == 20 && word.starts_with("20");
    let word = |word: &str| if is_time(word) { "[time]".to_owned() } else { word.to_owned() };
    text.lines().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A second operator leaves; one host has heard of it.
struct Retired {
    world: World,
    bob: String,
    heads: [String; 2],
    folder: PathBuf,
}

fn retired() -> Retired {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator("bob", "ed25519"));
    let trust = world.found(&[&ada, &bob]);
    world.write("global/overlay/etc/motd", "hello\n");
    let old = world.commit(&ada, "Say hello");
    let hosts = ["a.example.org", "b.example.org", "c.example.org"].map(|name| {
        let root = world.clone_host(name, &trust, &ada);
        assert_eq!(world.on(&root, &["run"]).status, 0);
        root
    });
    let policy = fs::read_to_string(world.repo().join("openpgp-policy.toml")).expect("a policy");
    let (without, _) = policy.split_once("\n# bob <").expect("bob's part");
    world.write("openpgp-policy.toml", without);
    // Hosts are compared by when their revisions were signed, and a signature knows whole seconds only.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let new = world.commit(&ada, "Bob leaves");
    world.git_as(&bob, &["tag", "-u", &bob.fingerprint, "-m", "me too", "cosign/bob-leaves"]);
    let [a, b, c] = &hosts;
    assert_eq!(world.on(a, &["run"]).status, 0, "{:?}", world.on(a, &["run"]));
    put(c, "etc/motd", "an edit\n");
    world.on(c, &["pause", "disk swap"]);
    let folder = collect(&world, &[("a", a), ("b", b), ("c", c)]);
    Retired { bob: bob.fingerprint.clone(), heads: [old, new], folder, world }
}

#[test]
fn who_is_behind_and_who_still_believes_a_retired_key_reads_so_t18() {
    let Retired { world, bob, heads: [old, new], folder } = retired();
    let ran = world.cosmos(&["fleet", &path(&folder)]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let names = [(bob.as_str(), "bob"), (&old, "old"), (&new, "new")];
    insta::assert_snapshot!(neutral(&ran.stdout, &names));

    let by_history = world.cosmos(&["fleet", &path(&folder), "--repository", &path(&world.repo())]);
    assert!(by_history.stdout.contains(", 1 commit\n"), "{by_history:?}");

    // Before any host has heard of it, the operators' own policy says who is out.
    fs::remove_file(folder.join("a.json")).expect("a document");
    let nobody = world.cosmos(&["fleet", &path(&folder)]);
    assert!(!nobody.stdout.contains("trusts"), "{nobody:?}");
    for more in [["--repository", &path(&world.repo())], ["--key", &bob]] {
        let ran = world.cosmos(&[&["fleet", &path(&folder)], &more[..]].concat());
        assert_eq!(ran.stdout.matches("trusts").count(), 2, "{ran:?}");
    }
}

#[test]
fn the_comparison_is_also_one_json_document() {
    let Retired { world, bob, heads: [_, new], folder } = retired();
    let ran = world.cosmos(&["fleet", "--json", &path(&folder)]);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&document["command"], &document["exit"]), (&"fleet".into(), &0.into()));
    let group = &document["fleet"]["groups"][0];
    assert_eq!(group["newest"]["commit"], new.as_str());
    let words = |host: usize| -> Vec<&str> {
        let conditions = group["hosts"][host]["conditions"].as_array().expect("a list");
        conditions.iter().map(|one| one["what"].as_str().expect("a word")).collect()
    };
    assert_eq!((words(0), words(1)), (vec![], vec!["behind", "trusts"]));
    assert_eq!(words(2), ["behind", "drifting", "paused", "trusts"]);
    assert_eq!(group["hosts"][1]["conditions"][1]["fingerprint"], bob.as_str());
    assert_eq!(document["fleet"]["agents"][env!("CARGO_PKG_VERSION")], 3);
}

#[test]
fn two_hosts_that_were_shown_different_heads_are_a_fork_a51() {
    let settled = Settled::new();
    let world = &settled.world;
    let mirror = path(&world.path("mirror.git"));
    world.git(&["clone", "--quiet", "--bare", ".", &mirror]);
    let introduction = format!("{}:{}", settled.trust, settled.ada.fingerprint);
    let other = world.host("ns2.example.org");
    let words = ["clone", mirror.as_str(), "--trust", &introduction, "--fqdn", "ns2.example.org"];
    assert_eq!(world.on(&other, &words).status, 0);
    world.git(&["checkout", "--quiet", "-b", "other"]);
    world.write("global/overlay/etc/motd", "for one\n");
    let one = settled.commit();
    world.git(&["push", "--quiet", &mirror, "other:main"]);
    world.git(&["checkout", "--quiet", "main"]);
    world.write("global/overlay/etc/motd", "for the other\n");
    let two = settled.commit();
    for host in [&settled.host, &other] {
        assert_eq!(world.on(host, &["run"]).status, 0);
    }
    let folder = collect(world, &[("ns1", &settled.host), ("ns2", &other)]);
    let ran = world.cosmos(&["fleet", &path(&folder), "--repository", &path(&world.repo())]);
    let line = format!("FORK      ns1.example.org has {}, ns2.example.org has {}\n", &two[..12], &one[..12]);
    assert!(ran.status == 3 && ran.stdout.contains(&line), "{ran:?}");
    let honest = world.cosmos(&["fleet", &path(&folder.join("ns1.json")), "--repository", &path(&world.repo())]);
    assert!(honest.status == 0 && !honest.stdout.contains("FORK"), "{honest:?}");
}

#[test]
fn one_release_name_on_two_commits_is_a_fork_without_any_clone_a51() {
    let world = World::new();
    let said = |host: &str, commit: &str| {
        format!(
            r#"{{"format":1,"command":"status","host":"{host}","exit":0,"status":{{"follows":{{"mode":"tags","pattern":"v*"}},
            "accepted":{{"commit":"{commit}","time":"2026-01-10T00:00:00Z","tag":"v7","signers":[]}},"agent":"0.1.0"}}}}"#
        )
    };
    let both = said("a", &"1".repeat(40)) + "\n" + &said("b", &"2".repeat(40));
    let file = world.path("both.json");
    fs::write(&file, both).expect("a file");
    let ran = world.cosmos(&["fleet", &path(&file)]);
    let line = "FORK      a has v7 (111111111111), b has v7 (222222222222)\n";
    assert!(ran.status == 3 && ran.stdout.contains(line), "{ran:?}");
}

#[test]
fn a_host_that_could_not_be_asked_is_named_and_the_others_are_compared() {
    let settled = Settled::new();
    let folder = collect(&settled.world, &[("ns1", &settled.host)]);
    fs::write(folder.join("ns2.json"), "").expect("a file");
    fs::write(folder.join("ns3.json"), "{\"format\":2,\"host\":\"x\",\"status\":{}}").expect("a file");
    fs::write(folder.join("notes.txt"), "not looked at").expect("a file");
    let ran = settled.world.cosmos(&["fleet", &path(&folder)]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(ran.status, 1, "{ran:?}");
    let unread = [
        "unread    '[world]/collected/ns2.json': it is empty",
        "unread    '[world]/collected/ns3.json': it is of version 2, and this cosmos knows 1",
    ];
    assert_eq!(lines[1..], unread);
    assert!(lines[0].starts_with("branch 'main': 1 of 1 host at "), "{ran:?}");
}

#[test]
fn standard_input_is_read_and_what_a_host_says_is_escaped_a50() {
    let world = World::new();
    let text =
        r#"{"format":1,"command":"status","host":"a\u001b[2J","exit":0,"status":{"paused":{"reason":"\u001b]0;x"}}}"#;
    let file = world.path("document");
    fs::write(&file, text).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    let output = command.args(["fleet", "-"]).stdin(fs::File::open(&file).expect("a file")).stderr(Stdio::piped());
    let output = output.output().expect("cosmos runs");
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(shown.contains("a\\x1b[2J") && shown.contains("\\x1b]0;x") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn a_short_key_id_and_a_missing_file_are_mistakes() {
    let world = World::new();
    let missing: Ran = world.cosmos(&["fleet", "/nowhere.json"]);
    assert!(missing.status == 2 && missing.stderr.starts_with("error: cannot read '/nowhere.json': "), "{missing:?}");
    let hint = "hint: name all 40 or 64 digits, as 'gpg --list-keys' prints them\n";
    world
        .cosmos(&["fleet", ".", "--key", "ABCD"])
        .complains(2, &format!("error: 'ABCD' is no whole fingerprint\n{hint}"));
}
