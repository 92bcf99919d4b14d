//! Laws over long histories; with LONG=1 the histories are a hundred times longer.

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{Judgement, Refusal, TrustState, VerifiedRevision};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::story::{self, Moment, Played, Stands, Turn};
use crate::support::*;

fn turn() -> impl Strategy<Value = Turn> {
    (any::<u8>(), 0..story::CREW, any::<usize>(), 1..600i64).prop_map(|(kind, who, other, gap)| Turn {
        kind,
        who,
        other,
        gap,
    })
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let longest = if std::env::var_os("LONG").is_some() { 1200 } else { 14 };
    prop::collection::vec(turn(), 1..longest)
}

/// Runs a law on its share of the cases; stories are dear.
fn law(share: u32, check: impl Fn(Vec<Turn>, bool, usize) -> Result<(), TestCaseError>) {
    let config = ProptestConfig::default();
    let cases = if std::env::var_os("LONG").is_some() { 12 } else { config.cases.div_ceil(share).min(200) };
    let config = ProptestConfig { cases, failure_persistence: None, ..config };
    let story = (turns(), any::<bool>(), any::<usize>());
    TestRunner::new(config).run(&story, |(turns, by_tags, place)| check(turns, by_tags, place)).unwrap();
}

fn commit(judgement: &Judgement) -> Option<ObjectId> {
    judgement.revision.as_ref().map(VerifiedRevision::commit)
}

/// What must be equal on two hosts: everything but what was refused on the way.
fn state_of(judgement: &Judgement) -> serde_json::Value {
    let mut state = serde_json::to_value(&judgement.state).unwrap();
    state["refused"] = judgement.refusals.iter().filter(|one| !one.overtaken).count().into();
    // How many removals are allowed depends on what was applied, which a judgement does not know.
    state["accepted"]["removals"] = 0.into();
    state
}

/// Returns the states of a host that looked after every turn.
fn awake(played: &Played) -> Vec<TrustState> {
    let mut states = vec![TrustState::default()];
    for (moment, step) in played.moments.iter().zip(played.published()) {
        let judgement = played.judge(states.last().unwrap(), moment);
        assert_eq!((reasons(&judgement), commit(&judgement)), (vec![], Some(step)), "an honest host was stranded");
        states.push(judgement.state);
    }
    states
}

/// T1–T4, T9: whenever a host slept, it comes to the same revision and remembers the same.
#[test]
fn a_host_that_stops_anywhere_and_wakes_later_ends_where_one_ends_that_never_slept() {
    law(20, |turns, by_tags, place| {
        let played = story::play(&turns, by_tags);
        let (states, last) = (awake(&played), played.moments.last().unwrap());
        let watching = played.judge(states.last().unwrap(), last);
        let places: Vec<usize> =
            if states.len() < 40 { (0..states.len()).collect() } else { vec![0, place % states.len()] };
        for stopped in places {
            let woken = played.judge(&states[stopped], last);
            prop_assert_eq!(commit(&woken), commit(&watching), "{} {:?}", stopped, reasons(&woken));
            prop_assert_eq!(state_of(&woken), state_of(&watching), "stopped at {}", stopped);
        }
        Ok(())
    });
}

/// T6: whatever is offered and refused, a host remembers nothing of it but the refusal.
#[test]
fn a_refused_candidate_never_changes_what_is_trusted() {
    law(20, |turns, by_tags, place| {
        let mut played = story::play(&turns, by_tags);
        let last = played.moments.pop().unwrap();
        let state = played.judge(&TrustState::default(), &last).state;
        for who in [place % story::CREW, (place / 7) % story::CREW] {
            if played.members[who].stands == Stands::Signs {
                continue;
            }
            for refs in attacks(&mut played, who, place) {
                let judgement = played.judge(&state, &Moment { refs, now: last.now });
                prop_assert!(judgement.refusals.iter().any(|one| !one.overtaken));
                assert_unmoved(&state, &judgement);
                let after = played.judge(&judgement.state, &last);
                prop_assert_eq!(reasons(&after), Vec::<String>::new());
                assert_unmoved(&state, &after);
            }
        }
        Ok(())
    });
}

/// Offers by somebody who may not sign: on the head, beside it, on an old base, and a merge of that.
fn attacks(played: &mut Played, who: usize, place: usize) -> Vec<Vec<cosmos_model::refs::RemoteRef>> {
    let (head, old) = (played.head(), played.steps[place % played.steps.len()].commit);
    let on_head = played.commit(&[head], who, true);
    let on_old = played.commit(&[old], who, true);
    let merge = played.commit(&[head, on_old], who, true);
    [on_head, merge].into_iter().map(|commit| played.offer(commit, who)).collect()
}

/// T3, T18: without the right, all that a signer signs later fails, and nothing else does.
#[test]
fn a_signer_without_the_right_fails_at_each_later_step_and_nobody_else_does() {
    law(10, |turns, _, place| {
        // Only work: who leaves must not have been needed to change the policy. And all of it before any key ends.
        let turns: Vec<Turn> = turns.into_iter().map(|turn| Turn { kind: 11, gap: 1 + turn.gap % 2, ..turn }).collect();
        let turns: Vec<Turn> = turns.into_iter().map(|turn| Turn { who: turn.who % 4, ..turn }).collect();
        let who = 1 + place % 4;
        let at = place % turns.len();
        let leave = Turn { kind: 2, who: who - 1, other: 0, gap: 1 };
        let with: Vec<Turn> = turns[..at].iter().chain([&leave]).chain(&turns[at..]).copied().collect();
        let played = story::play_keeping_signers(&with, true);
        let judgement = played.judge(&TrustState::default(), played.moments.last().unwrap());
        let refused: Vec<ObjectId> = judgement.refusals.iter().map(|one| one.object).collect();
        let theirs = |step: &&story::Step| step.signer == who;
        let later: Vec<_> = played.steps.iter().skip(at + 2).filter(theirs).map(|step| step.commit).collect();
        let failed: Vec<ObjectId> =
            judgement.steps.iter().filter(|step| step.refusal.is_some()).map(|step| step.commit).collect();
        prop_assert_eq!(&failed, &later);
        prop_assert_eq!(refused.len(), later.len());
        let unknown = |refusal: &Refusal| matches!(refusal, Refusal::UnknownSigner { .. });
        prop_assert!(judgement.refusals.iter().all(|one| unknown(&one.reason)), "{:?}", reasons(&judgement));
        let newest = played.steps.iter().rfind(|step| !later.contains(&step.commit)).unwrap();
        prop_assert_eq!(commit(&judgement), Some(newest.commit));
        Ok(())
    });
}
