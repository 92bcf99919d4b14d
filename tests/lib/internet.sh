# shellcheck shell=bash
# An internet of our own: a signed root on the thirteen addresses that resolvers know, and zones that are good and bad.

RESOLVER_PACKAGES=$MACHINE_PACKAGES,ca-certificates,dns-root-data,dnsmasq,munin-node,unbound,unbound-anchor,unbound-host
SIGNER_PACKAGES=$MACHINE_PACKAGES,bind9-dnsutils,ldnsutils,nsd,opendnssec,opensc,softhsm2,unbound
KNOT_PACKAGES=$MACHINE_PACKAGES,bind9-dnsutils,knot,knot-dnssecutils,ldnsutils
INTERNET_PACKAGES=$MACHINE_PACKAGES,bind9-dnsutils,isc-dhcp-client,ldnsutils,ndisc6,nsd,udhcpc,unbound

# internet_up NAME: a machine that answers for it. /srv/zones/root.key is the root's key.
#
# example. is signed and good; bogus. is signed, but its www was changed afterwards; stripped. has a DS in the root, but
# comes without a signature, as a forger would send it; unsigned. is what it says. 198.51.100.66 is a resolver that
# answers everything below example. with an address of its own, unsigned.
internet_up() {
    machine_up "$1" "$(base_root "$INTERNET_PACKAGES")" || return
    local root
    root=$(root_of "$1")
    mkdir -p "$root/srv/zones"
    cp "$(base_root "$RESOLVER_PACKAGES")/usr/share/dns/root.hints" "$root/srv/zones/"
    in_machine "$1" sh -e << 'E'
cd /srv/zones
addresses="$(awk '$3 == "A" { print $4 }' root.hints) 198.51.100.1"
for address in $addresses 198.51.100.66; do ip address add "$address/32" dev lo; done
zone() {
    printf '%s. 300 SOA ns.%s. hostmaster.%s. 1 3600 900 604800 300\n' "$1" "$1" "$1"
    printf '%s. 300 NS ns.%s.\nns.%s. 300 A 198.51.100.1\nwww.%s. 300 A 203.0.113.80\n' "$1" "$1" "$1" "$1"
    printf 'inside.%s. 300 A 192.168.1.1\n' "$1"
}
{
    echo '. 300 SOA a.root-servers.net. hostmaster. 1 3600 900 604800 300'
    grep -v '^;' root.hints | awk '{ $2 = 300; print tolower($0) }'
    for name in example bogus stripped unsigned; do
        printf '%s. 300 NS ns.%s.\nns.%s. 300 A 198.51.100.1\n' "$name" "$name" "$name"
    done
} > root.zone
for name in example bogus stripped unsigned; do zone "$name" > "$name.zone"; done
sign() {
    ksk=$(ldns-keygen -a ECDSAP256SHA256 -k "$1") && zsk=$(ldns-keygen -a ECDSAP256SHA256 "$1")
    ldns-signzone -f "$2.signed" "$2.zone" "$ksk" "$zsk"
}
for name in example bogus stripped; do
    sign "$name." "$name"
    cat "$ksk.ds" >> root.zone
done
sed -i 's/^\(www\.bogus\..*\sA\s*\)203.0.113.80/\1203.0.113.66/' bogus.signed
cp stripped.zone stripped.signed
cp unsigned.zone unsigned.signed
sign . root
cp "$ksk.key" root.key
{
    echo server:
    for address in $addresses; do echo "  ip-address: $address"; done
    printf '  zonesdir: /srv/zones\n  database: ""\nremote-control:\n  control-enable: no\n'
    for name in example bogus stripped unsigned; do printf 'zone:\n  name: %s\n  zonefile: %s.signed\n' $name $name; done
    printf 'zone:\n  name: .\n  zonefile: root.signed\n'
} > /etc/nsd/nsd.conf
nsd-checkconf /etc/nsd/nsd.conf
systemctl restart nsd
printf '%s\n' server: '  interface: 198.51.100.66' '  module-config: iterator' '  access-control: 0.0.0.0/0 allow' \
    '  local-zone: example. redirect' '  local-data: "example. A 203.0.113.66"' > /etc/unbound/unbound.conf.d/forger.conf
systemctl reset-failed unbound
systemctl restart unbound
E
}
