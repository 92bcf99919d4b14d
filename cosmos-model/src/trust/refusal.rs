//! Why a revision may not act, and what would repair it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use super::statement::StatementError;
use crate::object::message::GrammarError;
use crate::object::{ObjectError, ObjectKind};
use crate::object_id::ObjectId;
use crate::time::Time;

/// A ref or commit that was judged and refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The ref that led here, escaped: a tag's or branch's full name.
    pub reference: String,
    /// The object refused: a tag, or a commit.
    pub object: ObjectId,
    /// Why.
    pub reason: Refusal,
    /// Whether the accepted revision already descends from it: history that concerns nobody any more.
    pub overtaken: bool,
}

/// The right a signature would have needed (docs/trust.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To sign commits.
    SignCommit,
    /// To sign tags.
    SignTag,
    /// To sign archives.
    SignArchive,
    /// To add users, certificates and rights.
    AddUser,
    /// To take them away.
    RetireUser,
    /// To vouch for commits.
    Audit,
}

impl Right {
    /// Returns the right's key in `openpgp-policy.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignCommit => "sign_commit",
            Self::SignTag => "sign_tag",
            Self::SignArchive => "sign_archive",
            Self::AddUser => "add_user",
            Self::RetireUser => "retire_user",
            Self::Audit => "audit",
        }
    }
}

/// Why a signature does not count, or a revision does not pass. Fingerprints are upper-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Refusal {
    #[error("the object cannot be used")]
    Object(#[source] ObjectError),
    #[error("the text breaks the grammar")]
    Grammar(#[source] GrammarError),
    #[error("it is not an annotated tag")]
    NotAnnotated,
    #[error("the name inside the tag is '{inside}'")]
    NameMismatch { inside: String },
    #[error("the tag names a {}, not a commit", kind.as_str())]
    TargetKind { kind: ObjectKind },
    #[error("it carries no signature")]
    Unsigned,
    #[error("the signature was made with an SSH key")]
    SshSignature,
    #[error("the signature was made with an X.509 certificate")]
    X509Signature,
    #[error("the signature cannot be read: {reason}")]
    MalformedSignature { reason: String },
    #[error("the signature is of type {found}, not over a document")]
    SignatureType { found: String },
    #[error("the signature by {issuer} is not from a trusted certificate")]
    UnknownSigner { issuer: String },
    #[error("the signature by {signer} does not match the text: {reason}")]
    BadSignature { signer: String, reason: String },
    #[error("the signature by {signer} uses {algorithm}, which proves nothing any more")]
    WeakAlgorithm { signer: String, algorithm: String },
    #[error("the certificate {signer} was not valid when it signed: {reason}")]
    InvalidCertificate { signer: String, reason: String },
    #[error("the key {key} of {signer} is not a signing key")]
    NotForSigning { signer: String, key: String },
    #[error("the certificate {signer} was not alive at {at}: {reason}")]
    Expired { signer: String, at: Time, reason: String },
    #[error("the certificate {signer} was revoked when it signed at {at}")]
    Revoked { signer: String, at: Time },
    #[error("the certificate {signer} is revoked as compromised")]
    Compromised { signer: String },
    #[error("the signature of {signer} is not alive now: {reason}")]
    ExpiredNow { signer: String, reason: String },
    #[error("the certificate {signer} lacks the right {}", right.as_str())]
    NoRight { signer: String, right: Right },
    #[error("the signature is dated {signed_at}, ahead of the clock, {now}")]
    FutureDated { signed_at: Time, now: Time },
    #[error("the signature is dated {signed_at}, more than a day before the step below it, {previous}")]
    BackDated { signed_at: Time, previous: Time },
    #[error("the clock says {now}, and {latest} was seen before")]
    Clock {
        now: Time,
        latest: Time,
        #[source]
        cause: Box<Refusal>,
    },
    #[error("{have} of {need} signatures count")]
    TooFewSignatures { have: usize, need: usize },
    #[error("it changes who is trusted, and {have} of the {need} signatures for that count")]
    TooFewForPolicy { have: usize, need: usize },
    #[error("it does not descend from the accepted revision {accepted}")]
    NotDescendant { accepted: ObjectId },
    #[error("the remote no longer offers the accepted revision {accepted}")]
    Withdrawn { accepted: ObjectId },
    #[error("its path goes below the introduction")]
    BelowIntroduction,
    #[error("it rests on commit {parent}, which was refused")]
    RefusedParent { parent: ObjectId },
    #[error("its 'cosmos:' line is wrong")]
    Statement(#[source] StatementError),
    #[error("it has no 'cosmos:' line, and this host requires one")]
    NoStatement,
    #[error("it is for {what} '{found}', and this host follows '{expected}'")]
    Elsewhere { what: &'static str, found: String, expected: String },
    #[error("its counter is {found}, not above the accepted {accepted}")]
    Counter { found: u64, accepted: u64 },
    #[error("its 'openpgp-policy.toml' cannot be used: {reason}")]
    Policy { reason: String },
    #[error("nothing says who may sign: neither 'openpgp-policy.toml' nor a keys folder")]
    NoPolicy,
    #[error("no host may hold its files: {reason}")]
    Unfit { reason: String, repair: String },
    #[error("it would leave {left} of {need} usable signers")]
    NoSignersLeft { left: usize, need: usize },
    #[error("the introduction {id} was not signed by {signer}")]
    Introduction {
        id: ObjectId,
        signer: String,
        #[source]
        cause: Box<Refusal>,
    },
    #[error("the introduction was signed at {signed_at}, over a year ago")]
    IntroductionTooOld { signed_at: Time },
    #[error("the introduction's signer {signer} may no longer sign")]
    IntroductionRetired { signer: String },
    #[error("it is in force, and would not be accepted any more: {reason}")]
    OtherSettings { reason: String },
    #[error("the certificate {signer} does not count: it is held together by self-signatures with {algorithm}")]
    OutdatedCertificate { signer: String, algorithm: String },
    #[error("the introduction cannot start this mode: {reason}")]
    Settings { reason: String },
}

impl Refused {
    /// Returns what would repair it; a commit's own fault in `commits` mode has two repairs more (T4).
    #[must_use]
    pub fn repair(&self) -> String {
        if self.reference.starts_with("refs/heads/") && self.reason.is_of_the_signature() {
            self.reason.repair_in_history(self.object)
        } else {
            self.reason.repair()
        }
    }

    /// Returns the refusal as it is remembered and printed.
    #[must_use]
    pub fn record(&self) -> super::RecordedRefusal {
        super::RecordedRefusal {
            reference: shortened(self.reference.clone()),
            object: self.object,
            reason: shortened(self.reason.with_causes()),
            repair: shortened(self.repair()),
            heals: self.reason.heals(),
            overtaken: self.overtaken,
        }
    }
}

impl Refusal {
    /// Returns the sentence with its causes after colons, foreign text escaped.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = core::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        crate::escape::sentence(&text)
    }

    /// Tells whether time or a missing co-signature may heal it, so that the next run judges the stored objects again.
    #[must_use]
    pub fn heals(&self) -> bool {
        matches!(
            self,
            Self::FutureDated { .. }
                | Self::Clock { .. }
                | Self::TooFewSignatures { .. }
                | Self::TooFewForPolicy { .. }
                | Self::Object(ObjectError::Missing { .. } | ObjectError::Unreadable { .. })
        )
    }

    /// Returns what would repair it, as one hint line.
    #[must_use]
    pub fn repair(&self) -> String {
        match self {
            Self::Unsigned => "sign it: 'git commit -S', for a release 'git tag -s'".to_string(),
            Self::NotAnnotated => "make the release with 'git tag -s'".to_string(),
            Self::SshSignature | Self::X509Signature => {
                "sign with OpenPGP: 'git config gpg.format openpgp'".to_string()
            }
            Self::OutdatedCertificate { signer, .. } => repair_outdated(signer),
            Self::OtherSettings { .. } => {
                "sign a release for these settings, or take back what was changed in 'trust.toml'".to_string()
            }
            Self::BelowIntroduction => {
                "an auditor lists the lowest such commits in 'commit_goodlist', or rebase them onto the branch"
                    .to_string()
            }
            Self::UnknownSigner { issuer } => format!("a trusted signer adds {issuer} in a release of its own first"),
            Self::WeakAlgorithm { .. } => "sign again with SHA-256 or better and a key of today".to_string(),
            Self::InvalidCertificate { signer, .. } | Self::Expired { signer, .. } => {
                format!("extend {signer} with 'gpg --quick-set-expire', commit the certificate, and sign again")
            }
            Self::ExpiredNow { signer, .. } => {
                format!("extend {signer}, commit the certificate, and release; gpg refuses this signature too")
            }
            Self::NotForSigning { signer, .. } => format!("sign with the signing key of {signer}"),
            Self::Revoked { .. } | Self::NoRight { .. } => {
                "somebody who holds the right signs a new release".to_string()
            }
            Self::Compromised { signer } => {
                format!(
                    "somebody who may audit lists what is sound of {signer} in commit_goodlist, in a signed release"
                )
            }
            Self::FutureDated { .. } => "set the clock of whoever signed, or wait".to_string(),
            Self::BackDated { .. } => "set the clock of whoever signed, and sign again".to_string(),
            Self::Clock { .. } => "set this host's clock; if it was ahead before: 'cosmos clone --again'".to_string(),
            Self::TooFewSignatures { .. } | Self::TooFewForPolicy { .. } => {
                "another signer tags the same commit: 'git tag -s', named TAG+ and 16 digits of the key, or cosign/NAME"
                    .to_string()
            }
            Self::NotDescendant { .. } | Self::Withdrawn { .. } => {
                "to go back, sign what was on top of what is: 'git revert', then a new signed commit or tag".to_string()
            }
            Self::Introduction { .. }
            | Self::IntroductionTooOld { .. }
            | Self::IntroductionRetired { .. }
            | Self::Settings { .. } => {
                "take a newer introduction from an operator: 'cosmos clone --again --trust COMMIT:FPR URL'".to_string()
            }
            Self::NoSignersLeft { .. } | Self::NoPolicy => "keep at least one usable signer in the policy".to_string(),
            Self::Unfit { repair, .. } => format!("{repair}, and release again"),
            Self::Object(_) => "run again; if it stays, compare the repository with another copy".to_string(),
            _ => "correct it in a new signed release".to_string(),
        }
    }

    /// Tells whether the object's own signature is at fault: only a goodlist or a rewrite heals history.
    const fn is_of_the_signature(&self) -> bool {
        matches!(
            self,
            Self::Grammar(_)
                | Self::Unsigned
                | Self::SshSignature
                | Self::X509Signature
                | Self::OutdatedCertificate { .. }
                | Self::MalformedSignature { .. }
                | Self::SignatureType { .. }
                | Self::UnknownSigner { .. }
                | Self::BadSignature { .. }
                | Self::WeakAlgorithm { .. }
                | Self::InvalidCertificate { .. }
                | Self::NotForSigning { .. }
                | Self::Expired { .. }
                | Self::Revoked { .. }
                | Self::NoRight { .. }
                | Self::BackDated { .. }
        )
    }

    /// Returns the two repairs of a refused commit below the tip (T4).
    #[must_use]
    pub fn repair_in_history(&self, commit: ObjectId) -> String {
        format!(
            "{}; or put {commit} into 'commit_goodlist' (right audit), or rewrite the branch without it",
            self.repair()
        )
    }
}

/// How much of a sentence is remembered, in bytes: names and signed lines in it are a stranger's to choose (A27).
const SHORT: usize = 1000;

fn shortened(mut text: String) -> String {
    if text.len() > SHORT {
        let end = (0..=SHORT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Returns the commands that sign a certificate's own statements again with a hash of today (T10).
#[must_use]
pub fn repair_outdated(signer: &str) -> String {
    format!(
        "its owner signs it again: 'gpg --cert-digest-algo SHA256 --quick-set-expire {signer} 2y', the same once more \
         with '*' for subkeys, and commits the certificate"
    )
}

impl From<ObjectError> for Refusal {
    fn from(error: ObjectError) -> Self {
        Self::Object(error)
    }
}

impl From<GrammarError> for Refusal {
    fn from(error: GrammarError) -> Self {
        match error {
            GrammarError::SshBlock => Self::SshSignature,
            GrammarError::X509Block => Self::X509Signature,
            other => Self::Grammar(other),
        }
    }
}

impl From<StatementError> for Refusal {
    fn from(error: StatementError) -> Self {
        Self::Statement(error)
    }
}
