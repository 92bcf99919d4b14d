//! The texts `init` writes: `fleet.toml` (docs/formats.md §3), `openpgp-policy.toml` (§5), and what to type next.

use std::fmt::Write;

use crate::cli::InitOptions;
use crate::shell;
use crate::signers::signer::Signer;

/// What a signer may do. Everybody gets all of it: who may sign a commit is root on every host already, and a change
/// of the policy file takes two signatures as soon as there are two operators (T13).
const RIGHTS: [&str; 6] = ["sign_commit", "sign_tag", "sign_archive", "add_user", "retire_user", "audit"];

/// Returns `fleet.toml`.
pub fn fleet(name: &str, mode: &str) -> String {
    let signed = if mode == "tags" { "release tags" } else { "every commit" };
    format!(
        "# What this fleet is called and what its operators sign: {signed}.\n\
         format = 1\n\
         fleet = \"{name}\"\n\
         agent = \">= {}\"\n\
         mode = \"{mode}\"\n",
        agent_version()
    )
}

/// Returns the first two numbers of this agent's version: older agents may not know what this one writes.
fn agent_version() -> &'static str {
    let version = env!("CARGO_PKG_VERSION");
    version.rsplit_once('.').map_or(version, |(first_two, _)| first_two)
}

/// Returns `openpgp-policy.toml`.
pub fn policy(signers: &[Signer]) -> String {
    let mut text = String::from(
        "# Who may sign what in this repository. Hosts believe these certificates and nothing else.\n\
         # With two operators or more, a change of this file needs the signatures of two.\n\
         version = 0\n\
         commit_goodlist = []\n",
    );
    for (signer, label) in signers.iter().zip(labels(signers)) {
        let rights: String = RIGHTS.iter().map(|right| format!("{right} = true\n")).collect();
        write!(
            text,
            "\n# {}\n# {}\n[authorization.{label}]\n{rights}keyring = \"\"\"\n{}\"\"\"\n",
            signer.user_id(),
            signer.fingerprint(),
            signer.armored().trim_end().to_owned() + "\n",
        )
        .expect("writing to a string cannot fail");
    }
    text
}

/// Returns a short name for each signer, each name once.
fn labels(signers: &[Signer]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for signer in signers {
        let label = signer.label();
        let namesakes =
            labels.iter().filter(|taken| **taken == label || taken.starts_with(&format!("{label}-"))).count();
        labels.push(if namesakes == 0 { label } else { format!("{label}-{}", namesakes + 1) });
    }
    labels
}

/// Returns what was written, and the commands that come next.
pub fn next_steps(options: &InitOptions, signers: &[Signer], made: bool) -> String {
    let dir = options.dir.display();
    let git = if options.dir.as_os_str() == "." {
        "git".to_owned()
    } else {
        format!("git -C {}", shell::word(&dir.to_string()))
    };
    let what = if made { "a new git repository" } else { "this git repository" };
    let mut text = format!("Wrote fleet.toml and openpgp-policy.toml into {what}, '{dir}'. Who may sign:\n");
    for signer in signers {
        text += &format!("    {}  {}  {}\n", signer.fingerprint(), signer.validity(), signer.user_id());
    }
    let signer = signers.iter().find(|signer| signer.can_sign()).expect("init refuses when nobody can sign");
    let fingerprint = signer.fingerprint();
    text += &format!(
        "Next:\n    {git} add fleet.toml openpgp-policy.toml\n    \
         {git} commit --gpg-sign={fingerprint} -m 'Who may sign'\n"
    );
    let mut tags = "";
    if options.mode == "tags" {
        tags = " --tags 'release-*'";
        text += &format!("    {git} tag --local-user={fingerprint} -m 'The first release' release-1\n");
    }
    text + &format!(
        "and on a host, where COMMIT is what {git} rev-parse HEAD prints, and URL where you pushed to:\n    \
         cosmos clone URL{tags} --trust COMMIT:{fingerprint}\n"
    )
}
