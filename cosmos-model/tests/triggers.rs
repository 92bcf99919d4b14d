//! What changed paths set off, and what earlier runs left undone.

mod support;

use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;
use cosmos_model::staged::StagedModel;
use cosmos_model::triggers::{Cause, Changed, Check, Due, Kept, Look, Work, cron, decide, leaving, pam, tasks_as_said};
use support::{mistakes, staged};

const HOST: &str = "ns1.example.org";

const DNS: &str = "\
[tasks.\"030puppet\"]\nwhen-changed = ['etc/puppet/**']\n\
[[service]]\nname = 'unbound'\nreload = ['etc/unbound/**']\nrestart = ['etc/default/unbound']\nenabled = true\n\
[[check]]\nname = 'dns'\nrun = ['unbound-checkconf', '{staged}/etc/unbound/unbound.conf']\nwhen = ['etc/unbound/**']\n\
[[probe]]\nrun = ['dig', '@localhost']\nwhen = ['etc/unbound/**', 'etc/default/unbound']\n";

fn model(files: &[(&str, &str)]) -> StagedModel {
    staged(files, HOST)
}

fn dns() -> StagedModel {
    model(&[("layer.toml", DNS), ("post-tasks.d/030puppet", "#!/bin/sh"), ("post-tasks.d/040all", "#!/bin/sh")])
}

fn after(model: &StagedModel, paths: &[&str], kept: &Kept) -> Work {
    let paths: Vec<RelPath> = paths.iter().map(|path| path.parse().expect("a path")).collect();
    let changed: Vec<_> = paths.iter().map(|path| Changed { path, is_directory: false, goes: false }).collect();
    decide(model, &changed, kept)
}

fn shown(work: &Work) -> String {
    let mut words: Vec<String> = work.checks.iter().map(|check| format!("check {}", check.name)).collect();
    words.extend(work.stops.iter().map(|name| format!("stop {name}")));
    words.extend(work.due.iter().map(|pending| pending.due.to_string()));
    words.join(", ")
}

/// The services as they are once everything was done.
fn settled(model: &StagedModel) -> Kept {
    let mut kept = Kept::default();
    kept.take_services(model);
    for pending in after(model, &[], &kept).due {
        kept.is_done(&pending.due);
    }
    kept
}

#[test]
fn a_changed_path_sets_off_what_names_it_and_nothing_else() {
    let (model, kept) = (dns(), settled(&dns()));
    assert_eq!(shown(&after(&model, &["etc/motd"], &kept)), "");
    let reload = after(&model, &["etc/unbound/unbound.conf"], &kept);
    assert_eq!(shown(&reload), "check unbound, check dns, reload unbound, probe dig");
    let restart = after(&model, &["etc/default/unbound", "etc/unbound/unbound.conf"], &kept);
    assert_eq!(shown(&restart), "check unbound, check dns, restart unbound, probe dig");
    assert_eq!(shown(&after(&model, &["etc/puppet/puppet.conf"], &kept)), "run post-tasks.d/030puppet");
    let unit = after(&model, &["etc/systemd/system/page.service", "etc/ssh/sshd_config"], &kept);
    assert_eq!(shown(&unit), "check sshd, check units, reload units, probe reachability");
}

#[test]
fn a_unit_that_goes_is_not_verified_and_the_manager_hears_of_it() {
    let path = "etc/systemd/system/page.service".parse().expect("a path");
    let work = decide(&dns(), &[Changed { path: &path, is_directory: false, goes: true }], &settled(&dns()));
    assert_eq!(shown(&work), "reload units");
}

#[test]
fn a_task_that_waits_for_a_change_is_planned_only_with_it() {
    let (model, kept) = (dns(), Kept::default());
    let names = |work: &Work| work.tasks.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&after(&model, &["etc/motd"], &kept)), ["post-tasks.d/040all"]);
    let changed = after(&model, &["etc/puppet/a"], &kept);
    assert_eq!(names(&changed), ["post-tasks.d/030puppet", "post-tasks.d/040all"]);
    assert_eq!(changed.tasks[0].because, ["etc/puppet/a".parse().unwrap()]);
}

#[test]
fn a_task_that_is_enough_once_is_planned_until_this_script_ended_well() {
    let files = [("layer.toml", "[tasks.'010join']\nonce = true\n"), ("pre-tasks.d/010join", "#!/bin/sh")];
    let mut kept = Kept::default();
    assert_eq!(after(&model(&files), &[], &kept).tasks.len(), 1);
    kept.once.insert("010join".into(), cosmos_model::content::ContentHash::of(b"#!/bin/sh"));
    assert_eq!(after(&model(&files), &[], &kept).tasks.len(), 0);
    let mended = [files[0], ("pre-tasks.d/010join", "#!/bin/sh -e")];
    assert_eq!(after(&model(&mended), &[], &kept).tasks.len(), 1, "another script");
}

#[test]
fn what_did_not_happen_is_due_until_it_did_and_names_all_its_paths() {
    let model = dns();
    let mut kept = settled(&model);
    kept.pending = after(&model, &["etc/unbound/a", "etc/puppet/a"], &kept).due;
    let later = after(&model, &["etc/unbound/b"], &kept);
    assert_eq!(shown(&later), "check unbound, check dns, reload unbound, run post-tasks.d/030puppet, probe dig");
    let paths: Vec<String> = later.due[0].paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["etc/unbound/a", "etc/unbound/b"]);
    kept.pending = later.due;
    kept.is_done(&Due::Reload("unbound".into()));
    assert_eq!(shown(&after(&model, &[], &kept)), "run post-tasks.d/030puppet, probe dig");
    kept.is_done(&Due::Task("030puppet".into()));
    kept.is_done(&Due::Probe("dig".into()));
    assert_eq!(shown(&after(&model, &[], &kept)), "");
}

#[test]
fn what_has_left_the_model_is_not_due_any_more() {
    let mut kept = settled(&dns());
    kept.pending = after(&dns(), &["etc/unbound/a", "etc/puppet/a"], &kept).due;
    assert_eq!(shown(&after(&model(&[("layer.toml", "")]), &[], &kept)), "");
}

#[test]
fn a_service_is_enabled_when_the_word_changes_and_not_in_each_run() {
    let with = |word: &str| model(&[("layer.toml", &format!("[[service]]\nname = 'page'\n{word}\n"))]);
    let (on, off, silent) = (with("enabled = true"), with("enabled = false"), with(""));
    assert_eq!(shown(&after(&on, &[], &Kept::default())), "enable page");
    let mut kept = settled(&on);
    assert_eq!(shown(&after(&on, &[], &kept)), "");
    assert_eq!(shown(&after(&off, &[], &kept)), "disable page");
    assert_eq!(shown(&after(&silent, &[], &kept)), "");
    kept.take_services(&silent);
    assert_eq!(shown(&after(&on, &[], &kept)), "enable page", "a word that was taken back is news again");
}

#[test]
fn the_services_of_a_layer_that_is_gone_stop_and_those_that_moved_do_not() {
    let service = |name: &str| format!("[[service]]\nname = '{name}'\n");
    let both = model(&[
        ("layer.toml", "use = ['dns', 'web']\n"),
        ("models/dns/layer.toml", &service("unbound")),
        ("models/web/layer.toml", &service("nginx")),
    ]);
    let kept = settled(&both);
    let moved = model(&[("layer.toml", &service("nginx"))]);
    assert_eq!(shown(&after(&moved, &[], &kept)), "stop unbound");
    let layer_stays = model(&[
        ("layer.toml", "use = ['dns', 'web']\n"),
        ("models/dns/layer.toml", ""),
        ("models/web/layer.toml", ""),
    ]);
    assert_eq!(shown(&after(&layer_stays, &[], &kept)), "", "a table that was removed leaves the service alone");
}

/// A layer that is asked before it leaves, and what a host remembers of it.
const FAREWELL: &str = "[[check]]\nname = 'zones'\nleaving = true\nrun = ['zone-leave', '--all']\ntimeout = '5m'\n";

fn remembers(model: &StagedModel) -> Kept {
    let mut kept = Kept::default();
    kept.take_leaving(model, &|_| false);
    kept
}

fn asked(model: &StagedModel, kept: &Kept) -> String {
    let words = |check: &Check| match (&check.cause, &check.look) {
        (Cause::Leaving(layer), Look::Program { run, .. }) => format!("{layer}: {}: {}", check.name, run.join(" ")),
        other => format!("{other:?}"),
    };
    leaving(model, kept).iter().map(words).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_layer_is_asked_before_it_leaves_by_what_it_said_when_it_was_applied() {
    let files = [("layer.toml", "use = ['signer']\n"), ("models/signer/layer.toml", FAREWELL)];
    let (with, without) = (model(&files), model(&[("layer.toml", "")]));
    let kept = remembers(&with);
    assert_eq!(asked(&with, &kept), "");
    assert_eq!(asked(&without, &kept), "models/signer: zones: zone-leave --all");
    assert_eq!(asked(&without, &Kept::default()), "", "a layer that was never here does not leave");
    let work = after(&without, &[], &kept);
    assert_eq!((work.leaving.len(), work.leaving[0].timeout), (1, Some(300)));
    assert_eq!(work.below_another_root().leaving, []);
    let moved = model(&[("layer.toml", "use = ['signer']\n"), ("signer/layer.toml", FAREWELL)]);
    assert_eq!(asked(&moved, &kept), "", "it has left one place of the repository, and no host");
    let end = "use = ['signer']\nretired = '2026-01-10 sold'\n";
    let retired = model(&[("hosts/ns1.example.org/layer.toml", end), files[1]]);
    assert_eq!(asked(&retired, &kept), "models/signer: zones: zone-leave --all");
}

#[test]
fn what_a_layer_is_asked_is_remembered_until_it_may_go_and_by_its_newest_word() {
    let with = |farewell: &str| model(&[("layer.toml", "use = ['signer']\n"), ("models/signer/layer.toml", farewell)]);
    let (first, other, silent, without) = (
        with(FAREWELL),
        with(&FAREWELL.replace("--all", "--each")),
        with("[files.'x']\nmode = '0600'\n"),
        model(&[("layer.toml", "")]),
    );
    let mut kept = remembers(&first);
    let text = serde_json::to_string(&kept).unwrap();
    assert_eq!(serde_json::from_str::<Kept>(&text).unwrap(), kept);
    kept.take_leaving(&other, &|layer| layer == "models/signer");
    assert_eq!(asked(&without, &kept), "models/signer: zones: zone-leave --all", "nothing of the new one is here");
    let moved = model(&[("layer.toml", "use = ['signer']\n"), ("signer/layer.toml", FAREWELL)]);
    kept.take_leaving(&moved, &|layer| layer == "signer");
    assert_eq!(asked(&without, &kept), "models/signer: zones: zone-leave --all", "nor of one that lies elsewhere");
    kept.take_leaving(&other, &|_| false);
    assert_eq!(asked(&without, &kept), "models/signer: zones: zone-leave --each");
    let mut gone = kept.clone();
    gone.take_leaving(&without, &|_| true);
    assert_eq!(asked(&without, &gone), "", "it has begun to leave");
    kept.take_leaving(&silent, &|_| false);
    assert_eq!(asked(&without, &kept), "", "a table that was removed by a release asks nothing");
    let mut new = Kept::default();
    new.take_leaving(&first, &|_| true);
    assert_eq!(asked(&without, &new), "", "a layer that waits for its package has brought nothing");
}

#[test]
fn a_layer_leaves_unasked_where_a_release_says_so_by_its_name() {
    let kept = remembers(&model(&[("layer.toml", "use = ['signer']\n"), ("models/signer/layer.toml", FAREWELL)]));
    let off = |name: &str| model(&[("layer.toml", &format!("no-check = ['leaving {name}']\n"))]);
    assert_eq!(asked(&off("signer"), &kept), "");
    assert_eq!(asked(&off("resigner"), &kept), "models/signer: zones: zone-leave --all");
    let everywhere = model(&[("layer.toml", ""), ("global/layer.toml", "no-check = ['leaving signer']\n")]);
    assert_eq!(asked(&everywhere, &kept), "");
}

#[test]
fn a_check_of_a_layer_that_leaves_waits_for_no_path_and_sees_no_staged_file() {
    let layer = "\
no-check = ['leaving ', 'leaving a/b']
[[check]]
leaving = true
when = ['etc/x']
run = ['test', '-e', '{staged}/etc/x']
[[check]]
leaving = false
run = ['true']
[[check]]
leaving = 'yes'
when = ['etc/x']
run = ['true']
";
    assert_eq!(
        mistakes(&[("layer.toml", layer)], HOST),
        "layer.toml:1:13: there is no check of well-known paths called 'leaving '\n\
         layer.toml:1:25: there is no check of well-known paths called 'leaving a/b'\n\
         layer.toml:2:1: a check has 'when' or 'leaving', not both\n\
         layer.toml:5:22: a check of a layer that leaves looks at the host, where '{staged}' means nothing\n\
         layer.toml:6:1: 'when' must name at least one path\n\
         layer.toml:10:11: 'leaving' must be true or false, this is a string"
    );
}

#[test]
fn a_root_that_is_not_this_hosts_has_tasks_only() {
    let work = after(&dns(), &["etc/unbound/a", "etc/puppet/a"], &Kept::default()).below_another_root();
    assert_eq!(shown(&work), "check unbound, check dns, run post-tasks.d/030puppet");
    let left_out: Vec<String> = work.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(left_out, ["enable unbound", "reload unbound", "probe dig"]);
}

#[test]
fn the_first_layer_has_the_word_about_a_service_and_checks_add_up() {
    let check = "[[check]]\nname = 'one'\nrun = ['true']\nwhen = ['etc/x']\n";
    let model = model(&[
        ("layer.toml", &format!("{check}[[service]]\nname = 'page'\nreload = ['etc/x']\n")),
        ("global/layer.toml", &format!("{}[[service]]\nname = 'page'\n", check.replace("one", "two"))),
    ]);
    assert_eq!(shown(&after(&model, &["etc/x"], &Kept::default())), "check two, check one");
}

#[test]
fn a_check_of_well_known_paths_is_turned_off_by_its_name() {
    let off = model(&[("layer.toml", "no-check = ['sshd', 'fstab']\n")]);
    let work = after(&off, &["etc/ssh/sshd_config", "etc/fstab", "etc/sudoers.d/ops"], &Kept::default());
    assert_eq!(shown(&work), "check sudoers, probe reachability");
}

#[test]
fn what_is_kept_reads_back_as_it_was() {
    let model = dns();
    let mut kept = settled(&model);
    kept.tasks = tasks_as_said(model.triggers());
    kept.pending = after(&model, &["etc/unbound/a", "etc/puppet/a", "etc/hosts"], &kept).due;
    let text = serde_json::to_string(&kept).unwrap();
    assert_eq!(serde_json::from_str::<Kept>(&text).unwrap(), kept);
    assert!(text.contains(r#"{"due":{"reload":"unbound"},"paths":["etc/unbound/a"]}"#), "{text}");
}

#[test]
fn an_empty_plan_on_a_settled_host_sets_off_nothing() {
    let model = dns();
    let work = decide(&model, &[], &settled(&model));
    assert_eq!((work.checks.len(), work.stops.len(), work.due.len()), (0, 0, 0));
    assert!(ManagedSet::default().entries.is_empty());
}

#[test]
fn every_mistake_in_a_table_is_named_at_its_place() {
    let layer = "\
no-check = ['ssh']
[tasks.'030puppet']
timeout = '2 hours'
when = ['x']
[tasks.'sub/030x']
[[service]]
name = '-x'
[[service]]
reload = ['/etc/x']
[[check]]
run = ['bin/x']
when = []
[[probe]]
run = ['test', '-e', '{staged}/x']
when = ['etc/x']
within = '0s'
";
    assert_eq!(
        mistakes(&[("layer.toml", layer)], HOST),
        "layer.toml:1:13: there is no check of well-known paths called 'ssh'\n\
         layer.toml:3:11: 'timeout' must be a duration, not '2 hours'\n\
         layer.toml:4:1: unknown key 'tasks.when'\n\
         layer.toml:5:8: 'sub/030x' is not the name of a task\n\
         layer.toml:7:8: '-x' is not the name of a service\n\
         layer.toml:8:1: a service needs its 'name'\n\
         layer.toml:9:11: '/etc/x' is not a path pattern: \
         a path pattern is relative to the root, without leading slash, '.' and '..'\n\
         layer.toml:10:1: 'run' must begin with a program, by its absolute path or name\n\
         layer.toml:10:1: 'when' must name at least one path\n\
         layer.toml:14:22: a probe looks at the host, where '{staged}' means nothing\n\
         layer.toml:16:10: 'within' must be a duration, not '0s'"
    );
}

#[test]
fn a_rule_needs_its_task_and_a_pre_task_cannot_wait_for_files() {
    let rules = "[tasks.'010gone']\nonce = true\n[tasks.'020early']\nwhen-changed = ['etc/x']\n";
    assert_eq!(
        mistakes(&[("layer.toml", rules), ("pre-tasks.d/020early", "#!/bin/sh")], HOST),
        "layer.toml:1:8: there is no task '010gone' in any layer of this host\n\
         layer.toml:3:8: 'when-changed' means tasks after files, '020early' is in pre-tasks.d"
    );
}

#[test]
fn cron_would_read_what_passes_and_what_it_passes_over_is_refused() {
    let table: RelPath = "etc/cron.d/a-b_2".parse().expect("a path");
    for good in [
        "",
        "# words\n\nMAILTO=root\n\"A B\" = c\n*/15 * * * * root true\n",
        "0,30-59/7 22-23 1 jan-mar,12 MON-FRI,7 root command with words\n",
        "@reboot root true\n @daily\troot\ttrue\n",
    ] {
        assert_eq!(cron::fault(&table, good.as_bytes(), 0o644), None, "{good}");
    }
    for (bad, fault) in [
        ("* * * * * root true", "cron passes over 'etc/cron.d/a-b_2': its last line has no end"),
        ("60 * * * * root true\n", "'etc/cron.d/a-b_2' line 1: '60' is no minute of cron's"),
        ("#\n* 5-1 * * * root true\n", "'etc/cron.d/a-b_2' line 2: '5-1' is no hour of cron's"),
        ("* * 0 * * root true\n", "'etc/cron.d/a-b_2' line 1: '0' is no day of month of cron's"),
        ("* * * */0 * root true\n", "'etc/cron.d/a-b_2' line 1: '*/0' is no month of cron's"),
        ("* * * * someday root true\n", "'etc/cron.d/a-b_2' line 1: 'someday' is no day of week of cron's"),
        ("* * * *\n", "'etc/cron.d/a-b_2' line 1: a time has five fields"),
        ("* * * * * root\n", "'etc/cron.d/a-b_2' line 1: after the time stand a user and a command"),
        ("@often root true\n", "'etc/cron.d/a-b_2' line 1: '@often' is no time of cron's"),
    ] {
        assert_eq!(cron::fault(&table, bad.as_bytes(), 0o644).as_deref(), Some(fault), "{bad}");
    }
    let writable = cron::fault(&table, b"", 0o664);
    assert_eq!(writable.as_deref(), Some("cron passes over 'etc/cron.d/a-b_2': its mode 0664 lets others write"));
    let dotted = cron::fault(&"etc/cron.d/a.sh".parse().expect("a path"), b"", 0o644);
    let said = "cron passes over 'etc/cron.d/a.sh': its name may have letters, digits, '_' and '-' only";
    assert_eq!(dotted.as_deref(), Some(said));
    assert_eq!(cron::fault(&"etc/cron.d/.placeholder".parse().expect("a path"), b"x", 0o644), None);
}

#[test]
fn the_modules_a_pam_file_needs_are_found_and_optional_ones_are_not() {
    let text = "# words\nauth\trequired pam_unix.so nullok # more\n@include common-auth\n\
                session [success=ok default=bad] /opt/pam_own.so\n-session optional pam_systemd.so\n\
                auth include common\nauth substack other\nbroken\n";
    let found: Vec<_> = pam::modules(text.as_bytes()).into_iter().map(String::from_utf8_lossy).collect();
    assert_eq!(found, ["pam_unix.so", "/opt/pam_own.so"]);
}
