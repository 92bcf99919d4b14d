#!/bin/bash
# Without systemd, real cron runs the root layer's cron line, and a signed change arrives. Cron's clock is fast.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
cp -a "$PROJECT/overlay" "$FLEET/"
printf 'format = 1\nsplay = "0s"\n' | put overlay/etc/cosmos/agent.d/10-fast.toml
echo one | put hosts/cron.example.org/overlay/etc/motd
release v-1 alice

# Cron is the first program here, no systemd; every second is five of its minutes. What it starts has the real clock,
# since cron gives its jobs an environment of their own.
base=$(base_root "$MACHINE_PACKAGES")
machine_lay cron "$base" && network_up cron
# Each host waits as long as its machine id says; this one gets an id that says "hardly".
id=$(root_of cron)/etc/machine-id
until [ $(($(cat "$id" "$(root_of cron)/etc/hostname" | cksum | cut -d' ' -f1) % 300)) -lt 3 ]; do
    tr -d - < /proc/sys/kernel/random/uuid > "$id"
done
check 'a machine without systemd is up' machine_boot cron --as-pid2 \
    --setenv=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 '--setenv=FAKETIME=+0 x300' cron -f
check 'git daemon is up' serve_git cron
check 'clone takes the introduction' in_machine cron cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn cron.example.org --tags 'v-*'
check 'the first run installs the schedule' in_machine cron cosmos run

motd() { [ "$(cat "$(root_of cron)/etc/motd")" = "$1" ]; }
echo two | put hosts/cron.example.org/overlay/etc/motd
release v-2 alice
check 'a signed change arrives by cron' eventually 40 motd two
check 'the stamp is fresh' eventually 10 in_machine cron sh -c 'find /run/cosmos -name "*.stamp" -mmin -2 | grep .'
