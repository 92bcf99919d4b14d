//! People with keys, and repositories in memory that they sign.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cosmos_model::object::{ObjectKind, ObjectSource, RawObject, hash};
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use cosmos_model::time::Time;
use cosmos_model::trust::{DEFAULT_KEY_FOLDER, Evidence, Introduction, Judgement, Mode, TrustPolicy, TrustState};
use openpgp::cert::{CertBuilder, CertRevocationBuilder, CipherSuite, SubkeyRevocationBuilder};
use openpgp::crypto::KeyPair;
use openpgp::packet::signature::SignatureBuilder;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::SerializeInto;
use openpgp::types::{HashAlgorithm, ReasonForRevocation, SignatureType};
use openpgp::{Cert, Packet};
use sequoia_openpgp as openpgp;

/// When the tests begin: 2024-01-01.
pub const START: i64 = 1_704_067_200;
pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Returns the time `seconds` after the start.
pub fn at(seconds: i64) -> Time {
    Time::from_seconds(START + seconds)
}

pub fn clock(time: Time) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.seconds()).unwrap())
}

/// Somebody with a key.
#[derive(Clone)]
pub struct Person {
    pub cert: Cert,
}

impl Person {
    pub fn new(name: &str) -> Self {
        Self::build(name, |builder| builder)
    }

    pub fn build(name: &str, extra: impl FnOnce(CertBuilder) -> CertBuilder) -> Self {
        let builder = CertBuilder::new()
            .add_userid(name)
            .set_primary_key_flags(openpgp::types::KeyFlags::empty().set_certification().set_signing())
            .set_creation_time(clock(at(-30 * DAY)))
            .set_cipher_suite(CipherSuite::Cv25519);
        Self { cert: extra(builder).generate().unwrap().0 }
    }

    /// A key that ends `seconds` after the start.
    pub fn ending(name: &str, seconds: i64) -> Self {
        let validity = Duration::from_secs(u64::try_from(seconds + 30 * DAY).unwrap());
        Self::build(name, |builder| builder.set_validity_period(validity))
    }

    pub fn fingerprint(&self) -> String {
        self.cert.fingerprint().to_hex()
    }

    pub fn armored(&self) -> String {
        String::from_utf8(self.cert.clone().strip_secret_key_material().armored().to_vec().unwrap()).unwrap()
    }

    fn primary(&self) -> KeyPair {
        self.cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap()
    }

    /// Signs with the newest signing key, a subkey when there is one.
    fn signing(&self) -> KeyPair {
        let policy = StandardPolicy::new();
        let birth = self.cert.primary_key().key().creation_time();
        let keys = self.cert.keys().secret().with_policy(&policy, Some(birth)).for_signing();
        keys.last().unwrap().key().clone().into_keypair().unwrap()
    }

    pub fn sign(&self, payload: &[u8], time: Time) -> String {
        self.sign_as(payload, SignatureBuilder::new(SignatureType::Binary), time)
    }

    pub fn sign_as(&self, payload: &[u8], builder: SignatureBuilder, time: Time) -> String {
        sign_with(self.signing(), payload, builder, time)
    }

    /// The same certificate, made to last until `until`, by a self-signature of `when`.
    pub fn extended(&self, until: Time, when: Time) -> Self {
        let policy = StandardPolicy::new();
        let birth = self.cert.primary_key().key().creation_time();
        let lasting =
            Duration::from_secs(u64::try_from(until.seconds()).unwrap()) - birth.duration_since(UNIX_EPOCH).unwrap();
        let mut packets: Vec<Packet> = Vec::new();
        for user in self.cert.userids().with_policy(&policy, Some(birth)) {
            let builder = SignatureBuilder::from(user.binding_signature().clone())
                .set_signature_creation_time(clock(when))
                .unwrap()
                .set_key_validity_period(lasting)
                .unwrap();
            packets.push(user.userid().bind(&mut self.primary(), &self.cert, builder).unwrap().into());
        }
        if let Some(direct) = self.cert.primary_key().self_signatures().next() {
            let builder = SignatureBuilder::from(direct.clone())
                .set_signature_creation_time(clock(when))
                .unwrap()
                .set_key_validity_period(lasting)
                .unwrap();
            let primary = self.cert.primary_key();
            packets.push(builder.sign_direct_key(&mut self.primary(), primary.key()).unwrap().into());
        }
        Self { cert: self.cert.clone().insert_packets(packets).unwrap().0 }
    }

    /// The certificate without the packets that `goes` names; to be published, it has no secret.
    pub fn without(&self, goes: impl Fn(&Packet) -> bool) -> Self {
        let kept: Vec<Packet> = self.cert.clone().into_packets().filter(|packet| !goes(packet)).collect();
        Self { cert: Cert::from_packets(kept.into_iter()).unwrap() }
    }

    /// As `gpg --quick-set-expire` leaves a certificate that was extended at `when`: the older self-signatures are
    /// gone.
    pub fn renewed(&self, when: Time) -> Self {
        self.without(|packet| match packet {
            Packet::Signature(one) if one.typ() == SignatureType::SubkeyBinding => false,
            Packet::Signature(one) => one.signature_creation_time().unwrap() < clock(when),
            _ => false,
        })
    }

    /// The same key and name, bound by a SHA-1 self-signature only.
    pub fn with_sha1_self_signatures(&self) -> Self {
        let policy = StandardPolicy::new();
        let birth = self.cert.primary_key().key().creation_time();
        let user = self.cert.userids().with_policy(&policy, Some(birth)).next().unwrap();
        let builder = SignatureBuilder::from(user.binding_signature().clone())
            .set_signature_creation_time(birth)
            .unwrap()
            .set_hash_algo(HashAlgorithm::SHA1);
        let binding = user.userid().bind(&mut self.primary(), &self.cert, builder).unwrap();
        let primary = self.cert.primary_key().key().clone().parts_into_secret().unwrap();
        let packets = vec![Packet::from(primary), user.userid().clone().into(), binding.into()];
        Self { cert: Cert::from_packets(packets.into_iter()).unwrap() }
    }

    /// The same certificate, its first subkey revoked.
    pub fn with_revoked_subkey(&self, reason: ReasonForRevocation, when: Time) -> Self {
        let subkey = self.cert.keys().subkeys().next().unwrap();
        let builder = SubkeyRevocationBuilder::new().set_signature_creation_time(clock(when)).unwrap();
        let builder = builder.set_reason_for_revocation(reason, b"").unwrap();
        let revocation = builder.build(&mut self.primary(), &self.cert, subkey.key(), None).unwrap();
        Self { cert: self.cert.clone().insert_packets(revocation).unwrap().0 }
    }

    pub fn sign_with_primary(&self, payload: &[u8], time: Time) -> String {
        sign_with(self.primary(), payload, SignatureBuilder::new(SignatureType::Binary), time)
    }

    /// The same certificate, revoked.
    pub fn revoked(&self, reason: ReasonForRevocation, when: Time) -> Self {
        let builder = CertRevocationBuilder::new().set_signature_creation_time(clock(when)).unwrap();
        let builder = builder.set_reason_for_revocation(reason, b"").unwrap();
        let revocation = builder.build(&mut self.primary(), &self.cert, None).unwrap();
        Self { cert: self.cert.clone().insert_packets(revocation).unwrap().0 }
    }
}

pub fn sign_with(mut pair: KeyPair, payload: &[u8], builder: SignatureBuilder, time: Time) -> String {
    let signature = builder.set_signature_creation_time(clock(time)).unwrap().sign_message(&mut pair, payload).unwrap();
    armor(&Packet::from(signature).to_vec().unwrap())
}

/// Wraps signature packets in one armored block.
pub fn armor(packets: &[u8]) -> String {
    let mut writer = openpgp::armor::Writer::new(Vec::new(), openpgp::armor::Kind::Signature).unwrap();
    writer.write_all(packets).unwrap();
    String::from_utf8(writer.finalize().unwrap()).unwrap()
}

/// A signature with a broken hash, as gpg makes it when told to.
pub fn weak(hash: HashAlgorithm) -> SignatureBuilder {
    SignatureBuilder::new(SignatureType::Binary).set_hash_algo(hash)
}

/// A repository in memory.
#[derive(Default, Clone)]
pub struct Repo {
    pub objects: BTreeMap<ObjectId, RawObject>,
    pub refs: Vec<RemoteRef>,
}

impl ObjectSource for Repo {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        Ok(self.objects.get(&id).cloned())
    }
}

/// Files by path.
pub type Files = Vec<(String, Vec<u8>)>;

impl Repo {
    pub fn put(&mut self, kind: ObjectKind, bytes: Vec<u8>) -> ObjectId {
        let id = hash(kind, &bytes).unwrap();
        self.objects.insert(id, RawObject { kind, bytes });
        id
    }

    pub fn tree(&mut self, files: &[(String, Vec<u8>)]) -> ObjectId {
        let mut folders: BTreeMap<String, Files> = BTreeMap::new();
        let mut entries: BTreeMap<String, (&str, ObjectId)> = BTreeMap::new();
        for (path, bytes) in files {
            match path.split_once('/') {
                Some((folder, rest)) => folders.entry(folder.into()).or_default().push((rest.into(), bytes.clone())),
                None => {
                    let blob = self.put(ObjectKind::Blob, bytes.clone());
                    entries.insert(path.clone(), ("100644", blob));
                }
            }
        }
        for (name, inner) in folders {
            let tree = self.tree(&inner);
            entries.insert(name, ("40000", tree));
        }
        let mut bytes = Vec::new();
        for (name, (mode, id)) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend_from_slice(id.as_bytes());
        }
        self.put(ObjectKind::Tree, bytes)
    }

    /// Makes a commit; `signer` signs it.
    pub fn commit(
        &mut self,
        parents: &[ObjectId],
        files: &[(String, Vec<u8>)],
        signer: Option<&Person>,
        time: Time,
        message: &str,
    ) -> ObjectId {
        let text = self.commit_text(parents, files, time, message);
        let text = match signer {
            Some(signer) => with_gpgsig(&text, &signer.sign(text.as_bytes(), time)),
            None => text,
        };
        self.put(ObjectKind::Commit, text.into_bytes())
    }

    pub fn commit_text(
        &mut self,
        parents: &[ObjectId],
        files: &[(String, Vec<u8>)],
        time: Time,
        message: &str,
    ) -> String {
        let tree = self.tree(files);
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let person = format!("A <a@example.org> {} +0000", time.seconds());
        format!("tree {tree}\n{parents}author {person}\ncommitter {person}\n\n{message}\n")
    }

    /// Makes a signed tag and its ref.
    pub fn tag(&mut self, name: &str, target: ObjectId, signer: &Person, time: Time) -> ObjectId {
        self.tag_saying(name, target, signer, time, "release\n")
    }

    pub fn tag_saying(&mut self, name: &str, target: ObjectId, signer: &Person, time: Time, message: &str) -> ObjectId {
        let payload = tag_text(name, target, "commit", time, message);
        let text = format!("{payload}{}", signer.sign(payload.as_bytes(), time));
        self.publish_tag(name, &text)
    }

    pub fn publish_tag(&mut self, name: &str, text: &str) -> ObjectId {
        let id = self.put(ObjectKind::Tag, text.as_bytes().to_vec());
        self.point(&format!("refs/tags/{name}"), id);
        id
    }

    /// Makes or moves a ref.
    pub fn point(&mut self, name: &str, id: ObjectId) {
        self.refs.retain(|one| one.name != name.as_bytes());
        self.refs.push(RemoteRef { name: name.as_bytes().to_vec(), id });
    }
}

pub fn tag_text(name: &str, target: ObjectId, kind: &str, time: Time, message: &str) -> String {
    format!("object {target}\ntype {kind}\ntag {name}\ntagger A <a@example.org> {} +0000\n\n{message}", time.seconds())
}

pub fn with_gpgsig(text: &str, block: &str) -> String {
    let (headers, message) = text.split_once("\n\n").unwrap();
    let folded = block.trim_end().replace('\n', "\n ");
    format!("{headers}\ngpgsig {folded}\n\n{message}")
}

/// What an authorization in a test may do.
pub const ALL: &str = "sign_commit sign_tag sign_archive add_user retire_user audit";

/// Writes an `openpgp-policy.toml`.
pub fn policy_file(people: &[(&Person, &str)], goodlist: &[ObjectId]) -> (String, Vec<u8>) {
    let good: Vec<String> = goodlist.iter().map(|id| format!("\"{id}\"")).collect();
    let mut text = format!("version = 0\ncommit_goodlist = [{}]\n", good.join(", "));
    for (index, (person, rights)) in people.iter().enumerate() {
        text.push_str(&format!("[authorization.p{index}]\n"));
        rights.split_whitespace().for_each(|right| text.push_str(&format!("{right} = true\n")));
        text.push_str(&format!("keyring = \"\"\"\n{}\"\"\"\n", person.armored()));
    }
    ("openpgp-policy.toml".into(), text.into_bytes())
}

/// Writes a classic keys folder.
pub fn keys(people: &[&Person]) -> Files {
    let file = |person: &&Person| {
        (format!("{DEFAULT_KEY_FOLDER}/{}.pub", person.fingerprint()), person.armored().into_bytes())
    };
    people.iter().map(file).collect()
}

/// Files that make one tree differ from the next.
pub fn content(text: &str) -> (String, Vec<u8>) {
    ("global/overlay/etc/motd".into(), text.as_bytes().to_vec())
}

pub fn tags_policy(introduction: Introduction) -> TrustPolicy {
    TrustPolicy::new(Mode::Tags { pattern: "v*".into(), classic: false }, introduction)
}

pub fn commits_policy(id: ObjectId, signer: &Person) -> TrustPolicy {
    let introduction = Introduction::Commit { id, signer: signer.fingerprint() };
    TrustPolicy { mode: Mode::Commits { branch: "main".into() }, ..tags_policy(introduction) }
}

pub fn keyring(people: &[&Person]) -> Introduction {
    Introduction::Keyring(people.iter().map(|person| person.armored()).collect::<String>().into_bytes())
}

pub fn judge(policy: &TrustPolicy, state: &TrustState, repo: &Repo, now: Time) -> Judgement {
    policy.judge(state, &Evidence { refs: &repo.refs, objects: repo, now })
}

/// Returns each refusal as `REF: reason`, in order.
pub fn reasons(judgement: &Judgement) -> Vec<String> {
    judgement.refusals.iter().map(|one| format!("{}: {}", one.reference, one.reason.with_causes())).collect()
}

/// Asserts that nothing changed but the record of the refusal and the clock.
pub fn assert_unmoved(before: &TrustState, judgement: &Judgement) {
    assert!(!judgement.advanced);
    assert_eq!(judgement.revision.as_ref(), before.accepted());
    let mut stripped: serde_json::Value = serde_json::to_value(&judgement.state).unwrap();
    let mut old: serde_json::Value = serde_json::to_value(before).unwrap();
    for member in ["refused", "latest"] {
        stripped[member] = serde_json::Value::Null;
        old[member] = serde_json::Value::Null;
    }
    assert_eq!(stripped, old);
}
