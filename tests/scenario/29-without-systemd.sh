#!/bin/bash
# Without systemd services are told by 'service': started, reloaded, restarted, and stopped with their layer.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
echo 'use = ["page"]' | put hosts/plain.example.org/layer.toml
put models/page/layer.toml << 'LAYER'
[[service]]
name = "page"
reload = ["etc/page.text"]
restart = ["etc/page.port"]
enabled = true
LAYER
echo one | put models/page/overlay/etc/page.text
echo 80 | put models/page/overlay/etc/page.port
put models/page/overlay/etc/init.d/page 0755 << 'SCRIPT'
#!/bin/sh
echo "$1 with $(cat /etc/page.text) at $(cat /etc/page.port)" >> /srv/told
SCRIPT
release v-1 alice

plain=$(root_of plain)
check 'a machine without systemd is up' machine_lay plain "$(base_root "$MACHINE_PACKAGES")"
check 'with a network' network_up plain
check 'and one program' machine_boot plain --as-pid2 cron -f
exits 'systemd is not the first process there' 1 in_machine plain test -d /run/systemd/system
cp -a "$PUBLISHED" "$plain/srv/fleet.git"
number=1
next() { release "v-$((number += 1))" alice "${1:-}" && carried "$plain"; }
# told WORDS LINE: a run converges, and the service hears exactly that.
told() {
    rm -f "$plain/srv/told"
    check "$1" in_machine plain cosmos run
    same 'and the service is told so' "$2" "$(cat "$plain/srv/told" 2> /dev/null)"
}
check 'clone takes the introduction' in_machine plain cosmos clone /srv/fleet.git --trust "$(introduction alice)" \
    --fqdn plain.example.org --tags 'v-*'
told 'the first run converges' 'restart with one at 80'
told 'a second run does nothing' ''
echo two | put models/page/overlay/etc/page.text
next
told 'a file that is reloaded changes' 'reload with two at 80'
echo 81 | put models/page/overlay/etc/page.port
next
told 'one that takes a restart' 'restart with two at 81'
: | put hosts/plain.example.org/layer.toml
next 'cosmos: 1 removals=9'
told 'the layer goes' 'stop with two at 81'
