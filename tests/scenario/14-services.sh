#!/bin/bash
# Bad files never reach a host; services hear of good ones, also after killed runs; a firewall that cuts off goes back.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
echo 'use = ["page"]' | put hosts/services.example.org/layer.toml
echo one | put models/page/overlay/etc/page.text
put models/page/overlay/etc/systemd/system/page.service << 'UNIT'
[Unit]
Description=one text
[Service]
ExecStart=/bin/sh -c 'cat /etc/page.text >> /run/page.started; exec sleep infinity'
ExecReload=/bin/sh -c 'cat /etc/page.text > /run/page.reloaded'
[Install]
WantedBy=multi-user.target
UNIT
put models/page/layer.toml << 'LAYER'
[[service]]
name = "page"
reload = ["etc/page.text"]
restart = ["etc/systemd/system/page.service"]
enabled = true
[[check]]
name = "readers"
leaving = true
run = ["/bin/sh", "-c", "! test -e /srv/readers || { echo 'somebody still reads; wait until nobody does'; exit 1; }"]
[[check]]
name = "page"
run = ["/bin/grep", "-q", ".", "{staged}/etc/page.text"]
when = ["etc/page.text"]
LAYER
release v-1 alice

base=$(base_root "$MACHINE_PACKAGES,openssh-server,sudo,nftables")
check 'a machine is up' machine_up services "$base"
check 'git daemon is up' serve_git services
root=$(root_of services)
host() { in_machine services "$@"; }
check 'clone takes the introduction' host cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn services.example.org --tags 'v-*'
check 'update fetches' host cosmos update
check 'plan says what will be told' host cosmos plan
said 'that the unit is read' '^> reload units  since etc/systemd/system/page.service changed'
said 'and the service enabled' '^> enable page'
check 'the first run converges' host cosmos run
same 'the service runs' active "$(host systemctl is-active page)"
same 'for the next boot, too' enabled "$(host systemctl is-enabled page)"
same 'and was started once, with the file in place' one "$(cat "$root/run/page.started" 2> /dev/null || host cat /run/page.started)"
check 'a second run does nothing' host cosmos run
quiet 'and says nothing'

number=1
next() { number=$((number + 1)) && release "v-$number" alice "${1:-}"; }
gone() { git -C "$FLEET" rm --quiet --force -- "$1"; }

echo two | put models/page/overlay/etc/page.text
next
check 'a change is applied' host cosmos run
same 'the service read it' two "$(host cat /run/page.reloaded)"

# refused WORDS PATH MESSAGE: what is at PATH in the layer now never arrives, and the run says why.
refused() {
    local path=$2 before after
    before=$(host sh -c "ls -l --time-style=full-iso '/$path'; cat '/$path'" 2>&1)
    echo "$1" | put overlay/etc/motd
    next
    exits "$1 is refused" 1 host cosmos run
    said 'by its name' "$3"
    said 'and where' "nothing was changed; mend .*$path"
    after=$(host sh -c "ls -l --time-style=full-iso '/$path'; cat '/$path'" 2>&1)
    same 'and the path is as it was' "$before" "$after"
    same 'no other file of that release arrived' '' "$(host grep -F "$1" /etc/motd)"
    gone "$4"
    next
    check "the host goes on after $1" host cosmos run
}

printf 'Port 22\nPermitRootLogin perhaps\n' | put overlay/etc/ssh/sshd_config.d/bad.conf
refused 'a bad sshd_config' etc/ssh/sshd_config.d/bad.conf "check 'sshd' of well-known paths failed.*perhaps" overlay/etc/ssh/sshd_config.d/bad.conf
echo 'ops ALL=(ALL NOPASSWD ALL' | put overlay/etc/sudoers.d/ops
printf '[files."etc/sudoers.d/*"]\nmode = "0440"\n' | put layer.toml
refused 'a bad sudoers file' etc/sudoers.d/ops "check 'sudoers' of well-known paths failed.*syntax error" overlay/etc/sudoers.d/ops
printf '[Service]\nExecStart=/no/such/program\n' | put overlay/etc/systemd/system/bad.service
refused 'a bad unit' etc/systemd/system/bad.service "check 'units' of well-known paths failed.*no/such/program" overlay/etc/systemd/system/bad.service
printf '99 * * * * root true\n' | put overlay/etc/cron.d/bad
refused 'a bad cron table' etc/cron.d/bad "check 'cron' of well-known paths failed.*'99' is no minute of cron's" overlay/etc/cron.d/bad
printf '* * * * * root true\n' | put overlay/etc/cron.d/bad.sh
refused 'a cron table that cron passes over' etc/cron.d/bad.sh "its name may have letters, digits" overlay/etc/cron.d/bad.sh
printf 'table inet filter { chain input { type filter hook imput priority 0; } }\n' | put overlay/etc/nftables.conf
refused 'a bad firewall' etc/nftables.conf "check 'nftables' of well-known paths failed" overlay/etc/nftables.conf
printf '/dev/sda1 relative ext4 defaults 0 1\n' | put overlay/etc/fstab
refused 'a bad fstab' etc/fstab "check 'fstab' of well-known paths failed" overlay/etc/fstab
printf 'auth required pam_nosuch.so\n' | put overlay/etc/pam.d/bad
refused 'a file of pam.d whose module is missing' etc/pam.d/bad "needs the module 'pam_nosuch.so'" overlay/etc/pam.d/bad

: | put models/page/overlay/etc/page.text
next
exits 'a layer refuses its own empty file' 1 host cosmos run
said 'in its name' "check 'page' of layer 'models/page' failed: exit status 1"
same 'and the file is what it was' two "$(host cat /etc/page.text)"

echo three | put models/page/overlay/etc/page.text
next
check 'the change is fetched' host cosmos update
# Killed at each rename in turn: the reload is lost in none of them, and a run that ended well leaves nothing to do.
for at in 1 2 3 4 5 6 7 8 9; do
    host strace -f -qq -o /dev/null -e trace=rename,renameat,renameat2 \
        -e "inject=rename,renameat,renameat2:signal=KILL:when=$at" cosmos apply > /dev/null 2>&1 && break
done
check "$((at - 1)) killed runs later, the rest happens" host cosmos apply
same 'there were kill points' yes "$([ "$at" -gt 3 ] && echo yes)"
same 'the service read the file' three "$(host cat /run/page.reloaded)"
host rm /run/page.reloaded
check 'one more run' host cosmos run
same 'does not reload again' '' "$(host cat /run/page.reloaded 2> /dev/null)"

# What a check says may quote a secret, the one that comes and those that are there.
host cosmos host key > "$WORK/host.pub"
printf '#!/bin/sh\necho marker-of-the-key > "$1"\n' > "$WORK/editor" && chmod 0755 "$WORK/editor"
check 'the host is enrolled' "$COSMOS" host add services.example.org --key "$WORK/host.pub" --repository "$FLEET"
check 'it gets a secret' env EDITOR="$WORK/editor" "$COSMOS" secret edit models/page/secrets/etc/page.key --repository "$FLEET"
cp "$FLEET/models/page/layer.toml" "$WORK/page.toml"
cat >> "$FLEET/models/page/layer.toml" << 'LAYER'
[[check]]
name = "talks"
run = ["/bin/sh", "-c", "cat /etc/page.key; grep -q fine /etc/page.text"]
when = ["etc/page.text", "etc/page.key"]
LAYER
# silent WORDS MESSAGE: the run fails so, and neither says nor keeps what the check or probe read.
silent() {
    exits "$1" 1 host cosmos run
    said 'without its words' "$2"
    same 'nowhere' '' "$(grep marker-of-the-key "$WORK/said"; host cosmos log --json | grep marker-of-the-key)"
}
next
unsaid="check 'talks' of layer 'models/page' failed: exit status 1; its output is not shown"
silent 'a check that prints the secret of this plan is refused' "$unsaid"
echo fine | put models/page/overlay/etc/page.text
next
check 'with a text that it likes the secret arrives' host cosmos run
same 'as it is' marker-of-the-key "$(cat "$root/etc/page.key")"
echo bad | put models/page/overlay/etc/page.text
next
silent 'a check that prints one from before is, too' "$unsaid"
cp "$WORK/page.toml" "$FLEET/models/page/layer.toml"
cat >> "$FLEET/models/page/layer.toml" << 'LAYER'
[[probe]]
name = "talks"
run = ["/bin/sh", "-c", "cat /etc/page.key; grep -q fine /etc/page.text"]
when = ["etc/page.text"]
within = "1s"
LAYER
next
silent 'a probe that prints a secret takes its layer back' \
    "probe 'talks' of layer 'models/page' failed: exit status 1; etc/page.text went back"
said 'and says that it is silent' '^ +its output is not shown, since this host has secrets$'
put models/page/layer.toml < "$WORK/page.toml"
echo three | put models/page/overlay/etc/page.text
gone models/page/secrets/etc/page.key
next 'cosmos: 1 removals=1'
check 'without the check and the secret the host goes on' host cosmos run

# A layer that must not go yet: whoever drops it is refused, before a task ran or a service stopped.
touch "$root/srv/readers"
: | put hosts/services.example.org/layer.toml
put hosts/services.example.org/pre-tasks.d/010mark 0755 << 'TASK'
#!/bin/sh
touch /srv/task.ran
TASK
next 'cosmos: 1 removals=9'
check 'a release drops a layer that is asked first' host cosmos update
state() { host sh -c 'systemctl is-active page; ls /etc/page.text /etc/systemd/system/page.service /srv'; }
was=$(state)
exits 'the plan is made' 0 host cosmos plan
words="check 'readers' of layer 'models/page', which leaves, failed: exit status 1: somebody still reads; wait until nobody does"
said 'and says that the layer refuses, in its words' "^! held: $words; nothing was changed; do what it asks for"
exits 'so does a dry run' 1 host cosmos run -n
exits 'the run is refused' 1 host cosmos run
said 'by the layer' "^error: $words\$"
said 'with the next step' "^hint: nothing was changed; do what it asks for, or use 'page' again; if it must go at once, write no-check"
same 'the host is untouched' "$was" "$(state)"
exits 'and refused again' 1 host cosmos run
echo 'use = ["page"]' | put hosts/services.example.org/layer.toml
echo four | put models/page/overlay/etc/page.text
next
check 'a release that keeps the layer goes on' host cosmos run
same 'with what is new in it' four "$(host cat /run/page.reloaded)"
: | put hosts/services.example.org/layer.toml
next 'cosmos: 1 removals=9'
exits 'without it, the host refuses as before' 1 host cosmos run
host rm /srv/readers
check 'when nobody reads any more, the layer goes' host cosmos run
same 'its service stopped' inactive "$(host systemctl is-active page)"
same 'its unit is gone' no "$([ -e "$root/etc/systemd/system/page.service" ] && echo yes || echo no)"

# A firewall that lets nothing out to the repository: by a service, then by a post-task.
printf '[[service]]\nname = "nftables"\nrestart = ["etc/nftables.conf"]\nenabled = true\n' | put layer.toml
printf '#!/usr/sbin/nft -f\nflush ruleset\ntable inet open { }\n' | put overlay/etc/nftables.conf 0755
next
check 'a good firewall is loaded' host cosmos run
host nft list ruleset > "$WORK/good"
check 'it is there' grep -q 'table inet open' "$WORK/good"
closed() {
    printf '#!/usr/sbin/nft -f\nflush ruleset\ntable inet closed {\n chain output {\n' | put overlay/etc/nftables.conf 0755
    printf '  type filter hook output priority 0; tcp dport 9418 reject with tcp reset\n }\n}\n' \
        >> "$FLEET/overlay/etc/nftables.conf"
    echo "$1" | put overlay/etc/motd
    next
}
closed 'cut off by a service'
exits 'a firewall that cuts the host off ends the run' 1 host cosmos run
said 'which says what was lost' 'the default probe failed: no remote can be reached any more'
said 'and what went back' 'etc/nftables.conf.* went back to generation'
same 'the rules are those of before' "$(cat "$WORK/good")" "$(host nft list ruleset)"
same 'the rest of the release stays' 'cut off by a service' "$(host cat /etc/motd)"
check 'the next run reaches the repository' host cosmos run
same 'and does not try the revision again' "$(cat "$WORK/good")" "$(host nft list ruleset)"
printf '#!/bin/sh\nexec /usr/sbin/nft -f /etc/nftables.conf\n' | put post-tasks.d/020firewall 0755
printf '[tasks."020firewall"]\nwhen-changed = ["etc/nftables.conf"]\n' | put layer.toml
closed 'cut off by a task'
exits 'the same by a post-task' 1 host cosmos run
said 'is taken back, too' 'etc/nftables.conf.* went back to generation'
same 'with the rules of before' "$(cat "$WORK/good")" "$(host nft list ruleset)"
check 'and the repository is reached' host cosmos run
same 'no unit failed' '' "$(host systemctl --failed --plain --no-legend)"
