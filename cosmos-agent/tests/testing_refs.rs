//! A host's own test and its ring: what it takes beside the releases of everybody, and what it does not (T6, A20).

mod support;

use support::{NAME, Ran, Settled, read};

const MOTD: &str = "global/overlay/etc/motd";

/// Says what is tried on the host, as `status --json` does.
fn tested(settled: &Settled) -> serde_json::Value {
    settled.status()["testing"]["commit"].clone()
}

fn plain_run(ran: &Ran, stdout: &str) {
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, stdout, ""), "{ran:?}");
}

#[test]
fn a_test_branch_acts_on_its_host_until_it_ends_and_production_comes_back() {
    let settled = Settled::new();
    let world = &settled.world;
    let production = world.head();
    world.git(&["checkout", "--quiet", "-b", &format!("testing/{NAME}")]);
    world.write(MOTD, "trying\n");
    world.write("global/overlay/etc/issue", "a test\n");
    let test = settled.commit();
    world.git(&["checkout", "--quiet", "main"]);
    plain_run(&settled.run(), "+ etc/issue\n~ etc/motd\n");
    assert_eq!(tested(&settled), test.as_str());
    let status = settled.status();
    assert_eq!((&status["accepted"]["commit"], &status["applied"]["commit"]), (&production.into(), &test.into()));
    plain_run(&settled.run(), "");
    world.on(&settled.host, &["drift"]).prints("");

    world.git(&["branch", "--quiet", "-D", &format!("testing/{NAME}")]);
    plain_run(&settled.run(), "- etc/issue  no longer in the model\n~ etc/motd\n");
    assert_eq!((tested(&settled), read(&settled.host, "etc/motd")), (serde_json::Value::Null, "hello\n".into()));
    assert_eq!(settled.status()["applied"]["generation"], 3);
}

#[test]
fn a_test_tag_acts_on_its_host_until_a_release_goes_past_it() {
    let settled = Settled::by_tags();
    settled.world.write(MOTD, "trying\n");
    let test = settled.release(&format!("testing/{NAME}/1"), "a test");
    plain_run(&settled.run(), "~ etc/motd\n");
    assert_eq!(tested(&settled), test.as_str());
    settled.world.write(MOTD, "for everybody\n");
    settled.release("release-2", "release-2");
    plain_run(&settled.run(), "~ etc/motd\n");
    assert_eq!(
        (tested(&settled), read(&settled.host, "etc/motd")),
        (serde_json::Value::Null, "for everybody\n".into())
    );
}

#[test]
fn the_end_of_a_test_may_remove_whatever_the_test_brought_and_nothing_else() {
    let settled = Settled::new();
    let world = &settled.world;
    world.git(&["checkout", "--quiet", "-b", &format!("testing/{NAME}")]);
    (0..30).for_each(|number| world.write(&format!("global/overlay/srv/{number}"), "a test\n"));
    settled.commit();
    world.git(&["checkout", "--quiet", "main"]);
    assert_eq!(settled.run().status, 0);
    world.git(&["branch", "--quiet", "-D", &format!("testing/{NAME}")]);
    let ran = settled.run();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(!settled.host.join("srv").exists());
}

#[test]
fn an_unsigned_test_is_refused_by_name_and_production_stays_in_force() {
    let settled = Settled::new();
    let world = &settled.world;
    world.git(&["checkout", "--quiet", "-b", &format!("testing/{NAME}")]);
    world.write(MOTD, "owned\n");
    world.commit_unsigned("Owned");
    world.git(&["checkout", "--quiet", "main"]);
    let ran = settled.refuses("it carries no signature");
    assert!(ran.stderr.contains(&format!("of 'refs/heads/testing/{NAME}' is refused")), "{ran:?}");
}

#[test]
fn a_host_of_a_ring_takes_its_releases_and_no_others_a20() {
    let settled = Settled::by_tags();
    let world = &settled.world;
    world.tag(&settled.ada, "early/release-1");
    let early = world.host("early.example.org");
    let mut words = world.clone_words("early.example.org", &settled.trust, &settled.ada);
    words.extend(["--tags", "release-*", "--ring", "early"].map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let cloned = world.on(&early, &words);
    assert_eq!((cloned.status, cloned.stderr.as_str()), (0, ""), "{cloned:?}");
    world.on(&early, &["run"]).prints("+ etc/motd\n");

    world.write(MOTD, "first the early ones\n");
    settled.release("early/release-2", "early/release-2");
    world.on(&early, &["run"]).prints("~ etc/motd\n");
    plain_run(&settled.run(), "");
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");

    world.tag(&settled.ada, "release-2");
    plain_run(&settled.run(), "~ etc/motd\n");
    world.on(&early, &["run"]).prints("");
}
