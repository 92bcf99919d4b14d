#!/bin/bash
# A fresh Debian machine and fifteen lines of a repository become a home office's gateway by one run, and nothing else.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
gw=$(root_of gw)
# gateway [LINE...]: the whole layer of the host.
gateway() {
    {
        cat << 'E'
use = ["dns-resolver"]

[params.dns-resolver]
lan = "lan0"
addresses = ["192.0.2.1/24", "2001:db8:1::1/64"]
domain = "home.arpa"
resolv-conf = "write"
ipv6 = "stateless"
ranges = [{ from = "192.0.2.100", to = "192.0.2.150" }]
leases.printer = { mac = "02:00:00:00:00:07", address = "192.0.2.10" }
names."wiki.home.arpa" = ["192.0.2.20"]
E
        printf '%s\n' "$@"
    } | put hosts/gw.example.org/layer.toml
}
number=0
next() { gateway "$@" && release "v-$((number += 1))" alice && carried "$gw"; }

check 'an internet with a signed root is up' internet_up world
check 'a fresh machine is up' machine_up gw
check 'packages are there to be had' debian_packages gw alice ca-certificates dns-root-data dnsmasq unbound \
    unbound-anchor unbound-host
exits 'and none is installed' 127 in_machine gw sh -c 'command -v unbound dnsmasq unbound-host'
network_link gw world 203.0.113.2/24 203.0.113.1/24 && ip -n "$PREFIX-gw" route add default via 203.0.113.1
check 'and a client of its network' machine_up client "$(base_root "$INTERNET_PACKAGES")"
client=$(root_of client)
ip link add lan0 netns "$PREFIX-gw" type veth peer name eth0 netns "$PREFIX-client"
ip -n "$PREFIX-gw" address add 192.0.2.1/24 dev lan0
ip -n "$PREFIX-gw" address add 2001:db8:1::1/64 dev lan0 nodad
ip -n "$PREFIX-gw" link set lan0 up && ip -n "$PREFIX-client" link set eth0 up
# The root of this internet is another one than Debian's package knows: its key stays when the package comes.
mkdir -p "$gw/usr/share/dns"
cp "$(root_of world)/srv/zones/root.key" "$gw/usr/share/dns/root.key"
echo 'path-exclude=/usr/share/dns/root.key' > "$gw/etc/dpkg/dpkg.cfg.d/root-of-this-test"

next
same 'the layer has about fifteen lines' yes "$([ "$(wc -l < "$FLEET/hosts/gw.example.org/layer.toml")" -le 15 ] && echo yes)"
check 'the machine is told whom to believe' in_machine gw cosmos clone /srv/fleet.git --trust "$(introduction alice)" \
    --fqdn gw.example.org --tags 'v-*'
check 'one run makes it a gateway' in_machine gw cosmos run
said 'installing what that takes' '^\+ package unbound +for built-in/dns-resolver$'
same 'both daemons run' 'active active' "$(in_machine gw systemctl is-active dnsmasq unbound | paste -sd' ')"
exits 'a second run' 0 in_machine gw cosmos run
quiet 'has nothing to do'

printf '#!/bin/sh\n[ "$1" = bound ] || exit 0\nip address add "$ip/$mask" dev "$interface"\necho "$ip $router $dns $search"\n' \
    > "$client/root/lease"
chmod 0755 "$client/root/lease"
check 'a client gets an address by DHCP' in_machine client udhcpc -i eth0 -n -q -f -t 30 -T 2 -x hostname:laptop \
    -O search -s /root/lease
said 'with this host as its router and resolver' '^192\.0\.2\.1[0-5][0-9] 192\.0\.2\.1 192\.0\.2\.1 home\.arpa$'
check 'a router is announced by IPv6' in_machine client rdisc6 -1 -r 30 eth0
said 'with the resolver' 'Recursive DNS server *: 2001:db8:1::1$'
# answers WORDS NAME PATTERN: what the resolver says of a name, status and flags in one line, then the addresses.
answers() {
    in_machine client dig @192.0.2.1 +tries=3 +time=10 "$2" | paste -sd' ' > "$WORK/said"
    said "$1" "$3"
}
answers 'a signed name is authentic' www.example 'status: NOERROR.* flags: qr rd ra ad;.*203\.0\.113\.80'
answers 'a bogus one is refused' www.bogus 'status: SERVFAIL'
answers 'a forgery, too' www.stripped 'status: SERVFAIL'
answers 'a name of the network is answered' wiki.home.arpa 'status: NOERROR.*192\.0\.2\.20'
answers 'and the client is found by its own' laptop.home.arpa 'status: NOERROR.*192\.0\.2\.1[0-5][0-9]'

pids() { in_machine gw systemctl show --value --property MainPID dnsmasq unbound | grep . | paste -sd' '; }
was=$(pids)
next 'log-queries = true'
check 'one parameter is changed' in_machine gw cosmos run -v
said 'which reloads Unbound' '> reload unbound'
same 'and restarts nothing' "$was" "$(pids)"
exits 'a run after that' 0 in_machine gw cosmos run
quiet 'has nothing to do'
