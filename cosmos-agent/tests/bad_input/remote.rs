//! Remotes that do not answer.

use std::fs;

use crate::support::{NAME, Ran, Settled, World, kept, put, read};

fn gone(settled: &Settled) {
    fs::rename(settled.world.repo(), settled.world.path("elsewhere")).expect("the repository moves");
}

#[test]
fn an_unreachable_remote_leaves_the_accepted_revision_enforced_with_status_0() {
    let settled = Settled::new();
    let stamp = settled.host.join("run/cosmos/last-ok.stamp");
    fs::remove_file(&stamp).expect("the stamp of the good run");
    gone(&settled);
    put(&settled.host, "etc/motd", "an edit\n");
    let Ran { status, stdout, stderr } = settled.run();
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert_eq!(
        stdout,
        "~ etc/motd  drift repaired\n\
         cannot fetch from '[world]/repo': cannot open the repository: failed to resolve path '[world]/repo': \
         No such file or directory; class=Os (2); code=NotFound (-3)\n"
    );
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
    assert!(!stamp.exists(), "only a run that looked leaves the stamp");
    assert!(settled.status()["look"]["failing_since"].is_string());
}

#[test]
fn a_remote_out_of_reach_for_too_long_is_stale_until_it_is_back() {
    let settled = Settled::new();
    put(&settled.host, "etc/cosmos/agent.toml", "stale-after = \"1s\"\n");
    gone(&settled);
    assert_eq!(settled.run().status, 0);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(settled.run().status, 6);
    fs::rename(settled.world.path("elsewhere"), settled.world.repo()).expect("the repository is back");
    settled.run().prints("");
}

#[test]
fn update_and_clone_that_cannot_reach_the_remote_fail() {
    let settled = Settled::new();
    gone(&settled);
    let before = kept(&settled.host);
    settled.world.on(&settled.host, &["update"]).complains(
        1,
        "error: cannot fetch from '[world]/repo': cannot open the repository: failed to resolve path \
             '[world]/repo': No such file or directory; class=Os (2); code=NotFound (-3)\n\
             hint: ask the remote the same with git: git ls-remote URL\n",
    );
    assert_eq!(kept(&settled.host), before);
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    let host = world.host(NAME);
    fs::remove_dir_all(world.repo()).expect("no repository");
    let introduction = format!("{}:{}", "1".repeat(40), ada.fingerprint);
    let words = ["clone", "/nowhere/fleet", "--trust", &introduction, "--fqdn", NAME];
    world.on(&host, &words).complains(
        1,
        "error: cannot fetch from '/nowhere/fleet': cannot open the repository: failed to resolve path \
             '/nowhere/fleet': No such file or directory; class=Os (2); code=NotFound (-3)\n\
             hint: ask the remote the same with git: git ls-remote URL\n",
    );
}
