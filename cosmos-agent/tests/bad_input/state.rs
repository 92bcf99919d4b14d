//! The lock, the state and the brake.

use std::fs;

use crate::support::{Settled, kept, read};

#[test]
fn a_second_run_is_told_who_holds_the_lock() {
    let settled = Settled::new();
    let script = format!(
        "#!/bin/sh\n{} --root \"$COSMOS_ROOT\" apply > \"$COSMOS_ROOT/said\" 2>&1\necho $? >> \"$COSMOS_ROOT/said\"\n",
        env!("CARGO_BIN_EXE_cosmos")
    );
    settled.world.write("global/pre-tasks.d/010try", &script);
    settled.commit();
    settled.run().prints("");
    let said = read(&settled.host, "said");
    let digits = said.chars().filter(|digit| !digit.is_ascii_digit()).collect::<String>();
    let expected = "error: another cosmos is at work: process  run\nhint: wait until it ends, or say --wait\n\n";
    assert_eq!((digits.as_str(), said.ends_with("\n4\n")), (expected, true), "{said}");
}

#[test]
fn a46_a_state_that_was_lost_or_put_back_is_refused_and_nothing_is_touched() {
    let settled = Settled::new();
    let state = settled.host.join("var/lib/cosmos/state.json");
    let old = fs::read(&state).expect("the state");
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.commit();
    settled.run().prints("~ etc/motd\n");
    let current = fs::read_to_string(&state).expect("the state");
    let refused = "error: 'var/lib/cosmos/state.json' is missing or older than the log beside it says\n\
        hint: the host is kept as it is; run 'cosmos clone --again' with the introduction an operator gives you\n";
    fs::write(&state, old).expect("an older state");
    settled.stays(3, refused);
    fs::remove_file(&state).expect("the state");
    settled.stays(3, refused);
    fs::write(&state, current.replace(&settled.world.head(), &"0".repeat(40))).expect("another state");
    settled.stays(
        3,
        "error: 'var/lib/cosmos/state.json' does not hold the revision that was accepted, as the log beside it says\n\
         hint: the host is kept as it is; run 'cosmos clone --again' with the introduction an operator gives you\n",
    );
    fs::write(&state, "{").expect("a damaged state");
    settled.stays(
        2,
        "error: 'var/lib/cosmos/state.json' is not a state that this version can read: EOF while \
             parsing an object at line 1 column 1\n\
             hint: the host is kept as it is; run 'cosmos clone --again' with the introduction an operator \
             gives you\n",
    );

    let again = settled.world.clone_words(crate::support::NAME, &settled.trust, &settled.ada);
    let mut words: Vec<&str> = again.iter().map(String::as_str).collect();
    words.push("--again");
    let ran = settled.world.on(&settled.host, &words);
    assert_eq!(ran.status, 0, "{ran:?}");
    settled.run().prints("");
}

#[test]
fn the_brake_holds_a_run_that_removes_much_until_the_signed_line_allows_it() {
    let settled = Settled::new();
    for number in 0..21 {
        settled.world.write(&format!("global/overlay/etc/many/{number:02}"), "x\n");
    }
    settled.commit();
    assert_eq!(settled.run().status, 0);
    settled.world.git(&["rm", "-r", "--quiet", "global/overlay/etc/many"]);
    settled.world.write("global/overlay/etc/issue", "new\n");
    settled.world.write("global/pre-tasks.d/010touch", "#!/bin/sh\ntouch \"$COSMOS_ROOT/task-ran\"\n");
    settled.commit();
    settled.stays(
        1,
        "error: 21 paths would be removed, more than 20; the release allows 0\n\
             hint: see 'cosmos plan'; if it is meant, release again with 'removals=21'\n",
    );
    let plan = settled.world.on(&settled.host, &["plan"]);
    assert!(plan.stdout.ends_with("would be removed, more than 20; the release allows 0\n"), "{plan:?}");
    let plan = settled.world.on(&settled.host, &["plan", "--json"]).stdout;
    let brake = &serde_json::from_str::<serde_json::Value>(&plan).expect("JSON")["plan"]["brake"];
    let removals = brake["removals"].as_array().map(Vec::len);
    assert_eq!((removals, &brake["allowed"]), (Some(21), &0.into()), "{plan}");

    settled.world.commit(&settled.ada, "cosmos: 1 removals=20\n\nMany files go");
    settled.stays(
        1,
        "error: 21 paths would be removed, more than 20; the release allows 20\n\
         hint: see 'cosmos plan'; if it is meant, release again with 'removals=21'\n",
    );
    settled.world.commit(&settled.ada, "cosmos: 1 removals=1\n\nAnd one more");
    let ran = settled.run();
    assert_eq!(ran.status, 0, "the sum over the steps since the applied revision counts: {ran:?}");
    assert!(!settled.host.join("etc/many").exists() && settled.host.join("task-ran").exists());
    assert_eq!(kept(&settled.host).iter().filter(|line| line.contains("etc/many")).count(), 0);
}
