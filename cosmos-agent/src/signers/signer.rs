//! An operator's certificate, as `init` reads it: who it is, whether it can sign, and what will trouble a host later.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use openpgp::cert::{Cert, CertParser};
use openpgp::parse::Parse;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::Serialize;
use openpgp::types::HashAlgorithm;
use openpgp::{armor, packet::Signature};
use sequoia_openpgp as openpgp;

use crate::exit::{Failure, Status, with_causes};

/// How long before the end of a key the operator is told, as hosts do (T12).
const EXPIRES_SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Until when a certificate can sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signing {
    /// Nothing in it signs, now or earlier.
    Never,
    /// It could, until then.
    Ended(Option<SystemTime>),
    /// It can, until then or without end.
    Until(Option<SystemTime>),
}

/// A certificate that is to be in the policy.
#[derive(Debug)]
pub struct Signer {
    cert: Cert,
    file: PathBuf,
    signing: Signing,
}

/// Reads all certificates in `files`, each once.
///
/// # Errors
/// Returns a [`Failure`] that names the file that cannot be read or holds no certificate.
pub fn read(files: &[PathBuf]) -> Result<Vec<Signer>, Failure> {
    let mut signers: Vec<Signer> = Vec::new();
    for file in files {
        for cert in read_file(file)? {
            if !signers.iter().any(|known| known.cert.fingerprint() == cert.fingerprint()) {
                signers.push(Signer { signing: signing(&cert), cert, file: file.clone() });
            }
        }
    }
    Ok(signers)
}

/// Reads all certificates in `bytes`, which are those of `file`.
///
/// # Errors
/// Returns a [`Failure`] when there is none.
pub fn read_bytes(file: &Path, bytes: &[u8]) -> Result<Vec<Signer>, Failure> {
    let signer = |cert: Cert| Signer { signing: signing(&cert), cert, file: file.to_owned() };
    Ok(certificates(file, bytes)?.into_iter().map(signer).collect())
}

/// What is done when a file holds no certificate.
const EXPORT: &str = "export one with: gpg --armor --export ADDRESS > operator.asc";

fn read_file(file: &Path) -> Result<Vec<Cert>, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::of(Status::Usage, format!("cannot read '{}': {error}", file.display()), EXPORT))?;
    certificates(file, &bytes)
}

fn certificates(file: &Path, bytes: &[u8]) -> Result<Vec<Cert>, Failure> {
    let hint = EXPORT;
    let certs: openpgp::Result<Vec<Cert>> = CertParser::from_bytes(bytes).and_then(Iterator::collect);
    match certs {
        Ok(certs) if !certs.is_empty() => Ok(certs),
        Ok(_) => Err(Failure::of(Status::Usage, format!("'{}' holds no certificate", file.display()), hint)),
        Err(error) => {
            let message = format!("'{}' holds no certificate: {}", file.display(), with_causes(error.as_ref()));
            Err(Failure::of(Status::Usage, message, hint))
        }
    }
}

/// Returns until when a certificate can sign, judged as hosts judge it now.
fn signing(cert: &Cert) -> Signing {
    let policy = StandardPolicy::new();
    let Ok(valid) = cert.with_policy(&policy, None) else { return Signing::Never };
    let primary = valid.primary_key().key_expiration_time();
    let ends = |key: Option<SystemTime>| match (primary, key) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let usable =
        valid.alive().is_ok() && !matches!(valid.revocation_status(), openpgp::types::RevocationStatus::Revoked(_));
    let keys = || valid.keys().revoked(false).for_signing();
    // `None`, without end, is later than any date.
    let later = |one: Option<SystemTime>, other: Option<SystemTime>| one.zip(other).map(|(one, other)| one.max(other));
    let until = |keys: Vec<Option<SystemTime>>| keys.into_iter().map(ends).reduce(later);
    let alive = until(keys().alive().map(|key| key.key_expiration_time()).collect());
    match (alive, until(keys().map(|key| key.key_expiration_time()).collect())) {
        (Some(end), _) if usable => Signing::Until(end),
        (_, Some(end)) => Signing::Ended(end),
        _ => Signing::Never,
    }
}

impl Signer {
    /// Describes a certificate that came from `file`.
    pub fn of(cert: Cert, file: &Path) -> Self {
        Self { signing: signing(&cert), cert, file: file.to_owned() }
    }

    /// Returns the certificate.
    pub const fn cert(&self) -> &Cert {
        &self.cert
    }

    /// Returns the fingerprint, upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        self.cert.fingerprint().to_hex()
    }

    /// Returns the first user id, safe to show.
    pub fn user_id(&self) -> String {
        let user_id = self.cert.userids().next().map(|user_id| user_id.userid().value().to_vec());
        user_id.map_or_else(|| "nobody named".to_owned(), |bytes| cosmos_model::escape::for_terminal(&bytes))
    }

    /// Returns a short name for the policy file: the mail address before the `@`, else the user id's first word.
    pub fn label(&self) -> String {
        let user_id = self.user_id();
        let address = user_id.split(['<', '>']).nth(1).unwrap_or(&user_id);
        let word = address.split(['@', ' ']).next().unwrap_or_default().to_lowercase();
        let label: String =
            word.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter)).collect();
        if label.is_empty() { "operator".to_owned() } else { label }
    }

    /// Returns the public certificate, armored, without comment lines.
    pub fn armored(&self) -> String {
        let write = || -> openpgp::Result<String> {
            let mut writer = armor::Writer::new(Vec::new(), armor::Kind::PublicKey)?;
            self.cert.export(&mut writer)?;
            Ok(String::from_utf8(writer.finalize()?)?)
        };
        write().expect("a certificate that was read can be written to memory")
    }

    /// Returns whether it can sign now.
    pub const fn can_sign(&self) -> bool {
        matches!(self.signing, Signing::Until(_))
    }

    /// Returns until when it signs, in words.
    pub fn validity(&self) -> String {
        match self.signing {
            Signing::Until(None) => "signs without end".to_owned(),
            Signing::Until(Some(end)) => format!("signs until {}", date(end)),
            Signing::Ended(_) | Signing::Never => "cannot sign".to_owned(),
        }
    }

    /// Returns what will make hosts refuse this signer's signatures, now or soon, and the command that mends it.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let (who, fingerprint) = (self.user_id(), self.fingerprint());
        let extend = format!("gpg --quick-set-expire {fingerprint} 2y");
        if self.cert.is_tsk() {
            warnings.push(format!("'{}' holds a secret key; only its public part is written", self.file.display()));
        }
        if self.has_sha1_self_signature() {
            warnings.push(format!(
                "the certificate of {who} binds its parts with SHA-1, which hosts may refuse; \
                 renew it: gpg --cert-digest-algo SHA256 --quick-set-expire {fingerprint} 2y"
            ));
        }
        match self.signing {
            Signing::Never => warnings.push(format!("the certificate of {who} has no key that signs")),
            Signing::Ended(Some(end)) if end <= SystemTime::now() => {
                warnings.push(format!("the certificate of {who} expired on {}; extend it: {extend}", date(end)));
            }
            Signing::Ended(_) => warnings.push(format!("the certificate of {who} is revoked or not yet valid")),
            Signing::Until(Some(end)) if end <= SystemTime::now() + EXPIRES_SOON => {
                warnings.push(format!("the certificate of {who} expires on {}; extend it: {extend}", date(end)));
            }
            Signing::Until(_) => {}
        }
        warnings
    }

    /// Returns whether a signature the certificate rests on now was made with SHA-1 or older (T10).
    fn has_sha1_self_signature(&self) -> bool {
        // Nothing is decided by this policy; it only makes the bindings visible that the real one may reject.
        let mut lenient = StandardPolicy::new();
        lenient.accept_hash(HashAlgorithm::SHA1);
        lenient.accept_hash(HashAlgorithm::MD5);
        let weak = |signature: &Signature| matches!(signature.hash_algo(), HashAlgorithm::SHA1 | HashAlgorithm::MD5);
        let user_ids = self.cert.userids().with_policy(&lenient, None).map(|part| weak(part.binding_signature()));
        let keys = self.cert.keys().with_policy(&lenient, None).map(|part| weak(part.binding_signature()));
        user_ids.chain(keys).any(|weak| weak)
    }
}

fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let shown = cosmos_model::time::Time::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)).to_string();
    shown.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use openpgp::cert::CertBuilder;
    use openpgp::packet::signature::SignatureBuilder;
    use openpgp::packet::{Packet, UserID};
    use openpgp::types::SignatureType;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn signer(cert: Cert) -> Signer {
        Signer { signing: signing(&cert), cert: cert.strip_secret_key_material(), file: "ada.asc".into() }
    }

    fn builder() -> CertBuilder<'static> {
        CertBuilder::new().add_userid("Ada <ada@example.org>")
    }

    #[test]
    fn a_sound_certificate_gives_no_warning_and_is_called_after_its_address() {
        let ada = signer(builder().add_signing_subkey().generate().unwrap().0);
        assert_eq!(ada.warnings(), [""; 0]);
        assert_eq!((ada.label().as_str(), ada.validity().as_str()), ("ada", "signs without end"));
        assert!(ada.can_sign());
    }

    #[test]
    fn a_certificate_that_expired_cannot_sign_and_the_warning_says_since_when() {
        let created = SystemTime::UNIX_EPOCH + DAY * 20_000;
        let cert = builder().set_creation_time(created).set_validity_period(DAY * 10).add_signing_subkey();
        let ada = signer(cert.generate().unwrap().0);
        let expected = format!(
            "the certificate of Ada <ada@example.org> expired on 2024-10-14; \
             extend it: gpg --quick-set-expire {} 2y",
            ada.fingerprint()
        );
        assert_eq!(ada.warnings(), [expected]);
        assert!(!ada.can_sign());
    }

    #[test]
    fn a_certificate_that_expires_within_a_month_can_sign_and_is_warned_about() {
        let ada = signer(builder().set_validity_period(DAY * 10).add_signing_subkey().generate().unwrap().0);
        assert!(ada.can_sign());
        assert!(ada.warnings()[0].starts_with("the certificate of Ada <ada@example.org> expires on 20"));
    }

    #[test]
    fn a_certificate_without_a_signing_key_cannot_sign() {
        let ada = signer(builder().add_storage_encryption_subkey().generate().unwrap().0);
        assert_eq!(ada.warnings(), ["the certificate of Ada <ada@example.org> has no key that signs"]);
        assert!(!ada.can_sign());
    }

    #[test]
    fn a_self_signature_made_with_sha1_is_warned_about_with_the_command_that_renews_it() {
        let cert = CertBuilder::new().add_signing_subkey().generate().unwrap().0;
        let mut primary = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        let user_id = UserID::from("Ada <ada@example.org>");
        let template = SignatureBuilder::new(SignatureType::PositiveCertification).set_hash_algo(HashAlgorithm::SHA1);
        let binding = template.sign_userid_binding(&mut primary, None, &user_id).unwrap();
        let cert = cert.insert_packets([Packet::from(user_id), binding.into()]).unwrap().0;
        let ada = signer(cert);
        let renewal = format!("gpg --cert-digest-algo SHA256 --quick-set-expire {} 2y", ada.fingerprint());
        assert!(ada.warnings().iter().any(|warning| warning.ends_with(&renewal)), "{:?}", ada.warnings());
    }

    #[test]
    fn a_secret_key_is_read_but_never_written() {
        let cert = builder().add_signing_subkey().generate().unwrap().0;
        let ada = Signer { signing: signing(&cert), cert, file: "ada.key".into() };
        assert_eq!(ada.warnings(), ["'ada.key' holds a secret key; only its public part is written"]);
        assert!(!Cert::from_bytes(ada.armored().as_bytes()).unwrap().is_tsk());
    }
}
