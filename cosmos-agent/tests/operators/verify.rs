//! `cosmos verify`: a proof on a host and in a clone, for releases, commits and ranges.

use crate::fleet::{Fleet, Signed};
use crate::support::{Operator, Ran, World, put};

/// A fleet of two operators: Bob joins with the second release and extends his key with the third, a fourth is
/// nobody's.
fn story() -> (Fleet, Operator, Vec<(String, String)>) {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator("bob", "ed25519"));
    let eve = world.operator("eve", "ed25519");
    let fleet = Fleet::new(world, Signed::Tags, &[&ada]);
    fleet.believe(&ada, &[]);
    let bobs = fleet.world.certificate(&bob).display().to_string();
    assert_eq!(fleet.by(&ada, &["signer", "add", &bobs]).status, 0);
    let first = fleet.world.head();
    let second = fleet.world.commit_unsigned("Bob joins");
    fleet.release(&ada, &[]);
    let extend = ["--batch", "--quiet", "--quick-set-expire", &bob.fingerprint, "3y"];
    fleet.world.run(std::process::Command::new("gpg").arg("--homedir").arg(&bob.home).args(extend));
    fleet.world.certificate(&bob);
    assert_eq!(fleet.by(&ada, &["signer", "add", &bobs]).status, 0);
    let third = fleet.world.commit_unsigned("Bob extends his key");
    fleet.world.tag(&bob, "release-3");
    fleet.world.write("global/overlay/etc/motd", "owned\n");
    let fourth = fleet.world.commit_unsigned("Eve's");
    fleet.world.tag(&eve, "release-4");
    fleet.world.git(&["push", "--quiet", "origin", "main", "--tags"]);
    let mut names =
        vec![(ada.fingerprint.clone(), "[ada]"), (bob.fingerprint.clone(), "[bob]"), (eve.fingerprint, "[eve]")];
    for (commit, name) in [
        (&fleet.trust, "[introduction]"),
        (&first, "[first]"),
        (&second, "[second]"),
        (&third, "[third]"),
        (&fourth, "[fourth]"),
    ] {
        let policy = fleet.world.git(&["rev-parse", &format!("{commit}:openpgp-policy.toml")]).trim().to_owned();
        names.extend([(commit.clone(), name), (policy, "[policy]")]);
    }
    for tag in ["release-1", "release-2", "release-3", "release-4"] {
        names.push((fleet.world.git(&["rev-parse", tag]).trim().to_owned(), "[tag]"));
    }
    let names = names.into_iter().map(|(id, name)| (id, name.to_owned())).collect();
    (fleet, ada, names)
}

fn shown(ran: &Ran, names: &[(String, String)]) -> String {
    let mut text = format!("{}{}[exit status {}]\n", ran.stdout, ran.stderr, ran.status);
    for (id, name) in names {
        text = text.replace(id.as_str(), name).replace(&id[..12], name);
    }
    let signed = |line: &str| match line.split_once(", signed 20") {
        Some((head, tail)) => format!("{head}, signed [time]{}\n", &tail[18..]),
        None => format!("{line}\n"),
    };
    text.lines().map(signed).collect()
}

#[test]
fn a_proof_says_who_signed_with_which_right_since_when_and_what_was_refused() {
    let (fleet, ada, names) = story();
    let host = fleet.introduce(&[], 3);
    let on_host = fleet.world.on(&host, &["verify"]);
    let in_clone = fleet.by(&ada, &["verify", "--repository", "."]);
    assert_eq!(shown(&on_host, &names), shown(&in_clone, &names), "a clone and a host see the same");
    insta::assert_snapshot!(shown(&on_host, &names));
}

#[test]
fn a_release_a_commit_or_a_range_is_explained_by_itself() {
    let (fleet, ada, names) = story();
    let verify = |revision: &str| fleet.by(&ada, &["verify", "--repository", ".", revision]);
    let second = verify("release-2");
    let second_commit = &names.iter().find(|(_, name)| name == "[second]").expect("the second").0;
    assert_eq!(second.status, 0, "{second:?}");
    assert!(second.stdout.ends_with(&format!("accepted {second_commit}\n")), "{second:?}");
    assert_eq!(second.stdout.matches("good  ").count(), 2, "{second:?}");
    assert_eq!(verify(second_commit).stdout, second.stdout);
    let range = verify("release-1..release-3");
    assert_eq!((range.status, range.stdout.matches("good  ").count()), (0, 2), "{range:?}");
    let eves = verify("release-4");
    assert!(eves.status == 3 && eves.stdout.contains("is not from a trusted certificate (T3)\n"), "{eves:?}");
    assert!(eves.stdout.lines().last().is_some_and(|line| line.starts_with("not accepted ")), "{eves:?}");
    let unsigned = fleet.world.commit_unsigned("Nobody's");
    let ran = verify(&unsigned);
    assert!(ran.status == 3 && ran.stdout.ends_with(&format!("not accepted {unsigned}\n")), "{ran:?}");
    verify("release-9").complains(
        2,
        "error: 'release-9' is nothing that was fetched here\n\
         hint: name a release, the branch, a commit by its 40 digits as 'git rev-parse' prints it, or FROM..TO\n",
    );
    let json = fleet.by(&ada, &["verify", "--repository", ".", "--json", "release-3"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("one document");
    let last = document["verify"]["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
    assert_eq!((&last["judged_by"], &last["since"]), (&second_commit.as_str().into(), &second_commit.as_str().into()));
    assert_eq!((&last["refreshed"], &last["verdict"]), (&true.into(), &"accepted".into()));
}

#[test]
fn where_commits_are_signed_each_is_a_step_and_an_old_one_is_judged_as_it_was() {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    let fleet = Fleet::new(world, Signed::Commits, &[&ada]);
    fleet.believe(&ada, &[]);
    let first = fleet.world.head();
    fleet.world.write("global/overlay/etc/motd", "more\n");
    let second = fleet.world.commit(&ada, "More");
    fleet.world.write("global/overlay/etc/motd", "unsigned\n");
    let third = fleet.world.commit_unsigned("Nobody's");
    let verify = |revision: &str| fleet.by(&ada, &["verify", "--repository", ".", revision]);
    for (commit, steps) in [(&first, 1), (&second, 2)] {
        let ran = verify(commit);
        assert_eq!((ran.status, ran.stdout.matches("good  ").count()), (0, steps), "{ran:?}");
        assert!(ran.stdout.ends_with(&format!("accepted {commit}\n")), "{ran:?}");
    }
    let ran = verify(&third);
    assert!(ran.status == 3 && ran.stdout.contains(": it carries no signature (T9)\n"), "{ran:?}");
    assert!(ran.stdout.contains("or put ") && ran.stdout.ends_with(&format!("not accepted {third}\n")), "{ran:?}");
    let below = fleet.world.git(&["commit-tree", "-m", "elsewhere", "HEAD^{tree}"]).trim().to_owned();
    assert_eq!(verify(&below).status, 3, "what has nothing to do with the introduction is nobody's");
}

#[test]
fn a_release_that_cannot_even_be_read_is_refused_by_its_name() {
    let (fleet, ada, _) = story();
    let tag = fleet.world.object("tag", b"object of desire\n");
    put(&fleet.world.repo(), ".git/refs/tags/release-5", &format!("{tag}\n"));
    let ran = fleet.by(&ada, &["verify", "release-5"]);
    let refused = format!("refused {tag} of 'refs/tags/release-5': the text breaks the grammar: ");
    assert!(ran.status == 3 && ran.stdout.starts_with(&refused) && ran.stdout.ends_with("\nnot accepted\n"), "{ran:?}");
}
