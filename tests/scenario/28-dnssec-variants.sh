#!/bin/bash
# The module dnssec-signer otherwise: RSA, NSEC, a secret PIN, keys after their backup, a parent believed by hand.
#
# Also: a program that hands keys over, another token and another PIN later, and Knot in its place.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
layer=hosts/sig.example.org
host() {
    cat - << 'E' | put $layer/layer.toml
use = ["dnssec-signer"]
[params.dnssec-signer]
addresses = ["203.0.113.2"]
tsig-file = "/etc/nsd/tsig.conf"
zones."ods.example" = { secondaries = [{ address = "203.0.113.1", key = "hand-over" }] }
algorithm = "rsasha256"
denial = "nsec"
ds-seen = "by-hand"
ds-command = "/usr/local/bin/hand-over"
validity = "4m"
refresh = "225s"
resign = "5s"
jitter = "1s"
max-ttl = "1s"
key-ttl = "1s"
safety = "1s"
propagation = "3s"
parent-ttl = "1s"
parent-propagation = "1s"
look-every = "1s"
warn-within = "1m"
E
    [ $# = 0 ] || printf '%s\n' "$@" >> "$FLEET/$layer/layer.toml"
}
number=0
next() { release "v-$((number += 1))" alice && carried "$sig"; }
run() { in_machine sig cosmos run; }
status() { in_machine sig cosmos-tools zone-status; }
# has PATTERN: whether the enforcer has such a key.
has() { enforcer key list --verbose --parsable | grep -q "$1"; }

zone_world OpenDNSSEC "$SIGNER_PACKAGES,knot,knot-dnssecutils"
# It is there for the end, and off as where it was never asked for.
in_machine sig systemctl disable --quiet --now knot
install -m 0600 "$world/etc/nsd/tsig.conf" "$sig/etc/nsd/tsig.conf"
next
check 'the host is told whom to believe' in_machine sig cosmos clone /srv/fleet.git --trust "$(introduction alice)" \
    --fqdn sig.example.org --tags 'v-*'

# The PIN is a secret of the repository, written in an editor, which ends it with a newline.
in_machine sig cosmos host key | put $layer/host.pub
gpg_of alice --import "$FLEET/$layer/host.pub"
pin() {
    echo "$1" | gpg_of alice --trust-model always --armor --recipient sig.example.org --encrypt |
        put $layer/secrets/etc/opendnssec/pin
}
pin 27182818
zone $layer/overlay/etc/opendnssec/zones/ods.example
printf '#!/bin/sh\necho "$(id -un) got $(cat)"\n' | put $layer/overlay/usr/local/bin/hand-over 0755
host 'require-backup = true'
next
check 'one run sets all of it up' run
exits 'a second run' 0 run
quiet 'has nothing to do'
same 'the PIN is that of the repository, for root alone' '600 root 27182818' \
    "$(stat -c '%a %U' "$sig/etc/opendnssec/pin") $(cat "$sig/etc/opendnssec/pin")"
# token WORD...: asks the first token.
token() {
    in_machine sig runuser -u opendnssec -- pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label OpenDNSSEC \
        --login "$@"
}
check 'and of the token' token --pin 27182818 --list-objects --type privkey

# A key signs, but the parent does not hear of it before its backup: the enforcer looks for that once a minute.
check 'the zone is signed' eventually 60 in_machine sig sh -c 'dig @203.0.113.2 ods.example SOA +dnssec | grep -q RRSIG'
sleep 7
same 'the key that the parent shall vouch for is not ready before its backup' 'KSK publish' \
    "$(enforcer key list --verbose --parsable | awk -F';' '$2 == "KSK" { print $2, $3 }')"
same 'nor is its record offered' '' "$(cat "$sig/var/lib/dnssec-signer/ods.example.ds")"
check 'a backup is prepared' enforcer backup prepare
check 'and done' enforcer backup commit
check 'the enforcer looks at it' enforcer enforce
check 'and the key waits for its parent' waits 'KSK: ready, waits for ds-seen'
handed() { in_machine sig journalctl --boot --unit=dnssec-parent | grep "'/usr/local/bin/hand-over' took its keys"; }
check 'the program got the key to hand over, without the rights of root' eventually 20 sh -c "nsenter -t \
    $(cat "$WORK/machine/sig/leader") -a journalctl --boot --unit=dnssec-parent | grep -q ': opendnssec got ods\.example\. IN DNSKEY 257 3 8 '"
check 'the record is published, too' eventually 10 grep -q '^ods.example. IN DS [0-9]* 8 2 ' \
    "$sig/var/lib/dnssec-signer/ods.example.ds"

# The parent is looked up by the host's resolver, and asked; the enforcer hears of it from an operator.
exits 'a parent that cannot be looked up' 6 status
said 'is no parent without records' 'the parent cannot be asked: '
cp "$sig/var/lib/dnssec-signer/ods.example.ds" "$WORK/anchor"
tag=$(awk '{ print $4 }' "$WORK/anchor")
check 'a resolver is up' resolver
echo 'nameserver 203.0.113.3' > "$sig/etc/resolv.conf"
check 'the parent gets the record' parent "$WORK/anchor"
check 'which the host finds by the name of its server' waits "parent ns\\.example: DS of key $tag"
sleep 3
check 'nobody told the enforcer' waits "key $tag KSK: ready, waits for ds-seen" 1
same 'and the program was called once' 1 "$(handed | wc -l)"
check 'an operator does' enforcer key ds-seen --zone ods.example --keytag "$tag"
check 'and the key is in force' waits "key $tag KSK: active"
validates 'the resolver says that an answer signed by RSA is authentic' "$good"20\$
validates 'and that a name is absent' '^NXDOMAIN qr rd ra ad' nowhere.ods.example
in_machine sig dig @203.0.113.2 nowhere.ods.example +dnssec > "$WORK/said"
said 'by NSEC' '\sIN\sNSEC\s'
exits 'and not by NSEC3' 1 grep -q NSEC3 "$WORK/said"

# A token of its own for such keys, later; its making was once cut off before it had its PIN.
printf 12345678 > "$sig/etc/opendnssec/ksk-pin.so"
chmod 0600 "$sig/etc/opendnssec/ksk-pin.so"
slot=$(in_machine sig runuser -u opendnssec -- softhsm2-util --show-slots |
    awk '/^Slot/ { slot = $2 } /Initialized: *no/ { print slot; exit }')
check 'a token is half made' in_machine sig runuser -u opendnssec -- pkcs11-tool \
    --module /usr/lib/softhsm/libsofthsm2.so --slot "$slot" --init-token --label vouched --so-pin 12345678
watch
host 'ksk-token = { module = "/usr/lib/softhsm/libsofthsm2.so", label = "vouched", pin-file = "/etc/opendnssec/ksk-pin" }'
next
check 'another token comes while the first has keys' run
check 'which gets a new key at once' eventually 40 has ';KSK;.*;ksk-token;'
check 'and the old one stays where it was' has ";KSK;.*;token;$tag"
watched 'the resolver saw nothing of it'

# Another PIN: of the token first, then in the repository.
pids() { in_machine sig systemctl show --value --property MainPID nsd opendnssec-enforcer opendnssec-signer | grep .; }
check 'the token gets another PIN' token --pin 27182818 --change-pin --new-pin 16180339
pin 16180339
next
mapfile -t was < <(pids && in_machine sig systemctl show --value --property ActiveEnterTimestampMonotonic dnssec-parent.timer)
check 'and so does the host' run
mapfile -t now < <(pids && in_machine sig systemctl show --value --property ActiveEnterTimestampMonotonic dnssec-parent.timer)
same 'the name server and the timer hear nothing of it' "${was[0]} ${was[3]}" "${now[0]} ${now[3]}"
check 'those that use the token are started anew' test "${was[1]}" != "${now[1]}" -a "${was[2]}" != "${now[2]}"
sed -i s/192.0.2.20/192.0.2.21/ "$FLEET/$layer/overlay/etc/opendnssec/zones/ods.example"
next
check 'and use it: the zone changes' run
check 'and is signed' eventually 30 in_machine sig sh -c \
    'dig @203.0.113.2 +short +dnssec www.ods.example A | paste -sd" " | grep -q "^192.0.2.21 A 8 "'

# Nothing is made anew where something was lost.
# It is tried often here, which systemd would not do.
starts() { in_machine sig sh -c 'systemctl reset-failed opendnssec-enforcer; systemctl start opendnssec-enforcer'; }
refused() {
    exits "$1" 1 starts
    in_machine sig systemctl stop opendnssec-enforcer
    in_machine sig journalctl --boot --unit=opendnssec-enforcer > "$WORK/said"
    said 'and says why' "$2"
}
in_machine sig systemctl stop opendnssec-signer opendnssec-enforcer
mv "$sig/var/lib/softhsm/tokens" "$sig/var/lib/softhsm/gone"
in_machine sig install -d -o opendnssec -g softhsm -m 2770 /var/lib/softhsm/tokens
refused 'without its token the enforcer does not start' \
    "the database has keys of the token 'OpenDNSSEC', which is gone: put the token back"
rm -r "$sig/var/lib/softhsm/tokens" && mv "$sig/var/lib/softhsm/gone" "$sig/var/lib/softhsm/tokens"
vouched=$(dirname "$(grep -l vouched "$sig"/var/lib/softhsm/tokens/*/token.object)")
mv "$vouched" "$sig/var/lib/softhsm/gone"
refused 'nor without the other one' "the database has keys of the token 'vouched', which is gone: put the token back"
exits 'nor does the signer, which hangs' 1 in_machine sig systemctl start opendnssec-signer
in_machine sig journalctl --boot --unit=opendnssec-signer > "$WORK/said"
said 'and says why, too' 'the signer does not answer'
in_machine sig systemctl stop opendnssec-signer opendnssec-enforcer
mv "$sig/var/lib/softhsm/gone" "$vouched"
mv "$sig/etc/opendnssec/pin" "$sig/etc/opendnssec/right" && echo 31415926 > "$sig/etc/opendnssec/pin"
refused 'nor with a wrong PIN' 'a token does not take the PIN in its file'
mv "$sig/etc/opendnssec/right" "$sig/etc/opendnssec/pin"
check 'with both it starts' starts
check 'and has the keys it had' has ";KSK;.*;token;$tag"

# Another signer in place of this one: refused while the parent vouches for a key that it will not have.
check 'the signer runs again' in_machine sig systemctl start opendnssec-signer
git -C "$FLEET" rm --quiet -r --force $layer
zone $layer/overlay/etc/knot/zones/ods.example
knot_host | put $layer/layer.toml
sed 's/^    name:/  - id:/' "$sig/etc/nsd/tsig.conf" > "$sig/etc/knot/tsig.conf"
in_machine sig sh -c 'chmod 0640 /etc/knot/tsig.conf && chgrp knot /etc/knot/tsig.conf'
release "v-$((number += 1))" alice 'cosmos: 1 removals=99' && carried "$sig"
units() { in_machine sig systemctl is-active nsd opendnssec-enforcer opendnssec-signer knot | paste -sd' '; }
exits 'another signer does not come while the parent vouches for keys of this one' 1 run
said 'which says so' "which leaves, failed: .*the zone 'ods.example' cannot leave: its parent \(ns\.example\) has DS"
same 'and runs on' 'active active active inactive' "$(units)"
check 'the parent drops its record' parent
sleep 2
check 'then it comes' run
# What hangs when it is to stop was killed.
same 'in the place of the other' 'inactive inactive inactive active' "$(units | sed s/failed/inactive/g)"
check 'the key waits for its parent' waits 'KSK: ready, waits for ds-seen'
# The other name server has a higher serial number than a signer that begins anew.
exits 'where another name server has still the zone of before' 6 status
said 'the status says so' "server 203\.0\.113\.1 has not this zone's keys: is its serial number higher"
check 'and no record is offered' eventually 30 test ! -s "$sig/var/lib/dnssec-signer/ods.example.ds"
echo 'serial = "unixtime"' >> "$FLEET/$layer/layer.toml"
next
check 'another kind of serial number' run
check 'and new signatures' in_machine sig knotc --blocking zone-sign ods.example
check 'bring it the zone, and the record is offered' eventually 30 grep -q 'IN DS' "$sig/var/lib/dnssec-signer/ods.example.ds"
cp "$sig/var/lib/dnssec-signer/ods.example.ds" "$WORK/anchor"
check 'the parent gets it' parent "$WORK/anchor"
check 'and the key is in force' waits 'KSK: active'
check 'a resolver that knows it and no more' resolver
validates 'says that the zone is authentic' "$good"20\$
