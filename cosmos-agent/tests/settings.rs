//! Settings: what is read, what is refused, and that nothing empty or missing weakens the rules (T17, A47).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use cosmos_agent::fetch::{Limits, RemoteSettings};
use cosmos_agent::fs::Root;
use cosmos_agent::settings::{AgentFile, AgentSettings, LimitsFile, MergedAgent, Seconds, Size, TrustFile, load};
use cosmos_model::path::RelPath;
use cosmos_model::trust::{Introduction, MergeRule, Mode, TrustPolicy};
use proptest::prelude::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const SIGNER: &str = "AAAABBBBCCCCDDDDEEEEFFFFAAAABBBBCCCCDDDD";

fn agent(text: &str) -> Result<AgentSettings, String> {
    let file = AgentFile::parse("agent.toml", text).map_err(|mistakes| mistakes.to_string())?;
    MergedAgent::of([file]).validate().map_err(|mistakes| mistakes.to_string())
}

fn trust(text: &str) -> Result<TrustFile, String> {
    TrustFile::parse("trust.toml", text).map_err(|mistakes| mistakes.to_string())
}

/// Returns sound trust settings with `more` among the keys and `remote` as the remote's table.
fn trust_with(more: &str, remote: &str) -> String {
    format!(
        "fqdn = \"ns1.example.org\"\nmode = \"commits\"\nintroduction = \"{COMMIT}:{SIGNER}\"\n{more}\n\
         [[remote]]\n{remote}\n"
    )
}

#[test]
fn the_commented_template_equals_the_defaults() {
    let template = include_str!("../../overlay/etc/cosmos/agent.toml");
    assert_eq!(agent(template).unwrap(), AgentSettings::default());
    let spoken: Vec<&str> =
        template.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' ')).collect();
    let unknown = agent("none = 1\n").unwrap_err();
    let (_, known) = unknown.split_once("known here: ").expect("the mistake lists what is known");
    for key in known.trim_end_matches(')').split(", ") {
        let said = spoken.iter().any(|line| line.starts_with(&format!("{key} = ")) || *line == format!("[{key}]"));
        assert!(said, "nothing is said about '{key}'");
    }
    let spoken = agent(&spoken.join("\n")).unwrap();
    let default = AgentSettings::default();
    assert_eq!(spoken.limits(&limits_above_all()), Limits::default());
    assert!(spoken.remove_dropped(true) && !default.remove_dropped(true) && default.remove_dropped(false));
    let visible = |settings: &AgentSettings| {
        let AgentSettings { schedule, splay, stale_after, verify_content, pass_environment, .. } = settings.clone();
        let AgentSettings { task_timeout, task_output, stamp, backup_size, log_size, .. } = settings.clone();
        let AgentSettings { generations, on_probe_failure, .. } = *settings;
        (
            (schedule, splay, stale_after, verify_content, pass_environment),
            (task_timeout, task_output, stamp, backup_size, log_size),
            (generations, on_probe_failure),
        )
    };
    assert_eq!(visible(&spoken), visible(&default));
}

fn limits_above_all() -> Limits {
    let longest = Duration::from_secs(u64::MAX);
    Limits {
        transfer: u64::MAX,
        objects: u32::MAX,
        object_size: u64::MAX,
        refs: u32::MAX,
        connect: longest,
        look: longest,
        fetch: longest,
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once_with_line_key_and_hint() {
    let text =
        "splay = \"5 minutes\"\nschedule = \"* * *\"\nverify-content = 1\n\nshedule = \"@daily\"\n[limits]\nrefs = 0\n";
    assert_eq!(
        agent(text).unwrap_err(),
        "'agent.toml' line 2, schedule: '* * *' has 3 fields, a schedule has five: minute, hour, day of month, month, \
         day of week\n\
         'agent.toml' line 1, splay: '5 minutes' is not a duration: a number and one of s, m, h, d, such as 90s\n\
         'agent.toml' line 3, verify-content: invalid type: integer `1`, expected a boolean\n\
         'agent.toml' line 7, limits.refs: a limit of zero (there is no value for \"unlimited\"; leave the key out for \
         its default)\n\
         'agent.toml' line 5, shedule: unknown key (known here: format, schedule, splay, stale-after, remove-dropped, \
         verify-content, pass-environment, task-timeout, task-output, stamp, backup-size, log-size, generations, on-probe-failure, limits)"
    );
}

#[test]
fn a_later_format_names_the_version_it_needs_and_nothing_else() {
    assert_eq!(
        agent("format = 2\nwhatever = true\n").unwrap_err(),
        "'agent.toml' line 1, format: format 2 needs a later cosmos than 0.1.0 (this one reads format 1: install the \
         later one)"
    );
}

#[test]
fn broken_syntax_is_reported_with_its_line() {
    let message = agent("splay = \"5m\"\nschedule = [\n").unwrap_err();
    assert!(message.starts_with("'agent.toml' line "), "{message}");
}

#[test]
fn values_that_make_no_sense_together_are_refused() {
    let text = "stale-after = \"0s\"\nlog-size = 0\nstamp = \"../x\"\npass-environment = [\"LD_PRELOAD\", \"a b\"]\n";
    assert_eq!(
        agent(text).unwrap_err(),
        "'agent.toml' line 1, stale-after: a time of zero (a fetch that fails once would then be a failed run: use at \
         least 1s)\n\
         'agent.toml' line 2, log-size: a log of no size (changes must be on record; use at least 1K)\n\
         'agent.toml' line 4, pass-environment: 'LD_PRELOAD' cannot be handed on (tasks have a fixed PATH and HOME and \
         no loader's)\n\
         'agent.toml' line 4, pass-environment: 'a b' is no variable's name (letters, digits and '_', no digit first)\n\
         'agent.toml' line 3, stamp: '../x' is not an absolute path (without '.', '..' and '//')"
    );
}

#[test]
fn agent_settings_only_lower_the_limits_of_the_trust_settings() {
    let settings = agent("[limits]\ntransfer = \"10M\"\nobjects = 999999999\nfetch = \"1m\"\nlook = \"9h\"\n").unwrap();
    let upper = Limits::default();
    let expected = Limits { transfer: 10 << 20, fetch: Duration::from_secs(60), ..upper.clone() };
    assert_eq!(settings.limits(&upper), expected);
    assert_eq!(LimitsFile::default().set(), upper);
}

#[test]
fn trust_settings_become_the_judges_policy() {
    let more = "fleet = \"example\"\nthreshold = 2\npolicy-threshold = 3\nmerge-rule = \"any\"\nmax-age = \"30d\"\n\
                require-statement = true\nbranch = \"production\"";
    let read = trust(&trust_with(more, "url = \"/srv/cosmos.git\"")).unwrap();
    let expected = TrustPolicy {
        mode: Mode::Commits { branch: "production".to_owned() },
        introduction: Introduction::Commit { id: COMMIT.parse().unwrap(), signer: SIGNER.to_owned() },
        fleet: Some("example".to_owned()),
        threshold: 2,
        policy_threshold: Some(3),
        merge_rule: MergeRule::Any,
        require_statement: true,
        max_age: Some(30 * 86_400),
        key_folders: vec![RelPath::new(b"global/overlay/etc/cosmos/keys").unwrap()],
    };
    assert_eq!(read.policy(), expected);
    assert_eq!((read.fqdn.as_str(), read.ring.as_deref()), ("ns1.example.org", None));
    assert_eq!(read.remotes, [RemoteSettings { url: "/srv/cosmos.git".to_owned(), ..RemoteSettings::default() }]);
}

#[test]
fn a_ring_narrows_the_pattern_to_its_prefix_a20() {
    let text = |more: &str| trust_with(more, "url = \"/srv/cosmos.git\"");
    let by_tags = text("pattern = \"release-*\"\nring = \"early\"").replace("\"commits\"", "\"tags\"");
    let read = trust(&by_tags).unwrap();
    assert_eq!(read.policy().mode, Mode::Tags { pattern: "early/release-*".to_owned(), classic: false });
    let by_commits = trust(&text("ring = \"early\"")).unwrap_err();
    assert!(by_commits.contains("has no meaning in mode \"commits\""), "{by_commits}");
    for odd in ["early/", "/early", "-early", "a//b", "a b", "a*"] {
        let message = trust(&by_tags.replace("\"early\"", &format!("\"{odd}\""))).unwrap_err();
        assert!(message.contains(&format!("'{odd}' is not accepted")), "{message}");
    }
}

#[test]
fn nothing_missing_or_empty_switches_verification_off_a47() {
    assert_eq!(
        trust("").unwrap_err(),
        ["fqdn", "mode", "introduction"]
            .map(|key| format!(
                "'trust.toml', {key}: missing ('cosmos clone' writes it; nothing is believed without it)\n"
            ))
            .concat()
            + "'trust.toml', remote: missing (write [[remote]] and its url below)"
    );
    for empty in ["fqdn", "mode", "branch", "introduction", "fleet", "merge-rule", "ring", "max-age"] {
        let text = trust_with("", "url = \"/srv/x\"")
            .lines()
            .filter(|line| !line.starts_with(empty))
            .fold(format!("{empty} = \"\"\n"), |text, line| text + line + "\n");
        let message = trust(&text).unwrap_err();
        assert!(message.starts_with(&format!("'trust.toml' line 1, {empty}: ")), "{message}");
    }
    for zero in ["threshold = 0", "policy-threshold = 0", "threshold = -1", "threshold = \"\"", "max-age = \"0s\""] {
        assert!(trust(&trust_with(zero, "url = \"/srv/x\"")).is_err(), "{zero}");
    }
    for empty in ["ssh-key", "known-hosts", "token-file", "ca-file", "proxy", "address", "url"] {
        let message = trust(&trust_with("", &format!("{empty} = \"\""))).unwrap_err();
        assert!(message.contains(&format!("remote.{empty}: an empty value")), "{message}");
    }
}

#[test]
fn short_key_ids_are_no_introduction_a15() {
    let short = trust_with("", "url = \"/srv/x\"").replace(SIGNER, "EEEEFFFFAAAABBBB");
    assert_eq!(
        trust(&short).unwrap_err(),
        format!(
            "'trust.toml' line 3, introduction: '{COMMIT}:EEEEFFFFAAAABBBB' is not accepted (write \
             \"COMMIT:FINGERPRINT\", both in full, as 'cosmos clone --trust' takes it)"
        )
    );
}

#[test]
fn a_key_of_the_other_mode_is_a_mistake() {
    let tags = trust_with("branch = \"main\"", "url = \"/srv/x\"").replace("\"commits\"", "\"tags\"");
    assert_eq!(
        trust(&tags).unwrap_err(),
        "'trust.toml' line 4, branch: has no meaning in mode \"tags\" (remove it)\n\
         'trust.toml', pattern: missing ('cosmos clone' writes it; nothing is believed without it)"
    );
}

#[test]
fn remotes_are_followed_by_the_documented_transports_only_a43() {
    for good in
        ["https://example.org/r.git", "git://[::1]:9418/r", "/srv/r.git", "file:///srv/r.git", "bundle:/r.bundle"]
    {
        assert!(trust(&trust_with("", &format!("url = \"{good}\""))).is_ok(), "{good}");
    }
    let keys = "ssh-key = \"/k\"\nknown-hosts = \"/h\"";
    for good in ["ssh://git@example.org:2222/r.git", "git@example.org:r.git", "example.org:r.git"] {
        assert!(trust(&trust_with("", &format!("url = \"{good}\"\n{keys}"))).is_ok(), "{good}");
    }
    let bad = [
        "http://example.org/r.git",
        "ext::sh -c id",
        "ext::id",
        "fd::17",
        "--upload-pack=id",
        "ssh://-oProxyCommand=id/r",
        "ssh://git@-oProxyCommand=id/r",
        "-oProxyCommand=id:r",
        "https://user:secret@example.org/r",
        "ssh://git:secret@example.org/r",
        "https://example.org",
        "https:///r",
        "file://host/r",
        "relative/path",
        "bundle:relative",
        "ftp://example.org/r",
        "git@example.org:-r",
    ];
    for bad in bad {
        let message = trust(&trust_with("", &format!("url = \"{bad}\"\n{keys}"))).unwrap_err();
        assert!(message.starts_with("'trust.toml' line 6, remote.url: ") && !message.contains("secret"), "{message}");
    }
}

#[test]
fn each_transport_takes_its_own_credentials_only() {
    let refused = |remote: &str| trust(&trust_with("", remote)).unwrap_err();
    assert_eq!(
        refused("url = \"ssh://git@example.org/r\"\nca-file = \"/ca\""),
        "'trust.toml', remote.ssh-key: missing (ssh needs both ssh-key and known-hosts)\n\
         'trust.toml', remote.known-hosts: missing (ssh needs both ssh-key and known-hosts)\n\
         'trust.toml', remote.ca-file: has no meaning for this url (remove it, or change the url)"
            .replace("'trust.toml', ", "'trust.toml' line 5, ")
    );
    assert_eq!(
        refused(
            "url = \"https://example.org/r\"\nproxy = \"socks5://x:1\"\naddress = \"example.org\"\nca-file = \"ca\""
        ),
        "'trust.toml' line 9, remote.ca-file: 'ca' is not one (write an absolute path)\n\
         'trust.toml' line 7, remote.proxy: 'socks5://x:1' is not one (write http://host:port)\n\
         'trust.toml' line 8, remote.address: 'example.org' is not one (write IP, IP:port or [IPv6]:port)"
    );
}

fn place(root: &Path, name: &str, text: &str, mode: u32) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn load_agent(root: &Path) -> Result<AgentSettings, String> {
    let loaded = load::agent(&Root::open(root).unwrap(), &"etc/cosmos/agent.toml".parse().unwrap());
    loaded.map_err(|error| error.to_string())
}

fn load_trust(root: &Path) -> Result<TrustFile, String> {
    load::trust(&Root::open(root).unwrap(), &"etc/cosmos/trust.toml".parse().unwrap())
        .map_err(|error| error.to_string())
}

#[test]
fn drop_ins_are_read_in_the_order_of_their_names_and_mistakes_of_all_files_come_together() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(load_agent(root.path()).unwrap(), AgentSettings::default());
    place(root.path(), "etc/cosmos/agent.toml", "splay = \"1m\"\nstale-after = \"2h\"\n", 0o644);
    place(root.path(), "etc/cosmos/agent.d/10-a.toml", "splay = \"2m\"\n[limits]\nrefs = 7\n", 0o644);
    place(root.path(), "etc/cosmos/agent.d/9-b.toml", "splay = \"3m\"\n[limits]\nrefs = 8\nobjects = 9\n", 0o644);
    place(root.path(), "etc/cosmos/agent.d/ignored.txt", "nonsense", 0o644);
    place(root.path(), "etc/cosmos/agent.d/.half.toml", "nonsense", 0o644);
    let settings = load_agent(root.path()).unwrap();
    assert_eq!((settings.splay.as_secs(), settings.stale_after.as_secs()), (180, 7200));
    assert_eq!(settings.limits(&Limits::default()), Limits { refs: 8, objects: 9, ..Limits::default() });

    place(root.path(), "etc/cosmos/agent.toml", "splay = 1\n", 0o644);
    place(root.path(), "etc/cosmos/agent.d/10-a.toml", "stamp = \"relative\"\n", 0o644);
    assert_eq!(
        load_agent(root.path()).unwrap_err(),
        "'/etc/cosmos/agent.toml' line 1, splay: invalid type: integer `1`, expected a string\n\
         '/etc/cosmos/agent.d/10-a.toml' line 1, stamp: 'relative' is not an absolute path (without '.', '..' and '//')"
    );
}

#[test]
fn a_trust_file_that_others_can_write_is_refused() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(load_trust(root.path()).unwrap_err(), "'/etc/cosmos/trust.toml' is missing");
    let text = trust_with("", "url = \"/srv/x\"");
    place(root.path(), "etc/cosmos/trust.toml", &text, 0o600);
    assert_eq!(load_trust(root.path()).unwrap().fqdn.as_str(), "ns1.example.org");
    for mode in [0o620, 0o602] {
        place(root.path(), "etc/cosmos/trust.toml", &text, mode);
        assert_eq!(
            load_trust(root.path()).unwrap_err(),
            format!("'/etc/cosmos/trust.toml' can be written by others (mode {mode:04o})")
        );
    }
    place(root.path(), "etc/cosmos/agent.toml", &"#".repeat((1 << 20) + 1), 0o600);
    assert_eq!(
        load_agent(root.path()).unwrap_err(),
        "'/etc/cosmos/agent.toml' is not a text of at most 1 MiB in UTF-8"
    );
}

#[test]
fn a_settings_path_leads_nowhere_outside_the_root() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    place(outside.path(), "agent.toml", "splay = \"1m\"\n", 0o644);
    fs::create_dir(root.path().join("etc")).unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("etc/cosmos")).unwrap();
    assert_eq!(load_agent(root.path()).unwrap(), AgentSettings::default());
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        "[a-z]{1,8}(/[a-z0-9]{1,4})?".prop_map(|branch| Mode::Commits { branch }),
        "[a-z][a-z0-9./-]{0,6}\\*".prop_map(|pattern| Mode::Tags { pattern, classic: false }),
    ]
}

fn any_trust() -> impl Strategy<Value = TrustFile> {
    let numbers = (1..9_usize, proptest::option::of(1..9_usize), proptest::option::of(1..1_000_000_u64));
    let texts = (proptest::option::of("[a-z0-9-]{1,64}"), proptest::option::of("[a-z]{1,5}"), "[^\0\n]{0,20}");
    (any_mode(), numbers, texts, any::<(bool, bool)>(), 1..1_u64 << 40).prop_map(
        |(mode, (threshold, policy_threshold, max_age), (fleet, ring, folder), (any, require), bytes)| {
            let by_tags = matches!(mode, Mode::Tags { .. });
            TrustFile {
                fqdn: cosmos_model::host_name::HostName::new("ns1.example.org").unwrap(),
                mode,
                introduction: (COMMIT.parse().unwrap(), SIGNER.to_owned()),
                fleet,
                threshold,
                policy_threshold,
                merge_rule: if any { MergeRule::Any } else { MergeRule::All },
                max_age: max_age.map(Seconds),
                require_statement: require,
                ring: ring.filter(|_| by_tags),
                remotes: vec![RemoteSettings {
                    url: "https://example.org/r.git".to_owned(),
                    token_file: Some(format!("/etc/{folder}").into()),
                    proxy: Some("http://proxy.example.org:3128".to_owned()),
                    address: Some("[2001:db8::1]:443".to_owned()),
                    ..RemoteSettings::default()
                }],
                limits: Limits { transfer: bytes, look: Duration::from_secs(bytes), ..Limits::default() },
            }
        },
    )
}

proptest! {
    #[test]
    fn trust_settings_are_read_as_they_were_written(trust in any_trust()) {
        let text = trust.to_toml("trust.toml").unwrap();
        prop_assert_eq!(TrustFile::parse("trust.toml", &text).unwrap(), trust);
    }

    #[test]
    fn durations_and_sizes_are_read_as_they_were_written(number in any::<u64>()) {
        prop_assert_eq!(Seconds(number).to_string().parse::<Seconds>().unwrap(), Seconds(number));
        prop_assert_eq!(Size(number).to_string().parse::<Size>().unwrap(), Size(number));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "[a-z\\-\\[\\]=\"#.0-9\\n ]{0,80}|\\PC{0,80}") {
        let _ = AgentFile::parse("x", &text);
        let _ = TrustFile::parse("x", &text);
        let _ = text.parse::<cosmos_agent::schedule::Schedule>();
    }
}

#[test]
fn durations_and_sizes_have_one_grammar() {
    let seconds = |text: &str| text.parse::<Seconds>().ok().map(|read| read.0);
    assert_eq!(
        ["90s", "5m", "24h", "2d", "0s"].map(seconds),
        [Some(90), Some(300), Some(86_400), Some(172_800), Some(0)]
    );
    assert_eq!(
        ["", "s", "90", "+9s", "-9s", "9 s", "1.5h", "9S", "99999999999999999999s", "9999999999999999999d"]
            .map(seconds),
        [None; 10]
    );
    let size = |text: &str| text.parse::<Size>().ok().map(|read| read.0);
    assert_eq!(["0", "1000", "64K", "256M", "1G"].map(size), [0, 1000, 1 << 16, 1 << 28, 1 << 30].map(Some));
    assert_eq!(["", "K", "1k", "1 K", "1KB", "-1", "1.5G", "99999999999G"].map(size), [None; 8]);
}
