# shellcheck shell=bash
# Two machines with a cable between them: `sig` with a signer just installed, and `world`, which has the parent zone
# `example.`, takes the signed zone over by a key, and validates with what it is told to believe.

# The zone; a scenario may set another one below `example.`.
ZONE=ods.example

# zone_world SIGNER PACKAGES: brings both up; sets $sig and $world, their root directories.
zone_world() {
    check "a host is up on which $1 was just installed" machine_up sig "$(base_root "$2")"
    check 'and the world, with the parent and a resolver' machine_up world "$(base_root "$INTERNET_PACKAGES")"
    check 'with a cable between them' network_link sig world 203.0.113.2/24 203.0.113.1/24
    ip -n "$PREFIX-world" address add 203.0.113.3/24 dev to-sig
    sig=$(root_of sig) world=$(root_of world)
    install -m 0755 "$TOOLS" "$sig/usr/bin/cosmos-tools"
    printf '%s\n' key: '    name: "hand-over"' '    algorithm: hmac-sha256' '    secret: "K2tf3TRrmE7TJd+m2NPBuw=="' \
        > "$world/etc/nsd/tsig.conf"
    cat > "$world/etc/nsd/nsd.conf.d/world.conf" << CONF
server:
    ip-address: 203.0.113.1
remote-control:
    control-enable: yes
    control-interface: /run/nsd/control
include: "/etc/nsd/tsig.conf"
zone:
    name: "example"
    zonefile: "/srv/example"
zone:
    name: "$ZONE"
    zonefile: "/var/lib/nsd/$ZONE"
    allow-notify: 203.0.113.2 hand-over
    request-xfr: AXFR 203.0.113.2 hand-over
CONF
    : > "$world/srv/example"
    in_machine world systemctl reset-failed nsd
    check 'the parent is up' in_machine world systemctl restart nsd
    check 'and knows no DS' parent
}

# zone PATH [REFRESH]: writes the zone, before it is signed, to a path of the repository; other name servers are to ask
# for news every REFRESH seconds, should they not hear of it.
zone() {
    cat - << ZONE | put "$1"
\$ORIGIN $ZONE.
\$TTL 1
@ SOA ns hostmaster 1 ${2:-3600} ${2:-900} 604800 1
@ NS ns
ns A 203.0.113.1
www A 192.0.2.20
ZONE
}

# knot_host: prints the layer of a host on which Knot signs the zone, with settings in seconds instead of hours.
knot_host() {
    cat - << LAYER
use = ["dnssec-knot"]
[params.dnssec-knot]
addresses = ["203.0.113.2"]
tsig-file = "/etc/knot/tsig.conf"
zones."$ZONE" = { parent = ["203.0.113.1"], secondaries = [{ address = "203.0.113.1", key = "hand-over" }] }
validity = "2h"
refresh = "1h"
resign = "5m"
key-ttl = "1s"
safety = "1s"
propagation = "5s"
parent-propagation = "1s"
purge = "1s"
look-every = "1s"
warn-within = "1m"
LAYER
}

# parent [DS-FILE...]: the parent zone with these DS records.
serial=0
parent() {
    printf '%s\n' "example. 1 SOA ns.example. host.example. $((serial += 1)) 3600 900 604800 1" 'example. 1 NS ns.example.' \
        'ns.example. 1 A 203.0.113.1' "$ZONE. 1 NS ns.$ZONE." "ns.$ZONE. 1 A 203.0.113.1" > "$world/srv/example"
    [ $# = 0 ] || sed 's/ IN DS / 1 IN DS /' "$@" >> "$world/srv/example"
    in_machine world nsd-control reload example
}

# resolver: starts the world's resolver anew, which knows nothing but the DS record in $WORK/anchor, and remembers
# nothing for longer than a second, as all times are short here. At 203.0.113.3 it is the resolver of the signer, too.
resolver() {
    cp "$WORK/anchor" "$world/etc/unbound/anchor"
    printf '%s\n' server: '  interface: 203.0.113.1@5300' '  interface: 203.0.113.3' \
        '  module-config: "validator iterator"' '  do-not-query-localhost: no' \
        '  trust-anchor-file: /etc/unbound/anchor' '  access-control: 0.0.0.0/0 allow' '  cache-max-ttl: 1' \
        '  cache-max-negative-ttl: 1' '  val-bogus-ttl: 1' '  infra-host-ttl: 1' '  infra-keep-probing: yes' '  ede: yes' \
        stub-zone: "  name: $ZONE" '  stub-addr: 203.0.113.1' \
        stub-zone: '  name: example' '  stub-addr: 203.0.113.1' \
        > "$world/etc/unbound/unbound.conf.d/validating.conf"
    rm -f "$world/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf"
    in_machine world systemctl reset-failed unbound
    in_machine world systemctl restart unbound
}

# validates WORDS PATTERN [NAME]: what the resolver says of a name in one line: status, flags, addresses, and what it has
# against an answer that it refuses.
validates() {
    in_machine world dig @203.0.113.1 -p 5300 "${3:-www.$ZONE}" | in_a_line > "$WORK/said"
    said "$1" "$2"
}
in_a_line() {
    sed -n 's/.*status: \([A-Z]*\),.*/\1/p; s/^;; flags: \([a-z ]*\);.*/\1/p; s/.*\sIN\sA\s/A /p; s/^; \(EDE: .*\)/\1/p' |
        paste -sd' '
}
good='^NOERROR qr rd ra ad A 192\.0\.2\.'

# watch: from now on the resolver is asked all the time; watched WORDS: the claim holds when each answer since then was
# authentic.
watch() {
    : > "$world/run/watch"
    while [ -e "$world/run/watch" ]; do
        in_machine world dig @203.0.113.1 -p 5300 "www.$ZONE" | in_a_line | sed "s/^/$(date +%T) /"
        sleep 0.1
    done > "$WORK/watched" 2>&1 &
    watcher=$!
    at_exit rm -f "$world/run/watch"
}
watched() {
    rm "$world/run/watch"
    wait "$watcher"
    same "$1" '' "$(grep -Ev "^[0-9:]* ${good#^}" "$WORK/watched")"
    check 'it was asked again and again' test "$(wc -l < "$WORK/watched")" -ge 10
}

# waits PATTERN [SECONDS]: until the status of the signer says so.
waits() { eventually "${2:-60}" sh -c "nsenter -t $(cat "$WORK/machine/sig/leader") -a cosmos-tools zone-status | grep -Eq '$1'"; }
# enforcer WORD...: asks the enforcer.
enforcer() { in_machine sig ods-enforcer "$@"; }
# unbroken: no daemon of OpenDNSSEC ended by itself since the machine booted.
unbroken() { ! in_machine sig journalctl --boot --unit=opendnssec-\* | grep -E 'assertion|Scheduled restart'; }
