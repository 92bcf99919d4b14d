//! Which rule of docs/trust.md §3 a refusal rests on, for whoever reads a proof.

use super::refusal::Refusal;
use crate::object::ObjectError;

impl Refusal {
    /// Returns the number of the rule that refuses: `T9`, `F1`.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Object(ObjectError::Missing { .. } | ObjectError::Unreadable { .. }) => "F1",
            Self::Object(_) | Self::Unfit { .. } => "F5",
            Self::Grammar(_) => "T8",
            Self::NotAnnotated
            | Self::NameMismatch { .. }
            | Self::TargetKind { .. }
            | Self::Statement(_)
            | Self::NoStatement
            | Self::Elsewhere { .. }
            | Self::Counter { .. } => "T7",
            Self::WeakAlgorithm { .. } | Self::OutdatedCertificate { .. } => "T10",
            Self::Clock { .. } => "T16",
            Self::TooFewSignatures { .. } | Self::TooFewForPolicy { .. } => "T13",
            Self::NotDescendant { .. } | Self::Withdrawn { .. } => "T6",
            Self::BelowIntroduction => "T5",
            Self::RefusedParent { .. } => "T4",
            Self::Policy { .. } | Self::NoPolicy => "T17",
            Self::NoSignersLeft { .. } => "T12",
            Self::Introduction { .. }
            | Self::IntroductionTooOld { .. }
            | Self::IntroductionRetired { .. }
            | Self::Settings { .. } => "T1",
            Self::OtherSettings { .. } => "T15",
            Self::UnknownSigner { .. } | Self::NoRight { .. } => "T3",
            Self::Unsigned
            | Self::SshSignature
            | Self::X509Signature
            | Self::MalformedSignature { .. }
            | Self::SignatureType { .. }
            | Self::BadSignature { .. }
            | Self::InvalidCertificate { .. }
            | Self::NotForSigning { .. }
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Compromised { .. }
            | Self::ExpiredNow { .. }
            | Self::FutureDated { .. }
            | Self::BackDated { .. } => "T9",
        }
    }
}
