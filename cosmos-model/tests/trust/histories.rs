//! Laws over generated histories.

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{TrustState, VerifiedRevision};
use proptest::prelude::*;

use crate::support::*;

/// What happens in one release.
#[derive(Debug, Clone)]
struct Event {
    signer: usize,
    members: [bool; 3],
    from: usize,
    gap: i64,
}

fn event() -> impl Strategy<Value = Event> {
    let from = prop_oneof![4 => Just(0usize), 1 => 1..3usize];
    (0..3usize, any::<[bool; 3]>(), from, 1..40i64).prop_map(|(signer, members, from, gap)| Event {
        signer,
        members,
        from,
        gap,
    })
}

fn place(revision: Option<&VerifiedRevision>) -> Option<(ObjectId, Option<String>)> {
    revision.map(|one| (one.commit(), one.tag().map(Into::into)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.div_ceil(10)))]

    /// T3, T4: whom a host trusts depends on the history, not on when the host happened to look.
    #[test]
    fn a_host_that_slept_reaches_what_one_that_never_slept_reached(
        events in prop::collection::vec(event(), 1..9),
        awake in any::<u16>(),
    ) {
        let people = [Person::new("Alice"), Person::new("Bob"), Person::new("Carol")];
        let mut repo = Repo::default();
        let mut commits: Vec<ObjectId> = Vec::new();
        let policy = tags_policy(keyring(&[&people[0], &people[1]]));
        let (mut watching, mut dozing) = (TrustState::default(), TrustState::default());
        let mut hours = 0;
        for (number, event) in events.iter().enumerate() {
            hours += event.gap;
            let members = people.iter().zip(event.members).filter(|(_, member)| *member).map(|(person, _)| person);
            let mut files = keys(&members.collect::<Vec<_>>());
            files.push(content(&number.to_string()));
            let parent = commits.len().checked_sub(1 + event.from).map(|index| commits[index]);
            let parents: Vec<ObjectId> = parent.into_iter().collect();
            let commit = repo.commit(&parents, &files, None, at(hours * HOUR), "change");
            repo.tag(&format!("v{number}"), commit, &people[event.signer], at(hours * HOUR));
            commits.push(commit);
            let now = at(hours * HOUR + MINUTE);
            watching = judge(&policy, &watching, &repo, now).state;
            if awake & (1 << number) != 0 {
                dozing = judge(&policy, &dozing, &repo, now).state;
            }
        }
        let now = at(hours * HOUR + 2 * MINUTE);
        let slept = judge(&policy, &TrustState::default(), &repo, now);
        let watching = judge(&policy, &watching, &repo, now);
        let dozing = judge(&policy, &dozing, &repo, now);
        prop_assert_eq!(place(slept.revision.as_ref()), place(watching.revision.as_ref()));
        prop_assert_eq!(place(dozing.revision.as_ref()), place(watching.revision.as_ref()));
        let read_back: TrustState = serde_json::from_str(&serde_json::to_string(&slept.state).unwrap()).unwrap();
        prop_assert_eq!(&read_back, &slept.state);
        prop_assert!(!judge(&policy, &read_back, &repo, now).advanced);
    }
}
