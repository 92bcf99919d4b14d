//! `cosmos.conf` is read as a shell would, and never executed (C1).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cosmos_agent::classic::conf::{ClassicSettings, ConfError, Options};
use cosmos_agent::classic::environment::{Account, environment};
use proptest::prelude::*;

fn parse(text: &str) -> Result<ClassicSettings, ConfError> {
    parse_with(text.as_bytes(), &Options::default())
}

fn parse_with(text: &[u8], options: &Options) -> Result<ClassicSettings, ConfError> {
    let host_name = |full| Some(if full { "ns1.example.org".into() } else { "ns1".into() });
    ClassicSettings::parse(text, Path::new("/etc/cosmos"), &host_name, options)
}

fn layers(text: &str) -> Vec<String> {
    let settings = parse(text).unwrap();
    settings.layers.into_iter().map(|layer| String::from_utf8(layer).unwrap()).collect()
}

fn refusal(text: &str) -> (String, String) {
    let error = parse(text).unwrap_err();
    (error.to_string(), error.hint())
}

#[test]
fn an_empty_file_gives_the_defaults_of_1_5() {
    let settings = parse("# COSMOS_BASE=/srv\n\n").unwrap();
    let variables = [
        ("COSMOS_CONF_DIR", "/etc/cosmos"),
        ("COSMOS_ROOT", "/"),
        ("COSMOS_BASE", "/var/cache/cosmos"),
        ("COSMOS_UPDATE_VERIFY", "y"),
        ("COSMOS_REPO", "/var/cache/cosmos/repo"),
        ("COSMOS_MODEL", "/var/cache/cosmos/model"),
    ];
    let expected = ClassicSettings {
        conf_dir: "/etc/cosmos".into(),
        root: "/".into(),
        base: "/var/cache/cosmos".into(),
        repo: "/var/cache/cosmos/repo".into(),
        model: "/var/cache/cosmos/model".into(),
        layers: vec![],
        verify: true,
        tag_pattern: "*".into(),
        branch: None,
        dry_run: false,
        dry_tasks: false,
        verbose: false,
        quiet: false,
        variables: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        notes: vec![],
    };
    assert_eq!(settings, expected);
    assert_eq!(settings.layers().unwrap_err().to_string(), "COSMOS_REPO_MODELS is not set, so this host has no layers");
}

#[test]
fn a_multiverse_host_reads_as_its_shell_did() {
    let text = r#"COSMOS_REPO_MODELS="$COSMOS_REPO/ns1.example.org/:$COSMOS_REPO/dns-common/:${COSMOS_REPO}/global/"
COSMOS_UPDATE_VERIFY_GIT_TAG_PATTERN="cosmos-ops*"  # releases
"#;
    assert_eq!(layers(text), ["ns1.example.org/", "dns-common/", "global/"]);
    assert_eq!(parse(text).unwrap().tag_pattern, "cosmos-ops*");
}

#[test]
fn a_line_that_another_tool_appended_puts_its_layer_first() {
    let text = "COSMOS_REPO_MODELS=$COSMOS_REPO/$(hostname -f)/:$COSMOS_REPO/global/\n\
                COSMOS_REPO_MODELS=\"$COSMOS_REPO/meta-common/:$COSMOS_REPO_MODELS\"\n";
    assert_eq!(layers(text), ["meta-common/", "ns1.example.org/", "global/"]);
    assert_eq!(layers("COSMOS_REPO_MODELS=\"$COSMOS_REPO/a/:$COSMOS_REPO_MODELS\""), ["a/"]);
}

#[test]
fn folders_with_colons_blanks_and_other_letters_are_layers_too_fault_7() {
    let text = "COSMOS_REPO_MODELS='/var/cache/cosmos/repo/a:b c/:/var/cache/cosmos/repo//grün'\n";
    assert_eq!(layers(text), ["a:b c/", "grün"]);
}

#[test]
fn the_clone_follows_the_working_folder_until_it_is_set() {
    let text = "COSMOS_BASE=/srv\nCOSMOS_REPO_MODELS=$COSMOS_REPO/global/:\\\n$COSMOS_REPO/b/\nCOSMOS_MODEL=/m";
    let settings = parse(text).unwrap();
    assert_eq!((settings.repo, settings.model), (PathBuf::from("/srv/repo"), PathBuf::from("/m")));
    assert_eq!(layers(text), ["global/", "b/"]);
}

#[test]
fn every_line_that_would_have_to_be_executed_is_named_with_the_line_to_put_instead() {
    let text = "COSMOS_BASE=/srv/a b\nif true; then\nX = 1\nCOSMOS_REPO=\"`hostname -f`\"\nY=$(date +%F)/x\n\
                Z=${HOME:-/root}\nA=$HOME\nexport COSMOS_BASE\nB=one; C=two\nD='open\nE=~/x\n";
    let (error, hint) = refusal(text);
    let error = error.split("; line ").collect::<Vec<_>>().join("\nline ");
    let hint = hint.replace("; put", "\nput").replace("; remove", "\nremove");
    insta::assert_snapshot!(format!("{error}\n--\n{hint}"));
}

#[test]
fn verification_is_not_switched_off_by_an_empty_or_missing_value_fault_4() {
    for text in ["", "COSMOS_UPDATE_VERIFY=", "COSMOS_UPDATE_VERIFY=''", "COSMOS_UPDATE_VERIFY=yes"] {
        assert!(parse(text).unwrap().verification(false).unwrap(), "{text}");
    }
}

#[test]
fn verification_switched_off_in_the_file_is_refused_unless_the_command_line_says_the_same() {
    let settings = parse("COSMOS_UPDATE_VERIFY=n").unwrap();
    let error = settings.verification(false).unwrap_err();
    assert_eq!(error.to_string(), "COSMOS_UPDATE_VERIFY is 'n', but no setting turns verification off");
    assert!(error.hint().contains("--insecure-skip-verification"));
    assert!(!settings.verification(true).unwrap());
}

#[test]
fn layers_outside_the_clone_are_refused() {
    for (layer, expected) in [
        ("/srv/global/", "layer '/srv/global/' of COSMOS_REPO_MODELS is not below '/var/cache/cosmos/repo'"),
        ("global/", "layer 'global/' of COSMOS_REPO_MODELS is not below '/var/cache/cosmos/repo'"),
        ("$COSMOS_REPO", "layer '/var/cache/cosmos/repo' of COSMOS_REPO_MODELS needs a slash at its end"),
        ("$COSMOS_REPO/../x", "layer '/var/cache/cosmos/repo/../x' of COSMOS_REPO_MODELS has a '.' or '..' in it"),
    ] {
        assert_eq!(refusal(&format!("COSMOS_REPO_MODELS={layer}")).0, expected);
    }
}

#[test]
fn a_missing_file_means_no_classic_host_and_one_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let load = || ClassicSettings::load(folder.path(), &Options::default());
    assert_eq!(load().unwrap(), None);
    let path = folder.path().join("cosmos.conf");
    std::fs::write(&path, "COSMOS_BASE=/srv\n").unwrap();
    assert_eq!(load().unwrap().unwrap().base, PathBuf::from("/srv"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(load().unwrap_err().to_string().ends_with("can be changed by others than root"));
}

#[test]
fn options_of_the_command_line_win_over_the_file_and_reach_the_tasks() {
    let options = Options { root: Some("/mnt".into()), dry_tasks: true, ..Options::default() };
    let settings = parse_with(b"COSMOS_ROOT=/srv\n", &options).unwrap();
    assert_eq!((settings.root.clone(), settings.dry_tasks), (PathBuf::from("/mnt"), true));
    let exported: Vec<_> = settings.variables.iter().filter(|(name, _)| name.contains("ROOT")).collect();
    assert_eq!(exported, [&("COSMOS_ROOT".to_owned(), b"/mnt".to_vec())]);
}

#[test]
fn options_for_rsync_that_mean_nothing_here_are_noted() {
    let settings = parse("RSYNC_ARGS=\"-nv --delete\"").unwrap();
    assert!(settings.dry_tasks && settings.verbose);
    assert_eq!(settings.notes, ["RSYNC_ARGS: rsync is not used, ignoring '--delete'"]);
}

#[test]
fn a_task_sees_all_of_the_file_the_account_and_the_proxies_and_nothing_else_of_the_caller_c4() {
    let settings = parse("COSMOS_BASE=/srv\nexport PUPPET_ENV='a b'\nLANG=C\n").unwrap();
    let account = Account { name: "root".into(), home: "/root".into(), shell: "/bin/bash".into() };
    let caller = [("PATH", "/evil"), ("LD_PRELOAD", "/x"), ("GNUPGHOME", "/x"), ("https_proxy", "http://p:3128")];
    let caller = caller.map(|(name, value)| (name.into(), value.into()));
    let found = environment(&settings, &account, &caller);
    let shown = |(name, value): (OsString, OsString)| format!("{}={}", name.display(), value.display());
    let expected = [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "LANG=C",
        "SHELL=/bin/bash",
        "USER=root",
        "LOGNAME=root",
        "https_proxy=http://p:3128",
        "COSMOS_CONF_DIR=/etc/cosmos",
        "COSMOS_ROOT=/",
        "COSMOS_BASE=/srv",
        "COSMOS_UPDATE_VERIFY=y",
        "PUPPET_ENV=a b",
        "COSMOS_REPO=/srv/repo",
        "COSMOS_MODEL=/srv/model",
    ];
    assert_eq!(found.into_iter().map(shown).collect::<Vec<_>>(), expected);
}

/// Values that a shell can hold in a variable and this parser must read back.
fn values() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-zA-Z0-9 :/*?~$`\"'\\\\#;&()äö.-]{0,20}").unwrap()
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_with(&text, &Options::default());
    }

    #[test]
    fn a_value_quoted_for_a_shell_reads_back_as_it_was(value in values(), double in any::<bool>()) {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`");
        let line = match double {
            true => format!("X=\"{escaped}\"\n"),
            false => format!("X='{}'\n", value.replace('\'', "'\\''")),
        };
        let settings = parse(&line).unwrap();
        let read = settings.variables.iter().find(|(name, _)| name == "X").unwrap();
        prop_assert_eq!(&read.1, value.as_bytes());
    }
}
