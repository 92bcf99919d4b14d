#!/bin/bash
# The module dnssec-knot: Knot signs and serves a zone, waits for its parent, changes keys; a resolver agrees.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
ZONE=knot.example

# The zone, and a program that hands its keys over; lines given replace settings of the same name.
host() {
    { knot_host && echo 'ds-command = "/usr/local/bin/hand-over"'; } | put hosts/sig.example.org/layer.toml
    given hosts/sig.example.org/layer.toml "$@"
}
number=0
next() { host "$@" && release "v-$((number += 1))" alice && carried "$sig"; }
# without: a release in which the host has nothing of the module.
without() {
    git -C "$FLEET" rm --quiet -r --force hosts/sig.example.org/overlay
    printf '%s\n' "$@" | put hosts/sig.example.org/layer.toml
    release "v-$((number += 1))" alice 'cosmos: 1 removals=99' && carried "$sig"
}
run() { in_machine sig cosmos run; }

zone_world Knot "$KNOT_PACKAGES"
cat > "$sig/etc/knot/tsig.conf" << 'E'
key:
  - id: hand-over
    algorithm: hmac-sha256
    secret: K2tf3TRrmE7TJd+m2NPBuw==
E
in_machine sig sh -c 'chmod 0640 /etc/knot/tsig.conf && chgrp knot /etc/knot/tsig.conf'

unsigned=hosts/sig.example.org/overlay/etc/knot/zones/knot.example
zone $unsigned 2
printf '#!/bin/sh\necho "$(id -un) got $(cat)"\n' | put hosts/sig.example.org/overlay/usr/local/bin/hand-over 0755
next
check 'the host is told whom to believe' in_machine sig cosmos clone /srv/fleet.git --trust "$(introduction alice)" \
    --fqdn sig.example.org --tags 'v-*'
check 'one run signs the zone' run
same 'all of it runs' 'active active active' \
    "$(in_machine sig systemctl is-active knot dnssec-parent.timer dnssec-status.timer | paste -sd' ')"
exits 'a second run' 0 run
quiet 'has nothing to do'
same 'keys are for Knot alone' '750 knot knot' "$(in_machine sig stat -c '%a %U %G' /var/lib/knot/keys/keys)"

status() { in_machine sig cosmos-tools zone-status --warn-within 1m; }
keys() { in_machine sig keymgr --mono knot.example list; }
# served PATTERN TYPE [NAME]: until the world's name server answers so.
served() {
    eventually 60 sh -c "nsenter -t $(cat "$WORK/machine/world/leader") -a dig @203.0.113.1 +short '${3:-knot.example}' '$2' | grep -Eq '$1'"
}
ds_file=$sig/var/lib/dnssec-signer/knot.example.ds

check 'the key waits for its parent' waits 'KSK: ready, waits for ds-seen'
exits 'which the status says, and that somebody is needed' 6 status
said 'until then the zone is insecure' 'parent 203\.0\.113\.1: no DS in parent: zone still insecure'
said 'with the record to give' 'to give to the parent: DS [0-9]+ 13 2 [0-9a-f]{64}$'
exits 'nor does the daily look think so' 1 in_machine sig systemctl start dnssec-status
check 'the record is published as a file' eventually 30 test -s "$ds_file"
same 'made by SHA-256 and nothing else' 'knot.example. IN DS 13 2' "$(awk '{ print $1, $2, $3, $5, $6 }' "$ds_file")"
same 'the same that Knot exports' "$(in_machine sig keymgr knot.example ds | awk '$5 == 2 { print $3, $4, $5, tolower($6) }')" \
    "$(awk '{ print $4, $5, $6, $7 }' "$ds_file")"
# noted PATTERN: until the host's status has such a note of the zone.
noted() { eventually 30 sh -c "nsenter -t $(cat "$WORK/machine/sig/leader") -a cosmos status | grep -Eq '^note +dnssec-knot knot.example: $1'"; }
check 'the status of the host says so, too' noted \
    'waits for its parent \(ds-seen\); no DS in parent: zone still insecure; somebody should look, since 20'
check 'a program got the key to hand over, without the rights of root' eventually 20 sh -c "nsenter -t \
    $(cat "$WORK/machine/sig/leader") -a journalctl --boot --unit=dnssec-parent | grep -q ': knot got knot\.example\. IN DNSKEY 257 3 13 '"
check 'the zone was handed over, by a key' served . SOA
same 'with the record that a parent may fetch by itself' "$(awk '{ print $4, $5, $6, $7 }' "$ds_file")" \
    "$(in_machine world dig @203.0.113.1 +short knot.example CDS | awk '{ print $1, $2, $3, tolower($4 $5) }')"
check 'and the key it is made of' served '^257 3 13 ' CDNSKEY
same 'absent names are denied by NSEC3 without iterations and salt' '1 0 0 -' \
    "$(in_machine world dig @203.0.113.1 +short knot.example NSEC3PARAM)"
exits 'nobody else gets the zone' 0 in_machine world dig @203.0.113.2 knot.example AXFR
said 'without that key' 'Transfer failed'

cp "$ds_file" "$WORK/anchor"
check 'a resolver is up that knows that record and no more' resolver
validates 'it says that the answer is authentic' "$good"20\$
validates 'and that a name is absent' '^NXDOMAIN qr rd ra ad' nowhere.knot.example
cp "$WORK/anchor" "$WORK/right"
sed 's/.\{8\}$/00000000/' "$WORK/right" > "$WORK/anchor"
check 'one that knows another record' resolver
validates 'refuses the zone' '^SERVFAIL '
check 'the parent gets the wrong record' parent "$WORK/anchor"
cp "$WORK/right" "$WORK/anchor"
check 'the right one again' resolver
sleep 3
exits 'which nobody takes for the right one' 6 status
said 'since resolvers refuse that zone' 'the parent vouches for keys that the zone has not: RESOLVERS REFUSE THE ZONE'
said 'the key still waits' 'KSK: ready, waits for ds-seen'
check 'the parent gets the right one' parent "$WORK/anchor"
check 'which Knot finds out by itself' waits 'KSK: active, next change by policy'
check 'now nobody is needed' status
said 'and the parent agrees' "parent 203\.0\.113\.1: DS of key $(awk '{ print $4 }' "$WORK/anchor")\$"
check 'the status of the host is content' noted 'signed, and its parent vouches for it$'
in_machine sig cosmos-tools zone-status --ksk-lifetime 365d > "$WORK/said"
said 'until the key is a year old' "KSK: active, .*, another key from $(($(date +%Y) + 1))-.*Z on\$"
check 'as the daily look agrees' in_machine sig systemctl start dnssec-status

# The zone changes.
sed -i s/192.0.2.20/192.0.2.21/ "$FLEET/$unsigned"
pid() { in_machine sig systemctl show --value --property MainPID knot; }
was=$(pid)
next
check 'the zone is changed' run
same 'by a reload' "$was" "$(pid)"
check 'the world has it soon' served '192.0.2.21' A www.knot.example
sleep 2
validates 'and it is authentic' "$good"21\$

# Keys change, and the resolver is asked all the time.
watch
zsk=$(keys | awk '$3 == "ZSK" { print $2 }')
check 'another key shall sign the zone' in_machine sig knotc zone-key-rollover knot.example zsk
check 'the new one is there' waits "key ($zsk ZSK: active|[0-9]+ ZSK: publish)"
check 'and signs alone' eventually 90 sh -c "test \"\$(nsenter -t $(cat "$WORK/machine/sig/leader") -a cosmos-tools zone-status |
    grep ' ZSK: ' | grep -v 'key $zsk ' | grep -c active)\" = 1 && ! nsenter -t $(cat "$WORK/machine/sig/leader") -a \
    cosmos-tools zone-status | grep -q 'key $zsk '"
ksk=$(awk '{ print $4 }' "$WORK/anchor")
check 'the parent shall vouch for another key' in_machine sig knotc zone-key-rollover knot.example ksk
check 'the new one waits for it' waits 'KSK: ready, waits for ds-seen' 90
check 'in the middle of it, the host restarts its service' in_machine sig systemctl restart knot
machine_down sig
check 'and boots' machine_boot sig --boot
check 'it runs again' eventually 60 in_machine sig systemctl is-active knot
check 'the change goes on' waits 'KSK: ready, waits for ds-seen' 60
exits 'nobody set anything up anew' 0 run
quiet 'nor wrote anything'
check 'there is another record beside the old' eventually 30 sh -c "grep -v 'DS $ksk ' '$ds_file'"
grep -v "DS $ksk " "$ds_file" > "$WORK/next"
new=$(awk '{ print $4 }' "$WORK/next")
watched 'a resolver that knows the old one saw nothing of it all'
check 'the parent gets both' parent "$WORK/anchor" "$WORK/next"
check 'the new key is in force' waits "key $new KSK: active"
check 'and the old one goes' eventually 90 sh -c \
    "! nsenter -t $(cat "$WORK/machine/sig/leader") -a cosmos-tools zone-status | grep -q 'key $ksk '"
check 'its record is offered no more' eventually 30 sh -c "! grep -q 'DS $ksk ' '$ds_file'"
check 'the parent drops it' parent "$WORK/next"
cp "$WORK/next" "$WORK/anchor"
check 'the other name server has the new key alone' eventually 60 sh -c \
    "test \"\$(nsenter -t $(cat "$WORK/machine/world/leader") -a dig @203.0.113.1 +short knot.example DNSKEY | grep -c '^257 ')\" = 1"
check 'a resolver that knows the new record only' resolver
validates 'is content' "$good"21\$
check 'as the status is' status

# Keys come back from a backup that was made while Knot ran.
dnskeys() { in_machine sig dig @203.0.113.2 +short knot.example DNSKEY | sort; }
had=$(dnskeys)
check 'keys are backed up' in_machine sig knotc --blocking zone-backup +backupdir /var/lib/knot/backup +nozonefile
in_machine sig systemctl stop knot
in_machine sig sh -c 'rm -r /var/lib/knot/keys && cp --archive /var/lib/knot/backup/keys /var/lib/knot/keys'
check 'and put back after they were lost' in_machine sig systemctl start knot
check 'the zone goes on with them' eventually 30 in_machine sig cosmos-tools zone-status --warn-within 1m
same 'and with no other' "$had" "$(dnskeys)"

next 'notice = "400d"'
check 'who wants to know a year ahead' run
check 'is told that another key will come' noted 'its parent needs another record soon; somebody should look, since 20'

# What an operator may get wrong.
next
check 'nothing is left to do' run
state() { (cd "$sig/etc" && find . -type f -exec sha256sum {} + | sort) && pid; }
before=$(state)
# refused WORDS PATTERN [LINE...]: the host stays as it is.
unchanged() {
    exits "$1" 1 run
    said 'the message names it' "$2"
    same 'and the host is untouched' "$before" "$(state)"
}
next 'propagation = "2h"' && unchanged 'signatures that end too early are refused' 'these have new ones: refresh must be more than'
next 'zones."../knot.example" = { parent = ["203.0.113.1"] }' && unchanged 'a zone that is a path is refused' 'is no zone'
next 'zones."knot.example" = { }' && unchanged 'a parent that nobody knows is refused' 'has to know its name servers'
next 'tsig-file = "/etc/knot/nothing.conf"' && unchanged 'a secret that is not there is refused' "check 'Knot's settings' of layer"
sed 's/^.ORIGIN .*/$ORIGIN other.example./' "$sig/etc/knot/zones/knot.example" > "$sig/srv/other.example"
next 'zones."other.example" = { file = "/srv/other.example", parent = ["203.0.113.1"] }' &&
    unchanged 'a zone leaves while its parent vouches for it: refused' "the zone 'knot.example' cannot leave: its parent \(203.0.113.1\) has DS"
sed -i '/SOA/d' "$FLEET/$unsigned"
next && unchanged 'a zone without SOA is refused' "check 'the zones' of layer"
without
unchanged 'the module leaves while a parent vouches for its zone: refused' "the zone 'knot.example' cannot leave: its parent \(203.0.113.1\) has DS"
said 'with what to do first' 'have the parent remove its DS records, wait'
exits 'the plan is made all the same' 0 in_machine sig cosmos plan
said 'and says so, too' "^! held: check 'the parents of its zones' of layer 'built-in/dnssec-knot', which leaves, failed"
zone $unsigned 2
printf '#!/bin/sh\n' | put hosts/sig.example.org/overlay/usr/local/bin/hand-over 0755
next
check 'the next release that keeps it goes on' run
check 'the parent removes the record' parent
without
check 'then the module leaves' run
same 'Knot is stopped' inactive "$(in_machine sig systemctl is-active knot)"
check 'its keys stay' test -s "$sig/var/lib/knot/keys/data.mdb"
