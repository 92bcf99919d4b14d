#!/bin/bash
# The systemd timer of the root layer fires by itself, and a signed change arrives without anybody's hand.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
cp -a "$PROJECT/overlay" "$PROJECT/post-tasks.d" "$FLEET/"
# Every three seconds instead of every quarter of an hour; the settings' own delay off.
put overlay/etc/systemd/system/cosmos.timer.d/fast.conf << 'UNIT'
[Timer]
OnCalendar=
OnCalendar=*:*:0/3
RandomizedDelaySec=0
AccuracySec=100ms
UNIT
printf 'format = 1\nsplay = "0s"\n' | put overlay/etc/cosmos/agent.d/10-fast.toml
echo one | put hosts/timer.example.org/overlay/etc/motd
release v-1 alice

check 'a machine is up' machine_up timer
check 'git daemon is up' serve_git timer
check 'clone takes the introduction' in_machine timer cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn timer.example.org --tags 'v-*'
check 'the first run installs the schedule' in_machine timer cosmos run
check 'the units are clean' in_machine timer sh -c \
    '[ -z "$(systemd-analyze verify --man=no cosmos.service cosmos.timer 2>&1 | tee /dev/stderr)" ]'
check 'and started the timer' in_machine timer systemctl is-active cosmos.timer
check 'for the next boot, too' in_machine timer systemctl is-enabled cosmos.timer

motd() { [ "$(cat "$(root_of timer)/etc/motd")" = "$1" ]; }
echo two | put hosts/timer.example.org/overlay/etc/motd
release v-2 alice
check 'a signed change arrives by itself' eventually 30 motd two
check 'the run is in the journal' in_machine timer journalctl --quiet --no-pager --unit cosmos.service
said 'under its own name' 'cosmos'

in_machine timer cosmos pause 'a test is looking'
echo three | put hosts/timer.example.org/overlay/etc/motd
release v-3 alice
sleep 8
check 'the off switch holds unattended runs' motd two
check 'resume ends it' in_machine timer cosmos resume
check 'and the change arrives' eventually 30 motd three
same 'no run failed' '' "$(in_machine timer systemctl --failed --plain --no-legend)"
