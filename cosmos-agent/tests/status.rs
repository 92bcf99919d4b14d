//! What `status` says about a host, as a whole.

mod support;

use std::process::Command;

use support::{Settled, World, put};

/// Returns what `status` prints, with what differs from run to run replaced.
fn status(settled: &Settled, words: &[&str]) -> String {
    let ran = settled.world.on(&settled.host, &[&["status"], words].concat());
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let mut text = ran.stdout;
    for (id, name) in [(settled.world.head(), "[head]"), (settled.ada.fingerprint.clone(), "[ada]")] {
        text = text.replace(&id, name).replace(&id[..12], name);
    }
    let is_time = |word: &str| word.len() == 20 && word.starts_with("20") && word.ends_with('Z');
    let word = |word: &str| match word.strip_suffix(',').unwrap_or(word) {
        time if is_time(time) => word.replace(time, "[time]"),
        _ => word.to_owned(),
    };
    let line = |line: &str| match line.strip_prefix("sandbox ") {
        Some(_) => "sandbox   [layers]\n".to_owned(),
        None => line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n",
    };
    text.lines().map(line).collect()
}

#[test]
fn a_certificate_that_ends_within_30_days_is_announced_with_the_day_t12() {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    let expire = ["--batch", "--quick-set-expire", &ada.fingerprint, "20d"];
    let (now, lasts) = (jiff::Timestamp::now(), jiff::SignedDuration::from_hours(24 * 20));
    let ended = Command::new("gpg").arg("--homedir").arg(&ada.home).args(expire).status().expect("gpg runs");
    assert!(ended.success());
    let days = [now, jiff::Timestamp::now()].map(|from| (from + lasts).strftime("%Y-%m-%d").to_string());
    let settled = Settled::with(world, ada);
    let said = status(&settled, &[]);
    // Midnight may have come in between.
    let end = days.into_iter().find(|day| said.contains(day)).expect("the day is named");
    let (before, after) = said.split_once(&end).expect("it is named");
    insta::assert_snapshot!(format!("{before}[in 20 days]{}", &after["T00:00:00Z".len()..]));
    let signers = &settled.status()["trusted"];
    assert_eq!((&signers[0]["expires_soon"], &signers[0]["by_hand"]), (&true.into(), &false.into()));
    assert!(signers[0]["expires"].as_str().is_some_and(|expires| expires.starts_with(&end)), "{signers}");
}

#[test]
fn a_host_with_drift_a_pause_and_a_test_says_so() {
    let settled = Settled::new();
    settled.world.git(&["checkout", "--quiet", "-b", &format!("testing/{}", support::NAME)]);
    settled.world.write("global/overlay/etc/motd", "trying\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    put(&settled.host, "etc/motd", "somebody was here\n");
    settled.world.on(&settled.host, &["pause", "disk swap, ask Kim"]);
    let production = settled.world.git(&["rev-parse", "main"]);
    insta::assert_snapshot!(status(&settled, &["-v"]).replace(production.trim(), "[production]"));
}
