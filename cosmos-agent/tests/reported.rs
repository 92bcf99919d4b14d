//! What is said about paths whose policy is `report`, by unattended runs, by hand and by the log.

mod support;

use support::{Settled, put, read};

#[test]
fn a_path_that_is_only_reported_is_spoken_of_when_it_begins_to_differ_and_when_that_ends() {
    let settled = Settled::new();
    settled.world.write("global/layer.toml", "[files.\"etc/seen\"]\npolicy = \"report\"\n");
    settled.world.write("global/overlay/etc/seen", "as it should be\n");
    settled.commit();
    let on = |words: &[&str]| settled.world.on(&settled.host, words);
    let scheduled = || {
        let ran = on(&["run", "--scheduled"]);
        assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:?}");
        ran.stderr
    };
    let logged = || read(&settled.host, "var/lib/cosmos/log.jsonl").lines().count();
    let begins = |what: &str| format!("cosmos: 'etc/seen' {what}; nothing more is said until that ends\n");
    let is_end = |said: &str, what: &str| {
        said.starts_with("cosmos: 'etc/seen' is as the model says again; since 20")
            && said.ends_with(&format!("Z it had differed: {what}\n"))
    };
    assert_eq!(scheduled(), begins("is missing"));
    put(&settled.host, "etc/seen", "as it should be\n");
    let said = scheduled();
    assert!(is_end(&said, "is missing"), "{said}");
    for what in ["as it is\n", "otherwise again\n"] {
        let (state, lines) = (read(&settled.host, "var/lib/cosmos/state.json"), logged());
        assert_eq!(scheduled(), "", "nothing began or ended");
        assert_eq!((read(&settled.host, "var/lib/cosmos/state.json"), logged()), (state, lines));
        put(&settled.host, "etc/seen", what);
        assert_eq!(scheduled(), begins("has other content"));
        put(&settled.host, "etc/seen", "as it still is\n");
        assert_eq!(scheduled(), "", "it differs as before");
        assert_eq!(logged(), lines + 1, "the log has one line, too");
        put(&settled.host, "etc/seen", "as it should be\n");
        let said = scheduled();
        assert!(is_end(&said, "has other content"), "{said}");
        assert_eq!(logged(), lines + 2);
    }
    put(&settled.host, "etc/seen", "seen at a terminal\n");
    assert_eq!(on(&["run"]).stdout, "! etc/seen differs: has other content\n");
    assert_eq!(scheduled(), begins("has other content"), "who sat there is not who reads mail");
    put(&settled.host, "etc/seen", "as it should be\n");
    let by_hand = on(&["run"]).stdout;
    assert!(by_hand.starts_with("'etc/seen' is as the model says again; since 20"), "{by_hand}");
    assert_eq!(scheduled(), "");
    let log = on(&["log", "etc/seen"]).stdout;
    assert_eq!(log.matches("\n    has other content\n").count(), 3, "{log}");
    assert_eq!(log.matches("\n    is as the model says again\n").count(), 4, "{log}");
}

#[test]
fn a_path_that_is_only_reported_is_not_made_where_it_never_was_and_is_said_to_be_missing() {
    let settled = Settled::new();
    settled.world.write("global/layer.toml", "[files.\"etc/seen\"]\npolicy = \"report\"\n");
    settled.world.write("global/overlay/etc/seen", "as it should be\n");
    settled.commit();
    let on = |words: &[&str]| settled.world.on(&settled.host, words);
    assert_eq!(on(&["update"]).status, 0);
    on(&["plan"]).prints("! etc/seen differs: is missing\n");
    on(&["run"]).prints("! etc/seen differs: is missing\n");
    on(&["run"]).prints("");
    assert!(!settled.host.join("etc/seen").exists());
    let drift = on(&["drift"]);
    assert_eq!((drift.status, drift.stdout.as_str()), (5, "- etc/seen  missing\n"), "{drift:?}");
    put(&settled.host, "etc/seen", "as it should be\n");
    assert_eq!(on(&["drift"]).status, 0);
    let ran = on(&["run"]);
    assert!(ran.stdout.starts_with("'etc/seen' is as the model says again"), "{ran:?}");
    settled.world.remove("global/overlay/etc/seen");
    settled.commit();
    assert_eq!(on(&["run"]).status, 0);
    assert_eq!(read(&settled.host, "etc/seen"), "as it should be\n", "and what others made stays");
}
