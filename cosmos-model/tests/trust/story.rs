//! Long histories: signers who come, extend their keys, retire and are compromised, in both modes.
//!
//! Every step of a story is honest, and a host is expected to take each; attacks are candidates beside it.

use std::sync::OnceLock;

use cosmos_model::object::ObjectKind;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use cosmos_model::time::Time;
use cosmos_model::trust::{Evidence, Introduction, Judgement, Mode, TrustPolicy, TrustState};
use openpgp::types::ReasonForRevocation;
use sequoia_openpgp as openpgp;

use crate::support::*;

/// How many people there are; the first keeps the policy and stays.
pub const CREW: usize = 24;
/// Everybody whose number this divides has a key that ends, this long after the start.
const ENDING: (usize, i64) = (3, 2 * DAY);

/// One turn, to be made sense of where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    pub kind: u8,
    pub who: usize,
    pub other: usize,
    /// Minutes since the turn before.
    pub gap: i64,
}

/// What a host sees after a turn.
pub struct Moment {
    pub refs: Vec<RemoteRef>,
    pub now: Time,
}

/// A commit or release that hosts are expected to accept, and its signer's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub commit: ObjectId,
    pub signer: usize,
}

/// A story that was played.
pub struct Played {
    pub repo: Repo,
    pub policy: TrustPolicy,
    pub moments: Vec<Moment>,
    pub steps: Vec<Step>,
    pub members: Vec<Member>,
    by_tags: bool,
    /// Whether people sign whatever the policy says of them.
    keeping: bool,
    minutes: i64,
    policy_blob: ObjectId,
    goodlist: Vec<ObjectId>,
    /// Commits that only a merge brought.
    sides: Vec<ObjectId>,
}

#[derive(Clone)]
pub struct Member {
    pub person: Person,
    armored: String,
    pub stands: Stands,
    ends: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    Outside,
    Signs,
    Compromised,
}

/// The people, their keys made once in a process.
fn crew() -> &'static [Member] {
    static CREW_OF_ALL: OnceLock<Vec<Member>> = OnceLock::new();
    CREW_OF_ALL.get_or_init(|| {
        let member = |number: usize| {
            let ends = (number > 0 && number.is_multiple_of(ENDING.0)).then_some(ENDING.1);
            let name = format!("Signer {number}");
            let person = ends.map_or_else(|| Person::new(&name), |ends| Person::ending(&name, ends));
            let stands = if number < 6 { Stands::Signs } else { Stands::Outside };
            Member { armored: person.armored(), person, stands, ends }
        };
        (0..CREW).map(member).collect()
    })
}

/// Plays `turns` in `tags` or `commits` mode.
pub fn play(turns: &[Turn], by_tags: bool) -> Played {
    play_with(turns, by_tags, false)
}

/// As [`play`], and who was sent away goes on signing.
pub fn play_keeping_signers(turns: &[Turn], by_tags: bool) -> Played {
    play_with(turns, by_tags, true)
}

fn play_with(turns: &[Turn], by_tags: bool, keeping: bool) -> Played {
    let members = crew().to_vec();
    let mut repo = Repo::default();
    let policy_blob = repo.put(ObjectKind::Blob, Vec::new());
    let policy = commits_policy(ObjectId::new([0; 20]), &members[0].person);
    let (moments, steps, goodlist) = (Vec::new(), Vec::new(), Vec::new());
    let mut played = Played {
        repo,
        policy,
        moments,
        steps,
        members,
        by_tags,
        keeping,
        minutes: 0,
        policy_blob,
        goodlist,
        sides: Vec::new(),
    };
    played.write_policy();
    let first = played.commit(&[], 0, true);
    if by_tags {
        played.policy.mode = Mode::Tags { pattern: "v*".into(), classic: false };
    }
    played.policy.introduction = Introduction::Commit { id: first, signer: played.members[0].person.fingerprint() };
    played.policy.policy_threshold = Some(1);
    played.publish(first, 0);
    turns.iter().for_each(|turn| played.take(*turn));
    played
}

impl Played {
    pub fn head(&self) -> ObjectId {
        self.steps.last().unwrap().commit
    }

    /// Judges what a host sees at `moment`.
    pub fn judge(&self, state: &TrustState, moment: &Moment) -> Judgement {
        self.policy.judge(state, &Evidence { refs: &moment.refs, objects: &self.repo, now: moment.now })
    }

    /// Returns what was published after each turn.
    pub fn published(&self) -> Vec<ObjectId> {
        let sides = |step: &&Step| !self.sides.contains(&step.commit);
        self.steps.iter().filter(sides).map(|step| step.commit).collect()
    }

    /// Returns the refs of a remote that offers `commit` as the newest, signed by `who`.
    pub fn offer(&mut self, commit: ObjectId, who: usize) -> Vec<RemoteRef> {
        let before = self.repo.refs.clone();
        if self.by_tags {
            let (name, person) = (format!("v{}", self.steps.len()), self.members[who].person.clone());
            self.repo.tag(&name, commit, &person, self.at());
        } else {
            self.repo.point("refs/heads/main", commit);
        }
        std::mem::replace(&mut self.repo.refs, before)
    }

    fn at(&self) -> Time {
        at(self.minutes * MINUTE)
    }

    fn write_policy(&mut self) {
        let good: Vec<String> = self.goodlist.iter().map(|id| format!("\"{id}\"")).collect();
        let mut text = format!("version = 0\ncommit_goodlist = [{}]\n", good.join(", "));
        for (number, member) in self.members.iter().enumerate() {
            let rights = match member.stands {
                Stands::Signs if number == 0 => ALL,
                Stands::Signs => "sign_commit sign_tag",
                // The revocation stays where everybody sees it.
                Stands::Compromised => "",
                Stands::Outside => continue,
            };
            text.push_str(&format!("[authorization.p{number}]\n"));
            rights.split_whitespace().for_each(|right| text.push_str(&format!("{right} = true\n")));
            text.push_str(&format!("keyring = \"\"\"\n{}\"\"\"\n", member.armored));
        }
        self.policy_blob = self.repo.put(ObjectKind::Blob, text.into_bytes());
    }

    /// Makes a commit with the policy of now; in `commits` mode it is signed in any case.
    pub fn commit(&mut self, parents: &[ObjectId], signer: usize, signed: bool) -> ObjectId {
        let text = self.commit_text(parents);
        let text = match signed || !self.by_tags {
            true => with_gpgsig(&text, &self.members[signer].person.sign(text.as_bytes(), self.at())),
            false => text,
        };
        self.repo.put(ObjectKind::Commit, text.into_bytes())
    }

    pub fn commit_text(&mut self, parents: &[ObjectId]) -> String {
        let content = self.repo.put(ObjectKind::Blob, self.repo.objects.len().to_string().into_bytes());
        let mut tree = Vec::new();
        for (name, id) in [("motd", content), ("openpgp-policy.toml", self.policy_blob)] {
            tree.extend_from_slice(format!("100644 {name}\0").as_bytes());
            tree.extend_from_slice(id.as_bytes());
        }
        let tree = self.repo.put(ObjectKind::Tree, tree);
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let person = format!("A <a@example.org> {} +0000", self.at().seconds());
        format!("tree {tree}\n{parents}author {person}\ncommitter {person}\n\nchange\n")
    }

    /// Points the branch there, or tags it, and lets time stand where hosts look.
    fn publish(&mut self, commit: ObjectId, signer: usize) {
        if self.by_tags {
            let (name, person) = (format!("v{}", self.steps.len()), self.members[signer].person.clone());
            self.repo.tag(&name, commit, &person, self.at());
        } else {
            self.repo.point("refs/heads/main", commit);
        }
        self.steps.push(Step { commit, signer });
        self.moments.push(Moment { refs: self.repo.refs.clone(), now: self.at() });
    }

    fn take(&mut self, turn: Turn) {
        self.minutes += turn.gap;
        let who = 1 + turn.who % (CREW - 1);
        match (turn.kind % 12, self.members[who].stands) {
            (0..=3, Stands::Outside) => self.change(who, Stands::Signs),
            (2, Stands::Signs) => self.change(who, Stands::Outside),
            (3, Stands::Signs) => self.compromise(self.latest_of_the_crew().unwrap_or(who)),
            (kind @ (4 | 5 | 8), Stands::Signs) if self.members[who].ends.is_some() => self.extend(who, kind == 8),
            (6 | 7, _) if !self.by_tags => self.branch(turn),
            _ => {
                let signer = self.able(who);
                let commit = self.commit(&[self.head()], signer, false);
                self.publish(commit, signer);
            }
        }
    }

    /// Returns who signed last, but for the keeper: a thief has use for a key that is used.
    fn latest_of_the_crew(&self) -> Option<usize> {
        let mut signers = self.steps.iter().rev().map(|step| step.signer);
        signers.find(|signer| *signer != 0 && self.members[*signer].stands == Stands::Signs)
    }

    /// Returns somebody who can sign now, the one wanted if possible.
    fn able(&self, wanted: usize) -> usize {
        let member = &self.members[wanted % CREW];
        let alive = member.ends.is_none_or(|ends| self.minutes * MINUTE < ends);
        if (member.stands == Stands::Signs && alive) || self.keeping { wanted % CREW } else { 0 }
    }

    fn change(&mut self, who: usize, stands: Stands) {
        self.members[who].stands = stands;
        self.write_policy();
        let commit = self.commit(&[self.head()], 0, false);
        self.publish(commit, 0);
    }

    /// Publishes the revocation together with the goodlist of all that the key signed (T9).
    fn compromise(&mut self, who: usize) {
        let revoked = self.members[who].person.revoked(ReasonForRevocation::KeyCompromised, self.at());
        self.members[who].armored = revoked.armored();
        self.members[who].person = revoked;
        let theirs: Vec<ObjectId> = self.signed_by(who);
        self.goodlist.extend(theirs);
        self.change(who, Stands::Compromised);
    }

    fn signed_by(&self, who: usize) -> Vec<ObjectId> {
        let theirs = self.steps.iter().filter(|step| step.signer == who);
        theirs.map(|step| step.commit).filter(|commit| !self.goodlist.contains(commit)).collect()
    }

    /// Whoever's key ends publishes its extension, also after the end: that release refreshes what judges it (T3). Or
    /// the keeper does, with the certificate as gpg exports it, which takes older self-signatures out of the tree
    /// (T11).
    fn extend(&mut self, who: usize, replaces: bool) {
        let ends = self.minutes * MINUTE + ENDING.1;
        let extended = self.members[who].person.extended(at(ends), self.at());
        self.members[who].armored = if replaces { extended.renewed(self.at()).armored() } else { extended.armored() };
        self.members[who].person = extended;
        self.members[who].ends = Some(ends);
        self.write_policy();
        let signer = if replaces { 0 } else { who };
        let commit = self.commit(&[self.head()], signer, false);
        self.publish(commit, signer);
    }

    /// A commit beside the head, on one of the last ten, and its merge; both by people who may sign on each parent.
    fn branch(&mut self, turn: Turn) {
        let base = self.steps.len().saturating_sub(1 + turn.other % 10);
        let (base, head) = (self.steps[base].commit, self.head());
        let side = self.commit(&[base], 0, false);
        self.steps.insert(self.steps.len() - 1, Step { commit: side, signer: 0 });
        self.sides.push(side);
        self.minutes += 1;
        let merge = self.commit(&[head, side], 0, false);
        self.publish(merge, 0);
    }
}
