//! What happens to operators' keys: they end, are replaced, are stolen, and sign things that are no releases.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::{Operator, World, assert_success, days_ago, git_command, gpg, read};

impl World {
    /// Makes an operator whose key was made some days ago and lasts for some days.
    pub fn operator_ending(&self, name: &str, days: i64, lasts: u32) -> Operator {
        self.make_operator(name, "ed25519", days, &format!("{lasts}d"))
    }

    /// Gives a secret key that was made elsewhere to an operator.
    pub fn operator_with(&self, name: &str, secret: &[u8], fingerprint: &str) -> Operator {
        let operator = Operator { name: name.into(), home: self.gpg_home(name), fingerprint: fingerprint.into() };
        self.import(&operator, secret);
        operator
    }

    /// Copies the operator's secret key to a thief, whose gpg does not hear what becomes of it.
    pub fn thief(&self, operator: &Operator) -> Operator {
        let words = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--export-secret-keys"];
        let secret = self.gpg_with_input(operator, words, b"");
        self.operator_with(&format!("thief-of-{}", operator.name), &secret, &operator.fingerprint)
    }

    /// Makes the private folder of an operator's gpg.
    pub(super) fn gpg_home(&self, name: &str) -> std::path::PathBuf {
        let home = self.path(&format!("gpg-{name}"));
        fs::create_dir(&home).expect("a gpg home");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("a private gpg home");
        self.operators.borrow_mut().push(home.clone());
        // Listens when it returns; one that gpg starts by itself has five seconds for that, whatever else is at work.
        let mut agent = Command::new("gpg-agent");
        let started = agent.arg("--homedir").arg(&home).args(["--quiet", "--daemon"]).output();
        assert_success(started, "gpg-agent --daemon");
        home
    }

    /// Sets what the operator's gpg does unasked.
    pub fn configure(&self, operator: &Operator, settings: &str) {
        fs::write(operator.home.join("gpg.conf"), settings).expect("settings");
    }

    /// Sets the operator's clock right again.
    pub fn reset_clock(&self, operator: &Operator) {
        self.configure(operator, "");
    }

    /// Lets the key last for some years from now on.
    pub fn extend(&self, operator: &Operator) {
        let words = ["--batch", "--quick-set-expire", &operator.fingerprint, "5y"];
        assert_success(gpg(&operator.home).args(words).output(), "gpg --quick-set-expire");
    }

    /// Revokes the key as compromised, with the certificate that gpg laid into the safe when it made the key.
    pub fn compromise(&self, operator: &Operator) {
        let file = format!("openpgp-revocs.d/{}.rev", operator.fingerprint);
        let revocation = read(&operator.home, &file).replace(":-----BEGIN", "-----BEGIN");
        self.import(operator, revocation.as_bytes());
    }

    /// Revokes the key as superseded, some days ago.
    pub fn supersede(&self, operator: &Operator, days: i64) {
        let clock = format!("{}!", days_ago(days));
        let words = ["--no-tty", "--faked-system-time", &clock, "--command-fd", "0", "--armor", "--gen-revoke"];
        let words = words.into_iter().chain([operator.fingerprint.as_str()]);
        let revocation = self.gpg_with_input(operator, words, b"y\n2\n\ny\n");
        self.import(operator, &revocation);
    }

    fn import(&self, operator: &Operator, key: &[u8]) {
        self.gpg_with_input(operator, ["--batch", "--import"], key);
    }

    /// Runs the operator's gpg and returns what it prints.
    pub fn gpg_with_input<'a>(
        &self,
        operator: &Operator,
        words: impl IntoIterator<Item = &'a str>,
        input: &[u8],
    ) -> Vec<u8> {
        let mut command = gpg(&operator.home);
        let command = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("gpg runs");
        child.stdin.take().expect("a pipe").write_all(input).expect("gpg reads");
        let output = child.wait_with_output().expect("gpg ends");
        assert!(output.status.success(), "gpg: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Writes the policy for these operators into the repository, as `init` does.
    pub fn policy(&self, operators: &[&Operator]) {
        let folder = self.path("policy");
        let _ = fs::remove_dir_all(&folder);
        let mut words = vec!["init".to_owned(), folder.display().to_string(), "--fleet".into(), "test".into()];
        for operator in operators {
            words.extend(["--signer".into(), self.certificate(operator).display().to_string()]);
        }
        let ran = self.cosmos(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ran.status, 0, "{ran:?}");
        self.write("openpgp-policy.toml", &read(&folder, "openpgp-policy.toml"));
    }

    /// Adds what is new about an operator's certificate to the policy and takes nothing away (T11): gpg's own copy has
    /// lost the self-signature that an extension replaced.
    pub fn add_to_policy(&self, operator: &Operator) {
        let policy = read(&self.repo(), "openpgp-policy.toml");
        let table = format!("[authorization.{}]", operator.name);
        let start = policy.find(&table).expect("the operator is in the policy");
        let block = "-----END PGP PUBLIC KEY BLOCK-----\n";
        let end = start + policy[start..].find(block).expect("a certificate") + block.len();
        let certificate = fs::read_to_string(self.certificate(operator)).expect("a certificate");
        self.write("openpgp-policy.toml", &format!("{}{certificate}{}", &policy[..end], &policy[end..]));
    }

    /// Commits everything without a signature and lets the operator sign a release on it.
    pub fn release_by(&self, operator: &Operator, name: &str) -> String {
        let commit = self.commit_unsigned(name);
        self.tag(operator, name);
        commit
    }

    /// Adds the operator's signature to a release.
    pub fn cosign_release(&self, operator: &Operator, name: &str) {
        let short = &operator.fingerprint[operator.fingerprint.len() - 16..];
        self.tag(operator, &format!("{name}+{short}"));
    }

    /// Writes an object as it is, sound or not, and returns its id.
    pub fn object(&self, kind: &str, content: &[u8]) -> String {
        let mut command = git_command(&self.repo());
        let command = command.args(["hash-object", "-t", kind, "--literally", "-w", "--stdin"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git runs");
        child.stdin.take().expect("a pipe").write_all(content).expect("git reads");
        let output = child.wait_with_output().expect("git ends");
        String::from_utf8(output.stdout).expect("an id").trim().to_owned()
    }
}
