#!/bin/bash
# The module dnssec-signer: a zone is signed and served, its parent asked, keys change, a validating resolver agrees.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice

# The zone, its settings in seconds instead of hours; lines given replace settings of the same name.
host() {
    cat - << 'E' | put hosts/sig.example.org/layer.toml
use = ["dnssec-signer"]
[params.dnssec-signer]
addresses = ["203.0.113.2"]
tsig-file = "/etc/nsd/tsig.conf"
ksk-token = { module = "/usr/lib/softhsm/libsofthsm2.so", label = "vouched", pin-file = "/etc/opendnssec/ksk-pin" }
zones."ods.example" = { parent = ["203.0.113.1"], secondaries = [{ address = "203.0.113.1", key = "hand-over" }] }
validity = "4m"
refresh = "225s"
resign = "5s"
jitter = "1s"
max-ttl = "1s"
key-ttl = "1s"
safety = "1s"
propagation = "5s"
parent-ttl = "1s"
parent-propagation = "1s"
look-every = "1s"
warn-within = "1m"
E
    given hosts/sig.example.org/layer.toml "$@"
}
number=0
next() { host "$@" && release "v-$((number += 1))" alice && carried "$sig"; }
run() { in_machine sig cosmos run; }

zone_world OpenDNSSEC "$SIGNER_PACKAGES"
install -m 0600 "$world/etc/nsd/tsig.conf" "$sig/etc/nsd/tsig.conf"

unsigned=hosts/sig.example.org/overlay/etc/opendnssec/zones/ods.example
zone $unsigned
next
check 'the host is told whom to believe' in_machine sig cosmos clone /srv/fleet.git --trust "$(introduction alice)" \
    --fqdn sig.example.org --tags 'v-*'
check 'one run signs the zone' run
same 'all of it runs' 'active active active active' \
    "$(in_machine sig systemctl is-active nsd opendnssec-enforcer opendnssec-signer dnssec-parent.timer | paste -sd' ')"
exits 'a second run' 0 run
quiet 'has nothing to do'
exits 'the PIN is in no settings' 1 grep -rqF "$(cat "$sig/etc/opendnssec/pin")" "$sig/etc/opendnssec/conf.xml" "$FLEET"
same 'and for root alone' '600 root' "$(stat -c '%a %U' "$sig/etc/opendnssec/pin")"

status() { in_machine sig cosmos-tools zone-status --warn-within 1m; }

same 'each kind of key is on its own token' 'KSK ksk-token ZSK token' \
    "$(enforcer key list --verbose --parsable | awk -F';' '{ print $2, $8 }' | sort | paste -sd' ')"
check 'the key waits for its parent' waits 'KSK: ready, waits for ds-seen'
exits 'which the status says, and that somebody is needed' 6 status
said 'until then the zone is insecure' 'parent 203\.0\.113\.1: no DS in parent: zone still insecure'
exits 'nor does the daily look think so' 1 in_machine sig systemctl start dnssec-status
status > "$WORK/said"
said 'with the record to give' 'to give to the parent: DS [0-9]+ 13 2 [0-9a-f]{64}$'
check 'the record is published as a file' eventually 10 test -s "$sig/var/lib/dnssec-signer/ods.example.ds"
same 'made by SHA-256 and nothing else' 'ods.example. IN DS 13 2' \
    "$(awk '{ print $1, $2, $3, $5, $6 }' "$sig/var/lib/dnssec-signer/ods.example.ds")"
same 'the same that the enforcer exports' \
    "$(enforcer key export --zone ods.example --keystate ready --keytype KSK --ds | awk '$4 == "DS" { print $5, $6, $7, $8 }')" \
    "$(awk '{ print $4, $5, $6, $7 }' "$sig/var/lib/dnssec-signer/ods.example.ds")"
# noted PATTERN: until the host's status has such a note of the zone.
noted() { eventually 30 sh -c "nsenter -t $(cat "$WORK/machine/sig/leader") -a cosmos status | grep -Eq '^note +dnssec-signer ods.example: $1'"; }
check 'the status of the host says so, too' noted \
    'waits for its parent \(ds-seen\); no DS in parent: zone still insecure; somebody should look, since 20'
same 'without a look of others at it' '700 root' "$(in_machine sig stat -c '%a %U' /var/lib/cosmos/notes.d)"
same 'absent names are denied by NSEC3 without iterations and salt' '1 0 0 -' \
    "$(in_machine sig dig @203.0.113.2 +short ods.example NSEC3PARAM)"
check 'the zone was handed over, by a key' eventually 20 sh -c \
    "nsenter -t $(cat "$WORK/machine/world/leader") -a dig @203.0.113.1 ods.example SOA +dnssec | grep -q RRSIG"
exits 'nobody else gets it' 0 in_machine world dig @203.0.113.2 ods.example AXFR
said 'without that key' 'Transfer failed'

cp "$sig/var/lib/dnssec-signer/ods.example.ds" "$WORK/anchor"
check 'a resolver is up that knows that record and no more' resolver
validates 'it says that the answer is authentic' "$good"20\$
validates 'and that a name is absent' '^NXDOMAIN qr rd ra ad' nowhere.ods.example
sed 's/.\{8\}$/00000000/' "$WORK/anchor" > "$WORK/wrong"
cp "$WORK/anchor" "$WORK/right" && cp "$WORK/wrong" "$WORK/anchor"
check 'one that knows another record' resolver
validates 'refuses the zone' '^SERVFAIL '
cp "$WORK/right" "$WORK/anchor"
check 'the right one again' resolver

check 'the parent gets the wrong record' parent "$WORK/wrong"
sleep 3
exits 'which nobody takes for the right one' 6 status
said 'since resolvers refuse that zone' 'the parent vouches for keys that the zone has not: RESOLVERS REFUSE THE ZONE'
said 'the key still waits' 'KSK: ready, waits for ds-seen'
check 'the parent gets the right one' parent "$WORK/anchor"
check 'which the enforcer hears of' waits 'KSK: active, next change'
check 'now nobody is needed' status
said 'and the parent agrees' "parent 203\.0\.113\.1: DS of key $(awk '{ print $4 }' "$WORK/anchor")\$"
said 'until the key is a year old' "KSK: active, .*, another key from $(($(date +%Y) + 1))-.*Z on\$"
check 'the status of the host is content' noted 'signed, and its parent vouches for it$'
exits 'one who wants signatures to last longer is not' 6 in_machine sig cosmos-tools zone-status --warn-within 5m
said 'since they end before' 'signatures end SOON, 20'
check 'as the daily look agrees' in_machine sig systemctl start dnssec-status

# The zone changes.
sed -i s/192.0.2.20/192.0.2.21/ "$FLEET/$unsigned"
pids() { in_machine sig systemctl show --value --property MainPID nsd opendnssec-enforcer opendnssec-signer | grep . | paste -sd' '; }
all_run() { ! pids | grep -qw 0; }
was=$(pids)
next
check 'the zone is changed' run
same 'by a reload' "$was" "$(pids)"
check 'the world has it soon' eventually 20 sh -c \
    "nsenter -t $(cat "$WORK/machine/world/leader") -a dig @203.0.113.1 +short www.ods.example | grep -q 192.0.2.21"
sleep 2
validates 'and it is authentic' "$good"21\$

# Keys change, and the resolver is asked all the time.
watch
# The signer looks at what is due once a minute unless it is woken, which is long where seconds stand for hours: the
# enforcer would drop a key that signatures are still made by.
check 'the signer is woken for what is due' in_machine sig systemd-run --quiet --unit=wake --on-calendar='*:*:0/5' \
    --timer-property=AccuracySec=100ms ods-signer flush
keys() { enforcer key list --verbose --parsable --all; }
# rolled KIND: the enforcer is asked for a second key, and has it. It loses what it is asked while a state changes, and
# says so in its log alone.
rolled() { enforcer key rollover --zone ods.example --keytype "$1" && eventually 3 second "$1"; }
second() { [ "$(keys | grep -c ";$1;")" = 2 ]; }
zsk=$(keys | awk -F';' '$2 == "ZSK" && $3 == "active" { print $NF }')
check 'another key shall sign the zone' eventually 10 rolled ZSK
check 'it does' eventually 60 sh -c \
    "nsenter -t $(cat "$WORK/machine/sig/leader") -a ods-enforcer key list --verbose --parsable | awk -F';' '\$2 == \"ZSK\" && \$3 == \"active\" && \$NF != $zsk' | grep -q ."
ksk=$(awk '{ print $4 }' "$WORK/anchor")
check 'the parent shall vouch for another key' eventually 10 rolled KSK
check 'the new one waits for it' waits 'KSK: ready, waits for ds-seen' 60
check 'no daemon ended by itself' unbroken
check 'in the middle of it, the host restarts its services' in_machine sig systemctl restart opendnssec-enforcer opendnssec-signer nsd
machine_down sig
check 'and boots' machine_boot sig --boot
check 'all of it runs again' eventually 30 in_machine sig systemctl is-active nsd opendnssec-enforcer opendnssec-signer
check 'the change goes on' waits 'KSK: ready, waits for ds-seen' 60
exits 'nobody set anything up anew' 0 run
quiet 'nor wrote anything'
check 'the record is another one' eventually 10 sh -c "grep -v 'DS $ksk ' '$sig/var/lib/dnssec-signer/ods.example.ds'"
cp "$sig/var/lib/dnssec-signer/ods.example.ds" "$WORK/next"
watched 'a resolver that knows the old one saw nothing of it all'
cat "$WORK/anchor" "$WORK/next" > "$WORK/both"
check 'the parent gets both' parent "$WORK/both"
check 'the new key is in force' waits "key $(awk '{ print $4 }' "$WORK/next") KSK: active"
check 'the old one waits until its record is gone' waits "key $ksk KSK: retire, waits for ds-gone"
check 'the parent drops it' parent "$WORK/next"
check 'and the old key goes' eventually 60 sh -c \
    "! nsenter -t $(cat "$WORK/machine/sig/leader") -a cosmos-tools zone-status | grep -q 'key $ksk KSK: [a-z]*, waits'"
cp "$WORK/next" "$WORK/anchor"
check 'a resolver that knows the new record only' resolver
validates 'is content' "$good"21\$

# What an operator may get wrong.
next
check 'nothing is left to do' run
check 'all of it runs' eventually 60 all_run
before=$(cd "$sig/etc" && find . -type f -exec sha256sum {} + | sort) was=$(pids)
refused() {
    local words=$1 pattern=$2
    shift 2
    next "$@"
    exits "$words" 1 run
    said 'the message names it' "$pattern"
    same 'and the host is untouched' "$before $was" "$(cd "$sig/etc" && find . -type f -exec sha256sum {} + | sort) $(pids)"
}
refused 'a serial with a slash is refused' "serial'? must be one of|not one of" 'serial = "2026/01/10"'
refused 'a path that climbs is refused' "'/etc/opendnssec/../shadow'" \
    'zones."ods.example" = { file = "/etc/opendnssec/../shadow" }'
refused 'a zone that is a path is refused' 'is no zone' 'zones."../ods.example" = { }'
refused 'a label with a quote is refused' 'is no label' "token = { label = \"o'ne\" }"
refused 'signatures that end too early are refused' 'end before they are replaced' 'refresh = "238s"'
sed 's/^.ORIGIN .*/$ORIGIN other.example./' "$sig/etc/opendnssec/zones/ods.example" > "$sig/srv/other.example"
refused 'a zone leaves while its parent vouches for it: refused' "the zone 'ods.example' cannot leave: its parent \(203.0.113.1\) has DS" \
    'zones."other.example" = { file = "/srv/other.example", parent = ["203.0.113.1"] }'
in_machine sig ip address add 192.0.2.77/32 dev lo
printf '%s\n' server: '  interface: 192.0.2.77' '  username: ""' '  chroot: ""' '  pidfile: ""' > "$sig/srv/squatter.conf"
check 'another program listens' in_machine sig systemd-run --quiet --unit=squatter unbound -d -c /srv/squatter.conf
check 'at the port of name servers' eventually 10 in_machine sig dig @192.0.2.77 +tries=1 +time=1 version.bind chaos txt
refused 'a port that another program holds is refused' \
    "port 53 is held by 'squatter.service' on this host \(192\.0\.2\.77:53\), and 'nsd' of layer 'built-in/dnssec-signer' wants it" \
    'addresses = ["203.0.113.2", "192.0.2.77"]'
check 'the other program ends' in_machine sig systemctl stop squatter
zone $unsigned && sed -i '/SOA/d' "$FLEET/$unsigned"
refused 'a zone without SOA is refused' 'has no SOA record'
zone $unsigned && printf '%s\n' '[files."etc/nothing"]' | put hosts/sig.example.org/layer.toml
release "v-$((number += 1))" alice 'cosmos: 1 removals=99' && carried "$sig"
exits 'the module leaves while a parent vouches for its zone: refused' 1 run
said 'in the words of the module' "which leaves, failed: .*the zone 'ods.example' cannot leave: its parent \(203.0.113.1\) has DS"
same 'and the host is untouched' "$before $was" "$(cd "$sig/etc" && find . -type f -exec sha256sum {} + | sort) $(pids)"
check 'no daemon ended by itself since the host booted' unbroken
