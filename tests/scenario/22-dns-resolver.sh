#!/bin/bash
# The module dns-resolver: a host that validates against a root of our own, and gives addresses to a real client.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
# gateway MORE: the host's layer; the lines given come first, so that they may set what stands below otherwise.
gateway() {
    cat - << 'E' | put hosts/gw.example.org/layer.toml
use = ["dns-resolver-munin"]
[params.dns-resolver]
lan = "lan0"
addresses = ["192.0.2.1/24", "2001:db8:1::1/64"]
domain = "lan.example"
resolv-conf = "write"
ipv6 = "stateless"
ranges = [{ from = "192.0.2.100", to = "192.0.2.150", lease = "1h" }]
leases.printer = { mac = "02:00:00:00:00:07", address = "192.0.2.10" }
names."wiki.lan.example" = ["192.0.2.20", "2001:db8:1::20"]
E
    given hosts/gw.example.org/layer.toml "$@"
}
number=0
next() { gateway "$@" && release "v-$((number += 1))" alice && carried "$gw"; }
gw=$(root_of gw)

check 'an internet with a signed root is up' internet_up world
check 'a host is up on which both daemons were just installed' machine_up gw "$(base_root "$RESOLVER_PACKAGES")"
network_link gw world 203.0.113.2/24 203.0.113.1/24 && ip -n "$PREFIX-gw" route add default via 203.0.113.1
check 'and a client of its network' machine_up client "$(base_root "$INTERNET_PACKAGES")"
client=$(root_of client)
ip link add lan0 netns "$PREFIX-gw" type veth peer name eth0 netns "$PREFIX-client"
ip -n "$PREFIX-gw" address add 192.0.2.1/24 dev lan0
ip -n "$PREFIX-gw" address add 2001:db8:1::1/64 dev lan0 nodad
ip -n "$PREFIX-gw" link set lan0 up && ip -n "$PREFIX-client" link set eth0 up
cp "$(root_of world)/srv/zones/root.key" "$gw/usr/share/dns/root.key"
check 'dnsmasq holds port 53' in_machine gw systemctl is-active dnsmasq
check 'and Unbound cannot start' eventually 60 in_machine gw systemctl is-failed unbound

next
check 'it is told whom to believe' in_machine gw cosmos clone /srv/fleet.git --trust "$(introduction alice)" \
    --fqdn gw.example.org --tags 'v-*'
check 'one run makes it the resolver of its network' in_machine gw cosmos run
same 'both daemons run' 'active active' "$(in_machine gw systemctl is-active dnsmasq unbound | paste -sd' ')"
exits 'a second run' 0 in_machine gw cosmos run
quiet 'has nothing to do'

# A real client asks for its address first; the names are asked at the server that it was given.
cat > "$client/root/lease" << 'E'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
echo "$ip $router $dns $search"
E
printf '#!/bin/sh\necho "$new_dhcp6_name_servers"\n' > "$client/root/lease6"
chmod 0755 "$client/root/lease" "$client/root/lease6"
check 'a client gets an address by DHCP' in_machine client udhcpc -i eth0 -n -q -f -t 30 -T 2 -x hostname:laptop \
    -O search -s /root/lease
said 'with this host as its router and resolver' '^192\.0\.2\.1[0-5][0-9] 192\.0\.2\.1 192\.0\.2\.1 lan\.example$'
address=$(grep -o '^192[0-9.]*' "$WORK/said")
check 'a router is announced by IPv6' in_machine client rdisc6 -1 -r 30 eth0
said 'with the resolver' 'Recursive DNS server *: 2001:db8:1::1$'
check 'the client made itself an address' eventually 60 sh -c \
    "ip -n $PREFIX-client -6 address show dev eth0 | grep 'inet6 2001:db8:1:'"
check 'DHCPv6 answers' in_machine client timeout 120 dhclient -6 -S -1 -d -sf /root/lease6 -lf /root/l -pf /root/p eth0
said 'with the resolver, too' '^2001:db8:1::1$'

asks() { in_machine client dig "@${server:-192.0.2.1}" +tries=3 +time=10 "$@"; }
# answers WORDS NAME PATTERN: what the resolver says of a name, status and flags in one line, then the answers.
answers() {
    asks "$2" "${@:4}" | sed -n 's/.*status: \([A-Z]*\),.*/\1/p; s/^;; flags: \([a-z ]*\);.*/\1/p; s/^; EDE: //p; s/.*\sIN\s\(A\|AAAA\|PTR\)\s/\1 /p' |
        grep -v '^;' | paste -sd' ' > "$WORK/said"
    said "$1" "$3"
}
answers 'a signed name is answered as authentic' www.example '^NOERROR qr rd ra ad A 203\.0\.113\.80$'
answers 'a bogus one is refused, and the reason given' www.bogus '^SERVFAIL qr rd ra 6 \(DNSSEC Bogus\).*signature crypto failed'
answers 'an unsigned answer of a signed zone is a forgery' www.stripped '^SERVFAIL qr rd ra 9 \(DNSKEY Missing\)'
answers 'an unsigned zone is answered, but not as authentic' www.unsigned '^NOERROR qr rd ra A 203\.0\.113\.80$'
answers 'an address of this network does not come from outside' inside.unsigned '^(SERVFAIL|NOERROR) qr rd ra( [0-9].*)?$'
answers 'a name of the network is answered' wiki.lan.example '^NOERROR qr aa rd ra A 192\.0\.2\.20$'
answers 'the client is found by the name it gave' laptop.lan.example "^NOERROR qr rd ra A $address\$"
answers 'and by its address' -x "^NOERROR qr rd ra PTR laptop\.lan\.example\.\$" "$address"
answers 'so is this host' gw.lan.example '^NOERROR qr rd ra A 192\.0\.2\.1$'
# Until an address has been found unique, the client asks from another one, which is not of this network.
check 'no other host has the address' eventually 60 sh -c \
    "! ip -n $PREFIX-client -6 address show dev eth0 tentative | grep -q inet6"
server=2001:db8:1::1 answers 'all this by IPv6 as well' www.example '^NOERROR qr rd ra ad A 203\.0\.113\.80$'
exits 'nothing listens on other addresses' 9 in_machine world dig @203.0.113.2 +tries=1 +time=2 www.example
same 'the host asks itself' '203.0.113.80' "$(in_machine gw getent ahostsv4 www.example | awk 'NR == 1 { print $1 }')"

# The plugin remembers figures for some minutes; its first ones are from before there was anything to count.
find "$gw/var/lib/munin-node/plugin-state" -name unbound.state -delete
check 'munin gets figures' in_machine gw munin-run unbound_munin_hits
said 'of what was asked' '^t_n_queries\.value [1-9]'
check "without root: Unbound's socket belongs to its group" in_machine gw sh -c \
    '[ "$(stat -c "%a %G" /run/unbound.ctl)" = "660 unbound" ]'
check 'for each graph' in_machine gw sh -c \
    'for plugin in /etc/munin/plugins/unbound_munin_*; do munin-run "${plugin##*/}" > /dev/null || exit; done'

# The key of the root, as it is looked at before each start.
check "the root's key is looked at" in_machine gw sh -c \
    "$(sed -n '/unbound-anchor/s/^ *//p' "$gw/etc/systemd/system/unbound.service.d/anchor.conf") -v"
said 'and fits' 'success: the anchor is ok'

# One parameter at a time.
pids() { in_machine gw systemctl show --value --property MainPID dnsmasq unbound | grep . | paste -sd' '; }
was=($(pids))
next 'log-queries = true'
check 'a query log is switched on' in_machine gw cosmos run
now=($(pids))
same 'by a reload of Unbound alone' "${was[*]}" "${now[*]}"
asks www.unsigned > /dev/null
check 'and it logs' eventually 60 sh -c "nsenter -t $(cat "$WORK/machine/gw/leader") -a journalctl -u unbound | grep 'www.unsigned. A IN'"
next 'log-queries = true' 'ranges = [{ from = "192.0.2.100", to = "192.0.2.160" }]'
check 'a longer DHCP range' in_machine gw cosmos run
now=($(pids))
same 'leaves Unbound alone' "${was[1]}" "${now[1]}"
check 'and restarts dnsmasq' test "${was[0]}" != "${now[0]}"
was=($(pids))
next 'addresses = ["192.0.2.1/24", "2001:db8:1::1/64", "203.0.113.2/24"]'
check 'one more address' in_machine gw cosmos run
now=($(pids))
check 'restarts Unbound' test "${was[1]}" != "${now[1]}"
same 'which answers there' 203.0.113.80 "$(in_machine world dig @203.0.113.2 +short www.example)"

# A forwarder that lies.
next 'forwarders = [{ address = "198.51.100.66" }]'
check 'a forwarder is set' in_machine gw cosmos run
answers 'its unsigned answer for a signed zone is refused' www.example '^SERVFAIL qr rd ra [0-9]+ \('
answers 'what it may say is passed on' www.unsigned '^NOERROR qr rd ra A 203\.0\.113\.80$'

# A forwarder that is asked by TLS, and by nothing else; the host knows who certified it.
mkdir -p "$gw/usr/local/share/ca-certificates"
check 'a certificate is made' authority
cp "$WORK/tls/ca.pem" "$gw/usr/local/share/ca-certificates/test.crt"
check 'the host is told of its authority' in_machine gw update-ca-certificates
check 'whom it believes is read when it starts' in_machine gw systemctl restart unbound
cp "$WORK/tls/server.key" "$WORK/tls/server.pem" "$(root_of world)/srv/"
cat > "$(root_of world)/srv/tls.conf" << 'E'
server:
    interface: 198.51.100.67@853
    tls-service-key: /srv/server.key
    tls-service-pem: /srv/server.pem
    access-control: 0.0.0.0/0 allow
    module-config: iterator
    pidfile: ""
    chroot: ""
    username: ""
E
ip -n "$PREFIX-world" address add 198.51.100.67/32 dev lo
check 'a resolver speaks TLS' in_machine world unbound -c /srv/tls.conf
next 'forwarders = [{ address = "198.51.100.67", tls-name = "git.test" }]'
check 'a forwarder by TLS is set' in_machine gw cosmos run
answers 'what comes from there is checked as well' www.example '^NOERROR qr rd ra ad A 203\.0\.113\.80$'
answers 'and passed on' www.unsigned '^NOERROR qr rd ra A 203\.0\.113\.80$'
next 'forwarders = [{ address = "198.51.100.67", tls-name = "other.test" }]'
exits 'a forwarder that is somebody else resolves nothing' 1 in_machine gw cosmos run
said 'which the probe sees' 'the resolver'
check 'the settings from before are back' grep 'git\.test' "$gw/etc/unbound/unbound.conf.d/cosmos.conf"
answers 'and resolve' www.example '^NOERROR qr rd ra ad A 203\.0\.113\.80$'

# Addresses by DHCPv6, behind the prefix that the interface has.
next 'ipv6 = "dhcp"' 'range6 = { from = "::100", to = "::1ff" }'
check 'DHCPv6 is to give addresses' in_machine gw cosmos run
printf '#!/bin/sh\necho "$new_ip6_address $new_dhcp6_name_servers" >> /root/given6\n' > "$client/root/lease6"
check 'a client asks for one' in_machine client timeout 120 dhclient -6 -1 -sf /root/lease6 -lf /root/m -pf /root/q eth0
cp "$client/root/given6" "$WORK/said"
said 'and gets it with the resolver' '^2001:db8:1::1[0-9a-f]{2} 2001:db8:1::1$'

# What an operator may get wrong.
next
check 'back to the beginning' in_machine gw cosmos run
before=$(cd "$gw/etc" && find . -type f -exec sha256sum {} + | sort) was=$(pids)
# refused WORDS PATTERN LINE...: a release with these lines is refused and touches nothing.
refused() {
    local words=$1 pattern=$2
    shift 2
    next "$@"
    exits "$words" 1 in_machine gw cosmos run
    said 'the message names it' "$pattern"
    same 'and the host is untouched' "$before $was" "$(cd "$gw/etc" && find . -type f -exec sha256sum {} + | sort) $(pids)"
}
refused 'a value of the wrong type is refused' 'dns-resolver.addresses' 'addresses = "192.0.2.1"'
refused 'an interface that is not there is refused' "no interface 'lan7'" 'lan = "lan7"'
refused 'a range outside the network is refused' '198.51.100.9 is in no network' \
    'ranges = [{ from = "198.51.100.2", to = "198.51.100.9" }]'
refused 'ranges that overlap are refused' 'two DHCP ranges overlap' \
    'ranges = [{ from = "192.0.2.20", to = "192.0.2.60" }, { from = "192.0.2.60", to = "192.0.2.70" }]'
refused 'a range that is backwards is refused' 'is backwards' 'ranges = [{ from = "192.0.2.9", to = "192.0.2.2" }]'
refused 'the whole internet is refused' 'takes open-resolver = true' 'allow = ["0.0.0.0/0"]'
refused 'an address outside the network is refused' "of 'printer' is in no IPv4 network" \
    'leases.printer = { mac = "02:00:00:00:00:07", address = "198.51.100.7" }'
refused 'a hardware address that is none is refused' 'is no hardware address' \
    'leases.printer = { mac = "02-00-00-00-00-07", address = "192.0.2.10" }'
refused 'IPv6 without an address of it is refused' 'and there is none' 'addresses = ["192.0.2.1/24"]'
refused 'an unknown parameter is refused' "no parameter 'colour'" 'colour = "red"'
check 'another program listens' in_machine gw systemd-run --quiet --unit=squatter dnsmasq --keep-in-foreground --conf-file=/dev/null \
    --no-resolv --bind-interfaces --listen-address=203.0.113.2 --pid-file=
check 'at the port of resolvers' eventually 60 in_machine gw sh -c "ss -Hltn 'src 203.0.113.2:53' | grep -q ."
refused 'a port that another program holds is refused' \
    "port 53 is held by 'squatter.service' on this host \(203\.0\.113\.2:53\), and 'unbound' of layer 'built-in/dns-resolver' wants it" \
    'addresses = ["192.0.2.1/24", "2001:db8:1::1/64", "203.0.113.2/24"]'
in_machine gw systemctl stop squatter
