//! Packages that layers need, below a folder: nothing is installed there, and nothing waits.

mod support;

use std::fs;

use support::World;

#[test]
fn below_another_root_nothing_is_looked_for_or_installed_and_files_go() {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    let trust = world.found(&[&ada]);
    world.write("models/dns/layer.toml", "[packages]\napt = [\"no-such-package\"]\n");
    world.write("models/dns/overlay/etc/dns.conf", "server\n");
    world.write("hosts/ns1.example.org/layer.toml", "use = [\"dns\"]\n");
    world.commit(&ada, "A resolver");
    let host = world.clone_host("ns1.example.org", &trust, &ada);

    let plan = world.on(&host, &["plan"]);
    assert_eq!((plan.status, plan.stdout.as_str()), (0, "+ etc/dns.conf\n"), "{plan:?}");
    let run = world.on(&host, &["run"]);
    let said = "+ etc/dns.conf\npackages are installed on the running system only, not below --root\n";
    assert_eq!((run.status, run.stdout.as_str()), (0, said), "{run:?}");
    assert_eq!(fs::read_to_string(host.join("etc/dns.conf")).expect("the file"), "server\n");
    assert!(!host.join("usr").exists(), "no policy, no database");

    let second = world.on(&host, &["run"]);
    assert_eq!((second.status, second.stdout.as_str(), second.stderr.as_str()), (0, "", ""));
}
